import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { handler as clean } from '../../functions/clean/handler';
import type { LocalWorld } from '../../shared/adapters/local';
import { type EventSourceSettings, runEventSource } from '../../shared/adapters/local/event-source';
import { RAW, writeRaw } from '../../shared/adapters/local/raw';

export const CLEAN = 'clean';
const RAW_POLL_MS = 500;

/** What reads the stream: clean behind its event source, and what fills `raw/`. */
export function startConsumers(world: LocalWorld, settings: EventSourceSettings): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const cleaning = runEventSource(
    {
      name: CLEAN,
      settings,
      shard: world.log,
      clock: world.clock,
      sleep: (milliseconds) => sleep(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined), // woken to stop
      invoke: (event) => clean(event, {} as Context),
      onError: (error) => console.error(error),
      discard: (batch) =>
        world.lake.put(
          `failed/discarded/${batch.startSequenceNumber}-${batch.endSequenceNumber}.json`,
          JSON.stringify({ ...batch, timestamp: world.clock.now().toISOString() }),
        ),
    },
    stopping.signal,
  );
  const filling = fillRaw(world, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await Promise.all([cleaning, filling]);
      world.log.trim([CLEAN, RAW]);
    },
  };
}

async function fillRaw({ log, lake }: LocalWorld, signal: AbortSignal): Promise<void> {
  for (;;) {
    const written = await writeRaw(log, lake);
    if (written > 0) continue;
    if (signal.aborted) return;
    await sleep(RAW_POLL_MS, undefined, { signal }).catch(() => undefined); // woken to stop
  }
}
