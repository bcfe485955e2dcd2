import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bulk } from './bench/bulk';
import { bundles } from './bench/bundles';
import { core } from './bench/core';
import { cost } from './bench/cost';
import { findInput, type Input, machine, scratchFolder } from './bench/input';
import { insights } from './bench/insights';
import { liveDelay } from './bench/live';
import { between, isMet, number, type Report, toMarkdown } from './bench/report';
import { sparkGrowth } from './bench/spark-growth';
import { start } from './bench/start';
import { underLoad } from './bench/under-load';
import { command, UsageError } from './command';

export { doTask } from './bench/own-process';
export { serveSubject } from './bench/subjects';

const root = process.env.ECOMFLOW_ROOT!;
/** This program, as it was bundled, for processes of their own: its file is gone as soon as it is loaded. */
const bundled = readFileSync(fileURLToPath(import.meta.url));

interface Bench {
  readonly measure: (input: Input, given: Given) => Promise<Report>;
  /** Takes so long that it is measured only when it is asked for. */
  readonly long?: true;
}

interface Given {
  readonly scratch: string;
  readonly bundle: string;
  readonly extent: 'short' | 'full';
}

const BENCHES: Readonly<Record<string, Bench>> = {
  core: { measure: (input, { bundle }) => core(bundle, input) },
  start: { measure: (input, { scratch }) => start(root, scratch, input) },
  load: { measure: (_, { scratch }) => underLoad(root, scratch) },
  live: { measure: (_, { scratch }) => liveDelay(root, scratch) },
  bulk: { measure: (input, { scratch, bundle, extent }) => bulk({ root, bundle, scratch }, input, extent) },
  spark: { measure: (_, { scratch }) => sparkGrowth(root, scratch), long: true },
  insights: { measure: (input, { scratch }) => insights(scratch, input) },
  bundles: { measure: (_, { scratch }) => bundles(root, scratch) },
  cost: { measure: (input) => cost(root, input) },
};
const NAMES = Object.keys(BENCHES);
const SHORT = NAMES.filter((name) => !BENCHES[name]!.long);

const USAGE = `Usage: npm run bench [-- NAME...] [options]

Measures and prints tables in Markdown. NAME is any of ${NAMES.join(', ')}. By default all of them
but what takes long: spark, and of bulk the repetitions and the file of 1 GB. What is named is measured in full.

  core     the cleaning core and CSV readers against what one would take instead
  start    npm start on the whole file: seconds and memory
  load     npm start under load: requests per second and how long they take
  live     seconds from POST until GET /v1/live has a row
  bulk     a whole file by the small path, by Spark and by DuckDB, and memory as files grow to 1 GB (10 minutes in full)
  spark    Spark on 1, 5 and 20 million rows (15 minutes)
  insights every insight on DuckDB, and what Athena would read and take for it
  bundles  zips and cold imports of the functions
  cost     write units, and USD per million rows at list prices

  --data FILE   transactions to measure with: CSV, plain or .gz (default: the real file in ECOMFLOW_DATA, else simulated)
  --full        measure what takes long too
  --write       put the tables into README.md, between its bench markers
  --json FILE   write the figures as JSON
Exit code 1 when an aim is missed.`;

export const main = command(
  USAGE,
  {
    data: { type: 'string' },
    full: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
  async ({ data, full, write, json }, names) => {
    const unknown = names.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) throw new UsageError(`"${unknown}" is not measured; ${NAMES.join(', ')} are`);
    if (write && names.length > 0) throw new UsageError('--write takes all tables: name none');
    const readme = join(root, 'README.md');
    if (write) between(readFileSync(readme, 'utf8'), ''); // before measuring for minutes
    const scratch = scratchFolder();
    const bundle = join(root, '.build', 'cli', `bench-children-${process.pid}.mjs`); // packages are found from there
    try {
      mkdirSync(join(bundle, '..'), { recursive: true });
      writeFileSync(bundle, bundled);
      const where = machine();
      const input = findInput(root, data, scratch);
      const reports: Record<string, Report> = {};
      const extent = full || names.length > 0 ? 'full' : 'short';
      for (const name of names.length > 0 ? names : full ? NAMES : SHORT) {
        console.error(`Measuring ${name} ...`);
        reports[name] = await BENCHES[name]!.measure(input, { scratch, bundle, extent });
      }
      const circumstances = `Measured on ${new Date().toISOString().slice(0, 10)} with \`npm run bench\` on ${where}; ${number(input.rows)} rows of ${input.description}.`;
      const text = [circumstances, ...Object.values(reports).map(toMarkdown)].join('\n\n');
      console.log(text);
      if (json !== undefined) writeFileSync(json, `${JSON.stringify({ circumstances, reports }, null, 2)}\n`);
      if (write) writeFileSync(readme, between(readFileSync(readme, 'utf8'), text));
      return Object.values(reports).every(({ limits }) => limits.every(isMet)) ? 0 : 1;
    } finally {
      rmSync(bundle, { force: true });
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
