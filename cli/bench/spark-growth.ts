import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { headOf } from './input';
import { canMeasure, type Peak } from './processes';
import { number, type Report } from './report';
import { writeSimulated } from './simulated';
import { findPython, MASTER, NO_SPARK, runSpark } from './spark';

const MILLIONS = [1, 5, 20];
/** So few that Spark's time is that of its start and its end. */
const NEXT_TO_NONE = 1000;

/** What Spark takes for 1, 5 and 20 million rows. */
export async function sparkGrowth(root: string, scratch: string): Promise<Report> {
  const title = `Spark ${MASTER}, growth with the rows`;
  const python = findPython(root);
  if (python === undefined) return { title, limits: [], tables: [], notes: [NO_SPARK], figures: {} };
  const runs = [];
  for (const rows of [NEXT_TO_NONE, ...MILLIONS.map((millions) => millions * 1e6)]) {
    console.error(`spark: ${number(rows)} rows`);
    const file = join(scratch, 'growth.csv');
    const bytes = await writeSimulated(file, rows);
    const directory = join(scratch, 'growth');
    const run = await runSpark(root, python, { directory, file, head: headOf(file) });
    rmSync(directory, { recursive: true });
    rmSync(file);
    if (run.received !== rows) throw new Error(`Spark found ${run.received} of ${rows} rows`);
    runs.push({ rows, bytes, seconds: run.seconds, peak: run.peak });
  }
  const [idle, ...measured] = runs as [(typeof runs)[number], ...typeof runs];
  return growthReport(title, idle, measured);
}

interface Grown {
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly peak: Peak;
}

/** @param idle a run over next to no rows: what Spark takes to start and to end */
export function growthReport(title: string, idle: Grown, runs: readonly Grown[]): Report {
  const perMillion = ({ seconds, rows }: Grown) => seconds / (rows / 1e6);
  const working = (run: Grown) => perMillion({ ...run, seconds: run.seconds - idle.seconds });
  const [first, last] = [runs[0]!, runs.at(-1)!];
  return {
    title,
    limits: [
      {
        what: `seconds per row for ${number(last.rows)} rows to those for ${number(first.rows)}`,
        measured: perMillion(last) / perMillion(first),
        unit: '×',
        bound: 'at most',
        limit: 1,
      },
    ],
    tables: [
      {
        title: 'Simulated rows, one run each',
        head: [
          'rows',
          'CSV (MB)',
          'seconds',
          'seconds per million rows',
          'the same without start and end',
          'peak memory',
          'processes at the peak (MB)',
        ],
        rows: runs.map((run) => [
          number(run.rows),
          number(run.bytes / 1e6),
          run.seconds.toFixed(1),
          perMillion(run).toFixed(1),
          working(run).toFixed(1),
          canMeasure ? `${number(run.peak.bytes / 1e6)} MB` : 'not measured',
          run.peak.shares.map(({ name, bytes }) => `${name} ${Math.round(bytes / 1e6)}`).join(', '),
        ]),
      },
    ],
    notes: [
      `Start and end of Spark are what it takes for ${number(idle.rows)} rows: ${idle.seconds.toFixed(1)} s.`,
      'Until the manifest is written: the claim, which no cluster takes part in, comes after that. Memory is that of Python and the JVM, whose heap may grow to 2 GB.',
    ],
    figures: {
      idle_seconds: idle.seconds,
      runs: runs.map(({ peak, ...run }) => ({ ...run, peak_bytes: peak.bytes, processes: peak.shares })),
    },
  };
}
