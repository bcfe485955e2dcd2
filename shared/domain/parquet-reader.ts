// Not the package's front door: on Node that one brings node:fs along.
import { parquetMetadataAsync } from 'hyparquet/src/metadata.js';
import { parquetReadColumn } from 'hyparquet/src/read.js';
import { type Column, decimalShape } from './contract';
import { type Dataset, rowMaker } from './dataset';
import { plainDecimal } from './money';
import type { KeptRow, Value } from './outcome';

/** A file that can be read at any place. */
export interface Readable {
  readonly byteLength: number;
  /** Bytes from `start` up to, and without, `end`; by default the rest. */
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** A kept row as landing has it. */
export interface LandedRow extends KeptRow {
  readonly batch_id: string;
}

/** A Parquet file that none of landing's writers makes of this contract. Says in what it differs. */
export class NotLanded extends Error {
  override readonly name = 'NotLanded';
}

type Metadata = Awaited<ReturnType<typeof parquetMetadataAsync>>;
/** A column's entry in a Parquet footer (parquet-format's SchemaElement). */
type Element = Metadata['schema'][number];
type Wanted = Pick<Column, 'name' | 'type' | 'nullable'>;
/** From what a column stores to its canonical value. */
type Read = (stored: unknown) => Value;

/** Files up to here are read in one piece: a request for each column would cost more than it saves. */
const ONE_PIECE = 8 * 1024 * 1024;
/** Most rows in an array: the columns of a row group are packed, its rows are not, and it may have a million. */
const BLOCK = 10_000;

const LINE_ID: Wanted = { name: 'line_id', type: 'string' };
const BATCH_ID: Wanted = { name: 'batch_id', type: 'string' };

/**
 * The rows of a file of the landing zone, values canonical as clean makes them, whichever writer it is from: ours,
 * Spark, or Firehose with Hive's SerDe (times as INT96, decimals as bytes). In arrays of at most 10,000 rows; the
 * columns of one row group at a time are in memory. Nothing passes through a binary float. A nullable column that the
 * file does not have, because it came later, is null.
 * @throws NotLanded when columns or values are not the contract's; Error when it is no Parquet, or a damaged one
 */
export async function* readLanded(file: Readable, { contract }: Dataset): AsyncGenerator<LandedRow[]> {
  const source = file.byteLength > ONE_PIECE ? file : await file.slice(0, file.byteLength);
  const metadata = await parquetMetadataAsync(source, { geoparquet: false });
  const wanted: readonly Wanted[] = [...contract.columns, LINE_ID, BATCH_ID];
  const elements = elementsOf(metadata, wanted);
  const bare: Metadata = { ...metadata, schema: metadata.schema.map(withoutMeaning) };
  const toRow = rowMaker(contract.columns.map(({ name }) => name));
  const lineId = contract.columns.length;
  const values = new Array<Value>(wanted.length); // filled anew for every row

  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const group = { file: source, metadata: bare, rowStart, rowEnd, utf8: false, parsers: PARSERS };
    const columns = await Promise.all(
      wanted.map((column, i) =>
        columnOf(column, elements[i], (name) => parquetReadColumn({ ...group, columns: [name] })),
      ),
    );
    for (let from = rowStart; from < rowEnd; from += BLOCK) {
      const rows: LandedRow[] = [];
      for (let at = from; at < Math.min(from + BLOCK, rowEnd); at++) {
        for (let i = 0; i < columns.length; i++) values[i] = columns[i]!(at - rowStart);
        rows.push({ line_id: values[lineId] as string, row: toRow(values), batch_id: values[lineId + 1] as string });
      }
      yield rows;
    }
    rowStart = rowEnd;
  }
}

/** Whose a landed row is, and which. */
export type Identity = Pick<LandedRow, 'line_id' | 'batch_id'>;

/**
 * Of each row of a landed file its identity alone, as readLanded does: of a large file these two columns are all that is
 * read, whatever others it has. @throws NotLanded, Error
 */
