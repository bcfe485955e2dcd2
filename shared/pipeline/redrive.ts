import { datasetNamed, LIMITS } from '../domain/body';
import type { Corrections } from '../domain/edit';
import { type Batch, type BatchHead, balanceOf, type ChunkEntry } from '../domain/ledger';
import { addCounts, rejectedTotal } from '../domain/outcome';
import { Problem } from '../domain/problem';
import {
  type Attempt,
  areCounted,
  oneRow,
  type RedriveOrder,
  refusedFor,
  retry,
  stillRefused,
  type Which,
} from '../domain/redrive';
import { carryOut, goOn, putRefused, type RedrivePorts, unchanged, type Within } from './carry-out';
import { Unavailable } from './ports';
import { replayChunks } from './replay';

export type { RedrivePorts } from './carry-out';
export { type FailureOutcome, redriveFailed } from './failed';
export { type Replayed, replayBatch } from './replay';

/** How refused rows go through again. */
export interface How {
  /** Only those refused for this reason. */
  readonly reason?: string | undefined;
  readonly by: string;
  /** Nothing is changed: only what would become of them is told. */
  readonly dryRun?: boolean | undefined;
  /** Only these rows, with these texts, whatever they were refused for. */
  readonly corrections?: Corrections | undefined;
}

/** What became of the refused rows of a batch. */
export interface Redriven {
  readonly batch_id: string;
  readonly dataset: string;
  readonly tried: number;
  readonly kept: number;
  readonly duplicate: number;
  /** Refused again. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Refused rows that were not tried. */
  readonly left: number;
  /** Why the batch, or what is left of it, cannot be redriven. */
  readonly problem?: string;
}

/**
 * Sends a batch's refused rows through again with today's contract, chunk by chunk. What was begun before is carried out
 * first, as it was begun; rows that are refused again for the same change nothing.
 * @throws Problem not_found; conflict while the batch is open, being cleaned or provisional, or its refused rows are not
 * those of the ledger; invalid_parameter for corrections of rows that were never refused, or that are not one row.
 */
export async function redriveBatch(batch_id: string, how: How, ports: RedrivePorts): Promise<Redriven> {
  const parts: Counted[] = [];
  const batch = await redrivable(batch_id, ports);
  for await (const part of redriveChunks(batch, how, ports)) parts.push(part);
  return summed(batch.head, parts);
}

/** Redrives every batch that has rows refused for the reason. One that cannot be is told with its problem. */
export async function* redriveAll(
  { reason, since }: { readonly reason?: string | undefined; readonly since?: string | undefined },
  { by, dryRun }: Pick<How, 'by' | 'dryRun'>,
  ports: RedrivePorts,
): AsyncGenerator<Redriven> {
  for await (const batch of ports.history.batches(since)) {
    const { rejected } = balanceOf(batch);
    if (refusedFor(reason, rejected) === 0) continue;
    try {
      yield await redriveBatch(batch.head.batch_id, { reason, by, dryRun }, ports);
    } catch (error) {
      if (error instanceof Unavailable || !(error instanceof Error)) throw error;
      // A defect, or a damaged object, is one batch's: the others go on.
      const problem = error instanceof Problem ? error.detail : `${error.name}: ${error.message}`;
      yield { ...summed(batch.head, []), problem };
    }
  }
}

/** A chunk takes seconds; one with a store that is busy, a minute. */
const RESERVE_MS = 90_000;

/**
 * Does what was ordered, chunk by chunk, and of raw/ object by object. When its time is over, what is left is ordered anew.
 * @throws Problem for what can never be done
 */
export async function fulfil(
  order: RedriveOrder,
  ports: RedrivePorts,
  timeLeft: () => number = () => Number.POSITIVE_INFINITY,
): Promise<void> {
  const { batch_id, reason, by } = order;
  const done = [...(order.done ?? [])];
  let { after } = order;
  const steps = order.replay
    ? replayChunks(batch_id, { by }, ports, { done, after })
    : redriveChunks(await redrivable(batch_id, ports), { reason, by }, ports, done);
  for await (const step of steps) {
    if ('number' in step) done.push(step.number);
    else after = step.read;
    if (timeLeft() < RESERVE_MS) return ports.orders.put({ ...order, done, ...(after && { after }) });
  }
}

