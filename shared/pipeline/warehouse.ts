import { datasets } from '../domain/dataset';
import { daysBefore } from '../domain/warehouse';
import { type OpenWarehouse, type Ports, Unavailable } from './ports';

export type WarehousePorts = Pick<Ports, 'landed' | 'warehouse'>;

/** What to load. */
export interface LoadRequest {
  /** One data set; all of them by default. */
  readonly dataset?: string | undefined;
  /** Looks at files that arrived on this day or later, as 2026-03-01; by default at what can be new. */
  readonly since?: string | undefined;
}

/** What a call did for a data set. */
export interface LoadCounts {
  readonly files: number;
  /** Rows in them: added + known. */
  readonly rows: number;
  readonly added: number;
  /** Rows that were there already, or twice in a file. */
  readonly known: number;
  /** Files that were passed over, the first hundred, and why; the next call tries them again. */
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
}

export interface LoadAnswer {
  /** False when time ran out: the same call goes on where this one stopped. */
  readonly done: boolean;
  readonly datasets: Readonly<Record<string, LoadCounts>>;
}

/** An answer goes through Step Functions, which takes 256 KB. */
const MOST_TOLD = 100;
const MOST_REASON = 300;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Loads what is new in landing into the warehouse, file by file, and brings the views up to date. May be broken off
 * anywhere and called again. `timeLeft` is asked before each file, in milliseconds: at 0 the call ends by itself.
 *
 * Files are looked for from some days before the newest that is loaded, since one may come late: what comes later than
 * `lateDays` (rows sent through again after weeks) is found with `since`.
 */
export async function loadWarehouse(
  { dataset, since }: LoadRequest,
  { landed, warehouse }: WarehousePorts,
  timeLeft: () => number = () => Number.POSITIVE_INFINITY,
): Promise<LoadAnswer> {
  if (dataset !== undefined && !datasets.has(dataset)) throw new Error(`there is no data set ${dataset}`);
  if (since !== undefined && !DAY.test(since)) throw new Error(`since is ${since}, and is to be a day as 2026-03-01`);
  const names = dataset === undefined ? [...datasets.keys()] : [dataset];

  return warehouse.use(async (open) => {
    const counts: Record<string, LoadCounts> = {};
    for (const name of names) {
      const { done, ...found } = await loadDataset(name, since, open, { landed, warehouse }, timeLeft);
      counts[name] = found;
      if (!done) return { done, datasets: counts };
    }
    return { done: true, datasets: counts };
  });
}

/** To count what the warehouse has, for whoever cannot ask it. */
export interface CountRequest {
  readonly count: true;
}

/** Counts every data set of the warehouse, and keeps what it found. Rows by data set. */
export async function countWarehouse({
  warehouse,
  recount,
  clock,
}: Pick<Ports, 'warehouse' | 'recount' | 'clock'>): Promise<Readonly<Record<string, number>>> {
  return warehouse.use(async (open) => {
    const rows: Record<string, number> = {};
    for (const name of datasets.keys()) {
      const counted_at = clock.now().toISOString();
      const count = await open.count(name);
      await recount.keep(name, counted_at, count);
      rows[name] = count.rows;
    }
    return rows;
  });
}

async function loadDataset(
  dataset: string,
  asked: string | undefined,
  open: OpenWarehouse,
  { landed, warehouse }: WarehousePorts,
  timeLeft: () => number,
): Promise<LoadCounts & { readonly done: boolean }> {
  const newest = await open.newestDay(dataset);
  const since = asked ?? (newest && daysBefore(newest, warehouse.lateDays));
  const known = await open.loaded(dataset, since);
  const unreadable: { key: string; reason: string }[] = [];
  let [files, rows, added] = [0, 0, 0];
  const found = (done: boolean) => ({ done, files, rows, added, known: rows - added, unreadable });

  for await (const file of landed.list(dataset, since)) {
    if (known.get(file.key) === file.etag) continue;
    if (timeLeft() <= 0) return found(false);
    try {
      const loaded = await open.load(dataset, file, landed.open(file));
      files++;
      rows += loaded.rows;
      added += loaded.added;
    } catch (error) {
      // One bad file must not keep the others out; it is in the answer, which is reported.
      if (error instanceof Unavailable || !(error instanceof Error)) throw error;
      if (unreadable.length < MOST_TOLD)
        unreadable.push({ key: file.key, reason: `${error.name}: ${error.message}`.slice(0, MOST_REASON) });
    }
  }
  if (timeLeft() <= 0) return found(false);
  await open.refresh(dataset);
  return found(true);
}
