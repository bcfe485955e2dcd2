import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { simulate } from '../../../cli/simulator';
import { REAL_FILE, realRows } from '../support/data';

/** What ingest takes in one request is 4 MB. */
const ROWS_A_BODY = 20_000;

/** CSV bodies of transactions. */
export async function transactions(rows: number): Promise<string[]> {
  const [header, ...lines] = (await realRows(rows)).trimEnd().split('\n');
  const bodies: string[] = [];
  for (let at = 0; at < lines.length; at += ROWS_A_BODY)
    bodies.push([header, ...lines.slice(at, at + ROWS_A_BODY), ''].join('\n'));
  return bodies;
}

/** CSV bodies of events, and what they are: samples of REES46's cosmetics shop by month, where they are at hand. */
export function events(): { readonly bodies: string[]; readonly what: string } {
  const folder = dirname(REAL_FILE);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /^cosmetics-.*\.csv\.gz$/.test(name)) : [];
  if (files.length === 0)
    return { bodies: [[...simulate({ dataset: 'events', rows: 5000, seed: 7 })].join('')], what: 'simulated events' };
  const bodies = files.sort().map((name) => gunzipSync(readFileSync(join(folder, name))).toString('utf8'));
  return { bodies, what: `${files.length} months of REES46's samples` };
}
