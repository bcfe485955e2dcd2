import type { Refusal } from './arrival';
import type { RowFormat } from './dataset';
import type { BatchHead, ChunkEntry } from './ledger';
import type { Counts } from './outcome';
import { PROBLEMS, type ProblemCode } from './problem';

/** What Spark is asked to do with a file. */
export interface BulkJob {
  readonly batch_id: string;
  readonly dataset: string;
  readonly key: string;
  readonly version: string;
  /** As stored. */
  readonly bytes: number;
  readonly format: RowFormat;
  readonly charset: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** For CSV, the contract column that each field holds. */
  readonly columns: readonly string[];
  /** Physical lines that the header takes. */
  readonly header_lines: number;
  readonly received_at: string;
  readonly sent_by: string;
}

/** A text of somebody else's as an argument of the job, in plain letters and with no hyphen in front; the job undoes it. */
export const asArgument = (text: string): string => encodeURIComponent(text.toWellFormed()).replace(/^-/, '%2D');

/** A chunk that Spark cleaned: an object of landing and one of rejected at most. */
export interface BulkChunk extends Counts {
  /** Counted from 1. */
  readonly number: number;
  readonly chunk_id: string;
  readonly rows: number;
}

/** What Spark says when it is done, in `work/<dataset>/<batch>/manifest.json`. */
export interface Manifest {
  readonly batch_id: string;
  readonly dataset: string;
  readonly contract_version: number;
  readonly key: string;
  readonly version: string;
  readonly sent_by: string;
  readonly received_at: string;
  readonly format: RowFormat;
  readonly columns: readonly string[];
  readonly received: number;
  readonly chunks: readonly BulkChunk[];
  readonly broken?: Refusal;
  readonly refused?: Refusal;
}

/** A manifest that is none, or whose counts do not add up. */
export class NotAManifest extends Error {
  override readonly name = 'NotAManifest';
}

/** Reads a manifest. @throws NotAManifest */
export function readManifest(text: string): Manifest {
  let said: Manifest & { readonly refused?: object; readonly broken?: object };
  try {
    said = JSON.parse(text);
  } catch (cause) {
    throw new NotAManifest('it is not JSON', { cause });
  }
  if (typeof said !== 'object' || said === null) throw new NotAManifest('it is no object');
  const { batch_id, chunks = [], received = 0 } = said;
  const wrong = chunks.find((chunk, i) => chunk.number !== i + 1 || chunk.rows !== accounted(chunk));
  if (wrong) throw new NotAManifest(`chunk ${wrong.number} of ${batch_id} does not add up`);
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  if (rows !== received) throw new NotAManifest(`${batch_id} has ${received} rows, and its chunks ${rows}`);
  const { refused, broken, ...rest } = said;
  return {
    ...rest,
    chunks,
    received,
    ...(refused && { refused: refusal(refused) }),
    ...(broken && { broken: refusal(broken) }),
  };
}

const accounted = ({ kept, duplicate, rejected }: Counts) =>
  Object.values(rejected).reduce((sum, n) => sum + n, kept + duplicate);

function refusal(said: object): Refusal {
  const { code, detail, ...facts } = said as { code: ProblemCode; detail: string };
  if (!Object.hasOwn(PROBLEMS, code)) throw new NotAManifest(`there is no problem "${code}"`);
  return { code, detail, facts };
}

/** The ledger's head of a batch that Spark cleaned. Its chunks are no slices of the file: their rows stood anywhere in it. */
export function headOfManifest(manifest: Manifest, accepted_at: string): BatchHead {
  const { batch_id, dataset, contract_version, format, columns, received, chunks, received_at, sent_by, key, version } =
    manifest;
  return {
    batch_id,
    dataset,
    contract_version,
    format,
    columns,
    received,
    slices: chunks.map(({ rows }) => ({ start: 0, end: 0, first_line: 0, rows })),
    received_at,
    accepted_at,
    sent_by,
    origin: { key, version },
  };
}

/** The ledger's first entry of a chunk that Spark cleaned; provisional where rows are yet to be claimed. */
export function entryOfChunk(batch_id: string, chunk: BulkChunk, provisional: boolean, cleaned_at: string): ChunkEntry {
  const { number, chunk_id, kept, duplicate, rejected } = chunk;
  return {
    batch_id,
    number,
    chunk_id,
    revision: 0,
    kept,
    duplicate,
    rejected,
    cleaned_at,
    ...(provisional && { provisional }),
  };
}

/** A chunk's entry once its rows are claimed: what belongs to other batches is a duplicate, and the sum stays. */
export function claimedEntry(entry: ChunkEntry, claimed: number, cleaned_at: string): ChunkEntry {
  const { provisional: _, ...rest } = entry;
  return {
    ...rest,
    revision: entry.revision + 1,
    kept: claimed,
    duplicate: entry.duplicate + entry.kept - claimed,
    cleaned_at,
  };
}
