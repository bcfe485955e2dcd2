import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalWorld } from '../../shared/adapters/local';
import { duckdbEngine } from '../../shared/adapters/local/engine';
import { BuildFailed, buildInsights } from '../../shared/pipeline/insights';
import { Unavailable } from '../../shared/pipeline/ports';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { nightIn } from '../nightly/here';
import { inWords } from '../nightly/words';
import { inOneLine } from './persist';

/** When the day's night begins, on this machine's clock. */
const HOUR = 2;
/** A laptop sleeps, and its clock is set: the time is looked at this often. */
const LOOK_MS = 60_000;

/** Nobody waits for a statement of a build. */
const STATEMENT_SECONDS = 3600;

/** What keeps the warehouse of a data directory and the insights up to date while `npm start` runs. */
export interface Nights {
  /** Loads what is new in landing and builds the insights, once more if that is being done. Resolves behind it. */
  load(): Promise<void>;
  /** Resolves when what is in hand is done with. */
  stop(): Promise<void>;
}

/**
 * Loads the warehouse and builds the insights when asked and once a night, with the recount. What fails is said, and
 * tried again the next time.
 */
export function startNights(world: LocalWorld, directory: string): Nights {
  const stopping = new AbortController();
  const { signal } = stopping;
  const patient = { ...world, engine: duckdbEngine(directory, STATEMENT_SECONDS) };
  const timeLeft = () => (signal.aborted ? 0 : Number.POSITIVE_INFINITY);
  const build = async () => void (await buildInsights({}, patient, timeLeft));
  let asked = false;
  let loading: Promise<void> | undefined;

  const load = async () => {
    while (asked && !signal.aborted) {
      asked = false;
      await loadWarehouse({}, world).catch(say);
      await build().catch(sayOfInsights);
    }
    loading = undefined;
  };
  const nights = async () => {
    let next = nextNight(world.clock.now());
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined); // woken to stop
      const now = world.clock.now();
      if (signal.aborted || now < next) continue;
      next = nextNight(now);
      console.error(inWords(await nightIn(patient, directory, { isAwake: true, onError: say, signal })));
      await recount(directory, signal).catch(say);
    }
  };
  const running = nights().catch((error) => {
    if (!signal.aborted) say(error);
  });
  return {
    load() {
      asked = true;
      loading ??= load();
      return loading;
    },
    async stop() {
      stopping.abort();
      await Promise.all([loading, running]);
    },
  };
}

/** Recounts the stores as `npm run reconcile` does, in a process whose memory is its own; it says what it finds. */
export async function recount(directory: string, signal: AbortSignal): Promise<void> {
  const command = [join(process.env.ECOMFLOW_ROOT!, 'cli', 'run.js'), 'reconcile', '--dir', directory];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit'], signal });
  await once(child, 'exit').catch((error) => {
    if (!signal.aborted) throw error;
  });
}

const say = (error: unknown): void =>
  console.error(error instanceof Unavailable ? `warehouse: ${inOneLine(error)}` : error);

const sayOfInsights = (error: unknown): void =>
  console.error(error instanceof Unavailable || error instanceof BuildFailed ? `insights: ${inOneLine(error)}` : error);

/** The next time that it is night behind a moment. */
export function nextNight(now: Date): Date {
  const next = new Date(now);
  next.setHours(HOUR, 0, 0, 0);
  if (next <= now) next.setDate(next.getDate() + 1);
  return next;
}
