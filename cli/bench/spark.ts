import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Manifest, readManifest } from '../../shared/domain/bulk';
import { manifestKey } from '../../shared/domain/lake';
import { addCounts, type Counts } from '../../shared/domain/outcome';
import type { Head } from './input';
import { type Peak, watchMemory } from './processes';

export const MASTER = 'local[2]';
const BATCH = { dataset: 'transactions', batch_id: '0'.repeat(31).concat('1') };

/** How to get what is missing. */
export const NO_SPARK =
  'Spark is left out: no Python with pyspark is here. `npm run test:peers -- parity` installs one into .peers/; or `pip install pyspark==3.5.6`, with Java 17, and name its python in ECOMFLOW_PYTHON.';

/** The Python that has pyspark: the one that is named, else the newest that the peers installed. */
export function findPython(root: string): string | undefined {
  const { ECOMFLOW_PYTHON, PEERS_HOME = join(root, '.peers') } = process.env;
  const installed = globSync(join(PEERS_HOME, 'python', 'spark-*', '.installed'))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    .map((mark) => join(mark, '..', 'bin', 'python'));
  const candidates = ECOMFLOW_PYTHON === undefined ? [...installed, 'python3'] : [ECOMFLOW_PYTHON];
  return candidates.find((python) => spawnSync(python, ['-c', 'import pyspark'], { stdio: 'ignore' }).status === 0);
}

/** A run of the Spark job over a file. */
export interface SparkRun {
  /** Of its process: Spark's start and end included. */
  readonly seconds: number;
  readonly peak: Peak;
  readonly received: number;
  readonly counts: Counts;
  readonly batch: typeof BATCH;
}

/** Cleans a CSV of transactions by functions/batch/job.py into the lake of a data directory. @throws Error when it fails */
export async function runSpark(
  root: string,
  python: string,
  { directory, file, head }: { readonly directory: string; readonly file: string; readonly head: Head },
): Promise<SparkRun> {
  mkdirSync(directory, { recursive: true });
  const url = (path: string) => pathToFileURL(path).href;
  const named: Readonly<Record<string, string>> = {
    contract: url(join(root, 'shared', 'domain', 'contracts', `${BATCH.dataset}.json`)),
    lake: url(directory),
    dataset: BATCH.dataset,
    'batch-id': BATCH.batch_id,
    key: 'inbox/transactions/bench.csv',
    version: '1',
    input: url(file),
    format: 'csv',
    charset: 'utf-8',
    compression: 'none',
    columns: head.columns.join(','),
    'header-lines': String(head.lines),
    'received-at': new Date().toISOString(),
    'sent-by': 'bench',
    master: MASTER,
  };
  const script = join(root, 'functions', 'batch', 'job.py');
  const started = performance.now();
  const child = spawn(python, [script, ...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
  });
  const memory = watchMemory(child.pid!);
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (piece) => (said = (said + piece).slice(-4000)));
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  memory.stop();
  const seconds = (performance.now() - started) / 1000;
  const manifest = join(directory, manifestKey(BATCH));
  if (code !== 0 || !existsSync(manifest)) throw new Error(`Spark ended with code ${code}:\n${said}`);
  return { seconds, peak: memory.peak, batch: BATCH, ...countsOf(readManifest(readFileSync(manifest, 'utf8'))) };
}

function countsOf({ received, chunks, refused }: Manifest): { received: number; counts: Counts } {
  if (refused) throw new Error(`Spark refused the file: ${refused.detail}`);
  return { received, counts: addCounts(chunks) };
}
