import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBody, readHeader } from '../../../shared/domain/body';
import { type Charset, decodeText } from '../../../shared/domain/charset';
import { cleanRows, type RejectedRow } from '../../../shared/domain/clean';
import { type Dataset, datasets } from '../../../shared/domain/dataset';
import { decodeRejected } from '../../../shared/domain/lake';
import type { KeptRow } from '../../../shared/domain/outcome';
import { toParquet } from '../../../shared/domain/parquet';
import { RECEIVED_AT } from './spark';

/** A text of rows as a file holds it. */
export interface Rows {
  readonly dataset: string;
  readonly format: 'csv' | 'ndjson';
  readonly columns: readonly string[];
  readonly header_lines: number;
  /** Behind the header. */
  readonly text: string;
}

/** Reads a plain file's header. */
export function rowsOf(
  bytes: Buffer,
  dataset: string,
  format: 'csv' | 'ndjson',
  charset: Charset = 'utf-8',
  compiled: Dataset = datasets.get(dataset)!,
): Rows {
  const text = decodeText(bytes, charset);
  if (format === 'ndjson') return { dataset, format, columns: [], header_lines: 0, text };
  const { header, columns } = readHeader(text, compiled);
  return { dataset, format, columns, header_lines: header.nextLine - 1, text: text.slice(header.end) };
}

/** A JSON array as the file that ingest makes of it. */
export function linesOf(bytes: Buffer, dataset: string): Buffer {
  const body = { bytes, asText: false, contentType: 'application/octet-stream', type: 'json' };
  return Buffer.from(readBody(body, datasets.get(dataset)!).text);
}

/** What became of a file's rows. */
export interface Outcome {
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  /** `line reason field text cleaned`, sorted. */
  readonly refused: readonly string[];
}

const told = ({ line, reason, field, text, cleaned }: RejectedRow) =>
  JSON.stringify([line, reason, field, text, cleaned ?? 'not read']);

const ROWS_A_FILE = 100_000;

/** What shared/domain makes of the rows as one chunk. Kept ones are written to `folder` as Parquet. */
export function byTypeScript(
  { dataset: name, format, columns, header_lines, text }: Rows,
  batch_id: string,
  folder: string,
  dataset: Dataset = datasets.get(name)!,
): Outcome {
  const chunk = {
    dataset: name,
    contract_version: dataset.contract.version,
    batch_id,
    number: 1,
    chunk_id: batch_id,
    first_line: header_lines + 1,
    rows: 0,
    format,
    columns,
    received_at: RECEIVED_AT,
    text,
  };
  const { accepted, repeated, rejected } = cleanRows(chunk, dataset);
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < accepted.length; at += ROWS_A_FILE)
    writeFileSync(join(folder, `${at}.parquet`), parquet(dataset, batch_id, accepted.slice(at, at + ROWS_A_FILE)));
  return {
    received: accepted.length + repeated + rejected.length,
    kept: accepted.length,
    duplicate: repeated,
    refused: rejected.map(told).sort(),
  };
}

const parquet = (dataset: Dataset, batch_id: string, rows: readonly KeptRow[]) => toParquet(dataset, batch_id, rows);

/** The refused rows that lie in a lake, sorted, by chunk. */
export function refusedIn(lake: string, dataset: string): Map<string, string[]> {
  const folder = join(lake, 'rejected', dataset, `dt=${RECEIVED_AT.slice(0, 10)}`);
  const found = new Map<string, string[]>();
  for (const name of namesIn(folder)) {
    const rows = decodeRejected(readFileSync(join(folder, name)));
    found.set(name.replace('.ndjson.gz', ''), rows.map(told));
  }
  return found;
}

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
