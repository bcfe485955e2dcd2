import { GetJobRunsCommand, type GlueClient, type JobRun, StartJobRunCommand } from '@aws-sdk/client-glue';
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { asArgument, type BulkJob } from '../../domain/bulk';
import { datasets } from '../../domain/dataset';
import { inputKey, landingKey, manifestKey } from '../../domain/lake';
import { toParquet } from '../../domain/parquet';
import { readLanded } from '../../domain/parquet-reader';
import { type Bulk, type BulkOutput, Unavailable } from '../../pipeline/ports';
import { isNamed, reach } from './errors';
import { originalOf } from './inbox';
import { copyObject, putObject, readObject } from './objects';

/** Where the job's files are, and how much of Spark a run may take. */
export interface GlueSettings {
  readonly job: string;
  readonly bucket: string;
  /** `s3://bucket/prefix/` with the contracts, by data set. */
  readonly contracts: string;
  readonly fromBytes: number;
  readonly mostWorkers: number;
}

/** One worker of four cores goes through this much text in some minutes; the driver takes one more. */
const BYTES_A_WORKER = 4 * 1024 ** 3;
/** A compressed table is about a tenth of its text. */
const GROWTH = 10;
const LEAST_WORKERS = 2;

/** Workers for a file: by its bytes, within bounds. */
export function workersFor({ bytes, compression }: Pick<BulkJob, 'bytes' | 'compression'>, most: number): number {
  const text = compression === 'none' ? bytes : bytes * GROWTH;
  return Math.min(most, LEAST_WORKERS + Math.floor(text / BYTES_A_WORKER));
}

const UNDER_WAY = new Set(['STARTING', 'RUNNING', 'WAITING']);
const RUNS_LOOKED_AT = 50;

/** Spark as a Glue job. */
export function glueBulk(
  glue: Pick<GlueClient, 'send'>,
  s3: Pick<S3Client, 'send'>,
  { job, bucket, contracts, fromBytes, mostWorkers }: GlueSettings,
): Bulk {
  const argumentsOf = (work: BulkJob): Record<string, string> => ({
    '--contract': `${contracts}${work.dataset}.json`,
    '--lake': `s3://${bucket}`,
    '--input': `s3://${bucket}/${inputKey(work)}`,
    '--dataset': work.dataset,
    '--batch-id': work.batch_id,
    '--key': asArgument(work.key),
    '--version': asArgument(work.version),
    '--format': work.format,
    '--charset': work.charset,
    '--compression': work.compression,
    ...(work.columns.length > 0 && { '--columns': work.columns.join(',') }),
    '--header-lines': String(work.header_lines),
    '--received-at': work.received_at,
    '--sent-by': asArgument(work.sent_by),
  });

  /** A run of the batch that an invocation before us started and did not live to note. */
  const underWay = async (batch_id: string): Promise<JobRun | undefined> => {
    const runs = new GetJobRunsCommand({ JobName: job, MaxResults: RUNS_LOOKED_AT });
    const { JobRuns = [] } = await reach(`asking ${job}`, () => glue.send(runs));
    return JobRuns.find((run) => run.Arguments?.['--batch-id'] === batch_id && UNDER_WAY.has(run.JobRunState ?? ''));
  };

  /** Whether a try that found Spark busy has copied the file already: the batch is named by the content. */
  const isCopied = async (work: BulkJob): Promise<boolean> => {
    const Key = inputKey(work);
    try {
      const head = new HeadObjectCommand({ Bucket: bucket, Key });
      const { ContentLength } = await reach(`reading ${Key}`, () => s3.send(head));
      return ContentLength === work.bytes;
    } catch (error) {
      if (isNamed(error, 'NotFound')) return false;
      throw error;
    }
  };

  return {
    fromBytes,

    async start(work) {
      const known = await underWay(work.batch_id);
      if (known) return { run_id: known.Id! };
      // What is put under the key from now on is another file; and Hadoop cannot name every key that S3 has.
      if (!(await isCopied(work))) await copyObject(s3, bucket, originalOf(work), inputKey(work));
      const NumberOfWorkers = workersFor(work, mostWorkers);
      const start = new StartJobRunCommand({
        JobName: job,
        Arguments: argumentsOf(work),
        WorkerType: 'G.1X',
        NumberOfWorkers,
      });
      try {
        const { JobRunId } = await reach(`starting ${job}`, () => glue.send(start));
        return { run_id: JobRunId! };
      } catch (error) {
        if (isNamed(error, 'ConcurrentRunsExceededException')) return 'busy';
        throw error;
      }
    },
  };
}

/** What Spark said of batches, without what reads its rows: a bundle that asks no more holds no more. */
export function s3Manifests(client: Pick<S3Client, 'send'>, bucket: string): Pick<BulkOutput, 'manifest'> {
  return {
    async manifest(batch) {
      const written = await readObject(client, bucket, manifestKey(batch));
      return written && Buffer.from(written).toString('utf8');
    },
  };
}

/** What Spark left in the lake. */
export function s3BulkOutput(client: Pick<S3Client, 'send'>, bucket: string): BulkOutput {
  return {
    ...s3Manifests(client, bucket),

    async *read(chunk) {
      const Key = landingKey(chunk);
      const file = await reach(`reading ${Key}`, async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
          const bytes = await Body!.transformToByteArray();
          return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
        } catch (error) {
          if (isNamed(error, 'NoSuchKey')) throw new Unavailable(`${Key} is not there`, { cause: error });
          throw error;
        }
      });
      yield* readLanded(file, datasets.get(chunk.dataset)!);
    },

    async replace(chunk, rows) {
      const bytes = toParquet(datasets.get(chunk.dataset)!, chunk.batch_id, rows);
      await putObject(client, bucket, landingKey(chunk), bytes, 'application/vnd.apache.parquet');
    },
  };
}
