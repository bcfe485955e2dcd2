/*
 * CSV as RFC 4180 has it, and as shops write it: LF or CRLF, a quote opens a field only at the field's start, text
 * behind a closing quote belongs to the field, empty lines are no rows. Our own reader, because a row must keep its
 * original text and line number and a bad row must not take its neighbours with it; `npm run bench` compares it with
 * uDSV, PapaParse and csv-parse in both.
 */
const QUOTE = 34;
const COMMA = 44;
const LF = 10;
const CR = 13;

/** The text ended within quotes that were opened in line `line`, counted from 1. */
export class UnterminatedQuote extends Error {
  override readonly name = 'UnterminatedQuote';
  constructor(readonly line: number) {
    super(`a quote that opens in line ${line} is never closed`);
  }
}

/** One row as it stands in the text: without its line end, which may be inside quotes. */
export interface RawRow {
  /** Where the row starts in the text. */
  readonly start: number;
  /** Where the row's line end starts, or the text ends. */
  readonly end: number;
  /** The line that the row starts in, the text's first being `firstLine`. */
  readonly line: number;
}

/**
 * Walks over the rows of a CSV text without reading their values.
 * With `open` true the text may go on: a last row without a line end is left for the next piece. With `quotes` false
 * they mean nothing, as between the lines of NDJSON.
 * @throws UnterminatedQuote when the text ends within quotes and is not open
 */
export class CsvRows {
  private at = 0;
  private nextQuote: number;

  constructor(
    private readonly text: string,
    private line = 1,
    private readonly open = false,
    quotes = true,
  ) {
    this.nextQuote = quotes ? text.indexOf('"') : -1;
  }

  /** Where the row after the last one returned starts. */
  get position(): number {
    return this.at;
  }

  /** The line that `position` is in. */
  get currentLine(): number {
    return this.line;
  }

  next(): RawRow | undefined {
    const { text } = this;
    while (this.at < text.length) {
      const start = this.at;
      let lineEnd = text.indexOf('\n', start);
      let lines = 1;
      if (this.nextQuote !== -1 && this.nextQuote < start) this.nextQuote = text.indexOf('"', start);
      if (this.nextQuote !== -1 && (lineEnd === -1 || this.nextQuote < lineEnd)) {
        const closed = this.endOfQuotedRow(start);
        if (closed === undefined) return undefined;
        lineEnd = closed;
        lines = lineEnd === -1 ? 1 : countLines(text, start, lineEnd);
      }
      if (lineEnd === -1 && this.open) return undefined;
      const stop = lineEnd === -1 ? text.length : lineEnd;
      let end = stop; // all of \r\r\n is one line end, as careless text modes write it
      while (end > start && text.charCodeAt(end - 1) === CR) end--;
      const line = this.line;
      this.at = lineEnd === -1 ? text.length : lineEnd + 1;
      this.line += lines;
      if (end > start) return { start, end, line };
    }
    return undefined;
  }

  /** The line end that closes the row, -1 at the end of the text, undefined when an open text may go on. */
  private endOfQuotedRow(start: number): number | undefined {
    const { text } = this;
    let at = start;
    for (;;) {
      if (text.charCodeAt(at) === QUOTE) {
        const opened = at;
        at = closingQuote(text, at + 1);
        if (at === -1) {
          if (this.open) return undefined;
          throw new UnterminatedQuote(this.line + countLines(text, start, opened) - 1);
        }
        at++;
      }
      while (at < text.length && text.charCodeAt(at) !== COMMA && text.charCodeAt(at) !== LF) at++;
      if (at >= text.length) return -1;
      if (text.charCodeAt(at) === LF) return at;
      at++;
    }
  }
}

const SHORT_ROW = 1024;

/** Splits one row's text (as CsvRows found it) into its fields, or the first `most` of them, quotes undone. */
export function csvFields(row: string, most?: number): string[] {
  // Without a limit split is much faster; a row so short cannot have many fields.
  if (!row.includes('"')) return row.length < SHORT_ROW ? row.split(',') : row.split(',', most);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (row.charCodeAt(at) === QUOTE) {
      const close = closingQuote(row, at + 1);
      const stop = close === -1 ? row.length : close;
      field = row.slice(at + 1, stop).replaceAll('""', '"');
      at = stop + 1;
    }
    const comma = row.indexOf(',', at);
    field += row.slice(at, comma === -1 ? row.length : comma);
    fields.push(field);
    if (comma === -1 || fields.length === most) return fields;
    at = comma + 1;
  }
}

/** Where the quote is that is not doubled, -1 when there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2);
  return at;
}

function countLines(text: string, start: number, end: number): number {
  let lines = 1;
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