interface Counted extends Omit<Redriven, 'batch_id' | 'dataset' | 'problem'> {
  readonly number: number;
}

function summed({ batch_id, dataset }: BatchHead, parts: readonly Counted[]): Redriven {
  const sum = (of: (part: Counted) => number) => parts.reduce((total, part) => total + of(part), 0);
  return { batch_id, dataset, tried: sum(({ tried }) => tried), ...addCounts(parts), left: sum(({ left }) => left) };
}

/** The batch, if its rows have come to rest. @throws Problem not_found, conflict */
export async function redrivable(batch_id: string, { batches }: Pick<RedrivePorts, 'batches'>): Promise<Batch> {
  const batch = await batches.find(batch_id);
  if (!batch) throw new Problem('not_found', 'There is no such batch.');
  const { status } = balanceOf(batch);
  const why = {
    open: 'The batch is not wholly received. Its sender has to send it again.',
    accepted: 'The batch is being cleaned. Try again when it is through.',
    provisional: 'The rows of the batch are being claimed. Try again when they are.',
  };
  if (status in why) throw new Problem('conflict', why[status as keyof typeof why], { batch_id, batch_status: status });
  return batch;
}

/** Redrives the chunks of a batch, but those that are done; what became of each. */
async function* redriveChunks(
  { head, entries }: Batch,
  how: How,
  ports: RedrivePorts,
  done: readonly number[] = [],
): AsyncGenerator<Counted> {
  const within = { head, dataset: datasetNamed(head.dataset) };
  const seen = how.dryRun ? unchanged(ports) : ports;
  const corrections = how.corrections && (await checked(how.corrections, head, entries, ports));
  for (const entry of entries.filter(({ number }) => !done.includes(number))) {
    const texts = corrections?.get(entry.chunk_id);
    if (corrections && !texts) {
      yield { ...NOTHING, number: entry.number, left: rejectedTotal(entry) };
      continue;
    }
    yield { number: entry.number, ...(await redriveChunk(entry, { reason: how.reason, texts }, how, within, seen)) };
    // Somebody else may have put another text through meanwhile.
    if (corrections) await checked(new Map([[entry.chunk_id, texts!]]), head, [entry], ports);
  }
}

const NOTHING = { tried: 0, kept: 0, duplicate: 0, rejected: {}, left: 0 };

/**
 * One chunk. Every revision of its entry is an attempt's, and who keeps one first has it: of two redrives at the same
 * time the second carries out the first one's attempt, and then looks again.
 */
async function redriveChunk(
  found: ChunkEntry,
  which: Which,
  how: How,
  within: Within,
  ports: RedrivePorts,
): Promise<Omit<Counted, 'number'>> {
  const { head, dataset } = within;
  const { batch_id, number, chunk_id } = found;
  if (found.revision === 0 && rejectedTotal(found) === 0) return NOTHING;
  const chunk = { dataset: head.dataset, chunk_id };
  const clean = dataset.cleaner(head.format, head.columns);
  let entry = (await ports.chunks.find(batch_id, number)) ?? found;
  let { revision } = entry;
  let last = revision > 0 ? await ports.attempts.find(chunk, revision) : undefined; // Spark's claim is none
  let [kept, duplicate, steps] = [0, 0, 0];
  let own: Attempt | undefined;
  let trial = { tried: 0, rejected: {}, left: 0 };
  for (;;) {
    let begun = await ports.attempts.find(chunk, revision + 1);
    if (!begun) {
      if (entry.revision > revision) throw lost(chunk_id, `revision ${revision + 1} is not there`);
      if (own && isSame(last, own)) break;
      const refused = last ? stillRefused(last) : await ports.rejects.read(head, chunk_id);
      if (!areCounted(refused, entry)) {
        if (await ports.attempts.find(chunk, revision + 1)) continue;
        throw lost(chunk_id, `${refused.length} of ${rejectedTotal(entry)} are there`);
      }
      const { rows, left, tried, rejected } = retry(refused, which, clean);
      trial = { tried, rejected, left: refused.length - tried };
      if (rows.length === 0) break;
      own = {
        batch_id,
        dataset: head.dataset,
        chunk_id,
        number,
        revision: revision + 1,
        contract_version: dataset.contract.version,
        begun_at: ports.clock.now().toISOString(),
        by: how.by,
        rows,
        left,
      };
      begun = await ports.attempts.begin(own);
    }
    const moved = await carryOut(begun, entry, within, ports);
    kept += moved.kept;
    duplicate += moved.duplicate;
    steps++;
    entry = moved.entry;
    revision = begun.revision;
    last = begun;
  }
  if (last && steps === 0) {
    // Whoever died behind a faster one may have left older refused rows, or told nobody.
    await putRefused(stillRefused(last), chunk_id, head, ports);
    await goOn(last, last.revision, within, ports);
    await ports.watch.again(batch_id, ports.clock.now().toISOString());
  }
  const { rejected, left } = trial;
  return { tried: kept + duplicate + rejectedTotal({ rejected }), kept, duplicate, rejected, left };
}

