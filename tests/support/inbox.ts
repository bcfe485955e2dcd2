import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { versionOf } from '../../shared/adapters/local/inbox';
import type { BulkJob } from '../../shared/domain/bulk';
import { type Taken, takeFile } from '../../shared/pipeline/take-file';
import type { TestWorld } from './world';

let puts = 0;

/** Puts a file into a world's inbox, a second later than the one before. Its key and version. */
export function put(world: TestWorld, name: string, bytes: string | Uint8Array): { key: string; version: string } {
  const key = `inbox/${name}`;
  const path = join(world.directory, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  const time = Date.parse('2026-03-01T11:00:00Z') / 1000 + puts++;
  utimesSync(path, time, time);
  return { key, version: versionOf(statSync(path)) };
}

/** A Spark that starts nothing: what it was asked to do. */
export function fakeSpark(fromBytes: number, answer: 'busy' | 'absent' | { run_id: string } = { run_id: 'run-1' }) {
  const jobs: BulkJob[] = [];
  const start = async (job: BulkJob) => {
    if (typeof answer === 'object') jobs.push(job);
    return answer;
  };
  return { fromBytes, start, jobs };
}

let holders = 0;

/** Takes a file of a world's inbox as one invocation would. */
export function take(
  world: TestWorld,
  notice: { key: string; version?: string },
  {
    bulk = fakeSpark(Number.POSITIVE_INFINITY, 'absent') as ReturnType<typeof fakeSpark>,
    holder = `h${holders++}`,
    timeLeft = (): number => 900_000,
  } = {},
): Promise<Taken> {
  return takeFile({ ...notice, sent_by: 'test' }, { ...world, bulk }, { holder, timeLeft });
}
