import type { KeptRow, Row } from './outcome';

/** A line of an invoice as the Invoices table has it: the row, its identity, and the chunk that brought it. */
export interface InvoiceLine extends KeptRow {
  readonly chunk_id: string;
}

/**
 * One item of the Invoices table. A large invoice has several parts, filled in order; only the last one grows.
 * `version` counts writes and guards them: 0 has never been written.
 */
export interface InvoicePart {
  readonly invoice_no: string;
  /** Counted from 0. */
  readonly part: number;
  readonly version: number;
  readonly lines: readonly InvoiceLine[];
}

/** What a chunk got of an invoice, and the parts to write for it. */
export interface Claim {
  /** Rows that are this chunk's: new ones, and those that it claimed in an earlier try. */
  readonly claimed: readonly KeptRow[];
  /** Rows that another chunk brought before. */
  readonly duplicates: number;
  /** Parts that change, in the order in which they must be written; `version` is the one to be written. */
  readonly writes: readonly InvoicePart[];
  /** The line_id of the invoice's first line, when it is this chunk's: one chunk has it, whoever tries again. */
  readonly opening: string | undefined;
}

/** Lines stop being added to a part at this many bytes: far from DynamoDB's 400 KB, and cheap to write again. */
export const PART_BYTES = 64 * 1024;

/**
 * Claims rows of one invoice for a chunk. Lines that carry the chunk are its own (a retry), lines that carry another
 * one are duplicates, the rest are added behind. Each identity occurs once in `rows`.
 */
export function claimLines(
  invoice_no: string,
  parts: readonly InvoicePart[],
  rows: readonly KeptRow[],
  chunk_id: string,
): Claim {
  const owner = new Map<string, string>();
  for (const part of parts) for (const line of part.lines) owner.set(line.line_id, line.chunk_id);

  const claimed: KeptRow[] = [];
  const added: InvoiceLine[] = [];
  let duplicates = 0;
  for (const { line_id, row } of rows) {
    const chunk = owner.get(line_id);
    if (chunk !== undefined && chunk !== chunk_id) duplicates++;
    else {
      claimed.push({ line_id, row });
      if (chunk === undefined) added.push({ line_id, row, chunk_id });
    }
  }
  const first = parts[0]?.lines[0] ?? added[0];
  return {
    claimed,
    duplicates,
    writes: added.length === 0 ? [] : append(invoice_no, parts, added),
    opening: first?.chunk_id === chunk_id ? first.line_id : undefined,
  };
}

/** Puts lines behind the last part, and opens new parts when it is full. */
function append(invoice_no: string, parts: readonly InvoicePart[], lines: readonly InvoiceLine[]): InvoicePart[] {
  const last = parts.at(-1) ?? { invoice_no, part: 0, version: 0, lines: [] };
  const writes: InvoicePart[] = [];
  let open = { ...last, lines: [...last.lines] };
  let bytes = open.lines.reduce((sum, line) => sum + lineBytes(line.row), 0);
  let grown = false;
  for (const line of lines) {
    const size = lineBytes(line.row);
    if (open.lines.length > 0 && bytes + size > PART_BYTES) {
      if (grown) writes.push({ ...open, version: open.version + 1 });
      open = { invoice_no, part: open.part + 1, version: 0, lines: [] };
      bytes = 0;
    }
    open.lines.push(line);
    bytes += size;
    grown = true;
  }
  writes.push({ ...open, version: open.version + 1 });
  return writes;
}

/** About what a line takes in an item: its text in UTF-8, the identity, and what DynamoDB adds. */
function lineBytes(row: Row): number {
  let bytes = 40;
  for (const value of Object.values(row)) bytes += typeof value === 'string' ? Buffer.byteLength(value) + 3 : 6;
  return bytes;
}