const isSame = (a: Attempt | undefined, b: Attempt): boolean => JSON.stringify(a) === JSON.stringify(b);

const lost = (chunk_id: string, what: string) =>
  new Problem(
    'conflict',
    `The refused rows of chunk ${chunk_id} are not those of the ledger: ${what}. Replay the batch, which makes them again.`,
    { chunk_id },
  );

/** So many rows are named. */
const MOST_NAMED = 20;

/**
 * Corrections that can be made, each as one row. @throws Problem invalid_parameter naming those that cannot, before
 * anything is done
 */
async function checked(
  corrections: Corrections,
  head: BatchHead,
  entries: readonly ChunkEntry[],
  ports: RedrivePorts,
): Promise<Corrections> {
  const wrong: { chunk_id: string; line: number; why: string }[] = [];
  const right = new Map<string, Map<number, string>>();
  for (const [chunk_id, texts] of corrections) {
    const entry = entries.find((one) => one.chunk_id === chunk_id);
    const { refused, through } = entry ? await fates(entry, head, ports) : { refused: new Set(), through: new Map() };
    const rows = new Map<number, string>();
    right.set(chunk_id, rows);
    for (const [line, text] of texts) {
      const row = text.length > LIMITS.rowCharacters ? undefined : oneRow(text, head.format);
      const why = chunk_id.startsWith(`${head.batch_id}-`)
        ? whyNot(row, refused.has(line), through.get(line))
        : 'the chunk is none of this batch';
      if (why) wrong.push({ chunk_id, line, why });
      else rows.set(line, row!);
    }
  }
  if (wrong.length === 0) return right;
  const { chunk_id, line, why } = wrong[0]!;
  const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more rows)` : '';
  throw new Problem('invalid_parameter', `Line ${line} of chunk ${chunk_id} cannot be corrected: ${why}${more}.`, {
    parameter: 'corrections',
    rows: wrong.slice(0, MOST_NAMED),
  });
}

function whyNot(row: string | undefined, isRefused: boolean, through: string | undefined): string | undefined {
  if (row === undefined) return 'its text is not one row';
  if (isRefused || through === row) return undefined;
  return through === undefined ? 'it was never refused' : 'it went through with another text';
}

/** The lines of a chunk that are refused, and the texts of those that went through in a redrive. */
async function fates(entry: ChunkEntry, head: BatchHead, { attempts, rejects }: RedrivePorts) {
  const chunk = { dataset: head.dataset, chunk_id: entry.chunk_id };
  const through = new Map<number, string>();
  let last: Attempt | undefined;
  for (let revision = 1; ; revision++) {
    const attempt = await attempts.find(chunk, revision);
    if (!attempt && revision > entry.revision) break;
    for (const { line, now, verdict } of attempt?.rows ?? []) if (verdict.kind === 'kept') through.set(line, now);
    last = attempt ?? last;
  }
  const rows = last ? stillRefused(last) : await rejects.read(head, entry.chunk_id);
  return { refused: new Set(rows.map(({ line }) => line)), through };
}
