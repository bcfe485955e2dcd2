import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { EventSourceSettings } from '../../shared/adapters/local/event-source';
import type { Counts } from '../../shared/domain/outcome';
import { eventSourceOf } from '../dev/settings';
import {
  bulkReport,
  CLAIMED,
  DUCKDB,
  type EngineRun,
  type Round,
  type Sized,
  SMALL,
  SMALL_GZ,
  SPARK,
} from './bulk-report';
import { headOf, type Input, textOf } from './input';
import { inOwnProcess } from './own-process';
import { canMeasure } from './processes';
import type { Report } from './report';
import { rowsOf, writeSimulated } from './simulated';
import { findPython, NO_SPARK, runSpark } from './spark';

const MEGABYTES = { short: [50, 250], full: [50, 250, 1000] };
const ROUNDS = { short: 1, full: 3 };

/** A whole file by the engines that take files, side by side, and the memory of the small path as files grow. */
export async function bulk(
  { root, bundle, scratch }: { readonly root: string; readonly bundle: string; readonly scratch: string },
  input: Input,
  extent: 'short' | 'full',
): Promise<Report> {
  const settings = eventSourceOf(root, 'clean');
  const python = findPython(root);
  if (python === undefined) console.error(NO_SPARK);
  const [file, gz] = [join(scratch, 'bulk.csv'), join(scratch, 'bulk.csv.gz')];
  writeFileSync(file, textOf(input.path));
  writeFileSync(gz, gzipSync(textOf(input.path)));
  const head = headOf(file);
  const directory = join(scratch, 'bulk');

  /** One engine after the other, each in a process and a data directory of its own. */
  async function round(): Promise<Round> {
    const duckdb = await inOwnProcess(bundle, 'csvToParquet', {
      file,
      columns: head.columns,
      target: join(scratch, 'bulk.parquet'),
    });
    const small = await emptied(directory, () => inOwnProcess(bundle, 'smallPath', { directory, file, settings }));
    const packed = await emptied(directory, () => inOwnProcess(bundle, 'smallPath', { directory, file: gz, settings }));
    const bySpark = python !== undefined && (await emptied(directory, () => spark(python)));
    return {
      [DUCKDB]: runOf(duckdb),
      [SMALL]: runOf(small),
      [SMALL_GZ]: runOf(packed),
      ...bySpark,
    };
  }

  async function spark(python: string): Promise<Round> {
    const run = await runSpark(root, python, { directory, file, head });
    const claim = await inOwnProcess(bundle, 'claimOnce', { directory, ...run.batch });
    const { seconds, counts } = run;
    const peakBytes = canMeasure ? run.peak.bytes : undefined;
    return {
      [SPARK]: { seconds, wholeSeconds: seconds, peakBytes, counts },
      [CLAIMED]: {
        seconds: seconds + claim.result.seconds,
        wholeSeconds: seconds + claim.seconds,
        peakBytes,
        counts: claim.result.counts,
      },
    };
  }

  const rounds: Round[] = [];
  for (let n = 1; n <= ROUNDS[extent]; n++) {
    console.error(`bulk: round ${n} of ${ROUNDS[extent]}`);
    rounds.push(await round());
  }
  const grown: Sized[] = [];
  for (const megabytes of MEGABYTES[extent]) {
    console.error(`bulk: ${megabytes} MB by the small path`);
    grown.push(await bySize(megabytes * 1e6, { bundle, scratch, settings }));
  }
  return bulkReport(input.rows, rounds, grown);
}

const runOf = (done: {
  readonly result: { readonly seconds: number; readonly counts: Counts };
  readonly seconds: number;
  readonly peakBytes: number | undefined;
}): EngineRun => ({ ...done.result, wholeSeconds: done.seconds, peakBytes: done.peakBytes });

async function emptied<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function bySize(
  about: number,
  {
    bundle,
    scratch,
    settings,
  }: { readonly bundle: string; readonly scratch: string; readonly settings: EventSourceSettings },
): Promise<Sized> {
  const file = join(scratch, 'sized.csv');
  const directory = join(scratch, 'sized');
  const rows = rowsOf(about);
  const bytes = await writeSimulated(file, rows);
  const { result, peakBytes } = await emptied(directory, () =>
    inOwnProcess(bundle, 'smallPath', { directory, file, settings }),
  );
  rmSync(file);
  if (result.received !== rows) throw new Error(`the small path found ${result.received} of ${rows} rows`);
  return { bytes, rows, seconds: result.seconds, peakBytes };
}
