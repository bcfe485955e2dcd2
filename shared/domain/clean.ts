import { rowBorders } from './cutting';
import type { Dataset } from './dataset';
import type { KeptRow, Rejected } from './outcome';
import type { Chunk } from './packing';
import { isText } from './values';

/** A refused row with what is needed to mend it and send it through again. */
export interface RejectedRow extends Omit<Rejected, 'kind'> {
  /** Line of the batch (or of its file) that the row starts in. */
  readonly line: number;
  /** The row as it came. */
  readonly text: string;
}

/** A refused row; its members always stand in this order, so that what is stored can be compared as text. */
export const refusedRow = (
  line: number,
  text: string,
  { reason, field, cleaned }: Omit<Rejected, 'kind'>,
): RejectedRow => (cleaned ? { line, reason, field, text, cleaned } : { line, reason, field, text });

/** What the rows of one chunk say by themselves, before the stores are asked. */
export interface CleanedChunk {
  /** Rows that the contract accepts, each identity once, in the chunk's order. */
  readonly accepted: readonly KeptRow[];
  /** Rows that repeat an identity of this chunk. */
  readonly repeated: number;
  readonly rejected: readonly RejectedRow[];
}

/** Reads and judges every row of a chunk. Pure: the same chunk gives the same answer. */
export function cleanRows(chunk: Chunk, dataset: Dataset): CleanedChunk {
  const clean = dataset.cleaner(chunk.format, chunk.columns, isText(chunk.text));
  const seen = new Set<string>();
  const accepted: KeptRow[] = [];
  const rejected: RejectedRow[] = [];
  let repeated = 0;
  const borders = rowBorders(chunk.text, chunk.format, chunk.first_line);
  for (let row = borders.next(); row; row = borders.next()) {
    const text = chunk.text.slice(row.start, row.end);
    const verdict = clean(text);
    if (verdict.kind === 'rejected') rejected.push(refusedRow(row.line, text, verdict));
    else if (seen.size === seen.add(verdict.line_id).size) repeated++;
    else accepted.push(verdict);
  }
  return { accepted, repeated, rejected };
}
