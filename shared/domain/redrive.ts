import { gunzipSync, gzipSync } from 'node:zlib';
import { type RejectedRow, refusedRow } from './clean';
import { UnterminatedQuote } from './csv';
import { rowsOf } from './cutting';
import type { Dataset, RowCleaner, RowFormat } from './dataset';
import type { ChunkEntry } from './ledger';
import { accountedFor, type Counts, type KeptRow, rejectedTotal, type Verdict } from './outcome';
import type { Chunk } from './packing';
import { Problem } from './problem';
import { isText } from './values';

/** A refused row that goes through again: its text now, and what has become of it. */
export interface RetriedRow extends RejectedRow {
  /** As it goes through: the text that came, or a corrected one. `text` is the one that was refused. */
  readonly now: string;
  readonly verdict: Verdict;
}

/**
 * One redrive of one chunk: its refused rows, judged by the contract of the time when it was begun. It says all that
 * follows from it, so that carrying it out asks nothing that may have changed meanwhile.
 */
export interface Attempt {
  readonly batch_id: string;
  readonly dataset: string;
  readonly chunk_id: string;
  /** The chunk's place in the batch, counted from 1. */
  readonly number: number;
  /** That the chunk's entry has when the attempt is carried out. */
  readonly revision: number;
  readonly contract_version: number;
  /** ISO; dates the rows' place in landing. */
  readonly begun_at: string;
  /** Who asked for it. */
  readonly by: string;
  /** Rows of which something changes, by line: the outcome, the reason or the text. */
  readonly rows: readonly RetriedRow[];
  /** Refused rows that stay as they were, by line: not tried, or refused again for the same. */
  readonly left: readonly RejectedRow[];
  /** What a replay counted anew: the chunk's kept rows and duplicates, in the place of the entry's. */
  readonly recount?: Pick<Counts, 'kept' | 'duplicate'>;
}

/** Under this name an attempt's rows are claimed and land: not the chunk's, whose own lines are duplicates for it. */
export const claimantOf = ({ chunk_id, revision }: Pick<Attempt, 'chunk_id' | 'revision'>): string =>
  `${chunk_id}-r${revision}`;

/** A redrive of one batch that was asked for. */
export interface RedriveOrder {
  readonly batch_id: string;
  /** Only rows refused for this reason; all of them by default. */
  readonly reason?: string | undefined;
  /** The whole batch once more from raw/, to mend stores. */
  readonly replay?: boolean | undefined;
  readonly by: string;
  /** Chunks that are done, by number: an order that is gone on with. */
  readonly done?: readonly number[] | undefined;
  /** Objects of raw/ up to this one were read. */
  readonly after?: string | undefined;
}

/** A row of a chunk with what the contract says of it today. */
export interface JudgedRow {
  readonly line: number;
  readonly text: string;
  readonly verdict: Verdict;
}

/** Reads and judges every row of a chunk, with its line. */
export function* judgedRows(chunk: Chunk, dataset: Dataset): Generator<JudgedRow> {
  const clean = dataset.cleaner(chunk.format, chunk.columns, isText(chunk.text));
  for (const { text, line } of rowsOf(chunk.text, chunk.format, chunk.first_line))
    yield { line, text, verdict: clean(text) };
}

/** Which refused rows go through again: those with a text of their own, or all that were refused for a reason. */
export interface Which {
  readonly reason?: string | undefined;
  /** Corrected texts by line; with them no other row is tried. */
  readonly texts?: ReadonlyMap<number, string> | undefined;
}

/** What a look at refused rows came to, before the stores are asked. */
export interface Retrial extends Pick<Attempt, 'rows' | 'left'> {
  readonly tried: number;
  /** Rows that are refused again, by reason. */
  readonly rejected: Readonly<Record<string, number>>;
}

/** Judges refused rows anew. */
export function retry(refused: readonly RejectedRow[], { reason, texts }: Which, clean: RowCleaner): Retrial {
  const rows: RetriedRow[] = [];
  const left: RejectedRow[] = [];
  const again: { reason: string }[] = [];
  let tried = 0;
  for (const row of refused) {
    const now = texts ? texts.get(row.line) : reason === undefined || row.reason === reason ? row.text : undefined;
    if (now === undefined) {
      left.push(row);
      continue;
    }
    tried++;
    const verdict = clean(now);
    if (verdict.kind === 'rejected') again.push(verdict);
    const same =
      verdict.kind === 'rejected' && now === row.text && verdict.reason === row.reason && verdict.field === row.field;
    if (same) left.push(row);
    else rows.push({ ...row, now, verdict });
  }
  return { rows, left, tried, rejected: countReasons(again) };
}

/** The refused rows that an attempt leaves, by line: those it did not move, and those refused again, as they are now. */
export function stillRefused({ rows, left }: Pick<Attempt, 'rows' | 'left'>): RejectedRow[] {
  const again: RejectedRow[] = [];
  for (const { line, now, verdict } of rows) {
    if (verdict.kind === 'rejected') again.push(refusedRow(line, now, verdict));
  }
  return [...left, ...again].sort(byLine);
}

