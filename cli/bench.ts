import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundles } from './bench/bundles';
import { core } from './bench/core';
import { cost } from './bench/cost';
import { findInput, type Input, machine, scratchFolder } from './bench/input';
import { between, isMet, number, type Report, toMarkdown } from './bench/report';
import { start } from './bench/start';
import { underLoad } from './bench/under-load';
import { command, UsageError } from './command';

export { serveSubject } from './bench/subjects';

const root = process.env.ECOMFLOW_ROOT!;

type Bench = (input: Input, scratch: string) => Promise<Report>;

const BENCHES: Readonly<Record<string, Bench>> = {
  core: (input) => core(join(root, '.build', 'cli', 'bench.mjs'), input),
  start: (input, scratch) => start(root, scratch, input),
  load: (_, scratch) => underLoad(root, scratch),
  bundles: (_, scratch) => bundles(root, scratch),
  cost: (input) => cost(root, input),
};
const NAMES = Object.keys(BENCHES);

const USAGE = `Usage: npm run bench [-- NAME...] [options]

Measures and prints tables in Markdown. NAME is any of ${NAMES.join(', ')}; by default all of them.

  core     the cleaning core and CSV readers against what one would take instead
  start    npm start on the whole file: seconds and memory
  load     npm start under load: requests per second and how long they take
  bundles  zips and cold imports of the functions
  cost     write units, and USD per million rows at list prices

  --data FILE   transactions to measure with: CSV, plain or .gz (default: the real file in ECOMFLOW_DATA, else simulated)
  --write       put the tables into README.md, between its bench markers
  --json FILE   write the figures as JSON
Exit code 1 when an aim is missed.`;

export const main = command(
  USAGE,
  { data: { type: 'string' }, write: { type: 'boolean', default: false }, json: { type: 'string' } },
  async ({ data, write, json }, names) => {
    const unknown = names.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) throw new UsageError(`"${unknown}" is not measured; ${NAMES.join(', ')} are`);
    if (write && names.length > 0) throw new UsageError('--write takes all tables: name none');
    const readme = join(root, 'README.md');
    if (write) between(readFileSync(readme, 'utf8'), ''); // before measuring for minutes
    const scratch = scratchFolder();
    try {
      const where = machine();
      const input = findInput(root, data, scratch);
      const reports: Record<string, Report> = {};
      for (const name of names.length > 0 ? names : NAMES) {
        console.error(`Measuring ${name} ...`);
        reports[name] = await BENCHES[name]!(input, scratch);
      }
      const circumstances = `Measured on ${new Date().toISOString().slice(0, 10)} with \`npm run bench\` on ${where}; ${number(input.rows)} rows of ${input.description}.`;
      const text = [circumstances, ...Object.values(reports).map(toMarkdown)].join('\n\n');
      console.log(text);
      if (json !== undefined) writeFileSync(json, `${JSON.stringify({ circumstances, reports }, null, 2)}\n`);
      if (write) writeFileSync(readme, between(readFileSync(readme, 'utf8'), text));
      return Object.values(reports).every(({ limits }) => limits.every(isMet)) ? 0 : 1;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
