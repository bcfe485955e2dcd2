import { datasetNamed, LIMITS, withQuotesClosed } from './body';
import { decodeText, type NotInCharset } from './charset';
import type { RejectedRow } from './clean';
import { normalizeHeader } from './contract';
import { CsvRows, csvFields } from './csv';
import type { Dataset } from './dataset';
import type { BatchHead } from './ledger';
import { Problem } from './problem';
import { oneRow } from './redrive';

/*
 * Refused rows as a table for people, and the corrected table back as rows. The table is CSV (RFC 4180, CRLF) in UTF-8
 * with a byte order mark, without which Excel takes it for the machine's own charset. Values stand as they came: nothing
 * is put before = + - @, since it would come back as a part of the value.
 */
export type EditedBatch = Pick<BatchHead, 'dataset' | 'format' | 'columns'>;

/** Refused rows of a chunk. */
export interface RefusedOf {
  readonly chunk_id: string;
  readonly rows: readonly RejectedRow[];
}

/** Texts that corrected rows have now, by chunk and line. */
export type Corrections = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** What stands before a row's values: where it came from, and why it was refused. */
const BEFORE = ['chunk', 'line', 'reason', 'field'] as const;
/** What stands behind them: the row itself, if it cannot be split into values. */
const TEXT = 'text';
const OURS: readonly string[] = [...BEFORE, TEXT];

const MARK = '\ufeff';
const SAVE_AS = 'Save it as CSV in UTF-8, with commas between the cells ("CSV UTF-8" in Excel).';

/** Columns of a batch as the table names them; a contract's own `line` is not ours. */
const headingsOf = (names: readonly string[]) => names.map((name) => (OURS.includes(name) ? `row.${name}` : name));

const namesOf = ({ format, columns }: EditedBatch, { contract }: Dataset): readonly string[] =>
  format === 'csv' ? columns : contract.columns.map(({ name }) => name);

