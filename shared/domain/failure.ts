import type { Column } from './contract';
import type { Dataset } from './dataset';
import type { KeptRow, Value } from './outcome';

/*
 * What is left behind by those who could not do their work, as they write it down. Lambda's S3 destination keeps the
 * whole event: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html; Firehose one JSON
 * document for each record: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 */

/** What an object is by its key. */
export type FailureKind =
  /** A record that a defect of ours kept from being cleaned. */
  | { readonly kind: 'chunk'; readonly id: string }
  /** Records that Lambda gave up. */
  | { readonly kind: 'discarded' }
  /** Rows that Firehose could not write to landing. */
  | { readonly kind: 'landing'; readonly dataset: string }
  /** Stream records that Firehose could not write to raw/. */
  | { readonly kind: 'raw' }
  /** Says of another object what went wrong. */
  | { readonly kind: 'beside' }
  | { readonly kind: 'unknown' };

export function failureKind(key: string): FailureKind {
  const [, id] = /^failed\/([^/]+)\.chunk$/.exec(key) ?? [];
  if (id !== undefined) return { kind: 'chunk', id };
  const [, dataset] = /^failed\/landing\/([^/]+)\//.exec(key) ?? [];
  if (dataset !== undefined) return { kind: 'landing', dataset };
  if (key.startsWith('failed/raw/')) return { kind: 'raw' };
  if (/^(failed\/discarded|aws\/lambda)\//.test(key)) return { kind: 'discarded' };
  return { kind: /^failed\/[^/]+\.error\.json$/.test(key) ? 'beside' : 'unknown' };
}

/** An object that is not what its key says. */
export class NotAFailure extends Error {
  override readonly name = 'NotAFailure';
}

/** The stream records of an invocation that was given up; its event is there as an object or as JSON in a text. @throws NotAFailure */
export function discardedRecords(bytes: Uint8Array): Buffer[] {
  const { payload } = objectIn(Buffer.from(bytes).toString('utf8'));
  const event = typeof payload === 'string' ? objectIn(payload) : (payload as Fields | null | undefined);
  const records = event?.Records;
  if (!Array.isArray(records) || records.length === 0) throw new NotAFailure('it has no records of a stream');
  return records.map((record: { kinesis?: { data?: unknown } } | null) => base64(record?.kinesis?.data));
}

/** A record that Firehose could not deliver. */
export interface Undelivered {
  /** When Firehose got it, ISO. */
  readonly arrived_at: string;
  readonly data: Buffer;
}

/** The records of an object of Firehose's errors, one JSON document a line. @throws NotAFailure */
export function undelivered(bytes: Uint8Array): Undelivered[] {
  const lines = linesOf(bytes);
  if (lines.length === 0) throw new NotAFailure('it is empty');
  return lines.map((line) => {
    const { rawData, arrivalTimestamp } = objectIn(line);
    const time = new Date(typeof arrivalTimestamp === 'number' ? arrivalTimestamp : Number.NaN);
    if (Number.isNaN(time.getTime())) throw new NotAFailure('a record does not say when it arrived');
    return { arrived_at: time.toISOString(), data: base64(rawData) };
  });
}

/** A row on its way to landing. */
export interface UnlandedRow extends KeptRow {
  readonly batch_id: string;
}

/** Rows as they were handed to Firehose: a JSON object a line, times as `2010-12-01 08:26:00`, null left out. @throws NotAFailure */
export function unlandedRows(data: Uint8Array, { contract }: Dataset): UnlandedRow[] {
  return linesOf(data).map((line) => {
    const found = objectIn(line);
    const { line_id, batch_id } = found;
    if (!isId(line_id) || !isId(batch_id)) throw new NotAFailure('a row does not say what row of what batch it is');
    const row = Object.fromEntries(contract.columns.map((column) => [column.name, canonical(column, found)]));
    return { line_id, batch_id, row };
  });
}

function canonical({ name, type, nullable }: Column, found: Fields): Value {
  const value = found[name] ?? null;
  if (value === null && nullable) return null;
  if (type === 'int' ? !Number.isInteger(value) : typeof value !== 'string')
    throw new NotAFailure(`a row has no ${name}`);
  return type === 'timestamp' ? `${String(value).replace(' ', 'T')}Z` : (value as Value);
}

type Fields = Readonly<Record<string, unknown>>;

const isId = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);

const linesOf = (bytes: Uint8Array): string[] =>
  Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');

function objectIn(text: string): Fields {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw new NotAFailure('it is not JSON', { cause });
  }
  if (typeof read !== 'object' || read === null) throw new NotAFailure('it is no object');
  return read as Fields;
}

function base64(value: unknown): Buffer {
  if (typeof value !== 'string' || value === '') throw new NotAFailure('a record has no data');
  return Buffer.from(value, 'base64');
}
