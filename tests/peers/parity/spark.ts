import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Manifest, readManifest } from '../../../shared/domain/bulk';
import { manifestKey } from '../../../shared/domain/lake';
import { ROOT } from '../../support/processes';
import { python, pythonEnvironment } from '../support/install';

/** A file for the job, and where its rows go. */
export interface SparkFile {
  readonly file: string;
  /** The lake's folder. */
  readonly lake: string;
  readonly dataset: string;
  readonly batch_id: string;
  readonly format: 'csv' | 'ndjson';
  /** For CSV, the contract column that each field holds. */
  readonly columns: readonly string[];
  /** Physical lines of the header. */
  readonly header_lines: number;
  readonly charset?: string | undefined;
  readonly compression?: 'none' | 'gzip' | 'zstd' | undefined;
  /** Another contract than the data set's. */
  readonly contract?: string | undefined;
  /** Arguments beside the usual ones. */
  readonly more?: readonly string[] | undefined;
}

export const RECEIVED_AT = '2026-11-21T10:00:00.000Z';

/** The job's arguments. */
export function argumentsFor(file: SparkFile): string[] {
  const contract = file.contract ?? join(ROOT, 'shared', 'domain', 'contracts', `${file.dataset}.json`);
  const named: Record<string, string> = {
    contract: pathToFileURL(contract).href,
    lake: pathToFileURL(file.lake).href,
    dataset: file.dataset,
    'batch-id': file.batch_id,
    key: `inbox/${file.dataset}/rows`,
    version: '1',
    input: pathToFileURL(file.file).href,
    format: file.format,
    charset: file.charset ?? 'utf-8',
    compression: file.compression ?? 'none',
    columns: file.columns.join(','),
    'header-lines': String(file.header_lines),
    'received-at': RECEIVED_AT,
    'sent-by': 'parity',
    // What Glue adds of its own.
    JOB_NAME: 'parity',
  };
  return [...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]), ...(file.more ?? [])];
}

/** This machine's environment, without a Spark that it may have: that must not stand in for the pinned one. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...pythonEnvironment(), SPARK_LOCAL_IP: '127.0.0.1', PYTHONDONTWRITEBYTECODE: '1' };
  for (const name of Object.keys(env)) if (/^(SPARK_(HOME|CONF_DIR)$|PYSPARK_)/.test(name)) delete env[name];
  return env;
}

/** A run of the job: its process, what it says, and how it ends. */
export interface Run {
  readonly child: ChildProcess;
  said(): string;
  /** Resolves as soon as it has said the text, and when it ended without. */
  saying(text: string): Promise<void>;
  /** Seconds until it ended well. @throws with what it said */
  readonly ended: Promise<number>;
}

async function start(args: readonly string[], input = ''): Promise<Run & { output(): string }> {
  const bin = await python('spark');
  const started = performance.now();
  const child = spawn(join(bin, 'python'), args, {
    env: environment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let [out, said] = ['', ''];
  child.stdout.on('data', (piece) => (out += piece));
  child.stderr.on('data', (piece) => (said += piece));
  child.stdin.on('error', () => undefined).end(input); // one that was killed does not read it
  const ended = new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      if (code === 0) done((performance.now() - started) / 1000);
      else fail(new Error(`Spark ended with ${signal ?? code}:\n${said.slice(-4000)}`));
    });
  });
  ended.catch(() => undefined); // whoever killed it does not wait for it
  const saying = (text: string) =>
    new Promise<void>((done) => {
      child.stderr.on('data', () => said.includes(text) && done());
      child.once('close', () => done());
    });
  return { child, said: () => said, saying, output: () => out, ended };
}

/** Starts `job.py` as Glue and the embedded default do. */
export const startJob = (file: SparkFile, master = 'local[2]'): Promise<Run> =>
  start([join(ROOT, 'functions', 'batch', 'job.py'), ...argumentsFor(file), '--master', master]);

/** Runs the job on a file. Seconds, Spark's start included. @throws when it fails */
export async function runJob(file: SparkFile, master = 'local[2]'): Promise<number> {
  const { ended } = await startJob(file, master);
  return ended;
}

/** Runs the job on many files in one Spark. Its version, and the errors of those that failed, undefined for the others. */
export async function runJobs(files: readonly SparkFile[], threads = 2) {
  const script = join(__dirname, 'session.py');
  const run = await start([script, 'local[2]', String(threads)], JSON.stringify(files.map(argumentsFor)));
  await run.ended;
  const { version, results } = JSON.parse(run.output()) as {
    version: string;
    results: { seconds: number; error?: string }[];
  };
  return { version, errors: results.map(({ error }) => error) };
}

/** What the job said of a file; undefined when it is not done. */
export function manifestOf({ lake, ...batch }: SparkFile): Manifest | undefined {
  const file = join(lake, manifestKey(batch));
  return existsSync(file) ? readManifest(readFileSync(file, 'utf8')) : undefined;
}
