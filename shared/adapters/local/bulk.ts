import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asArgument, type BulkJob } from '../../domain/bulk';
import { datasets } from '../../domain/dataset';
import { inputKey, landingKey, manifestKey } from '../../domain/lake';
import { toParquet } from '../../domain/parquet';
import { readLanded } from '../../domain/parquet-reader';
import { type Bulk, type BulkOutput, Unavailable } from '../../pipeline/ports';
import { versionOf } from './inbox';
import type { LakeFolder } from './lake';

/** Megabytes of text from which on a file is one for Spark, unless ECOMFLOW_BULK_FROM_MEGABYTES says otherwise. */
const FROM_MEGABYTES = 256;
/** Fewer than on AWS: the claim holds a chunk's rows, and npm start is to stay small. */
const CHUNK_ROWS = '50000';

const HAS_SPARK = `
import os, pyspark, shutil, sys
sys.exit(0 if shutil.which("java") or os.environ.get("JAVA_HOME") else 1)`;

function megabytes(said: string | undefined): number {
  if (said === undefined) return FROM_MEGABYTES;
  if (/^\d{1,9}$/.test(said)) return Number(said);
  throw new Error(`ECOMFLOW_BULK_FROM_MEGABYTES is "${said}", and is to be a number of megabytes`);
}

/** Spark on this machine, if Python has pyspark: one run at a time. */
export class LocalSpark implements Bulk {
  readonly fromBytes = megabytes(process.env.ECOMFLOW_BULK_FROM_MEGABYTES) * 1024 * 1024;
  private runs = new Map<string, ChildProcess>();
  private present: boolean | undefined;
  private isStarting = false;

  constructor(
    private readonly directory: string,
    /** The repository, where job.py and the contracts are. */
    private readonly root: string = process.env.ECOMFLOW_ROOT ?? process.cwd(),
    private readonly python: string = process.env.ECOMFLOW_PYTHON ?? 'python3',
  ) {}

  async start(job: BulkJob) {
    this.present ??= spawnSync(this.python, ['-c', HAS_SPARK], { stdio: 'ignore' }).status === 0;
    if (!this.present) {
      console.error(
        `${job.key} is one for Spark, but ${this.python} has no pyspark or no Java: it takes the small path.`,
      );
      return 'absent' as const;
    }
    if (this.isRunning(job.batch_id)) return { run_id: job.batch_id };
    if (this.isStarting || [...this.runs.keys()].some((batch_id) => this.isRunning(batch_id))) return 'busy' as const;
    this.isStarting = true;
    try {
      await copyInput(join(this.directory, job.key), join(this.directory, inputKey(job)), job);
      this.runs.set(job.batch_id, this.run(job));
    } finally {
      this.isStarting = false;
    }
    return { run_id: job.batch_id };
  }

  /** Whether Spark is at work on a batch. */
  isRunning(batch_id: string): boolean {
    const run = this.runs.get(batch_id);
    return run !== undefined && run.exitCode === null && run.signalCode === null;
  }

  /** Where Spark's output of a batch is. */
  logOf = (batch_id: string): string => join(this.directory, 'spark', `${batch_id}.log`);

  stop(): void {
    for (const run of this.runs.values()) run.kill('SIGKILL');
  }

  private run(job: BulkJob): ChildProcess {
    mkdirSync(join(this.directory, 'spark'), { recursive: true });
    const script = join(this.root, 'functions', 'batch', 'job.py');
    if (!existsSync(script)) throw new Error(`${script} is not there`);
    const log = openSync(this.logOf(job.batch_id), 'w');
    const child = spawn(this.python, [script, ...this.argumentsOf(job)], {
      stdio: ['ignore', log, log],
      env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
    });
    closeSync(log);
    child.once('error', (error) => appendFileSync(this.logOf(job.batch_id), String(error)));
    const kill = () => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('close', () => process.off('exit', kill));
    return child;
  }

  private argumentsOf(job: BulkJob): string[] {
    const lake = resolve(this.directory);
    const named: Record<string, string> = {
      contract: pathToFileURL(join(this.root, 'shared', 'domain', 'contracts', `${job.dataset}.json`)).href,
      lake: pathToFileURL(lake).href,
      input: pathToFileURL(join(lake, inputKey(job))).href,
      dataset: job.dataset,
      'batch-id': job.batch_id,
      key: asArgument(job.key),
      version: asArgument(job.version),
      format: job.format,
      charset: job.charset,
      compression: job.compression,
      columns: job.columns.join(','),
      'header-lines': String(job.header_lines),
      'received-at': job.received_at,
      'sent-by': asArgument(job.sent_by),
      'chunk-rows': CHUNK_ROWS,
    };
    return [...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]), '--end-with-parent'];
  }
}

/** A copy, since the file may be written to in place. @throws Unavailable when it is another one already */
async function copyInput(file: string, input: string, { key, version }: BulkJob): Promise<void> {
  try {
    await mkdir(dirname(input), { recursive: true });
    await copyFile(file, input, constants.COPYFILE_FICLONE);
    if (versionOf(await stat(file)) !== version) throw new Error('it has changed');
  } catch (cause) {
    throw new Unavailable(`${key} cannot be read`, { cause });
  }
}

/** What Spark left in the lake. */
export const bulkOutputIn = (lake: LakeFolder): BulkOutput => ({
  manifest: async (batch) => (await lake.get(manifestKey(batch)))?.toString('utf8'),
  async *read(chunk) {
    const key = landingKey(chunk);
    const bytes = await lake.get(key);
    if (!bytes) throw new Unavailable(`${key} is not there`);
    const { buffer, byteOffset, length } = bytes;
    const file = buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer;
    yield* readLanded(file, datasets.get(chunk.dataset)!);
  },
  async replace(chunk, rows) {
    await lake.put(landingKey(chunk), toParquet(datasets.get(chunk.dataset)!, chunk.batch_id, rows));
  },
});
