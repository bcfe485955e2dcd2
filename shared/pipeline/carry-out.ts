import type { RejectedRow } from '../domain/clean';
import type { Dataset } from '../domain/dataset';
import type { InvoicePart } from '../domain/invoice';
import type { BatchHead, ChunkEntry } from '../domain/ledger';
import { type Counts, rejectedTotal } from '../domain/outcome';
import type { Chunk } from '../domain/packing';
import { type Accepted, type Attempt, acceptedBy, claimantOf, movedEntry, stillRefused } from '../domain/redrive';
import { claim } from './claim';
import { type CleanPorts, cleanChunk, customersOf } from './clean';
import type { BulkRef, Ports } from './ports';
import { putLive } from './put-live';

export type RedrivePorts = CleanPorts &
  Pick<Ports, 'batches' | 'attempts' | 'watch' | 'telemetry' | 'failures' | 'raw' | 'history' | 'orders'>;

/** What became of rows that the contract accepts. */
export type Moved = Pick<Counts, 'kept' | 'duplicate'>;

/** What a batch's head, or a chunk of it, says of how it came. */
export type Arrived = Pick<BatchHead, 'dataset' | 'batch_id' | 'received_at' | 'contract_version'>;

/** The batch that a chunk is of, with the contract of today. */
export interface Within {
  readonly head: BatchHead;
  readonly dataset: Dataset;
}

/**
 * Claims rows under a name and puts what is new to landing and to the customers. May be done again: the same rows are
 * claimed under the same name. `replace`: there may be rows in landing under this name that are not its own any more.
 */
export async function store(
  ref: BulkRef,
  { rows, repeated }: Accepted,
  dataset: Dataset,
  ports: Pick<Ports, 'clock' | 'invoices' | 'live' | 'landing' | 'customers'>,
  replace = false,
): Promise<Moved> {
  const by = dataset.contract.claim?.by;
  const { claimed, duplicates, opening } =
    by === undefined
      ? { claimed: rows, duplicates: 0, opening: new Set<string>() }
      : await claim(ref.chunk_id, rows, (row) => String(row[by]), ports.invoices);
  await putLive(ref, claimed, opening, ports, replace);
  if (claimed.length > 0 || replace) await ports.landing.append(ref, claimed);
  if (by !== undefined && claimed.length > 0) await ports.customers.put(customersOf(claimed, dataset));
  return { kept: claimed.length, duplicate: repeated + duplicates };
}

/** Stores the rows of an attempt, under a name of their own. */
export function storeAttempt(
  attempt: Attempt,
  dataset: Dataset,
  ports: Pick<Ports, 'clock' | 'invoices' | 'live' | 'landing' | 'customers'>,
): Promise<Moved> {
  const { dataset: name, batch_id, begun_at } = attempt;
  const ref = { dataset: name, batch_id, chunk_id: claimantOf(attempt), received_at: begun_at };
  return store(ref, acceptedBy(attempt), dataset, ports);
}

/**
 * Takes an attempt from begun to done: the claim, landing, customers, what stays refused, and the entry's revision last,
 * so that a crash at any point is mended by doing all of it again. Where the entry has come further, only the refused
 * rows are put: whoever is behind has put older ones in their place. So everybody goes on to the next attempt, if one is
 * begun, and the last one's rows are there in the end.
 * @param entry as it was found; it has come as far as the attempt before at least
 */
export async function carryOut(
  attempt: Attempt,
  entry: ChunkEntry,
  { head, dataset }: Within,
  ports: RedrivePorts,
): Promise<Moved & { readonly entry: ChunkEntry }> {
  const { batch_id, chunk_id, revision } = attempt;
  const isDone = entry.revision >= revision;
  const moved = isDone ? { kept: 0, duplicate: 0 } : await storeAttempt(attempt, dataset, ports);
  await ports.rejects.put({ ...refOf(head, chunk_id), contract_version: head.contract_version }, stillRefused(attempt));
  if (isDone) return { ...moved, entry };

  const now = ports.clock.now().toISOString();
  const revised = movedEntry(entry, attempt, moved, now);
  const stored = await ports.chunks.revise(revised);
  await ports.watch.again(batch_id, now);
  if (stored !== revised) return { ...moved, entry: stored }; // whoever was faster has measured it
  const through = moved.kept + moved.duplicate;
  if (through > 0) ports.telemetry.measure({ RowsRedriven: through }, head.dataset);
  const what = attempt.recount ? 'a chunk is counted anew' : 'a chunk is redriven';
  ports.telemetry.log('info', what, { batch_id, chunk_id, dataset: head.dataset, revision, ...moved });
  return { ...moved, entry: stored };
}

