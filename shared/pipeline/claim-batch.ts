import { type Arrival, isUnfinished, type Refusal } from '../domain/arrival';
import { claimedEntry, entryOfChunk, headOfManifest, type Manifest, NotAManifest, readManifest } from '../domain/bulk';
import { type Dataset, datasets } from '../domain/dataset';
import type { ChunkEntry } from '../domain/ledger';
import { accountedFor, type KeptRow, rejectedTotal } from '../domain/outcome';
import { claim } from './claim';
import { customersOf } from './clean';
import type { BulkRef, Ports } from './ports';
import { refuse, type Shift } from './take-file';

export type ClaimBatchPorts = Pick<
  Ports,
  | 'clock'
  | 'inbox'
  | 'arrivals'
  | 'backlog'
  | 'batches'
  | 'chunks'
  | 'invoices'
  | 'customers'
  | 'bulkOutput'
  | 'later'
  | 'pace'
  | 'telemetry'
>;

/** What a look at a batch came to; `absent`: Spark is not done with it. */
export type ClaimedBatch = { readonly kind: 'absent' | 'refused' | 'continued' | 'done' };

/** A chunk of claims takes a minute or two. */
const RESERVE_MS = 180_000;

/**
 * Takes over what Spark has cleaned: the ledger's head, an entry for each chunk, provisional where the contract claims,
 * and then chunk by chunk the claim, which tells new rows from those of other batches: a revision of the entry, the sum
 * unchanged. Each chunk with its last revision is a checkpoint.
 */
export async function claimBatch(
  batch: { readonly dataset: string; readonly batch_id: string },
  ports: ClaimBatchPorts,
  shift: Shift,
): Promise<ClaimedBatch> {
  const claimed = await lookAt(batch, ports, shift);
  const { batch_id, dataset } = batch;
  const level = claimed.kind === 'refused' ? 'warn' : 'info';
  ports.telemetry.log(level, 'a batch of Spark was looked at', { batch_id, dataset, outcome: claimed.kind });
  return claimed;
}

async function lookAt(
  batch: { readonly dataset: string; readonly batch_id: string },
  ports: ClaimBatchPorts,
  shift: Shift,
): Promise<ClaimedBatch> {
  const written = await ports.bulkOutput.manifest(batch);
  if (written === undefined) return { kind: 'absent' };
  const manifest = readManifest(written);
  if (manifest.batch_id !== batch.batch_id || manifest.dataset !== batch.dataset)
    throw new NotAManifest(`it is that of ${manifest.dataset} ${manifest.batch_id}`);
  const arrivals = await arrivalsOf(manifest, ports);
  if (manifest.refused) {
    for (const arrival of arrivals) await refuseWhole(manifest, manifest.refused, arrival, ports);
    return { kind: 'refused' };
  }
  const dataset = datasets.get(manifest.dataset);
  if (!dataset) throw new Error(`there is no data set ${manifest.dataset}`);

  const open = await openEntries(manifest, dataset, ports);
  for (const arrival of arrivals) await note(arrival, manifest, 'claiming', ports);
  for (const entry of open) {
    if (shift.timeLeft() < RESERVE_MS) {
      await ports.later.again(batch, 0);
      return { kind: 'continued' };
    }
    await claimChunk({ ...manifest, chunk_id: entry.chunk_id }, entry, dataset, ports);
  }
  for (const arrival of arrivals) await note(arrival, manifest, 'done', ports);
  return { kind: 'done' };
}

/** Notes that Spark gave a file up. Whoever puts it again has it tried again. */
export async function giveUp(
  { run_id, reason }: { readonly run_id: string; readonly reason: string },
  { backlog, arrivals, clock, telemetry }: Pick<Ports, 'backlog' | 'arrivals' | 'clock' | 'telemetry'>,
): Promise<void> {
  const given = (await backlog.unfinished()).filter(
    (arrival) => arrival.run_id === run_id && arrival.state === 'running',
  );
  for (const arrival of given) {
    const refusal = { code: 'internal', detail: `Spark gave up: ${reason.slice(0, 500)}`, facts: {} } as const;
    await arrivals.note({ ...arrival, state: 'failed', refusal, finished_at: clock.now().toISOString() });
    const { key, batch_id, dataset } = arrival;
    telemetry.log('warn', 'Spark gave a file up', { key, batch_id, dataset, run_id });
  }
}

/** The file that Spark read, and those of the same content that came under other keys meanwhile. */
async function arrivalsOf(
  { key, version, batch_id }: Manifest,
  { arrivals, backlog }: ClaimBatchPorts,
): Promise<Arrival[]> {
  const isRead = (arrival: Arrival) => arrival.key === key && arrival.version === version;
  const others = (await backlog.unfinished()).filter((other) => other.batch_id === batch_id && !isRead(other));
  return [...(await arrivals.of(key)).filter(isRead), ...others];
}

