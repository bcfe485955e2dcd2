import { attemptKey } from '../../domain/lake';
import { decodeAttempt, encodeAttempt } from '../../domain/redrive';
import { type Attempts, Unavailable } from '../../pipeline/ports';
import type { LakeFolder } from './lake';

/** Attempts in the lake, one object each, which is never written over. */
export function attemptsIn(lake: LakeFolder): Attempts {
  const find: Attempts['find'] = async (chunk, revision) => {
    const bytes = await lake.get(attemptKey(chunk, revision));
    return bytes && decodeAttempt(bytes);
  };
  return {
    find,
    async begin(attempt) {
      const key = attemptKey(attempt, attempt.revision);
      if (await lake.putOnce(key, encodeAttempt(attempt))) return attempt;
      const stored = await find(attempt, attempt.revision);
      if (!stored) throw new Unavailable(`${key} was there, and is gone`);
      return stored;
    },
  };
}