/** The refused rows that an attempt found, by line. */
export const refusedBefore = ({ rows, left }: Pick<Attempt, 'rows' | 'left'>): RejectedRow[] =>
  [...left, ...rows.map(({ line, text, ...why }) => refusedRow(line, text, why))].sort(byLine);

const byLine = (a: RejectedRow, b: RejectedRow) => a.line - b.line;

/** Rows that the contract accepts, each identity once, and how many repeat one. */
export interface Accepted {
  readonly rows: readonly KeptRow[];
  readonly repeated: number;
}

/** The rows of an attempt that go through. */
export function acceptedBy({ rows }: Pick<Attempt, 'rows'>): Accepted {
  return acceptedOf(rows.map(({ verdict }) => verdict));
}

/** Those of verdicts that are kept, each identity once. */
export function acceptedOf(verdicts: Iterable<Verdict>): Accepted {
  const found = new Map<string, KeptRow>();
  let all = 0;
  for (const verdict of verdicts) {
    if (verdict.kind === 'rejected') continue;
    all++;
    if (!found.has(verdict.line_id)) found.set(verdict.line_id, { line_id: verdict.line_id, row: verdict.row });
  }
  return { rows: [...found.values()], repeated: all - found.size };
}

/** Rows counted by reason, in alphabetical order. */
export function countReasons(rows: Iterable<{ readonly reason: string }>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of rows) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How many rows are refused for a reason, which may be any word, or for all of them. */
export function refusedFor(reason: string | undefined, rejected: Counts['rejected']): number {
  if (reason === undefined) return rejectedTotal({ rejected });
  return Object.hasOwn(rejected, reason) ? rejected[reason]! : 0;
}

/** Whether refused rows are those that an entry counts, by reason. */
export function areCounted(rows: readonly RejectedRow[], { rejected }: Pick<Counts, 'rejected'>): boolean {
  const counted = Object.entries(rejected).filter(([, n]) => n > 0);
  const found = countReasons(rows);
  return counted.length === Object.keys(found).length && counted.every(([reason, n]) => found[reason] === n);
}

/**
 * The entry behind an attempt: refused rows that went through are kept or duplicates now, or a replay's count; reasons
 * with no row left are left out. Throws when the sum would change: the attempt is of another entry.
 */
export function movedEntry(
  entry: ChunkEntry,
  attempt: Attempt,
  moved: Pick<Counts, 'kept' | 'duplicate'>,
  cleaned_at: string,
): ChunkEntry {
  const next: ChunkEntry = {
    ...entry,
    revision: attempt.revision,
    kept: attempt.recount?.kept ?? entry.kept + moved.kept,
    duplicate: attempt.recount?.duplicate ?? entry.duplicate + moved.duplicate,
    rejected: countReasons(stillRefused(attempt)),
    cleaned_at,
  };
  if (accountedFor(next) === accountedFor(entry)) return next;
  const { chunk_id } = entry;
  throw new Error(`${chunk_id} has ${accountedFor(entry)} rows, and revision ${next.revision} ${accountedFor(next)}`);
}

/** The row of a corrected text, as a chunk's reader would find it; undefined when it is none, or more than one. */
export function oneRow(text: string, format: RowFormat): string | undefined {
  try {
    const rows = rowsOf(text, format, 1);
    const [first, second] = [rows.next(), rows.next()];
    return first.done || !second.done ? undefined : first.value.text;
  } catch (error) {
    if (error instanceof UnterminatedQuote) return undefined;
    throw error;
  }
}

/** An attempt that was not written by us, or was damaged. */
export class NotAnAttempt extends Error {
  override readonly name = 'NotAnAttempt';
}

/** More than a chunk's rows twice over: a bomb ends here. */
const MOST_BYTES = 256 * 1024 * 1024;

/** An attempt as gzipped JSON. @throws Problem too_large for one that could not be read again */
export function encodeAttempt(attempt: Attempt, most = MOST_BYTES): Buffer {
  const json = Buffer.from(JSON.stringify(attempt));
  if (json.length <= most) return gzipSync(json);
  const detail = `The refused rows of chunk ${attempt.chunk_id} are too large to be redriven: mend the file, and send it again.`;
  throw new Problem('too_large', detail, { chunk_id: attempt.chunk_id, limit: most });
}

/** The attempt that encodeAttempt wrote. @throws NotAnAttempt */
export function decodeAttempt(bytes: Uint8Array, most = MOST_BYTES): Attempt {
  let read: Attempt | null;
  try {
    read = JSON.parse(gunzipSync(bytes, { maxOutputLength: most }).toString('utf8'));
  } catch (cause) {
    throw new NotAnAttempt('it cannot be read', { cause });
  }
  if (!Array.isArray(read?.rows) || !Array.isArray(read.left) || !Number.isInteger(read.revision))
    throw new NotAnAttempt('it lacks its rows or its revision');
  return read;
}
