import type { Pace } from '../../pipeline/ports';

const sleeping = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** What was not used of the rate is not saved up for longer than this. */
const SAVED_MS = 1000;

/** Keeps work to so many rows a second. */
export function throttle(
  rowsPerSecond: number,
  now: () => number = Date.now,
  sleep: (milliseconds: number) => Promise<void> = sleeping,
): Pace {
  let next = 0;
  return {
    async after(rows) {
      next = Math.max(next, now() - SAVED_MS) + (rows / rowsPerSecond) * 1000;
      if (next > now()) await sleep(next - now());
    },
  };
}
