import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { dynamoBatches, dynamoChunks } from '../../shared/adapters/aws/batches';
import { dynamoInvoices } from '../../shared/adapters/aws/invoices';
import { directLanding } from '../../shared/adapters/aws/landing';
import { putObject } from '../../shared/adapters/aws/objects';
import { s3Rejects } from '../../shared/adapters/aws/rejects';
import { landingKey, rejectedKey, reportKey } from '../../shared/domain/lake';
import { unpack } from '../../shared/domain/packing';
import { cleanChunk } from '../../shared/pipeline/clean';
import { ingest } from '../../shared/pipeline/ingest';
import type { Ports } from '../../shared/pipeline/ports';
import type { ReconcileReport } from '../../shared/pipeline/reconcile';
import { type Package, packaged } from '../package/packaged';
import { ROOT } from '../support/processes';
import { sale, sales } from '../support/rows';
import { testWorld } from '../support/world';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

const about = peer({
  name: 'ministack (the recount)',
  proves: [
    'the recount is started by its schedule and by `npm run reconcile -- --stage`, and its function may do what it does',
    'it finds what is gone from landing, rejected and raw on S3 and from the invoices on DynamoDB, and nothing else',
  ],
  cannot: [
    'Firehose with Parquet: rows land directly, and what raw would get is put there',
    'PostgreSQL in a network: the stage has no warehouse',
  ],
});

const STAGE = 'dev';
const client = { region: REGION };

/** Judges at once, and a schedule for a moment ago, which the emulator makes good at once. */
const hurried = (values: string) =>
  deployable(values)
    .replace('landing: firehose', 'landing: direct')
    .replace(
      /reconcile:\n {2}schedule: cron.+/,
      `reconcile:\n  schedule: at(${new Date(Date.now() - 60_000).toISOString().slice(0, 19)})`,
    )
    .replace(/settle: 1800/, 'settle: 0');

describe('the recount of a deployed stage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-reconcile-'));
  let platform: Emulator;
  let pack: Package;
  let stage: Stage;

  beforeAll(async () => {
    platform = await emulator(folder);
    about.version(platform.version);
    Object.assign(process.env, platform.env); // SDK clients of the checks
    pack = await packaged(STAGE, 'peers-reconcile', hurried);
    await sls(platform, pack.folder, 'deploy', '--stage', STAGE, '--package', join(pack.folder, '.serverless'));
    stage = await findStage(STAGE, REGION);
  });
  afterAll(async () => {
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const s3 = () => new S3Client({ ...client, forcePathStyle: true });
  const bucket = () => stage.outputs.LakeBucket!;

  /** Takes rows in as ingest and clean do, in this process, and puts into raw what Firehose would. */
  async function filled(text: string) {
    const world = testWorld();
    try {
      const dynamo = new DynamoDBClient(client);
      const ledger = stage.outputs.BatchesTableName!;
      const ports: Ports = {
        ...(world as unknown as Ports),
        clock: { now: () => new Date() },
        batches: dynamoBatches(dynamo, ledger),
        chunks: dynamoChunks(dynamo, ledger),
        invoices: dynamoInvoices(dynamo, stage.outputs.InvoicesTableName!),
        landing: directLanding(s3(), bucket()),
        rejects: s3Rejects(s3(), bucket()),
      };
      const body = { bytes: Buffer.from(text), asText: false, contentType: 'application/octet-stream', type: 'csv' };
      const { batch_id } = await ingest({ dataset: 'transactions', body, sent_by: 'test' }, ports);
      const [record] = world.log.read('reader', 1000);
      const chunk = unpack(record!.data);
      await cleanChunk(chunk, ports);
      const raw = `raw/dt=${chunk.received_at.slice(0, 10)}/${chunk.chunk_id}`;
      await putObject(s3(), bucket(), raw, record!.data, 'application/octet-stream');
      return { batch_id, chunk, raw };
    } finally {
      world.remove();
    }
  }

  /** `npm run reconcile`, with what it said in the end. */
  async function recounted(...args: string[]) {
    const command = [join(ROOT, 'cli/run.js'), 'reconcile', '--stage', STAGE, '--json', ...args];
    const options = { cwd: ROOT, env: platform.env, timeout: 120_000 };
    try {
      const { stdout, stderr } = await execute(process.execPath, command, options);
      return { code: 0, stderr, report: JSON.parse(stdout) as ReconcileReport };
    } catch (error) {
      const { message } = error as Error; // it has what the command said
      const [, printed] = /\n(\{\n.*?\n\})\n/s.exec(message) ?? [];
      if (printed === undefined) throw error;
      return { code: 1, stderr: message, report: JSON.parse(printed) as ReconcileReport };
    }
  }

  it('is started by its schedule, judges the last days, and keeps its report', async () => {
    const sfn = new SFNClient(client);
    const run = await until('the run of the schedule', 90, async () => {
      const asked = new ListExecutionsCommand({ stateMachineArn: stage.outputs.ReconcileMachineArn });
      return (await sfn.send(asked)).executions!.find(({ status }) => status !== 'RUNNING');
    });
    const { status, output, cause } = await sfn.send(new DescribeExecutionCommand({ executionArn: run.executionArn }));
    expect([status, cause]).toEqual(['SUCCEEDED', undefined]);
    const report = JSON.parse(output!) as ReconcileReport;
    expect(report).toMatchObject({ id: run.name, judged: 0, differences_total: 0, rows: { warehouse: null } });
    expect(Date.parse(report.began_at) - Date.parse(report.since!)).toBe(3 * 24 * 60 * 60 * 1000);
    const { Body } = await s3().send(new GetObjectCommand({ Bucket: bucket(), Key: reportKey(report) }));
    expect(JSON.parse(await Body!.transformToString())).toEqual(report);
  });

  it('finds nothing where nothing is wrong, and then what is gone, and nothing else', async () => {
    const rows = ['A', 'B', 'C'].map((stock) => sale({ invoice: '7', stock }));
    const first = await filled(sales([...rows, sale({ quantity: '0' })]));
    const second = await filled(sales([sale({ invoice: '8' }), rows[0]!]));
    const clean = await recounted();
    expect(clean.stderr).toContain('No difference.');
    expect([clean.code, clean.report.judged, clean.report.rows]).toEqual([
      0,
      2,
      { invoices: 4, landing: 4, rejected: 1, raw: 6, warehouse: null },
    ]);
    for (const Key of [landingKey(first.chunk), rejectedKey(first.chunk, first.chunk.chunk_id), second.raw])
      await s3().send(new DeleteObjectCommand({ Bucket: bucket(), Key }));
    const { code, stderr, report } = await recounted('--since', first.chunk.received_at);
    expect(code).toBe(1);
    expect(report.since).toBe(first.chunk.received_at);
    expect(
      report.differences.map((one) => `${one.store} ${one.kind} ${one.expected} ${one.found} ${one.batch_id}`).sort(),
    ).toEqual(
      [
        `landing missing 3 0 ${first.batch_id}`,
        `raw missing 1 0 ${second.batch_id}`,
        `rejected missing 1 0 ${first.batch_id}`,
      ].sort(),
    );
    expect(stderr).toContain(`npm run redrive -- --batch ${first.batch_id} --replay --stage ${STAGE}`);
  });
});
