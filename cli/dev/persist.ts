import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../shared/pipeline/ports';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Does work to its end, however often the world is Unavailable meanwhile: each time it is said in one line, and begun
 * again after a pause that grows, until the signal says stop. Any other error is thrown.
 */
export async function persist(name: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  let failedAt = 0;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (performance.now() - failedAt > 2 * LONGEST_PAUSE_MS) pause = FIRST_PAUSE_MS; // it went well in between
      console.error(`${name}: ${inOneLine(error)}; trying again in ${pause / 1000} s`);
      await sleep(pause, undefined, { signal }).catch(() => undefined); // woken to stop
      if (signal.aborted) return;
      failedAt = performance.now();
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** An error's message with that of its cause. */
export function inOneLine({ message, cause }: Error): string {
  const why = (cause as Error | undefined)?.message;
  return why === undefined ? message : `${message} (${why})`;
}
