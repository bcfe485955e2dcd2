import { createReadStream, createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { simulate } from '../../../cli/simulator';
import { freePort } from '../../support/processes';
import { REAL_FILE } from '../support/data';
import type { Place } from './server';

const SIMULATED_ROWS = 300_000;

/** The real file as plain CSV, or simulated rows where it is not at hand. Its path. */
export async function fileToLoad(folder: string): Promise<string> {
  const csv = join(folder, 'rows.csv');
  await pipeline(
    existsSync(REAL_FILE)
      ? createReadStream(REAL_FILE).pipe(createGunzip())
      : Readable.from(simulate({ dataset: 'transactions', rows: SIMULATED_ROWS, seed: 7 })),
    createWriteStream(csv),
  );
  return csv;
}

/** A place for a server under a folder, with what it loads by itself. */
export async function newPlace(folder: string): Promise<Place> {
  mkdirSync(folder, { recursive: true });
  const own = join(folder, 'own.csv');
  writeFileSync(own, [...simulate({ dataset: 'events', rows: 200, seed: 7 })].join(''));
  return { directory: join(folder, 'data'), port: await freePort(), own };
}
