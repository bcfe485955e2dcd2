import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { GetJobRunsCommand, GlueClient, type JobRun } from '@aws-sdk/client-glue';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { packaged } from '../package/packaged';
import { acceptedIn, sql } from '../support/sql';
import { filesBelow, runJob } from './files/job';
import { type Client, clientOf, disableMapping } from './stack/client';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { type Mapping, mapByHand } from './stack/mapping';
import { realRows, whatIsTested } from './support/data';
import { peer } from './support/peer';
import { until } from './support/processes';

const ministack = peer({
  name: 'ministack, files in the inbox',
  proves: [
    'a file that is put into the bucket finds its function by S3, EventBridge and SQS, whatever its key is',
    'its rows, sent again or not, are in every store once; what is no file of rows is kept whole with the reason',
    'an upload address takes one file of the announced size, once',
    'a large file is given to Glue with all that the job wants; what the job leaves gets into the ledger and the tables',
  ],
  cannot: [
    "Glue's Spark: the job is run beside it by a local Spark on the same bytes, and its output is put into the bucket",
    "S3's own checksums and limits; that a version is named in the event",
  ],
});

const counted = async (query: string): Promise<[number[]]> => {
  const [row] = await sql(query);
  return [row!.map(Number)];
};

/** Rows that go through the stream, and more rows of the same file that go through Spark. */
const SMALL = 15_000;
const LARGE = 40_000;

interface Arrived {
  readonly state: string;
  readonly file?: string;
  readonly batch_id?: string;
  readonly engine?: string;
  readonly refusal?: { readonly code: string; readonly detail: string };
  readonly kept_as?: string;
}

