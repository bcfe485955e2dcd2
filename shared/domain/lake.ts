import { gunzipSync, gzipSync } from 'node:zlib';
import type { RejectedRow } from './clean';
import type { Chunk } from './packing';

/*
 * Where things lie in the lake, and how refused rows are written down. A key follows from the chunk alone, so writing
 * a chunk again overwrites what it wrote before. `dt` is the day, in UTC, on which the batch came.
 */
type Arrival = Pick<Chunk, 'dataset' | 'received_at'>;

const dated = (zone: string, { dataset, received_at }: Arrival) => `${zone}/${dataset}/dt=${received_at.slice(0, 10)}`;

/** The Parquet object with a chunk's kept rows. */
export const landingKey = (chunk: Pick<Chunk, 'dataset' | 'received_at' | 'chunk_id'>): string =>
  `${dated('landing', chunk)}/${chunk.chunk_id}.parquet`;

/** The object with a chunk's refused rows; of the chunk, or of the head of its batch, the arrival is asked. */
export const rejectedKey = (arrival: Arrival, chunk_id: string): string =>
  `${dated('rejected', arrival)}/${chunk_id}.ndjson.gz`;

/** The objects of a record that a defect keeps from being cleaned: its bytes, and what went wrong. */
export const failedKey = (id: string): { readonly record: string; readonly error: string } => ({
  record: `failed/${id}.chunk`,
  error: `failed/${id}.error.json`,
});

/** Place of the operating system's number in a gzip header (RFC 1952); 255 is "unknown", the same on every machine. */
const GZIP_OS = 9;
const ANY_OS = 255;

/**
 * Refused rows as gzipped NDJSON, one object a line: batch_id, chunk_id, contract_version, line, reason, field, text.
 * The same rows give the same bytes.
 */
export function encodeRejected(
  chunk: Pick<Chunk, 'batch_id' | 'chunk_id' | 'contract_version'>,
  rows: readonly RejectedRow[],
): Buffer {
  const { batch_id, chunk_id, contract_version } = chunk;
  let lines = '';
  for (const { line, reason, field, text } of rows) {
    lines += `${JSON.stringify({ batch_id, chunk_id, contract_version, line, reason, field, text })}\n`;
  }
  const bytes = gzipSync(lines);
  bytes[GZIP_OS] = ANY_OS;
  return bytes;
}

/** The refused rows that `encodeRejected` wrote, in its order. */
export function decodeRejected(bytes: Uint8Array): RejectedRow[] {
  const rows: RejectedRow[] = [];
  for (const written of gunzipSync(bytes).toString('utf8').split('\n')) {
    if (written === '') continue;
    const { line, reason, field, text } = JSON.parse(written) as RejectedRow;
    rows.push({ line, reason, field, text });
  }
  return rows;
}
