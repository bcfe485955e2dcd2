import type { RowFormat } from '../../domain/dataset';
import type { Batch, BatchHead, ChunkEntry } from '../../domain/ledger';
import { type Item, item, number, text } from './attributes';

/*
 * Items of the Batches table. A batch has its head under entry `head` and its chunks under `chunk#00001` and so on; a
 * file has one item for each part: batch_id `file#<hash>`, entry `part#00001`, with the part's batch. Slices are one
 * flat list of numbers, four to a slice, which is a third of what maps take.
 */
export const HEAD = 'head';
export const chunkEntry = (number: number): string => `chunk#${String(number).padStart(5, '0')}`;
export const fileKey = (hash: string): string => `file#${hash}`;
const partEntry = (part: number) => `part#${String(part).padStart(5, '0')}`;

/** The item that finds a part's batch by the file; undefined when the batch is no part of one. */
export function fileItem({ batch_id, file }: BatchHead): Item | undefined {
  return file && item({ batch_id: fileKey(file.hash), entry: partEntry(file.part), batch: batch_id });
}

export function headItem({ slices, file, ...head }: BatchHead): Item {
  const flat = slices.flatMap(({ start, end, first_line, rows }) => [start, end, first_line, rows]);
  return item({ ...head, entry: HEAD, slices: flat, file: file && { ...file } });
}

export function headOf(stored: Item): BatchHead {
  const flat = stored.slices?.L?.map(number) ?? [];
  const slices = Array.from({ length: flat.length / 4 }, (_, i) => {
    const [start, end, first_line, rows] = flat.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    return { start, end, first_line, rows };
  });
  const accepted_at = text(stored.accepted_at);
  const file = stored.file?.M;
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
  };
}

export function chunkItem({ rejected, ...entry }: ChunkEntry): Item {
  return item({ ...entry, rejected: { ...rejected }, entry: chunkEntry(entry.number) });
}

export function chunkOf(stored: Item): ChunkEntry {
  const reasons = Object.entries(stored.rejected?.M ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    batch_id: text(stored.batch_id)!,
    number: number(stored.number),
    chunk_id: text(stored.chunk_id)!,
    revision: number(stored.revision),
    kept: number(stored.kept),
    duplicate: number(stored.duplicate),
    rejected: Object.fromEntries(reasons.map(([reason, count]) => [reason, number(count)])),
    cleaned_at: text(stored.cleaned_at)!,
  };
}

/** A batch from all its items; undefined when the head is not among them. */
export function batchOf(items: readonly Item[]): Batch | undefined {
  const head = items.find(({ entry }) => text(entry) === HEAD);
  if (!head) return undefined;
  const entries = items.filter((stored) => stored !== head).map(chunkOf);
  return { head: headOf(head), entries: entries.sort((a, b) => a.number - b.number) };
}
