import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { simulate } from '../simulator';

const SIMULATION = { dataset: 'transactions', seed: 1 } as const;
/** Rows from which the size of others is told. */
const SAMPLE = 50_000;

/** Writes a simulated shop's transactions as CSV. How many bytes they are. */
export async function writeSimulated(file: string, rows: number): Promise<number> {
  const target = createWriteStream(file);
  await pipeline(Readable.from(simulate({ ...SIMULATION, rows }), { objectMode: false }), target);
  return target.bytesWritten;
}

/** Simulated rows that make about so many bytes of CSV. */
export function rowsOf(bytes: number): number {
  let sampled = 0;
  for (const piece of simulate({ ...SIMULATION, rows: SAMPLE })) sampled += Buffer.byteLength(piece);
  return Math.round((bytes / sampled) * SAMPLE);
}