describe('files in the inbox of the deployed stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-files-'));
  let platform: Emulator;
  let stage: Stage;
  let client: Client;
  let mapping: Mapping;
  let s3: S3Client;
  let Bucket: string;

  beforeAll(async () => {
    platform = await emulator(folder);
    ministack.version(platform.version);
    Object.assign(process.env, platform.env); // the AWS clients of this process
    const values = (text: string) =>
      deployable(text)
        .replace('landing: firehose', 'landing: direct')
        .replace('fromMegabytes: 256', 'fromMegabytes: 2');
    const { folder: built } = await packaged('dev', 'peers-files', values);
    await sls(platform, built, 'deploy', '--stage', 'dev', '--package', join(built, '.serverless'));
    await disableMapping('ecomflow-dev-clean');
    mapping = await mapByHand('ecomflow-dev-chunks', 'ecomflow-dev-clean');
    stage = await findStage('dev', REGION);
    client = await clientOf(stage, platform);
    Bucket = stage.outputs.LakeBucket!;
    s3 = new S3Client({ region: REGION, forcePathStyle: true });
  });
  afterAll(async () => {
    await mapping?.stop();
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (Key: string, Body: string | Buffer, ContentType = 'text/csv') =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));

  /** What became of the newest file that was put under a key. */
  const arrived = (key: string, states: readonly string[]): Promise<Arrived> =>
    until(`${key} is ${states.join(' or ')}`, 120, async () => {
      const found = await client
        .get<{ arrivals: Arrived[] }>(`/arrivals?key=${encodeURIComponent(key)}`)
        .catch((error: Error) => {
          if (error.message.includes(': 404')) return { arrivals: [] };
          throw error;
        });
      const [newest] = found.arrivals;
      return newest && states.includes(newest.state) ? newest : undefined;
    });

  interface Report {
    readonly received: number;
    readonly kept: number;
    readonly duplicate: number;
    readonly rejected: Readonly<Record<string, number>>;
    readonly balanced: boolean;
    readonly status: string;
  }
  const balanced = (path: string): Promise<Report> =>
    until(`${path} balances`, 120, async () => {
      const report = await client.get<Report>(path);
      return report.balanced ? report : undefined;
    });

  it('a file with any name goes through the stream, once however often it is put', async () => {
    const text = await realRows(SMALL);
    const csv = join(folder, 'small.csv');
    writeFileSync(csv, text);
    const key = 'inbox/transactions/März 2011 + a copy (1).csv.gz';
    await put(key, gzipSync(text), 'application/gzip');
    const { file, engine } = await arrived(key, ['done']);
    expect(engine).toBe('stream');
    const report = await balanced(`/files/${file}`);
    const [[received, distinct]] = await counted(
      `select (select count(*) from read_csv('${csv}', all_varchar=true)), (select count(*) from ${acceptedIn(csv)})`,
    );
    expect({ received: report.received, kept: report.kept }).toEqual({ received, kept: distinct });
    ministack.figure('rows by the stream', `${report.received} of ${whatIsTested(SMALL)}, ${report.kept} kept`);

    await put(key, gzipSync(text), 'application/gzip');
    await put('inbox/transactions/../the same.csv', text);
    const again = await arrived('inbox/transactions/../the same.csv', ['done']);
    expect(again.file).toBe(file);
    expect(await balanced(`/files/${file}`)).toEqual(report);
  });

  it.each([
    ['nothing.csv', 'empty_body', Buffer.alloc(0)],
    ['picture.csv', 'not_in_charset', Buffer.from('89504e470d0a1a0a0000000d49484452ffd8', 'hex')],
    ['other.csv', 'unknown_column', Buffer.from('a,b\n1,2\n')],
  ])('%s is kept whole with the reason, %s', async (name, code, bytes) => {
    const key = `inbox/transactions/${name}`;
    await put(key, bytes);
    const { refusal, kept_as } = await arrived(key, ['refused']);
    expect(refusal).toMatchObject({ code });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: kept_as }));
    expect(Buffer.from(await Body!.transformToByteArray()).equals(bytes)).toBe(true);
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: key }))).rejects.toThrow();
  });

  it('an upload address takes the file that was announced, and no other', async () => {
    const text = await realRows(200);
    const bytes = Buffer.from(text.replaceAll('5363', '9363')); // other invoices
    const authorization = `Bearer ${await client.token()}`;
    const answer = await fetch(`${stage.api}/v1/uploads`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ dataset: 'transactions', bytes: bytes.length, name: 'rows.csv' }),
    });
    const { key, url, headers } = (await answer.json()) as {
      key: string;
      url: string;
      headers: Record<string, string>;
    };
    expect(answer.status).toBe(201);
    const send = (body: Buffer) => fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) });
    expect((await send(bytes)).status).toBe(200);
    const { file } = await arrived(key, ['done']);
    expect(await balanced(`/files/${file}`)).toMatchObject({ received: 200 });
    const second = await send(bytes);
    ministack.figure('an upload address used twice', `answers ${second.status}`);
  });

  it('a large file is given to Spark, and its rows are told from those that came before', async () => {
    const text = await realRows(LARGE);
    const key = 'inbox/transactions/a large file.csv';
    await put(key, text);
    const { batch_id } = await arrived(key, ['running']);
    const run = await runOf(batch_id!);
    expect(run.NumberOfWorkers).toBe(2);

    const lake = join(folder, 'lake');
    const input = await object(run.Arguments!['--input']!);
    expect(input.equals(Buffer.from(text))).toBe(true);
    const contract = await object(run.Arguments!['--contract']!);
    mkdirSync(lake, { recursive: true });
    writeFileSync(join(lake, 'input'), input);
    writeFileSync(join(lake, 'contract.json'), contract);
    const places = { '--lake': lake, '--input': join(lake, 'input'), '--contract': join(lake, 'contract.json') };
    await runJob({ ...run.Arguments, ...places });
    const left = filesBelow(lake).filter((name) => /^(landing|rejected|work)\//.test(name));
    const manifest = left.filter((name) => name.endsWith('/manifest.json'));
    expect(manifest).toHaveLength(1);
    for (const name of [...left.filter((one) => !manifest.includes(one)), ...manifest])
      await put(name, readFileSync(join(lake, name)), 'application/octet-stream');

    await arrived(key, ['done']);
    const report = await balanced(`/batches/${batch_id}`);
    const csv = join(folder, 'large.csv');
    writeFileSync(csv, text);
    const small = join(folder, 'small.csv');
    const [[distinct, before]] = await counted(
      `select (select count(*) from ${acceptedIn(csv)}), (select count(*) from ${acceptedIn(small)})`,
    );
    expect({ received: report.received, kept: report.kept }).toEqual({
      received: text.trim().split('\n').length - 1,
      kept: distinct! - before!, // the small file is the beginning of the large one
    });
    const landed = join(folder, 'landed');
    await client.download('landing/transactions/', landed);
    const [[rows, ids]] = await counted(
      `select count(*), count(distinct line_id) from read_parquet('${landed}/*.parquet')`,
    );
    expect(rows).toBe(ids);
    ministack.figure('rows by Spark', `${report.received}, ${report.kept} kept, ${report.duplicate} duplicate`);

    await put('inbox/transactions/the large file again.csv', text);
    expect((await arrived('inbox/transactions/the large file again.csv', ['done'])).batch_id).toBe(batch_id);
  });

  it('a file that Spark gives up is said to have failed', async () => {
    const key = 'inbox/transactions/hopeless.csv';
    await put(key, `${await realRows(LARGE)}536365,extra\n`);
    const { batch_id } = await arrived(key, ['running']);
    const { Id } = await runOf(batch_id!);
    const detail = { jobName: 'ecomflow-dev-bulk', jobRunId: Id, state: 'FAILED', message: 'Out of memory' };
    const sqs = new SQSClient({ region: REGION });
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'ecomflow-dev-claims' }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ source: 'aws.glue', detail }) }));
    expect((await arrived(key, ['failed'])).refusal?.detail).toContain('Out of memory');
  });

  async function runOf(batch_id: string): Promise<JobRun> {
    const { JobRuns = [] } = await new GlueClient({ region: REGION }).send(
      new GetJobRunsCommand({ JobName: 'ecomflow-dev-bulk' }),
    );
    const run = JobRuns.find((one) => one.Arguments?.['--batch-id'] === batch_id);
    if (!run) throw new Error(`Glue has no run of ${batch_id}`);
    return run;
  }

  async function object(uri: string): Promise<Buffer> {
    const [, bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)!;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return Buffer.from(await Body!.transformToByteArray());
  }
});