async function refuseWhole(
  { batch_id }: Manifest,
  refusal: Refusal,
  arrival: Arrival,
  ports: ClaimBatchPorts,
): Promise<void> {
  const { inbox, arrivals, clock } = ports;
  const file = await inbox.look(arrival.key, arrival.version);
  if (file) await refuse(file, { ...arrival, batch_id }, refusal, ports);
  else if (isUnfinished(arrival)) {
    // It went meanwhile: there is nothing to keep.
    await arrivals.note({ ...arrival, batch_id, state: 'refused', refusal, finished_at: clock.now().toISOString() });
  }
}

async function note(
  arrival: Arrival,
  { batch_id, broken }: Manifest,
  state: 'claiming' | 'done',
  { arrivals, clock }: ClaimBatchPorts,
): Promise<void> {
  const finished = state === 'done' && { finished_at: clock.now().toISOString() };
  await arrivals.note({ ...arrival, batch_id, state, ...(broken && { broken }), ...finished });
}

/** Writes what the ledger lacks of the batch. The entries whose rows are to be claimed. */
async function openEntries(manifest: Manifest, { contract }: Dataset, ports: ClaimBatchPorts): Promise<ChunkEntry[]> {
  const now = ports.clock.now().toISOString();
  const { batch_id } = await ports.batches.open(headOfManifest(manifest, now));
  const known = new Map((await ports.batches.find(batch_id))!.entries.map((entry) => [entry.number, entry]));
  const open: ChunkEntry[] = [];
  for (const chunk of manifest.chunks) {
    const first = entryOfChunk(batch_id, chunk, contract.claim !== undefined, now);
    const entry = known.get(chunk.number) ?? (await ports.chunks.record(first));
    if (entry === first) count(undefined, entry, contract.name, ports);
    if (entry.provisional) open.push(entry);
  }
  return open;
}

/** Claims a chunk's rows and writes its next revision; rows that are another batch's leave landing before that. */
async function claimChunk(ref: BulkRef, entry: ChunkEntry, dataset: Dataset, ports: ClaimBatchPorts): Promise<void> {
  const { by } = dataset.contract.claim!;
  const claimed = new Set<string>();
  let rows = 0;
  for await (const some of entry.kept === 0 ? [] : ports.bulkOutput.read(ref)) {
    const mine = await claim(ref.chunk_id, some, (row) => String(row[by]), ports.invoices);
    await ports.customers.put(customersOf(mine.claimed, dataset));
    for (const { line_id } of mine.claimed) claimed.add(line_id);
    rows += some.length;
    await ports.pace.after(some.length);
  }
  if (claimed.size < rows) await ports.bulkOutput.replace(ref, await rowsAmong(claimed, ref, ports));
  const revised = claimedEntry(entry, claimed.size, ports.clock.now().toISOString());
  if ((await ports.chunks.revise(revised)) === revised) count(entry, revised, ref.dataset, ports);
}

/**
 * Measures what an entry says beyond the one before it, each row once: rows that Spark kept are counted when they are
 * claimed. Only of entries that were written just now.
 */
function count(before: ChunkEntry | undefined, entry: ChunkEntry, dataset: string, { telemetry }: ClaimBatchPorts) {
  const RowsKept = entry.provisional ? 0 : entry.kept;
  if (before) telemetry.measure({ RowsKept, RowsDuplicate: entry.duplicate - before.duplicate }, dataset);
  else {
    const { duplicate: RowsDuplicate } = entry;
    const RowsReceived = accountedFor(entry);
    telemetry.measure({ RowsReceived, RowsKept, RowsDuplicate, RowsRejected: rejectedTotal(entry) }, dataset);
  }
  const { batch_id, chunk_id, number, revision, kept, duplicate, rejected, provisional } = entry;
  const message = provisional
    ? 'a chunk of Spark is in the ledger, provisionally'
    : 'a chunk of Spark is in the ledger';
  telemetry.log('info', message, { batch_id, chunk_id, dataset, number, revision, kept, duplicate, rejected });
}

async function rowsAmong(
  line_ids: ReadonlySet<string>,
  ref: BulkRef,
  { bulkOutput }: ClaimBatchPorts,
): Promise<KeptRow[]> {
  const rows: KeptRow[] = [];
  for await (const some of bulkOutput.read(ref)) rows.push(...some.filter(({ line_id }) => line_ids.has(line_id)));
  return rows;
}