const NEEDS_QUOTES = /[",\r\n]/;
const csvRecord = (cells: readonly string[]): string =>
  cells.map((cell) => (NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');

/** A row as a table has it: its values, or its text where it has none. */
interface Cells {
  readonly values: readonly string[];
  readonly text: string;
}

function cellsOf(batch: EditedBatch, dataset: Dataset): (text: string) => Cells {
  const split = dataset.split(batch.format, batch.columns);
  const none = namesOf(batch, dataset).map(() => '');
  return (text) => {
    const values = split(text);
    // Half a surrogate pair, which JSON can write, is lost in UTF-8.
    return values?.every((value) => value.isWellFormed()) ? { values, text: '' } : { values: none, text };
  };
}

/** The refused rows of a batch as a table, in the order given. @throws Problem too_large when it could not be taken back */
export function tableOf(batch: EditedBatch, refused: Iterable<RefusedOf>): string {
  const dataset = datasetNamed(batch.dataset);
  const cells = cellsOf(batch, dataset);
  const lines = [csvRecord([...BEFORE, ...headingsOf(namesOf(batch, dataset)), TEXT])];
  let bytes = 0;
  for (const { chunk_id, rows } of refused) {
    for (const { line, reason, field, text: original } of rows) {
      const { values, text } = cells(original);
      const written = csvRecord([chunk_id, String(line), reason, field, ...values, text]);
      bytes += Buffer.byteLength(written);
      if (lines.push(written) > LIMITS.rows + 1 || bytes > LIMITS.textBytes - MOST_HEADER) throw tooLarge();
    }
  }
  return `${MARK}${lines.join('\r\n')}\r\n`;
}

/** Room for the header, and for the line ends of a million rows. */
const MOST_HEADER = 4 * 1024 * 1024;

const tooLarge = () =>
  new Problem(
    'too_large',
    `A table to be edited has at most ${LIMITS.rows} rows and ${LIMITS.textBytes} bytes: take the rows of one reason at a time.`,
    { limit: LIMITS.rows },
  );

/**
 * What was corrected in a table that `tableOf` wrote. Rows may be left out or stand in another order, and so may
 * columns; a row that says what it said is no correction. `refused` may name a row more than once, with the texts that it
 * had; of one that it does not name, whatever is said is a correction. @throws Problem naming the line of the table
 */
export function correctionsIn(bytes: Uint8Array, batch: EditedBatch, refused: Iterable<RefusedOf>): Corrections {
  const dataset = datasetNamed(batch.dataset);
  const table = new Table(textOf(bytes), namesOf(batch, dataset));
  const cells = cellsOf(batch, dataset);
  const before = new Map<string, string[]>();
  for (const { chunk_id, rows } of refused) {
    for (const { line, text } of rows) {
      const key = `${chunk_id} ${line}`;
      before.set(key, [...(before.get(key) ?? []), text]);
    }
  }

  const corrections = new Map<string, Map<number, string>>();
  const seen = new Map<string, number>();
  for (const row of table.rows()) {
    const key = `${row.chunk_id} ${row.line}`;
    const first = seen.get(key);
    if (first !== undefined)
      throw row.wrong(`is the same row as line ${first}: chunk ${row.chunk_id}, line ${row.line}`);
    seen.set(key, row.at);
    const now = corrected(row, before.get(key) ?? [], cells, batch, dataset);
    if (now === undefined) continue;
    const ofChunk = corrections.get(row.chunk_id) ?? new Map<number, string>();
    corrections.set(row.chunk_id, ofChunk.set(row.line, now));
  }
  return corrections;
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > LIMITS.textBytes) throw tooLarge();
  try {
    return decodeText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 'utf-8');
  } catch (cause) {
    const { offset } = cause as NotInCharset;
    throw new Problem('not_in_charset', `Byte ${offset} of the table is not UTF-8. ${SAVE_AS}`, { offset }, { cause });
  }
}

/** A row of the table as it came back. */
interface TableRow {
  /** Line of the table that it starts in. */
  readonly at: number;
  readonly chunk_id: string;
  readonly line: number;
  /** Undefined where the row ends before: spreadsheets leave out empty cells at a row's end. */
  readonly values: readonly (string | undefined)[];
  readonly text: string;
  wrong(what: string): Problem;
}

class Table {
  private readonly walk: CsvRows;
  private readonly at: ReadonlyMap<string, number>;
  private readonly width: number;
  private readonly headings: readonly string[];

  constructor(
    private readonly csv: string,
    names: readonly string[],
  ) {
    this.walk = new CsvRows(csv);
    this.headings = headingsOf(names);
    const header = this.next();
    if (!header) throw new Problem('empty_body', 'The table is empty.');
    const fields = csvFields(header.text, OURS.length + names.length + 1);
    this.width = fields.length;
    this.at = columnsOf(fields, this.headings);
  }

  *rows(): Generator<TableRow> {
    let rows = 0;
    for (let row = this.next(); row; row = this.next()) {
      const cells = csvFields(row.text, this.width + 1);
      if (cells.every((cell) => cell === '')) continue; // a row that was emptied
      if (++rows > LIMITS.rows) throw tooLarge();
      yield this.rowOf(cells, row.line);
    }
  }

  private rowOf(cells: readonly string[], at: number): TableRow {
    const wrong = (what: string) => new Problem('invalid_parameter', `Line ${at} of the table ${what}.`, { line: at });
    if (cells.length > this.width) throw wrong(`has more cells than the header, which has ${this.width}`);
    const cell = (name: string) => cells[this.at.get(name)!];
    const chunk_id = cell('chunk')?.trim() ?? '';
    const line = cell('line')?.trim() ?? '';
    if (!/^[\w-]{1,100}$/.test(chunk_id)) throw wrong(`names no chunk ("${chunk_id.slice(0, 64)}")`);
    if (!/^[1-9]\d{0,9}$/.test(line)) throw wrong(`names no line of the batch ("${line.slice(0, 64)}")`);
    const values = this.headings.map(cell);
    return { at, chunk_id, line: Number(line), values, text: cell(TEXT) ?? '', wrong };
  }

  private next(): { readonly text: string; readonly line: number } | undefined {
    const row = withQuotesClosed(() => this.walk.next());
    return row && { text: this.csv.slice(row.start, row.end), line: row.line };
  }
}

/** Where each column stands. Why a row was refused need not come back. @throws Problem */
function columnsOf(fields: readonly string[], headings: readonly string[]): ReadonlyMap<string, number> {
  const accepted = [...BEFORE, ...headings, TEXT];
  const spelled = new Map(accepted.map((name) => [normalizeHeader(name), name]));
  const wrong = (code: 'unknown_column' | 'missing_column' | 'repeated_column', column: string, what: string) =>
    new Problem(code, `Line 1 of the table ${what} "${column.slice(0, 64)}". ${SAVE_AS}`, {
      line: 1,
      column: column.slice(0, 64),
      accepted,
    });
  const at = new Map<string, number>();
  for (const [i, field] of fields.entries()) {
    const name = spelled.get(normalizeHeader(field));
    if (name === undefined) throw wrong('unknown_column', field, 'names a column that is none of the batch:');
    if (at.has(name)) throw wrong('repeated_column', name, 'names a column twice:');
    at.set(name, i);
  }
  const absent = accepted.find((name) => !at.has(name) && name !== 'reason' && name !== 'field');
  if (absent !== undefined) throw wrong('missing_column', absent, 'lacks the column');
  return at;
}

/** Editors write line ends in their own way. */
const LINE_ENDS = /\r\n?/g;
const isSame = (a: string, b: string) => a === b || a.replace(LINE_ENDS, '\n') === b.replace(LINE_ENDS, '\n');

/** A text that was corrected may be one that can be split by now, and stand in the table as a text still. */
const isUnchanged = (row: TableRow, whole: string, { values, text }: Cells): boolean =>
  row.values.every((value, i) => isSame(value ?? '', row.text === '' ? values[i]! : '')) &&
  isSame(row.text, row.text === '' ? text : whole);

/** The text of a row that says something else than before; undefined where it does not. @throws Problem */
function corrected(
  row: TableRow,
  before: readonly string[],
  cells: (text: string) => Cells,
  batch: EditedBatch,
  dataset: Dataset,
): string | undefined {
  if (before.some((one) => isUnchanged(row, one, cells(one)))) return undefined;
  const last = before.length > 0 ? cells(before.at(-1)!) : undefined;
  const values = row.values.map((value, i) => {
    const was = last?.values[i];
    if (value === undefined && was !== undefined && was !== '') throw row.wrong('ends before its last value');
    return was !== undefined && isSame(value ?? '', was) ? was : (value ?? '');
  });
  const empty = values.every((value) => value === '');
  if (row.text !== '' && !empty) throw row.wrong(`has both values and a ${TEXT}: empty one of them`);
  if (row.text === '' && empty)
    throw row.wrong(`has neither values nor a ${TEXT}: leave it out if it is not corrected`);

  const now = row.text === '' ? written(values, batch, dataset) : oneRow(row.text, batch.format);
  if (now === undefined) throw row.wrong(`has a ${TEXT} that is not one row`);
  if (now.length > LIMITS.rowCharacters) throw row.wrong(`has over ${LIMITS.rowCharacters} characters`);
  return now;
}

function written(values: readonly string[], batch: EditedBatch, dataset: Dataset): string {
  if (batch.format === 'csv') return csvRecord(values);
  const names = namesOf(batch, dataset);
  return JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i] === '' ? null : values[i]])));
}
