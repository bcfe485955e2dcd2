import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { lineOf } from '../../domain/facts';
import { METERS, type Meter } from '../../domain/meters';
import type { Clock, Measured, Telemetry } from '../../pipeline/ports';
import type { Database } from './database';

/** Lines of JSON, the newest last; at 10 MB it becomes the older file, in the place of that one. */
const NEWER = 'log.ndjson';
const OLDER = 'log.1.ndjson';
const MOST_BYTES = 10 * 1024 * 1024;
const SERVICE = 'ecomflow-local';

/** Lines in the data directory's log, and counters in its tables. Several processes may write. */
export function telemetryIn(directory: string, database: Database, clock: Clock): Telemetry {
  const file = join(directory, NEWER);
  let complained = false;
  /** What the machine says of itself must not stop it; that it is mute is said once. */
  const orComplain = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!complained) console.error(`${directory} takes no lines of the log, or no counts:`, error);
      complained = true;
    }
  };
  return {
    log: (level, message, facts) =>
      orComplain(() => {
        const line = lineOf(message, facts);
        append(file, {
          level: level.toUpperCase(),
          message: line.message,
          timestamp: clock.now().toISOString(),
          service: SERVICE,
          ...line.facts,
        });
      }),
    measure: (values, dataset) =>
      orComplain(() => {
        const measured = Object.entries(values).filter(([meter, value]) => meter in METERS && Number.isFinite(value));
        if (measured.length > 0) add(measured as [Meter, number][], dataset ?? '', database, clock);
      }),
    read: async () =>
      database
        .all<Measured & { dataset: string }>('select meter, dataset, count, sum, max, last, last_at from meters')
        .map((row) => ({ ...row, dataset: row.dataset === '' ? null : row.dataset }))
        .sort((a, b) => PLACES.indexOf(a.meter) - PLACES.indexOf(b.meter) || order(a.dataset, b.dataset)),
  };
}

const PLACES = Object.keys(METERS) as Meter[];
const order = (a: string | null, b: string | null): number => (a ?? '').localeCompare(b ?? '');

/** The same, and errors on standard error for people, as a function of npm start has said them ever since. */
export const aloud = (telemetry: Telemetry): Telemetry => ({
  ...telemetry,
  log(level, message, facts) {
    telemetry.log(level, message, facts);
    const id = facts.chunk_id ?? facts.batch_id ?? facts.request_id;
    if (level === 'error') console.error(...[message, id, facts.error].filter((said) => said !== undefined));
  },
});

/** One write, whole or not at all, behind whatever others have written (O_APPEND). */
function append(file: string, line: object): void {
  const descriptor = openSync(file, 'a');
  try {
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
    const { size, ino } = fstatSync(descriptor);
    // Another process may have put it away meanwhile: then the file of this name is a new one.
    if (size >= MOST_BYTES && statSync(file, { throwIfNoEntry: false })?.ino === ino)
      renameSync(file, file.replace(NEWER, OLDER));
  } finally {
    closeSync(descriptor);
  }
}

/** One statement for all values of a call. */
function add(measured: readonly [Meter, number][], dataset: string, database: Database, clock: Clock): void {
  const last_at = clock.now().toISOString();
  database.run(
    `insert into meters (meter, dataset, count, sum, max, last, last_at)
     values ${measured.map(() => '(?, ?, 1, ?, ?, ?, ?)').join(', ')}
     on conflict (meter, dataset) do update set count = count + 1, sum = sum + excluded.sum,
       max = max(max, excluded.max), last = excluded.last, last_at = excluded.last_at`,
    ...measured.flatMap(([meter, value]) => [meter, dataset, value, value, value, last_at]),
  );
}
