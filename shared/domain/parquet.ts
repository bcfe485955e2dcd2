// Not the package's front door: on Node that one brings node:fs along.
import { parquetWriteBuffer } from 'hyparquet-writer/src/write.js';
import { type Column, decimalShape } from './contract';
import type { Dataset } from './dataset';
import type { KeptRow, Value } from './outcome';

/** A column's entry in a Parquet footer (parquet-format's SchemaElement). */
type Element = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number];
/** A value as its column stores it. */
type Stored = string | number | bigint | null;

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;
const CREATED_BY = 'ecomflow';

/**
 * Kept rows as one Parquet file (Snappy, one row group): the contract's columns in order, then line_id and batch_id.
 * Text is STRING, int INT32, decimal(p,s) DECIMAL on INT64, timestamp TIMESTAMP(MICROS) adjusted to UTC; nullable
 * columns are OPTIONAL, all others REQUIRED. Nothing passes through a binary float.
 */
export function toParquet({ contract }: Dataset, batch_id: string, rows: readonly KeptRow[]): Uint8Array {
  const columns = contract.columns.map((column) => {
    const store = storage(column);
    return { name: column.name, data: rows.map(({ row }) => store(row[column.name] ?? null)) };
  });
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: contract.columns.length + 2 },
      ...contract.columns.map(element),
      { name: 'line_id', repetition_type: 'REQUIRED', ...TEXT },
      { name: 'batch_id', repetition_type: 'REQUIRED', ...TEXT },
    ],
    columnData: [
      ...columns,
      // Hashes: no two are alike, nothing in them repeats, and no reader asks for a range of them.
      {
        name: 'line_id',
        data: rows.map(({ line_id }) => line_id),
        encoding: 'PLAIN',
        codec: 'UNCOMPRESSED',
        statistics: false,
      },
      { name: 'batch_id', data: rows.map(() => batch_id) },
    ],
    rowGroupSize: Math.max(rows.length, 1),
    createdBy: CREATED_BY,
  });
  return new Uint8Array(bytes);
}

function element({ name, type, nullable }: Column): Element {
  const place = { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' } as const;
  if (type === 'string') return { ...place, ...TEXT };
  if (type === 'int') return { ...place, type: 'INT32' };
  if (type === 'timestamp') {
    const logical_type = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const;
    return { ...place, type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type };
  }
  const { precision, scale } = decimalShape(type);
  return {
    ...place,
    type: 'INT64',
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  };
}

/** From a cleaned value to what its column stores. */
function storage({ type }: Column): (value: Value) => Stored {
  if (type === 'string' || type === 'int') return (value) => value;
  if (type === 'timestamp') return remembering(micros);
  const { scale } = decimalShape(type);
  return remembering((text) => unscaled(text, scale));
}

/** Prices and times repeat: most are looked up instead of read. */
function remembering(read: (text: string) => bigint): (value: Value) => Stored {
  const known = new Map<Value, bigint>();
  return (value) => {
    if (value === null) return null;
    let stored = known.get(value);
    if (stored === undefined) {
      stored = read(String(value));
      known.set(value, stored);
    }
    return stored;
  };
}

/** `2.55` at scale 4 is 25500. */
function unscaled(text: string, scale: number): bigint {
  const [whole, fraction = ''] = text.split('.') as [string, string?];
  return BigInt(whole + fraction.padEnd(scale, '0'));
}

/** Microseconds since 1970 of a canonical time: ISO 8601 in UTC with up to six digits of a second. */
function micros(text: string): bigint {
  const seconds = Date.parse(`${text.slice(0, 19)}Z`) / 1000;
  const fraction = text.slice(20, -1);
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}
