import { figuresOf } from '../domain/live';
import type { KeptRow } from '../domain/outcome';
import { isLate, liveDays, minuteOf, upwards } from '../domain/window';
import type { BulkRef, Ports } from './ports';

/**
 * Puts the figures of a chunk's kept rows, once its claim is through: one write, and none for rows of earlier days. Where
 * its minute may have been summed by now, the sums that it is in are made void: three small writes more. `replace`: there
 * may be figures of this chunk that are not true any more.
 */
export async function putLive(
  chunk: BulkRef,
  kept: readonly KeptRow[],
  opening: ReadonlySet<string>,
  { clock, live }: Pick<Ports, 'clock' | 'live'>,
  replace = false,
): Promise<void> {
  if (chunk.received_at.slice(0, 10) < liveDays(clock.now())[0]!) return;
  const figures = figuresOf(chunk, kept, opening);
  if (figures.size === 0 && !replace) return;
  await live.put(chunk, figures);
  // The clock is asked when the figures are there: who has summed before that has not seen them.
  const minute = minuteOf(chunk.received_at);
  if (!isLate(minute, clock.now())) return;
  for (const at of upwards(minute)) await live.touch({ dataset: chunk.dataset, at });
}
