import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { handler as clean } from '../../functions/clean/handler';
import type { LocalWorld } from '../../shared/adapters/local';
import { type EventSourceSettings, runEventSource } from '../../shared/adapters/local/event-source';
import { RAW, writeRaw } from '../../shared/adapters/local/raw';
import { Unavailable } from '../../shared/pipeline/ports';
import { inOneLine, persist } from './persist';

const CLEAN = 'clean';
const RAW_POLL_MS = 500;

/** What reads the stream. */
export interface Consumers {
  /** Rejects when one of them cannot go on; never resolves. A broken world is no such case: they wait for it. */
  readonly broken: Promise<never>;
  /** Resolves when both are done with what they have in hand. */
  stop(): Promise<void>;
}

/** Clean behind its event source, and what fills `raw/`. As Lambda and Firehose, they keep polling whatever happens. */
export function startConsumers(world: LocalWorld, settings: EventSourceSettings): Consumers {
  const stopping = new AbortController();
  const { signal } = stopping;
  const source = {
    name: CLEAN,
    settings,
    shard: world.log,
    clock: world.clock,
    sleep: (milliseconds: number) => pause(milliseconds, signal),
    invoke: (event: Parameters<typeof clean>[0]) => clean(event, {} as Context),
    onError: (error: unknown) => console.error(error instanceof Unavailable ? `${CLEAN}: ${inOneLine(error)}` : error),
    discard: (batch: { readonly startSequenceNumber: string; readonly endSequenceNumber: string }) =>
      world.lake.put(
        `failed/discarded/${batch.startSequenceNumber}-${batch.endSequenceNumber}.json`,
        JSON.stringify({ ...batch, timestamp: world.clock.now().toISOString() }),
      ),
  };
  const cleaning = persist(CLEAN, () => runEventSource(source, signal), signal);
  const filling = persist(RAW, () => fillRaw(world, signal), signal);
  const broken = Promise.all([cleaning, filling]).then(() => new Promise<never>(() => undefined));
  broken.catch(() => undefined); // for whoever asks
  return {
    broken,
    async stop() {
      stopping.abort();
      await Promise.allSettled([cleaning, filling]); // `broken` has told what is to be told
      world.log.trim([CLEAN, RAW]);
    },
  };
}

async function fillRaw({ log, lake }: LocalWorld, signal: AbortSignal): Promise<void> {
  for (;;) {
    const written = await writeRaw(log, lake);
    if (written > 0) continue;
    if (signal.aborted) return;
    await pause(RAW_POLL_MS, signal);
  }
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  sleep(milliseconds, undefined, { signal }).catch(() => undefined); // woken to stop
