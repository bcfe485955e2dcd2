import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBInstance } from '@duckdb/node-api';
import { Unavailable } from '../../pipeline/ports';

/** The warehouse's file in a data directory. */
export const WAREHOUSE_FILE = 'warehouse.duckdb';

/** Who waits for others looks again behind so long. */
export const PAUSE_MS = 100;
const ELSEWHERE = /Conflicting lock is held in (.*? \(PID \d+\))/;

/**
 * Opens a file of DuckDB, which lets in one process that writes or many that read: while others have it, it is tried
 * for so long. @throws Unavailable
 */
export async function openFile(
  file: string,
  options: Readonly<Record<string, string>>,
  patienceMs: number,
): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api'); // late: starting takes no time for it
  for (const until = performance.now() + patienceMs; ; ) {
    try {
      return await DuckDBInstance.create(file, { ...options });
    } catch (cause) {
      const owner = ELSEWHERE.exec((cause as Error).message)?.[1];
      if (owner !== undefined && performance.now() < until) {
        await sleep(PAUSE_MS);
        continue;
      }
      const why = owner === undefined ? 'cannot be opened' : `is open in another program: ${owner}. Close it there`;
      throw new Unavailable(`${WAREHOUSE_FILE} ${why}`, { cause });
    }
  }
}

const turns = new Map<string, Promise<unknown>>();

/** Lets work with a file wait for that of others in this process, which the lock of DuckDB does not keep out. */
export async function inTurn<T>(file: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(file) ?? Promise.resolve()).then(work);
  const over = turn.catch(() => undefined); // its own caller hears of it
  turns.set(file, over);
  return turn;
}
