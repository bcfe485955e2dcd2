import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type RejectedRow, refusedRow } from './clean';
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

/** Where Spark says what became of a batch; the folder beside it is its own while it works. */
export const manifestKey = ({ dataset, batch_id }: { readonly dataset: string; readonly batch_id: string }): string =>
  `work/${dataset}/${batch_id}/manifest.json`;

/** A file as Spark reads it: a name that every file system takes, and nobody puts another one under it. */
export const inputKey = ({ dataset, batch_id }: { readonly dataset: string; readonly batch_id: string }): string =>
  `work/${dataset}/${batch_id}/input`;

/** A redrive of a chunk's rows. */
export const attemptKey = (
  { dataset, chunk_id }: { readonly dataset: string; readonly chunk_id: string },
  revision: number,
): string => `redriven/${dataset}/${chunk_id}/${String(revision).padStart(4, '0')}.json.gz`;

/** What the warehouse had of a data set when it was counted last. */
export const recountKey = (dataset: string): string => `recount/${dataset}.json`;

/** The report of a night or of a recount, by the day on which it began. */
export const reportKey = ({ id, began_at, kind = 'nightly' }: ReportName): string =>
  `reports/${kind}/dt=${began_at.slice(0, 10)}/${id}.json`;

interface ReportName {
  readonly id: string;
  readonly began_at: string;
  readonly kind?: 'nightly' | 'reconcile';
}

/** What an insight came to when it was built last. */
export const builtKey = (name: string): string => `insights/${name}.json`;

/** Profiles lie in so many objects, by the first byte of the customer's hash. */
export const PROFILE_OBJECTS = 256;
const profileObject = (number: number): string => `insights/customers/${number.toString(16).padStart(2, '0')}.json`;

/** The object that has a customer's profile. */
export const profilesKey = (customer_id: string): string =>
  profileObject(createHash('sha256').update(customer_id).digest()[0]!);

/** Every object that has profiles. */
export const profilesKeys = (): string[] => Array.from({ length: PROFILE_OBJECTS }, (_, i) => profileObject(i));

/** What was merged of a data set into its curated table. */
export const curationKey = (dataset: string): string => `insights/curated/${dataset}.json`;

/** The objects of a file that is no file of rows: itself, and beside it why. No name in them leads elsewhere. */
export const refusedKey = (
  dataset: string,
  { key, version, arrived_at }: { readonly key: string; readonly version: string; readonly arrived_at: string },
): { readonly file: string; readonly reason: string } => {
  const name = key
    .split('/')
    .slice(2)
    .join('/')
    .replace(/[^A-Za-z0-9._-]+/g, '_');
  const folder = dataset.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 100);
  // Two files may come under one key within S3's second.
  const place = `rejected/files/${folder}/dt=${arrived_at.slice(0, 10)}/${digest(`${key}\n${version}\n${arrived_at}`)}`;
  return { file: `${place}-${name.slice(-100)}`, reason: `${place}.reason.json` };
};

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Place of the operating system's number in a gzip header (RFC 1952); 255 is "unknown", the same on every machine. */
const GZIP_OS = 9;
const ANY_OS = 255;

/**
 * Refused rows as gzipped NDJSON, one object a line: batch_id, chunk_id, contract_version, line, reason, field, text,
 * and where a rule refused it, cleaned. The same rows give the same bytes.
 */
export function encodeRejected(
  chunk: Pick<Chunk, 'batch_id' | 'chunk_id' | 'contract_version'>,
  rows: readonly RejectedRow[],
): Buffer {
  const { batch_id, chunk_id, contract_version } = chunk;
  let lines = '';
  for (const { line, text, ...why } of rows) {
    lines += `${JSON.stringify({ batch_id, chunk_id, contract_version, ...refusedRow(line, text, why) })}\n`;
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
    const { line, text, ...why } = JSON.parse(written) as RejectedRow;
    rows.push(refusedRow(line, text, why));
  }
  return rows;
}