export async function* readIdentities(file: Readable): AsyncGenerator<Identity[]> {
  const source = file.byteLength > ONE_PIECE ? file : await file.slice(0, file.byteLength);
  const metadata = await parquetMetadataAsync(source, { geoparquet: false });
  const bare: Metadata = { ...metadata, schema: metadata.schema.map(withoutMeaning) };
  const elements = [LINE_ID, BATCH_ID].map(({ name }) => metadata.schema.find((element) => element.name === name));
  if (elements.includes(undefined)) throw new NotLanded('line_id or batch_id is missing');

  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows);
    const group = { file: source, metadata: bare, rowStart, rowEnd, utf8: false, parsers: PARSERS };
    const [lineId, batchId] = await Promise.all(
      [LINE_ID, BATCH_ID].map((column, i) =>
        columnOf(column, elements[i], (name) => parquetReadColumn({ ...group, columns: [name] })),
      ),
    );
    for (let from = 0; from < rowEnd - rowStart; from += BLOCK) {
      const identities: Identity[] = [];
      for (let at = from; at < Math.min(from + BLOCK, rowEnd - rowStart); at++)
        identities.push({ line_id: lineId!(at) as string, batch_id: batchId!(at) as string });
      yield identities;
    }
    rowStart = rowEnd;
  }
}

/** The wanted columns' entries in the footer; undefined where one that may be null is not there. */
function elementsOf({ schema }: Metadata, wanted: readonly Wanted[]): (Element | undefined)[] {
  const columns = schema.slice(1); // the first is the root
  // A newer version's column must not be lost to older code: what was read once is not read again.
  const stray = columns.find(({ name }) => !wanted.some((column) => column.name === name));
  if (stray) throw new NotLanded(`the contract has no column ${stray.name}`);
  return wanted.map(({ name, nullable }) => {
    const element = columns.find((column) => column.name === name);
    if (!element && !nullable) throw new NotLanded(`the column ${name} is missing`);
    return element;
  });
}

/** What stored values mean is decided here, digit by digit: hyparquet makes numbers and dates of decimals and times. */
const withoutMeaning = ({ converted_type, logical_type, ...element }: Element): Element => element;
const PARSERS = { timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds };

/** A column of a row group: from a row's place in it to its value. */
async function columnOf(
  { name, type, nullable }: Wanted,
  element: Element | undefined,
  load: (name: string) => Promise<ArrayLike<unknown>>,
): Promise<(at: number) => Value> {
  if (!element) return () => null;
  const read = readingOf(type, element);
  if (!read) {
    const { type: stored, converted_type } = element;
    throw new NotLanded(`${name} is stored as ${stored} ${converted_type ?? ''}, which is no ${type}`);
  }
  const stored = await load(name);
  const known = remembering(read);
  return (at) => {
    const value = stored[at] ?? null;
    if (value !== null) return known(value);
    if (!nullable) throw new NotLanded(`${name} is null`);
    return null;
  };
}

function readingOf(type: string, { type: stored, converted_type, logical_type, scale = 0 }: Element): Read | undefined {
  if (type === 'string') return stored === 'BYTE_ARRAY' ? (value) => utf8.decode(value as Uint8Array) : undefined;
  if (type === 'int') return stored === 'INT32' ? (value) => value as number : undefined;
  if (type === 'timestamp') {
    if (stored === 'INT96') return (value) => time((value as bigint) / 1000n);
    const zoneless = logical_type?.type === 'TIMESTAMP' && !logical_type.isAdjustedToUTC;
    return converted_type === 'TIMESTAMP_MICROS' && !zoneless ? (value) => time(value as bigint) : undefined;
  }
  if (converted_type !== 'DECIMAL' || scale > decimalShape(type).scale) return undefined;
  if (stored === 'INT32' || stored === 'INT64') return (value) => plainDecimal(BigInt(value as bigint), scale);
  return (value) => plainDecimal(signed(value as Uint8Array), scale);
}

/** Values that a column remembers. */
const REMEMBERED = 8192;

/** What a dictionary holds comes again and again, texts as the same object each time. */
function remembering(read: Read): Read {
  const known = new Map<unknown, Value>();
  return (stored) => {
    let value = known.get(stored);
    if (value === undefined) {
      value = read(stored);
      if (known.size < REMEMBERED) known.set(stored, value);
    }
    return value;
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A whole number in two's complement, highest byte first. */
function signed(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

/** The canonical time: ISO 8601 in UTC, up to six digits of a second without trailing zeros. */
function time(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19);
  return fraction === 0n ? `${seconds}Z` : `${seconds}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}Z`;
}
