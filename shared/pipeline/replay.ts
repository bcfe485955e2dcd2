import { datasetNamed } from '../domain/body';
import { type RejectedRow, refusedRow } from '../domain/clean';
import { type Batch, balanceOf, type ChunkEntry } from '../domain/ledger';
import { accountedFor, type Verdict } from '../domain/outcome';
import { type Chunk, NotAChunk, unpackAll } from '../domain/packing';
import { Problem } from '../domain/problem';
import {
  type Accepted,
  type Attempt,
  acceptedOf,
  areCounted,
  countReasons,
  type JudgedRow,
  judgedRows,
  type RedriveOrder,
  refusedBefore,
  stillRefused,
} from '../domain/redrive';
import { daysBefore } from '../domain/warehouse';
import {
  carryOut,
  cleanToday,
  goOn,
  putRefused,
  type RedrivePorts,
  refOf,
  store,
  storeAttempt,
  unchanged,
  type Within,
} from './carry-out';
import { type Ports, Unavailable } from './ports';

/** What a replay came to. */
export interface Replayed {
  readonly batch_id: string;
  readonly dataset: string;
  /** Chunks of the batch. */
  readonly chunks: number;
  /** Chunks that went through again. */
  readonly replayed: number;
  /** Of these, chunks that the ledger had no entry of. */
  readonly cleaned: number;
  /** Of these, chunks whose counts were not those of the stores. */
  readonly recounted: number;
  /** Chunks that could not be made again, and why. */
  readonly left: readonly { readonly number: number; readonly why: string }[];
  /** Objects of raw/ that cannot be read to their end. */
  readonly unreadable: readonly string[];
}

/** Who asked for it; with dryRun nothing is changed. */
export interface ReplayHow {
  readonly by: string;
  readonly dryRun?: boolean | undefined;
}

/**
 * Sends a batch through again as it came, from raw/, to mend the stores: what was kept is claimed and lands again under
 * the same names, redrives are carried out again as they were. A store that has all of it is left as it is.
 * @throws Problem not_found; conflict while the batch is open or provisional, and for a batch of Spark
 */
export async function replayBatch(batch_id: string, how: ReplayHow, ports: RedrivePorts): Promise<Replayed> {
  const unreadable: string[] = [];
  const done: ReplayedChunk[] = [];
  const { head } = await replayable(batch_id, ports);
  for await (const step of replayChunks(batch_id, how, ports, {}, (key) => unreadable.push(key)))
    if ('number' in step) done.push(step);
  const through = done.filter(({ why }) => why === undefined);
  const found = new Set(done.map(({ number }) => number));
  const missing = head.slices.map((_, i) => i + 1).filter((number) => !found.has(number));
  const left = [
    ...done.flatMap(({ number, why }) => (why === undefined ? [] : [{ number, why }])),
    ...missing.map((number) => ({ number, why: 'it is not in raw/' })),
  ];
  return {
    batch_id,
    dataset: head.dataset,
    chunks: head.slices.length,
    replayed: through.length,
    cleaned: through.filter(({ cleaned }) => cleaned).length,
    recounted: through.filter(({ recounted }) => recounted).length,
    left: left.sort((a, b) => a.number - b.number),
    unreadable,
  };
}

/** What became of a chunk. */
export interface ReplayedChunk {
  readonly number: number;
  readonly cleaned?: boolean;
  readonly recounted?: boolean;
  /** Why it could not be made again. */
  readonly why?: string;
}

/** An object of raw/ that was read to its end. */
export interface ReadObject {
  readonly read: string;
}

/**
 * Replays the chunks of a batch in the order in which raw/ has them, but those that are done; days of raw/ take long to
 * be read, so each object is told. @throws Problem
 */
export async function* replayChunks(
  batch_id: string,
  { by, dryRun }: ReplayHow,
  ports: RedrivePorts,
  { done = [], after = '' }: Pick<RedriveOrder, 'done' | 'after'> = {},
  onUnreadable: (key: string) => void = () => undefined,
): AsyncGenerator<ReplayedChunk | ReadObject> {
  const { head } = await replayable(batch_id, ports);
  const within = { head, dataset: datasetNamed(head.dataset) };
  const seen = dryRun ? unchanged(ports) : ports;
  const wanted = new Set(head.slices.map((_, i) => i + 1).filter((number) => !done.includes(number)));
  if (wanted.size === 0) return;
  // An object of Firehose has the day of its oldest record, which may have come before midnight.
  const first = daysBefore(head.received_at.slice(0, 10), 1);
  const last = `raw/dt=${daysBefore(head.accepted_at!.slice(0, 10), -MOST_DAYS_BEHIND)}`;
  for await (const { key } of ports.raw.list(first)) {
    if (key <= after || key.slice(0, last.length) > last) continue; // later days can be many
    const joined = await ports.raw.read(key);
    const onBroken = () => {
      onUnreadable(key);
      seen.telemetry.log('warn', 'an object of raw/ cannot be read to its end', { batch_id, key });
    };
    for (const chunk of joined ? readable(joined, onBroken) : []) {
      if (chunk.batch_id !== batch_id || !wanted.delete(chunk.number)) continue;
      yield { number: chunk.number, ...(await replayOne(chunk, by, within, seen)) };
      if (wanted.size === 0) return;
    }
    yield { read: key };
  }
  const facts = { batch_id, dataset: head.dataset, chunks: wanted.size, first: Math.min(...wanted) };
  seen.telemetry.log('warn', 'chunks that are to be replayed are not in raw/', facts);
}