/** What was begun meanwhile is carried out: its refused rows come last. */
export async function goOn(
  chunk: Pick<Attempt, 'dataset' | 'batch_id' | 'chunk_id' | 'number'>,
  revision: number,
  within: Within,
  ports: RedrivePorts,
): Promise<void> {
  for (let next = revision + 1; ; next++) {
    const begun = await ports.attempts.find(chunk, next);
    if (!begun) return;
    const entry = await ports.chunks.find(chunk.batch_id, chunk.number);
    if (entry) await carryOut(begun, entry, within, ports);
  }
}

/** A chunk of a batch as landing has it. */
export const refOf = ({ dataset, batch_id, received_at }: Arrived, chunk_id: string): BulkRef => ({
  dataset,
  batch_id,
  chunk_id,
  received_at,
});

/** Puts refused rows to where they belong, unless they are there. */
export async function putRefused(
  rows: readonly RejectedRow[],
  chunk_id: string,
  head: Arrived,
  { rejects }: Pick<Ports, 'rejects'>,
): Promise<void> {
  const there = await rejects.read(head, chunk_id);
  if (JSON.stringify(there) === JSON.stringify(rows)) return;
  await rejects.put({ ...refOf(head, chunk_id), contract_version: head.contract_version }, rows);
}

/**
 * Cleans a chunk that has no entry by the contract of today. What an earlier one refused of it, before a crash or the loss
 * of its entry, may lie there still.
 */
export async function cleanToday(chunk: Chunk, head: Arrived, ports: RedrivePorts): Promise<ChunkEntry> {
  const entry = await cleanChunk(chunk, ports);
  if (entry.revision === 0 && rejectedTotal(entry) === 0) await putRefused([], chunk.chunk_id, head, ports);
  return entry;
}

/** The same world to look at: what is written goes nowhere, and lines are claimed for as long as this lives. */
export function unchanged(ports: RedrivePorts): RedrivePorts {
  const written = new Map<string, InvoicePart[]>();
  const nothing = async () => undefined;
  return {
    ...ports,
    chunks: {
      find: (batch_id, number) => ports.chunks.find(batch_id, number),
      record: async (entry) => entry,
      revise: async (entry) => entry,
      fail: nothing,
    },
    invoices: {
      async read(invoice_nos) {
        const stored = await ports.invoices.read(invoice_nos);
        const parts = (no: string) => {
          const claimed = written.get(no) ?? [];
          const isNew = new Set(claimed.map(({ part }) => part));
          return [...(stored.get(no) ?? []).filter(({ part }) => !isNew.has(part)), ...claimed];
        };
        return new Map(invoice_nos.map((no) => [no, parts(no).sort((a, b) => a.part - b.part)]));
      },
      async write(parts) {
        for (const part of parts) {
          const others = (written.get(part.invoice_no) ?? []).filter((other) => other.part !== part.part);
          written.set(part.invoice_no, [...others, part]);
        }
        return [];
      },
    },
    customers: { put: nothing, invoices: async () => [] },
    landing: { append: nothing },
    rejects: { put: nothing, read: (head, chunk_id) => ports.rejects.read(head, chunk_id) },
    failed: { put: nothing },
    live: { ...ports.live, put: nothing, touch: nothing },
    attempts: {
      begin: async (attempt) => attempt,
      find: (chunk, revision) => ports.attempts.find(chunk, revision),
    },
    failures: {
      list: () => ports.failures.list(),
      read: (key) => ports.failures.read(key),
      remove: nothing,
    },
    raw: { list: (since) => ports.raw.list(since), read: (key) => ports.raw.read(key), keep: nothing },
    orders: { put: nothing },
    watch: { ...ports.watch, again: nothing },
    telemetry: { log: () => undefined, measure: () => undefined, read: async () => undefined },
  };
}
