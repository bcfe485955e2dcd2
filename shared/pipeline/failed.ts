import { datasets } from '../domain/dataset';
import {
  discardedRecords,
  failureKind,
  NotAFailure,
  type UnlandedRow,
  undelivered,
  unlandedRows,
} from '../domain/failure';
import { digestOf } from '../domain/identity';
import { failedKey } from '../domain/lake';
import { NotAChunk, unpack } from '../domain/packing';
import { cleanToday, type RedrivePorts, unchanged } from './carry-out';
import { Unavailable } from './ports';

/** What became of an object with things that failed. */
export interface FailureOutcome {
  readonly key: string;
  /** `cleaned`: its chunks are through; `landed`: its rows are in landing; `kept`: its records are in raw/; `left`: it stays. */
  readonly became: 'cleaned' | 'landed' | 'kept' | 'left';
  /** Chunks, rows or records. */
  readonly count: number;
  /** Why it stays. */
  readonly why?: string;
}

/** An object of more bytes is left: nobody of ours writes one. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Brings back what failed, object by object: chunks of `failed/` and of the failure destination are cleaned, what
 * Firehose could not write is handed over again. An object is removed once all of it is through. What cannot be read, or
 * fails again, is left and told.
 */
export async function* redriveFailed(
  { dryRun }: { readonly by: string; readonly dryRun?: boolean | undefined },
  ports: RedrivePorts,
): AsyncGenerator<FailureOutcome> {
  const seen = dryRun ? unchanged(ports) : ports;
  for await (const { key, bytes } of ports.failures.list()) {
    if (failureKind(key).kind === 'beside') continue;
    const outcome = bytes > MOST_BYTES ? left('it is too large') : await bringBack(key, seen);
    if (!outcome) continue; // somebody else was faster
    const [level, message] = outcome.why === undefined ? (['info', 'is back'] as const) : (['warn', 'stays'] as const);
    seen.telemetry.log(level, `what failed ${message}`, { key, ...outcome });
    yield { key, ...outcome };
  }
}

type What = Omit<FailureOutcome, 'key'>;

const left = (why: string, count = 0): What => ({ became: 'left', count, why });

async function bringBack(key: string, ports: RedrivePorts): Promise<What | undefined> {
  const bytes = await ports.failures.read(key);
  if (!bytes) return undefined;
  const is = failureKind(key);
  try {
    if (is.kind === 'chunk') return await cleanAll([bytes], [failedKey(is.id).error, key], ports);
    if (is.kind === 'discarded') return await cleanAll(discardedRecords(bytes), [key], ports);
    if (is.kind === 'landing') return await landAll(key, bytes, is.dataset, ports);
    if (is.kind === 'raw') return await keepAll(key, bytes, ports);
    return left('it is nothing that is known to fail');
  } catch (error) {
    if (error instanceof NotAFailure || error instanceof NotAChunk) return left(error.message);
    if (error instanceof Unavailable || !(error instanceof Error)) throw error;
    return left(`${error.name}: ${error.message}`); // what cannot be written must not stand before all others
  }
}

/** Cleans records as the stream's consumer would, and removes the objects when all are through; the last is what lists them. */
async function cleanAll(
  records: readonly Uint8Array[],
  objects: readonly string[],
  ports: RedrivePorts,
): Promise<What> {
  const troubles: string[] = [];
  for (const record of records) {
    try {
      const chunk = unpack(record);
      const { batch_id } = await cleanToday(chunk, chunk, ports);
      await ports.watch.again(batch_id, ports.clock.now().toISOString());
    } catch (error) {
      if (error instanceof Unavailable || !(error instanceof Error)) throw error;
      troubles.push(`${error.name}: ${error.message}`);
    }
  }
  const count = records.length - troubles.length;
  if (troubles.length > 0) return left([...new Set(troubles)].join('; '), count);
  for (const key of objects) await ports.failures.remove(key);
  return { became: 'cleaned', count };
}

/** Lands rows that Firehose could not write. They have been claimed and counted. */
async function landAll(key: string, bytes: Uint8Array, name: string, ports: RedrivePorts): Promise<What> {
  const dataset = datasets.get(name);
  if (!dataset) return left(`there is no data set ${name}`);
  const rows: UnlandedRow[] = [];
  for (const { data } of undelivered(bytes)) rows.push(...unlandedRows(data, dataset));
  const received_at = ports.clock.now().toISOString(); // where those who read landing look for what is new
  for (const [batch_id, own] of Map.groupBy(rows, (row) => row.batch_id)) {
    const chunk_id = `${batch_id}-f${digestOf(Buffer.from(key))}`;
    const kept = own.map(({ line_id, row }) => ({ line_id, row }));
    await ports.landing.append({ dataset: name, batch_id, chunk_id, received_at }, kept);
  }
  await ports.failures.remove(key);
  return { became: 'landed', count: rows.length };
}

/** Keeps stream records that did not get to raw/. */
async function keepAll(key: string, bytes: Uint8Array, ports: RedrivePorts): Promise<What> {
  const records = undelivered(bytes);
  for (const { data } of records) unpack(data);
  const [latest] = records.map(({ arrived_at }) => arrived_at).sort((a, b) => (a > b ? -1 : 1));
  const name = `dt=${latest!.slice(0, 10)}/redriven-${digestOf(Buffer.from(key))}.ecf`;
  await ports.raw.keep(name, Buffer.concat(records.map(({ data }) => data)));
  await ports.failures.remove(key);
  return { became: 'kept', count: records.length };
}
