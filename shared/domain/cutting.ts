import { CsvRows, csvFields } from './csv';
import type { Dataset, RowFormat } from './dataset';

/** A slice of a text, cut between rows. Offsets count UTF-16 units of the decoded text. */
export interface Slice {
  readonly start: number;
  readonly end: number;
  /** Line that the slice's first row starts in. */
  readonly first_line: number;
  readonly rows: number;
}

/** A row within a text, as a chunk's reader needs it. */
export interface RowText {
  readonly text: string;
  readonly line: number;
}

/** What a chunk is cut to: about 512 KB of text, and for tiny rows a bounded number of them. */
export const CHUNK_CHARACTERS = 512 * 1024;
export const CHUNK_ROWS = 10_000;

/** Walks over rows by their borders. @throws UnterminatedQuote for CSV */
export interface RowBorders {
  next(): { readonly start: number; readonly end: number; readonly line: number } | undefined;
}

/** The rows of a text in either format; `firstLine` is the number of the text's first line. */
export function rowBorders(text: string, format: RowFormat, firstLine = 1): RowBorders {
  return format === 'csv' ? new CsvRows(text, firstLine) : new Lines(text, firstLine);
}

/** Non-blank lines; JSON has its line ends outside of strings only, so a line is a row. */
class Lines implements RowBorders {
  private at = 0;

  constructor(
    private readonly text: string,
    private line: number,
  ) {}

  next() {
    const { text } = this;
    while (this.at < text.length) {
      const start = this.at;
      const found = text.indexOf('\n', start);
      const end = found === -1 ? text.length : found;
      const line = this.line;
      this.at = end + 1;
      this.line++;
      if (text.slice(start, Math.min(end, start + 64)).trim() !== '' || text.slice(start, end).trim() !== '') {
        return { start, end, line };
      }
    }
    return undefined;
  }
}

/** A header of more characters is none: it is named by its beginning. */
const MOST_HEADER = 64 * 1024;

/** A contract has up to 200 columns: with one field more, a header has one that is unknown or repeated. */
const MOST_FIELDS = 201;

/** A CSV text's header row and where the rows start, undefined when there is no row at all. */
export function csvHeader(text: string): { fields: string[]; end: number; nextLine: number } | undefined {
  const rows = new CsvRows(text);
  const header = rows.next();
  return (
    header && {
      fields: csvFields(text.slice(header.start, Math.min(header.end, header.start + MOST_HEADER)), MOST_FIELDS),
      end: rows.position,
      nextLine: rows.currentLine,
    }
  );
}

/** How to cut: where the rows stand, and what is kept together. */
export interface CutOptions {
  readonly format: RowFormat;
  readonly columns: readonly string[];
  readonly firstLine: number;
  readonly characters?: number;
  readonly rows?: number;
  /** The share by which a chunk may grow so as not to cut through an invoice. */
  readonly stretch?: number;
}

/**
 * Cuts a text of rows into slices of about `characters`, between invoices where that costs little: a slice grows by
 * up to `stretch` while the next row belongs to the invoice of the one before. @throws UnterminatedQuote
 */
export function cut(text: string, dataset: Dataset, options: CutOptions): Slice[] {
  const { format, columns, characters = CHUNK_CHARACTERS, rows: most = CHUNK_ROWS, stretch = 0.25 } = options;
  const together = dataset.contract.claim?.by;
  const peek = together ? dataset.peek(format, columns, together) : undefined;
  const borders = rowBorders(text, format, options.firstLine);
  const slices: Slice[] = [];
  let open: { start: number; end: number; first_line: number; rows: number } | undefined;
  let last = { start: 0, end: 0 };

  for (let row = borders.next(); row; row = borders.next()) {
    const full = open && (row.end - open.start > characters || open.rows >= most);
    if (open && full) {
      const room = row.end - open.start <= characters * (1 + stretch) && open.rows < most * (1 + stretch);
      const same = room && peek?.(text.slice(row.start, row.end)) === peek?.(text.slice(last.start, last.end));
      if (!peek || !same) {
        slices.push(open);
        open = undefined;
      }
    }
    if (open) {
      open.end = row.end;
      open.rows++;
    } else open = { start: row.start, end: row.end, first_line: row.line, rows: 1 };
    last = row;
  }
  if (open) slices.push(open);
  return slices;
}

/** Every row of a chunk's text with its line. */
export function* rowsOf(text: string, format: RowFormat, firstLine: number): Generator<RowText> {
  const borders = rowBorders(text, format, firstLine);
  for (let row = borders.next(); row; row = borders.next()) {
    yield { text: text.slice(row.start, row.end), line: row.line };
  }
}