/** The stream keeps a record for a day, and those who fill raw/ bring what failed under the day when it came. */
const MOST_DAYS_BEHIND = 8;

/** The chunks of joined records, up to where they are broken. */
function* readable(joined: Uint8Array, onBroken: () => void): Generator<Chunk> {
  const chunks = unpackAll(Buffer.from(joined.buffer, joined.byteOffset, joined.byteLength));
  for (;;) {
    let next: IteratorResult<Chunk>;
    try {
      next = chunks.next();
    } catch (error) {
      if (!(error instanceof NotAChunk)) throw error;
      onBroken(); // told to whoever asked for the replay
      return;
    }
    if (next.done) return;
    yield next.value;
  }
}

async function replayable(batch_id: string, { batches }: Pick<Ports, 'batches'>): Promise<Batch> {
  const batch = await batches.find(batch_id);
  if (!batch) throw new Problem('not_found', 'There is no such batch.');
  const { head } = batch;
  const { status } = balanceOf(batch);
  // Spark's chunks are no slices: they begin in no line.
  if (head.slices.some(({ first_line }) => first_line === 0)) {
    throw new Problem(
      'conflict',
      `The batch is Spark's: raw/ has nothing of it. Its file is ${head.origin?.key}; put it into the inbox again.`,
      { batch_id, origin: head.origin },
    );
  }
  if (status === 'open')
    throw new Problem('conflict', 'The batch is not wholly received. Its sender has to send it again.', { batch_id });
  return batch;
}

type What = Omit<ReplayedChunk, 'number'>;

async function replayOne(chunk: Chunk, by: string, within: Within, ports: RedrivePorts): Promise<What> {
  const { batch_id, number, chunk_id } = chunk;
  let became: What;
  try {
    const entry = await ports.chunks.find(batch_id, number);
    const attempts = await attemptsOf(chunk, ports);
    const what = entry || attempts.length > 0 ? replayKnown : cleanAnew;
    became = await what(chunk, { entry, attempts, by, within }, ports);
  } catch (error) {
    if (error instanceof Unavailable || !(error instanceof Error)) throw error;
    became = { why: `${error.name}: ${error.message}` }; // a defect, or a damaged attempt: told with the chunk
  }
  const [level, message] =
    became.why === undefined ? (['info', 'replayed'] as const) : (['warn', 'not replayed'] as const);
  ports.telemetry.log(level, `a chunk is ${message}`, { batch_id, chunk_id, ...became });
  // Also when nothing has changed: a crash may have come between a change and this. The digest tells only what is new.
  if (became.why === undefined) await ports.watch.again(batch_id, ports.clock.now().toISOString());
  return became;
}

/** A chunk's attempts without a gap from the first. */
async function attemptsOf(chunk: Chunk, { attempts }: RedrivePorts): Promise<Attempt[]> {
  const found: Attempt[] = [];
  for (;;) {
    const attempt = await attempts.find(chunk, found.length + 1);
    if (!attempt) return found;
    found.push(attempt);
  }
}

interface Known {
  readonly entry: ChunkEntry | undefined;
  readonly attempts: readonly Attempt[];
  readonly by: string;
  readonly within: Within;
}

/** A chunk that the ledger knows nothing of is cleaned as if it came today. */
async function cleanAnew(chunk: Chunk, { within }: Known, ports: RedrivePorts): Promise<What> {
  await cleanToday(chunk, within.head, ports);
  return { cleaned: true };
}

/**
 * A chunk whose rows have been counted before: those that were refused then stay refused, all others are claimed and
 * land again, then its attempts in their order. The entry is revised only when the stores count otherwise, by an attempt
 * that moves no row, so that a redrive at the same time cannot take the same revision.
 */
