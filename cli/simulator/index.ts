import { csvRecord } from './csv';
import { soiler } from './dirt';
import { eventColumns, events } from './events';
import { transactionColumns, transactions } from './transactions';

/** What a simulated shop writes down: data sets by their names. */
export const shopBooks = ['transactions', 'events'] as const;
export type ShopBook = (typeof shopBooks)[number];

export interface Simulation {
  dataset: ShopBook;
  /** Data records, without the header. */
  rows: number;
  /** The same seed, rows and options give the same text on every machine. */
  seed: string | number;
  /** The share of rows, 0 to 1, that is made unacceptable; 0 leaves the shop as it is. */
  dirty?: number;
}

const PIECE = 65_536;

/** A shop's rows as CSV text, in pieces of about 64 KB that end with a record; the header comes first. */
export function* simulate({ dataset, rows, seed, dirty = 0 }: Simulation): Generator<string> {
  const columns = dataset === 'transactions' ? transactionColumns : eventColumns;
  const source = dataset === 'transactions' ? transactions(rows, seed) : events(rows, seed);
  const soil = soiler(dataset, { rows, share: dirty, seed });
  let piece = csvRecord(columns);
  let left = rows;
  while (left > 0) {
    piece += csvRecord(soil(source.next().value));
    left--;
    if (piece.length >= PIECE) {
      yield piece;
      piece = '';
    }
  }
  if (piece !== '') yield piece;
}
