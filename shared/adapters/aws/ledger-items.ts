import type { RowFormat } from '../../domain/dataset';
import {
  type Batch,
  type BatchHead,
  type ChunkEntry,
  type ChunkFailure,
  chunkEntryKey,
  type FilePart,
  failureEntryKey,
  fileKey,
  HEAD_ENTRY,
  isEntry,
  partEntryKey,
} from '../../domain/ledger';
import type { Counts } from '../../domain/outcome';
import { type Item, item, number, text } from './attributes';

/*
 * Items of the Batches table, keyed as domain/ledger.ts says. The item of a file's part names its batch. Slices are one
 * flat list of numbers, four to a slice, which is a third of what maps take.
 */

/** The item that finds a part's batch by its file. */
export function partItem({ hash, part, parts }: FilePart, batch_id: string): Item {
  return item({ batch_id: fileKey(hash), entry: partEntryKey(part), batch: batch_id, parts });
}

/** What people were told of a batch. */
export const TOLD_ENTRY = 'told';

/** Untold batches by the first digit of their id: one partition of an index takes 1,000 writes a second. */
export const untoldPartition = (batch_id: string): string => `batch#${batch_id[0]}`;
export const UNTOLD_PARTITIONS: readonly string[] = [...'0123456789abcdef'].map(untoldPartition);

/** The item of a batch's head. It is in the index of what is unfinished as long as people are to be told of it. */
export function headItem({ slices, file, origin, ...head }: BatchHead): Item {
  const flat = slices.flatMap(({ start, end, first_line, rows }) => [start, end, first_line, rows]);
  return item({
    ...head,
    entry: HEAD_ENTRY,
    slices: flat,
    file: file && { ...file },
    origin: origin && { ...origin },
    unfinished: untoldPartition(head.batch_id),
    arrived_at: head.received_at,
    untold_at: head.received_at,
  });
}

/** The head that headItem wrote. */
export function headOf(stored: Item): BatchHead {
  const flat = stored.slices?.L?.map(number) ?? [];
  const slices = Array.from({ length: flat.length / 4 }, (_, i) => {
    const [start, end, first_line, rows] = flat.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    return { start, end, first_line, rows };
  });
  const accepted_at = text(stored.accepted_at);
  const file = stored.file?.M;
  const origin = stored.origin?.M;
  return {
    batch_id: text(stored.batch_id)!,
    dataset: text(stored.dataset)!,
    contract_version: number(stored.contract_version),
    format: text(stored.format) as RowFormat,
    columns: stored.columns?.L?.map((column) => text(column)!) ?? [],
    received: number(stored.received),
    slices,
    received_at: text(stored.received_at)!,
    ...(accepted_at !== undefined && { accepted_at }),
    sent_by: text(stored.sent_by)!,
    ...(file && { file: { hash: text(file.hash)!, part: number(file.part), parts: number(file.parts) } }),
    ...(origin && { origin: { key: text(origin.key)!, version: text(origin.version)! } }),
  };
}

/** The item of a chunk's entry. */
export function chunkItem({ rejected, ...entry }: ChunkEntry): Item {
  return item({ ...entry, rejected: { ...rejected }, entry: chunkEntryKey(entry.number) });
}

/** The counts of an item. */
export function countsOf(stored: Item): Counts {
  const reasons = Object.entries(stored.rejected?.M ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kept: number(stored.kept),
    duplicate: number(stored.duplicate),
    rejected: Object.fromEntries(reasons.map(([reason, count]) => [reason, number(count)])),
  };
}

/** The entry that chunkItem wrote. */
export function chunkOf(stored: Item): ChunkEntry {
  return {
    batch_id: text(stored.batch_id)!,
    number: number(stored.number),
    chunk_id: text(stored.chunk_id)!,
    revision: number(stored.revision),
    ...(stored.provisional?.BOOL && { provisional: true }),
    ...countsOf(stored),
    cleaned_at: text(stored.cleaned_at)!,
  };
}

/** The item of a chunk that cannot be cleaned. */
export function failureItem(failure: ChunkFailure): Item {
  return item({ ...failure, entry: failureEntryKey(failure.number) });
}

const failureOf = (stored: Item): ChunkFailure => ({
  batch_id: text(stored.batch_id)!,
  number: number(stored.number),
  chunk_id: text(stored.chunk_id)!,
  failed_at: text(stored.failed_at)!,
});

/** A batch from all its items; undefined when the head is not among them. */
export function batchOf(items: readonly Item[]): Batch | undefined {
  const head = items.find(({ entry }) => text(entry) === HEAD_ENTRY);
  if (!head) return undefined;
  const of = (kind: 'chunk' | 'failed') => items.filter(({ entry }) => isEntry(kind, text(entry)!));
  const byNumber = (a: { number: number }, b: { number: number }) => a.number - b.number;
  return {
    head: headOf(head),
    entries: of('chunk').map(chunkOf).sort(byNumber),
    failures: of('failed').map(failureOf).sort(byNumber),
  };
}
