import { createWriteStream, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ShopBook, simulate } from '../simulator';

/** A file and the data set that it holds. */
export interface Load {
  readonly dataset: string;
  readonly path: string;
}

const ROWS: Readonly<Record<ShopBook, number>> = { transactions: 20_000, events: 10_000 };
const SEED = 1;

/** Makes a data set of the simulated shop, the same each time, in a data directory that is ours. */
export async function simulatedLoad(directory: string, dataset: ShopBook, signal: AbortSignal): Promise<Load> {
  const folder = join(directory, 'simulated');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${dataset}.csv`);
  const rows = simulate({ dataset, rows: ROWS[dataset], seed: SEED, dirty: 0.01 });
  await pipeline(Readable.from(rows), createWriteStream(`${path}.tmp`), { signal });
  renameSync(`${path}.tmp`, path); // whole or not at all
  return { dataset, path };
}
