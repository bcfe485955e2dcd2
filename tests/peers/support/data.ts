import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { simulate } from '../../../cli/simulator';
import { ROOT } from '../../support/processes';

/** UCI Online Retail as CSV, where the data folder is at hand. */
export const REAL_FILE = join(process.env.ECOMFLOW_DATA ?? join(ROOT, '../shared/data'), 'online-retail.csv.gz');

/** What stands for the real file where it is not at hand, said once. */
export function whatIsTested(rows: number): string {
  return existsSync(REAL_FILE)
    ? `${rows} rows of UCI Online Retail`
    : `${rows} simulated rows (${REAL_FILE} is not there)`;
}

/** The first rows of the real file, header in front; simulated ones where it is not at hand. */
export async function realRows(rows: number): Promise<string> {
  if (!existsSync(REAL_FILE)) return [...simulate({ dataset: 'transactions', rows, seed: 7 })].join('');
  const input = createReadStream(REAL_FILE).pipe(createGunzip());
  const lines: string[] = [];
  for await (const line of createInterface({ input })) {
    lines.push(line);
    if (lines.length > rows) break; // no field of the file holds a line break
  }
  input.destroy();
  return `${lines.join('\n')}\n`;
}
