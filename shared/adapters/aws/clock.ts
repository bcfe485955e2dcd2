import type { Clock } from '../../pipeline/ports';

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() };
