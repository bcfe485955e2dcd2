import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalWorld, openWorld } from '../../shared/adapters/local';
import type { EventSourceSettings } from '../../shared/adapters/local/event-source';
import { INBOX } from '../../shared/domain/arrival';
import { fileBalance } from '../../shared/domain/ledger';
import type { Counts } from '../../shared/domain/outcome';
import type { Bulk } from '../../shared/pipeline/ports';
import { takeFile } from '../../shared/pipeline/take-file';

export interface SmallPath {
  /** A data directory that does not exist yet. */
  readonly directory: string;
  readonly file: string;
  readonly settings: EventSourceSettings;
}

/** What became of a file's rows, and how long that took. */
export interface Cleaned {
  readonly received: number;
  readonly counts: Counts;
  /** From the first byte in until every row has its outcome. */
  readonly seconds: number;
}

export interface Walked extends Cleaned {
  /** From the first byte in until all of it was in the stream. */
  readonly reading: number;
}

const LOOK_MS = 20;
const CLEAN = 'clean';

/**
 * A file through the inbox, the stream and clean, all embedded, as `npm start` would take it if it watched for that one
 * file: from putting it there until the ledger balances. No size is too large.
 */
export async function smallPath({ directory, file, settings }: SmallPath): Promise<Walked> {
  process.env.ECOMFLOW_DIR = directory;
  const world = openWorld(directory);
  // Loaded late: clean opens its data directory when it is loaded.
  const { startConsumers } = await import('../dev/consumers');
  const consumers = startConsumers(world, settings);
  try {
    return await Promise.race([walk(world, directory, file), consumers.broken]);
  } finally {
    await consumers.stop();
    world.close();
  }
}

async function walk(world: LocalWorld, directory: string, file: string): Promise<Walked> {
  const started = performance.now();
  const passed = () => (performance.now() - started) / 1000;
  const key = `${INBOX}/transactions/${basename(file)}`;
  mkdirSync(join(directory, dirname(key)), { recursive: true });
  copyFileSync(file, join(directory, key));
  const ports = { ...world, bulk: NO_SPARK };
  const shift = { holder: 'bench', timeLeft: () => Number.POSITIVE_INFINITY };
  const taken = await takeFile({ key, sent_by: 'bench' }, ports, shift);
  if (taken.kind !== 'done') throw new Error(`the file was not taken: ${JSON.stringify(taken)}`);
  const reading = passed();
  while (world.log.backlog(CLEAN) > 0) await sleep(LOOK_MS);
  const balance = fileBalance(await world.files.batches(taken.arrival.file!));
  if (!balance.balanced) throw new Error(`the ledger does not balance: ${JSON.stringify(balance)}`);
  const { received, kept, duplicate, rejected } = balance;
  return { received, counts: { kept, duplicate, rejected }, seconds: passed(), reading };
}

/** Whatever its size, a file takes the small path. */
const NO_SPARK: Bulk = { fromBytes: Number.POSITIVE_INFINITY, start: async () => 'absent' };
