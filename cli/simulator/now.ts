import { csvRecord } from './csv';
import { eventColumns, events } from './events';
import type { ShopBook } from './index';
import { transactionColumns, transactions } from './transactions';

/** Rows that are sent together: an invoice with its lines, or one click. */
type Unit = (now: Date) => readonly string[];

/** A shop of a year's half million rows: how its days look, whatever the rate. */
const LIKE_ROWS = 500_000;

/**
 * What is written down in a shop that is open right now, unit by unit, without end; each is dated when it is asked for.
 * Invoices are of this run alone, so that a second run on the same day sells anew.
 */
export function* nowIn(book: ShopBook, run: number): Generator<Unit> {
  const units = book === 'transactions' ? soldNow(run) : seenNow(run);
  yield* units;
}

export const headerOf = (book: ShopBook): string =>
  csvRecord(book === 'transactions' ? transactionColumns : eventColumns);

function* soldNow(run: number): Generator<Unit> {
  let lines: string[][] = [];
  for (const line of transactions(LIKE_ROWS, run)) {
    if (lines.length > 0 && line[0] !== lines[0]![0]) {
      yield invoice(lines, run);
      lines = [];
    }
    lines.push(line);
  }
}

const invoice =
  (lines: readonly string[][], run: number): Unit =>
  (now) =>
    lines.map(([no, code, description, quantity, , ...rest]) =>
      csvRecord([no!.replace(/\d+/, (n) => `${run}${n}`), code!, description!, quantity!, timeOf(now), ...rest]),
    );

function* seenNow(run: number): Generator<Unit> {
  for (const [, ...rest] of events(LIKE_ROWS, run)) yield (now) => [csvRecord([`${timeOf(now)} UTC`, ...rest])];
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. */
const timeOf = (now: Date): string => now.toISOString().slice(0, 19).replace('T', ' ');
