import { Unavailable } from '../../pipeline/ports';

/** Waits before try `n`, counted from 1 for the first repetition. */
export type Pause = (n: number) => Promise<void>;

/** Tries in a row that bring nothing through, and tries in all: ingest has 29 seconds. */
const MOST_IDLE_TRIES = 8;
const MOST_TRIES = 20;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/**
 * Exponential backoff with full jitter: the whole wait is drawn by lot, so that those who failed together do not come
 * again together. Eight tries take 3.5 seconds on average, twenty 15.
 */
export const fullJitter: Pause = (n) =>
  new Promise((resolve) => {
    setTimeout(resolve, Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (n - 1)));
  });

/** What a call that may go through in part has left over, and why. */
export interface LeftOver<T> {
  readonly items: readonly T[];
  readonly reason: string;
}

/**
 * Sends items, and what is left over again after a pause, until all are through.
 * @throws Unavailable when some are left after eight tries without progress, or twenty in all
 */
export async function untilThrough<T>(
  doing: string,
  items: readonly T[],
  send: (items: readonly T[]) => Promise<LeftOver<T>>,
  pause: Pause,
): Promise<void> {
  let left: LeftOver<T> = { items, reason: '' };
  let idle = 0;
  for (let n = 0; left.items.length > 0; n++) {
    if (n === MOST_TRIES || idle === MOST_IDLE_TRIES)
      throw new Unavailable(`${doing}: ${left.items.length} left after ${n} tries (${left.reason})`);
    if (n > 0) await pause(n);
    const rest = await send(left.items);
    idle = rest.items.length < left.items.length ? 0 : idle + 1;
    left = rest;
  }
}

/** Works on all items, at most `width` at a time; the results in the items' order. Stops at the first error. */
export async function concurrently<T, R>(
  width: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let stopped = false;
  const lane = async () => {
    while (next < items.length && !stopped) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  } finally {
    stopped = true;
  }
  return results;
}

/** Cuts items into groups of at most `count` items and `bytes` bytes; an item alone may be larger. */
export function grouped<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  most: { count: number; bytes: number },
): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const open = groups.at(-1);
    if (open && open.length < most.count && size <= room) {
      open.push(item);
      room -= size;
    } else {
      groups.push([item]);
      room = most.bytes - size;
    }
  }
  return groups;
}
