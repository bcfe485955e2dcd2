import { claimLines } from '../domain/invoice';
import type { KeptRow, Row } from '../domain/outcome';
import { type Ports, Unavailable } from './ports';

/** What a chunk got. */
export interface Claimed {
  readonly claimed: readonly KeptRow[];
  readonly duplicates: number;
  readonly opening: ReadonlySet<string>;
}

/** More conflicts in a row than this are no neighbours but a fault; the stream tries again later. */
const MOST_ROUNDS = 50;

/**
 * Claims rows in the Invoices table for a chunk: reads the invoices, adds what is new under their versions, and where
 * another chunk was faster reads again. Two chunks that meet on an invoice cannot both count a line; a second try
 * counts what the first one counted. The rows that are the chunk's, in their order, and the line_ids of those that are the
 * first line of their invoice.
 */
export async function claim(
  chunk_id: string,
  rows: readonly KeptRow[],
  invoiceOf: (row: Row) => string,
  invoices: Ports['invoices'],
): Promise<Claimed> {
  let open = Map.groupBy(rows, ({ row }) => invoiceOf(row));
  const claimed = new Set<string>();
  const opening = new Set<string>();
  let duplicates = 0;
  for (let round = 0; open.size > 0; round++) {
    if (round === MOST_ROUNDS)
      throw new Unavailable(`${open.size} invoices of ${chunk_id} are written by others all the time`);
    const stored = await invoices.read([...open.keys()]);
    const claims = [...open].map(([invoice_no, lines]) => ({
      invoice_no,
      ...claimLines(invoice_no, stored.get(invoice_no) ?? [], lines, chunk_id),
    }));
    const conflicts = new Set(await invoices.write(claims.flatMap(({ writes }) => writes)));
    for (const won of claims.filter(({ invoice_no }) => !conflicts.has(invoice_no))) {
      for (const { line_id } of won.claimed) claimed.add(line_id);
      if (won.opening !== undefined) opening.add(won.opening);
      duplicates += won.duplicates;
    }
    open = new Map([...open].filter(([invoice_no]) => conflicts.has(invoice_no)));
  }
  return { claimed: rows.filter(({ line_id }) => claimed.has(line_id)), duplicates, opening };
}