async function replayKnown(chunk: Chunk, known: Known, ports: RedrivePorts): Promise<What> {
  const { attempts, within, by } = known;
  const { head, dataset } = within;
  const judged = [...judgedRows(chunk, dataset)];
  const then = await outcomesThen(chunk, judged, known, ports);
  if ('why' in then) return then;

  const mayHaveMore = known.entry !== undefined && known.entry.kept > 0;
  const own = await store(refOf(head, chunk.chunk_id), then.accepted, dataset, ports, mayHaveMore);
  const first: ChunkEntry = {
    batch_id: chunk.batch_id,
    number: chunk.number,
    chunk_id: chunk.chunk_id,
    revision: 0,
    ...own,
    rejected: countReasons(then.refused),
    cleaned_at: ports.clock.now().toISOString(),
  };
  let entry = known.entry ?? (await ports.chunks.record(first));
  let { kept, duplicate } = own;
  let last: Attempt | undefined;
  for (const attempt of attempts) {
    const isDone = entry.revision >= attempt.revision;
    const moved = isDone
      ? { ...(await storeAttempt(attempt, dataset, ports)), entry }
      : await carryOut(attempt, entry, within, ports);
    kept += moved.kept;
    duplicate += moved.duplicate;
    entry = moved.entry;
    last = attempt;
  }

  if (entry.revision > attempts.length) {
    await goOn(chunk, attempts.length, within, ports);
    return MEANWHILE;
  }
  const refused = last ? stillRefused(last) : then.refused;
  const cleaned = !known.entry;
  const recounted = entry.kept !== kept;
  if (kept + duplicate !== entry.kept + entry.duplicate)
    return { why: `${kept + duplicate} rows go through, and the ledger counts ${entry.kept + entry.duplicate}` };
  if (recounted) {
    const counted: Attempt = {
      batch_id: chunk.batch_id,
      dataset: head.dataset,
      chunk_id: chunk.chunk_id,
      number: chunk.number,
      revision: entry.revision + 1,
      contract_version: dataset.contract.version,
      begun_at: first.cleaned_at,
      by,
      rows: [],
      left: refused,
      recount: { kept, duplicate },
    };
    last = await ports.attempts.begin(counted);
    await carryOut(last, entry, within, ports);
  } else await putRefused(refused, chunk.chunk_id, head, ports);
  await goOn(chunk, last?.revision ?? 0, within, ports);
  return recounted && !last?.recount ? MEANWHILE : { cleaned, recounted };
}

const MEANWHILE = { why: 'its rows were redriven at the same time: replay the batch again' };

interface Then {
  readonly accepted: Accepted;
  readonly refused: readonly RejectedRow[];
}

/** What became of a chunk's rows when it was cleaned, or why nobody knows any more. */
async function outcomesThen(
  chunk: Chunk,
  judged: readonly JudgedRow[],
  { entry, attempts, within }: Known,
  ports: RedrivePorts,
): Promise<Then | { why: string }> {
  if (entry && entry.chunk_id !== chunk.chunk_id) return { why: `the ledger's chunk is ${entry.chunk_id}` };
  if (entry && entry.revision > attempts.length) return { why: `its redrive ${attempts.length + 1} is lost` };
  const refused = attempts[0] ? refusedBefore(attempts[0]) : await refusedThen(judged, entry!, within, ports);
  if (!refused) return { why: 'its refused rows are lost, and the contract of today refuses others' };

  const lines = new Set(refused.map(({ line }) => line));
  const verdicts: Verdict[] = judged.filter(({ line }) => !lines.has(line)).map(({ verdict }) => verdict);
  if (verdicts.length + lines.size !== chunk.rows) return { why: 'its refused rows are not all of this chunk' };
  const stricter = verdicts.filter(({ kind }) => kind === 'rejected').length;
  if (stricter > 0) return { why: `the contract of today refuses ${stricter} rows that were kept` };
  if (entry && accountedFor(entry) !== chunk.rows)
    return { why: `the ledger counts ${accountedFor(entry)} rows, and there are ${chunk.rows}` };
  return { accepted: acceptedOf(verdicts), refused };
}

/** The refused rows of a chunk that was never redriven: as they lie there, or as they can be made again. */
async function refusedThen(
  judged: readonly JudgedRow[],
  entry: ChunkEntry,
  { head }: Within,
  { rejects }: RedrivePorts,
): Promise<readonly RejectedRow[] | undefined> {
  const there = await rejects.read(head, entry.chunk_id);
  if (areCounted(there, entry)) return there;
  const today: RejectedRow[] = [];
  for (const { line, text, verdict } of judged) {
    if (verdict.kind === 'rejected') today.push(refusedRow(line, text, verdict));
  }
  return areCounted(today, entry) ? today : undefined;
}
