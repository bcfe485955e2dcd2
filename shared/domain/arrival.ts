import { createHash } from 'node:crypto';
import type { ProblemCode } from './problem';

/** The zone of the lake that people put files into, a folder for each data set. */
export const INBOX = 'inbox';

/** A file in the inbox as a store has it. A key may hold different files one after another: `version` tells them apart. */
export interface InboxFile {
  /** `inbox/<dataset>/<any name>`, as it was written: spaces, `+`, `..` and all. */
  readonly key: string;
  readonly version: string;
  /** What the store knows of the content: files that agree in it and in their size are taken for the same. */
  readonly checksum: string;
  /** As stored, compressed or not. */
  readonly bytes: number;
  /** `text/csv; charset=iso-8859-1`, where its sender said so. */
  readonly contentType?: string | undefined;
  /** ISO. */
  readonly arrived_at: string;
}

/**
 * `reading`: being cut into the stream; `waiting`: for Spark to be free; `running`: Spark reads it; `claiming`: its rows are
 * cleaned, and are being told from those of other batches; `done`: all its rows are in the ledger as received;
 * `refused`: it is no file of rows; `failed`: Spark gave up.
 */
export type ArrivalState = 'reading' | 'waiting' | 'running' | 'claiming' | 'done' | 'refused' | 'failed';

/** Why a file, or the rest of it, was not taken. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the ledger says of a file in the inbox. */
export interface Arrival extends Omit<InboxFile, 'contentType'> {
  readonly state: ArrivalState;
  /** Who put it there: a token's subject, or the account that S3 names. */
  readonly sent_by: string;
  /** Who works on it, and until when nobody else does. */
  readonly lease: { readonly holder: string; readonly until: string };
  readonly dataset?: string;
  readonly engine?: 'stream' | 'spark';
  /** Of a file that went through the stream: the SHA-256 of its text, under which GET /v1/files knows it. */
  readonly file?: string;
  /** Of a file that went through Spark. */
  readonly batch_id?: string;
  /** Spark's run. */
  readonly run_id?: string;
  readonly refusal?: Refusal;
  /** Where a refused file is kept. */
  readonly kept_as?: string;
  /** A compressed file that ended too soon: rows up to here are in. */
  readonly broken?: Refusal;
  readonly finished_at?: string;
}

const UNFINISHED: ReadonlySet<ArrivalState> = new Set(['reading', 'waiting', 'running', 'claiming']);

/** Whether something is still to be done for the file. */
export const isUnfinished = ({ state }: Pick<Arrival, 'state'>): boolean => UNFINISHED.has(state);

/** What is remembered of a file: its key may be longer than a key of ours. */
export const arrivalKey = (key: string): string => `arrival#${createHash('sha256').update(key).digest('hex')}`;
export const arrivalEntryKey = (version: string): string => `version#${version}`;
/** Who asked for an address to put the file to. */
export const SENDER_ENTRY = 'sender';

/** The data set whose folder a key is in, undefined for a key that is in none. */
export function datasetOfKey(key: string): string | undefined {
  const [zone, dataset, ...rest] = key.split('/');
  return zone === INBOX && dataset && rest.length > 0 ? dataset : undefined;
}

/** A folder's own mark, which some tools put beside what is in it. */
export const isFolder = ({ key, bytes }: Pick<InboxFile, 'key' | 'bytes'>): boolean => key.endsWith('/') && bytes === 0;

/** The batch that a file becomes when Spark reads it: made from its content, so that it is the same when it comes again. */
export function bulkBatchId(
  file: Pick<InboxFile, 'checksum' | 'bytes'>,
  how: { readonly dataset: string; readonly format: string; readonly charset: string },
): string {
  const { dataset, format, charset } = how;
  const content = `bulk\n${dataset}\n${format}\n${charset}\n${file.checksum}\n${file.bytes}`;
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
