import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DeleteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { signIn } from '../../cli/smoke/sign-in';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { s3Attempts } from '../../shared/adapters/aws/attempts';
import { dynamoBatches, dynamoChunks } from '../../shared/adapters/aws/batches';
import { s3Failed } from '../../shared/adapters/aws/failed';
import { listObjects, putObject } from '../../shared/adapters/aws/objects';
import { s3Rejects } from '../../shared/adapters/aws/rejects';
import { failedKey, landingKey } from '../../shared/domain/lake';
import { balanceOf } from '../../shared/domain/ledger';
import { type Chunk, NotAChunk, unpack, unpackAll } from '../../shared/domain/packing';
import { claimantOf } from '../../shared/domain/redrive';
import type { ReconcileReport } from '../../shared/pipeline/reconcile';
import { packaged } from '../package/packaged';
import { ROOT } from '../support/processes';
import { sale, sales } from '../support/rows';
import { sql } from '../support/sql';
import { type Client, clientOf, disableMapping } from './stack/client';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

const about = peer({
  name: 'ministack (redrives)',
  proves: [
    'who is an admin orders a redrive by the deployed API, nobody else does, and the deployed function may do all of it',
    '`npm run redrive -- --stage` takes corrected rows, what failed and what raw/ has back into every store, once',
    'the ledger counts as many rows as before, and the recount finds in each store what the ledger counts',
  ],
  cannot: [
    "Lambda's failure destination: it drops what clean fails on, so the object that Lambda would write is put there",
    'a changed contract: the refused row is given a text that the deployed one takes',
    'Firehose with Parquet: rows land directly',
  ],
});

const STAGE = 'dev';
const client = { region: REGION };
/** From an order to its end, by a function that starts. */
const DONE_S = 60;
/** Longer than the emulator's Firehose gathers. */
const RAW_S = 90;

const values = (text: string) =>
  deployable(text)
    .replace('landing: firehose', 'landing: direct')
    .replace(/settle: 1800/, 'settle: 0'); // batches are judged at once

/** Three good rows of an invoice, and three that are refused, each for a reason of its own. */
const ROWS = [
  ...['A', 'B', 'C'].map((stock) => sale({ invoice: '7', stock })),
  sale({ invoice: '7', stock: 'D', quantity: '0' }),
  sale({ invoice: '7', stock: 'E', price: '0' }),
  sale({ invoice: 'C7', stock: 'A' }),
];

describe('redrives of a deployed stage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-redrive-'));
  let platform: Emulator;
  let stage: Stage;
  let shop: Client;
  let admin: string;
  /** The batch of ROWS, and its one chunk. */
  let batch: string;
  let chunk: Chunk;

  beforeAll(async () => {
    platform = await emulator(folder);
    about.version(platform.version);
    Object.assign(process.env, platform.env); // SDK clients of the checks
    const { folder: built } = await packaged(STAGE, 'peers-redrive', values);
    await sls(platform, built, 'deploy', '--stage', STAGE, '--package', join(built, '.serverless'));
    stage = await findStage(STAGE, REGION);
    shop = await clientOf(stage, platform);
    admin = await person('admin');
  });
  afterAll(async () => {
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const s3 = () => new S3Client({ ...client, forcePathStyle: true });
  const dynamo = () => new DynamoDBClient(client);
  const bucket = () => stage.outputs.LakeBucket!;
  const batches = () => dynamoBatches(dynamo(), stage.outputs.BatchesTableName!);
  const chunks = () => dynamoChunks(dynamo(), stage.outputs.BatchesTableName!);
  const rejects = () => s3Rejects(s3(), bucket());

  /** A token of someone in a group. */
  async function person(group: string): Promise<string> {
    const { UserPoolId } = stage.outputs;
    const [Username, Password] = [`${group}@shop.example`, 'correct horse 42 Battery!'];
    const cognito = new CognitoIdentityProviderClient(client);
    const UserAttributes = [
      { Name: 'email', Value: Username },
      { Name: 'email_verified', Value: 'true' },
    ];
    const create = { UserPoolId, Username, MessageAction: 'SUPPRESS', UserAttributes } as const;
    await cognito.send(new AdminCreateUserCommand(create));
    await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
    await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: group }));
    return signIn(stage, Username, Password);
  }

  async function post(path: string, body: string, token?: string, type = 'application/json') {
    const authorization = token && { authorization: `Bearer ${token}` };
    const headers = { 'content-type': type, ...authorization };
    const answer = await fetch(`${stage.api}/v1${path}`, { method: 'POST', headers, body });
    const location = answer.headers.get('location');
    return { status: answer.status, location, body: (await answer.json()) as Record<string, unknown> };
  }
  const order = (id: string, what: object, token?: string) =>
    post(`/batches/${id}/redrive`, Object.keys(what).length > 0 ? JSON.stringify(what) : '', token);

  /** Sends rows as the shop does. The batch's id. */
  async function send(rows: readonly string[]): Promise<string> {
    const { status, body } = await post('/transactions', sales(rows), await shop.token(), 'text/csv');
    expect(status).toBe(202);
    return String(body.batch_id);
  }

  const balanced = (id: string) =>
    until(`${id} balances`, DONE_S, async () => {
      const found = await batches().find(id);
      return found && balanceOf(found).balanced ? found : undefined;
    });

  /** What the ledger says of the batch's one chunk. */
  async function entry() {
    const { revision, kept, duplicate, rejected } = (await chunks().find(batch, 1))!;
    return { revision, kept, duplicate, rejected };
  }

  /** Lines of an invoice in DynamoDB, rows of the batch in landing, refused rows by line. */
  async function stored() {
    const lake = mkdtempSync(join(folder, 'landing-'));
    await shop.download('landing/transactions/', lake);
    const [[landed]] = (await sql(
      `select list(stock_code order by stock_code) from read_parquet('${lake}/*') where batch_id = '${batch}'`,
    )) as [[{ items: string[] }]];
    const { head } = (await batches().find(batch))!;
    const refused = await rejects().read(head, chunk.chunk_id);
    const { lines } = await invoice('7');
    return {
      invoice: lines.map(({ stock_code }) => stock_code).sort(),
      landed: landed.items,
      refused: refused.map(({ line, reason }) => `${line} ${reason}`),
    };
  }

  async function invoice(no: string) {
    const answer = await fetch(`${stage.api}/v1/invoices/${no}`, { headers: { authorization: `Bearer ${admin}` } });
    if (answer.status === 404) return { lines: [] };
    return (await answer.json()) as { lines: { stock_code: string; quantity: number; unit_price: string }[] };
  }

  /** Resolves once the function has no message; none was given up. */
  async function workedOff() {
    const sqs = new SQSClient(client);
    const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const waiting = async (QueueName: string) => {
      const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...counts] }));
      return counts.reduce((sum, name) => sum + Number(Attributes![name]), 0);
    };
    const queue = `ecomflow-${STAGE}-redrives`;
    await until(`${queue} is empty`, DONE_S, async () => ((await waiting(queue)) === 0 ? true : undefined));
    expect(await waiting(`${queue}-given-up`)).toBe(0);
  }

  /** A command as its operator runs it. */
  const run = (name: string, ...args: string[]) =>
    execute(process.execPath, [join(ROOT, 'cli/run.js'), name, '--stage', STAGE, '--json', ...args], {
      cwd: ROOT,
      env: platform.env,
      timeout: 120_000,
      codes: [0, 1],
    });
  const redrive = async <T = Record<string, unknown>>(...args: string[]) => {
    const { code, stdout, stderr } = await run('redrive', ...args);
    return { code, stderr, figures: JSON.parse(stdout) as T };
  };
  async function recount() {
    const { code, stdout, stderr } = await run('reconcile');
    const { differences } = JSON.parse(stdout) as ReconcileReport;
    const found = differences.map((one) => `${one.store} ${one.kind} ${one.expected} ${one.found} ${one.batch_id}`);
    return { code, stderr, differences: found.sort() };
  }

  describe('are ordered', () => {
    it('by admins, of batches that are through', async () => {
      batch = await send(ROWS);
      const { head, entries } = await balanced(batch);
      expect(await entry()).toEqual({
        revision: 0,
        kept: 3,
        duplicate: 0,
        rejected: { cancellation: 1, non_positive_price: 1, non_positive_quantity: 1 },
      });
      const open = { ...head, batch_id: 'f'.repeat(32), accepted_at: undefined };
      await batches().open(open);
      const others = [undefined, await shop.token(), await person('ingest'), await person('analyst')];
      const statuses: number[] = [];
      for (const token of others) statuses.push((await order(batch, {}, token)).status);
      expect(statuses).toEqual([401, 403, 403, 403]);
      expect(await order('0'.repeat(32), {}, admin)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect(await order(open.batch_id, {}, admin)).toMatchObject({ status: 409, body: { code: 'conflict' } });
      expect(await order(batch, { reasons: 'x' }, admin)).toMatchObject({ status: 400 });
      await workedOff();
      expect(await entry()).toMatchObject({ revision: 0 });
      expect(entries).toHaveLength(1);
    });

    it('and worked off: rows that are refused again for the same change nothing', async () => {
      const status = `/v1/batches/${batch}`;
      expect(await order(batch, {}, admin)).toEqual({
        status: 202,
        location: status,
        body: { batch_id: batch, rows: 3, replay: false, status },
      });
      await workedOff();
      expect(await entry()).toMatchObject({ revision: 0, kept: 3 });
      expect(await order(batch, { reason: 'bad_debt' }, admin)).toMatchObject({ status: 200, body: { rows: 0 } });
    });

    it('and worked off: a row that is good by now is in every store', async () => {
      const { head, entries } = (await batches().find(batch))!;
      const { chunk_id } = entries[0]!;
      const rows = await rejects().read(head, chunk_id);
      const good = rows.map((row) =>
        row.reason === 'non_positive_quantity' ? { ...row, text: row.text.replace('A thing,0,', 'A thing,2,') } : row,
      );
      await rejects().put({ ...head, chunk_id }, good);
      const { status, body } = await order(batch, { reason: 'non_positive_quantity' }, admin);
      expect([status, body.rows]).toEqual([202, 1]);
      await until('revision 1', DONE_S, async () => ((await entry()).revision === 1 ? true : undefined));
      await workedOff();
      expect(await entry()).toEqual({
        revision: 1,
        kept: 4,
        duplicate: 0,
        rejected: { cancellation: 1, non_positive_price: 1 },
      });
      chunk = await rawOf(batch);
      expect(await stored()).toEqual({
        invoice: ['A', 'B', 'C', 'D'],
        landed: ['A', 'B', 'C', 'D'],
        refused: ['6 non_positive_price', '7 cancellation'],
      });
      const attempt = (await s3Attempts(s3(), bucket()).find(chunk, 1))!;
      expect(attempt.by).toBe(JSON.parse(Buffer.from(admin.split('.')[1]!, 'base64url').toString()).sub);
      expect(await said('a chunk is redriven')).toMatchObject({ batch_id: batch, revision: 1, kept: 1 });
    });
  });

  /** What a log line of the function says. */
  async function said(message: string): Promise<Record<string, unknown>> {
    const logs = new CloudWatchLogsClient(client);
    return until(`"${message}" in the log`, DONE_S, async () => {
      const asked = new FilterLogEventsCommand({ logGroupName: `/aws/lambda/ecomflow-${STAGE}-redrive` });
      const { events = [] } = await logs.send(asked);
      const line = events.map((event) => event.message!).find((text) => text.includes(`"${message}"`));
      return line === undefined ? undefined : JSON.parse(line.slice(line.indexOf('{')));
    });
  }

  /** The one chunk of a batch, as Firehose has brought it to raw/. */
  const rawOf = (id: string): Promise<Chunk> =>
    until(`${id} in raw/`, RAW_S, async () => {
      for (const bytes of await shop.objects('raw/'))
        for (const found of unpackAll(bytes)) if (found.batch_id === id) return found;
      return undefined;
    });

  describe('by an operator', () => {
    it('take corrected rows back, once, also where two do it at the same time', async () => {
      const table = join(folder, 'refused.csv');
      expect(await redrive('--batch', batch, '--edit', table)).toMatchObject({ code: 0, figures: { rows: 2 } });
      const text = readFileSync(table, 'utf8');
      writeFileSync(table, text.replace('8:26,0,17850', '8:26,4.25,17850'));
      const take = () => redrive('--batch', batch, '--edited', table);
      for (const { code, figures } of await Promise.all([take(), take()]))
        expect([code, figures]).toMatchObject([0, { duplicate: 0, rejected: {}, left: 1 }]);
      const after = { revision: 2, kept: 5, duplicate: 0, rejected: { cancellation: 1 } };
      expect(await entry()).toEqual(after);
      const stores = {
        invoice: ['A', 'B', 'C', 'D', 'E'],
        landed: ['A', 'B', 'C', 'D', 'E'],
        refused: ['7 cancellation'],
      };
      expect(await stored()).toEqual(stores);
      const attempts = s3Attempts(s3(), bucket());
      const kept = (await attempts.find(chunk, 2))!;
      expect(await attempts.begin({ ...kept, by: 'somebody else' })).toEqual(kept);
      const { lines } = await invoice('7');
      expect(lines.find(({ stock_code }) => stock_code === 'D')).toMatchObject({ quantity: 2 });
      expect(Number(lines.find(({ stock_code }) => stock_code === 'E')!.unit_price)).toBe(4.25);

      const again = await take();
      expect(again).toMatchObject({ code: 0, figures: { kept: 0, duplicate: 0, rejected: {}, left: 1 } });
      expect(again.stderr).toContain('has no row that says something new');
      expect(await entry()).toEqual(after);
      expect(await stored()).toEqual(stores);
    });

    it('say of a correction that is refused again, with code 1', async () => {
      const table = join(folder, 'again.csv');
      await redrive('--batch', batch, '--edit', table);
      writeFileSync(table, readFileSync(table, 'utf8').replace(',C7,', ',A7,'));
      const { code, stderr } = await redrive('--batch', batch, '--edited', table);
      expect([code, stderr]).toEqual([1, expect.stringContaining('1 refused again (bad_debt 1)')]);
      expect(await entry()).toEqual({ revision: 3, kept: 5, duplicate: 0, rejected: { bad_debt: 1 } });
      expect(await stored()).toMatchObject({ refused: ['7 bad_debt'] });
    });

    it('take a batch back from raw/, where the recount finds that stores have lost something', async () => {
      const whole = await stored();
      const before = await entry();
      expect(await recount()).toMatchObject({ code: 0, differences: [] });
      await loseInvoice('7');
      await lose(landingKey(chunk));
      const { code, differences, stderr } = await recount();
      expect([code, differences]).toEqual([1, [`invoices missing 5 0 ${batch}`, `landing missing 5 2 ${batch}`]]);
      expect(stderr).toContain(`npm run redrive -- --batch ${batch} --replay --stage ${STAGE}`);

      const dry = await redrive('--batch', batch, '--replay', '--dry-run');
      expect([dry.code, dry.stderr]).toEqual([0, expect.stringContaining('Nothing was changed: --dry-run.')]);
      expect((await stored()).landed).toEqual(['D', 'E']);
      const { code: done, figures } = await redrive('--batch', batch, '--replay');
      expect([done, figures]).toMatchObject([0, { chunks: 1, replayed: 1, cleaned: 0, recounted: 0, left: [] }]);
      expect(await stored()).toEqual(whole);
      expect(await entry()).toEqual(before);
    });

    it('and the deployed function does so, too', async () => {
      const whole = await stored();
      const attempt = (await s3Attempts(s3(), bucket()).find(chunk, 1))!;
      const redriven = landingKey({ ...chunk, chunk_id: claimantOf(attempt), received_at: attempt.begun_at });
      await loseInvoice('7');
      for (const key of [landingKey(chunk), redriven]) await lose(key);
      expect((await stored()).landed).toEqual(['E']);
      expect(await order(batch, { replay: true }, admin)).toMatchObject({
        status: 202,
        body: { rows: 6, replay: true },
      });
      await workedOff();
      expect(await stored()).toEqual(whole);
      expect(await recount()).toMatchObject({ code: 0, differences: [] });
    });

    it('bring back chunks that failed, and leave what cannot be read', async () => {
      await disableMapping(`ecomflow-${STAGE}-clean`);
      const sent = [
        await send([sale({ invoice: '81' }), sale({ invoice: '81', stock: 'B', quantity: '0' })]),
        await send([sale({ invoice: '82' }), sale({ invoice: '7', stock: 'A' })]), // of which one is a duplicate
        await send([sale({ invoice: '83' })]),
      ];
      const records = await streamOf(sent);
      const [failed, ...discarded] = sent.map((id) => records.get(id)!) as [Buffer, Buffer, Buffer];
      const { batch_id, number, chunk_id } = unpack(failed);
      const error = new TypeError('undefined is not a row');
      await s3Failed(s3(), bucket()).put(chunk_id, failed, error);
      await chunks().fail({ batch_id, number, chunk_id, failed_at: new Date().toISOString() });
      await s3Failed(s3(), bucket()).put('no-chunk', Buffer.from('no chunk'), new NotAChunk('no chunk of ours'));
      const [given, unreadable] = [destinationKey(1), destinationKey(2)];
      await putObject(s3(), bucket(), given, givenUp(discarded), 'application/json');
      await putObject(s3(), bucket(), unreadable, '{"version":"1.0"}', 'application/json');

      const { code, figures, stderr } = await redrive<{ through: number; left: number; failures: unknown[] }>(
        '--failed',
      );
      expect([code, figures.through, figures.left]).toEqual([1, 2, 2]);
      expect(figures.failures).toEqual([
        { key: failedKey(chunk_id).record, became: 'cleaned', count: 1 },
        { key: failedKey('no-chunk').record, became: 'left', count: 0, why: expect.any(String) },
        { key: given, became: 'cleaned', count: 2 },
        { key: unreadable, became: 'left', count: 0, why: 'it has no records of a stream' },
      ]);
      expect(stderr).toContain('2 of 4 objects are through; the lines above say why others are left.');
      const left = [failedKey('no-chunk').record, failedKey('no-chunk').error, unreadable];
      expect(await failures()).toEqual([...left].sort());
      const counts = { received: 2, kept: 1, duplicate: 0, rejected: {}, status: 'complete', failed: [] };
      expect(await Promise.all(sent.map(async (id) => balanceOf((await batches().find(id))!)))).toMatchObject([
        { ...counts, rejected: { non_positive_quantity: 1 } },
        { ...counts, duplicate: 1 },
        { ...counts, received: 1 },
      ]);
      for (const no of ['81', '82', '83']) expect((await invoice(no)).lines).toHaveLength(1);

      const again = await redrive<{ through: number; left: number }>('--failed');
      expect([again.code, again.figures]).toMatchObject([1, { through: 0, left: 2 }]);
      for (const key of left) await lose(key);
      const over = await redrive('--failed');
      expect([over.code, over.stderr]).toEqual([0, expect.stringContaining('Nothing has failed.')]);
      await Promise.all(sent.map(rawOf));
      expect(await recount()).toMatchObject({ code: 0, differences: [] });
    });
  });

  const lose = (Key: string) => s3().send(new DeleteObjectCommand({ Bucket: bucket(), Key }));

  async function loseInvoice(no: string) {
    const TableName = stage.outputs.InvoicesTableName!;
    const asked = new QueryCommand({
      TableName,
      KeyConditionExpression: 'invoice_no = :no',
      ExpressionAttributeValues: { ':no': { S: no } },
    });
    const { Items = [] } = await dynamo().send(asked);
    expect(Items.length).toBeGreaterThan(0);
    for (const { invoice_no, part } of Items)
      await dynamo().send(new DeleteItemCommand({ TableName, Key: { invoice_no: invoice_no!, part: part! } }));
  }

  /** Keys of what has failed. */
  async function failures(): Promise<string[]> {
    const keys: string[] = [];
    for (const folder of ['failed/', 'aws/lambda/'])
      for await (const { key } of listObjects(s3(), bucket(), folder)) keys.push(key);
    return keys.sort();
  }

  /** The stream's records of batches, which have one chunk each. */
  async function streamOf(ids: readonly string[]): Promise<Map<string, Buffer>> {
    // HTTP/1.1: see stack/mapping.ts
    const kinesis = new KinesisClient({ ...client, requestHandler: new NodeHttpHandler() });
    const { StreamName } = stage.outputs;
    const { Shards } = await kinesis.send(new ListShardsCommand({ StreamName }));
    const ShardId = Shards![0]!.ShardId;
    const from = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
    let { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(from));
    const found = new Map<string, Buffer>();
    return until('the records of the stream', DONE_S, async () => {
      const { Records = [], NextShardIterator } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
      ShardIterator = NextShardIterator;
      for (const { Data } of Records) found.set(unpack(Data!).batch_id, Buffer.from(Data!));
      return ids.every((id) => found.has(id)) ? found : undefined;
    });
  }
});

const MAPPING = '00000000-0000-4000-8000-000000000000';

/** Key under which Lambda keeps what it gave up, by its mapping, shard and moment. */
const destinationKey = (n: number) =>
  `aws/lambda/${MAPPING}/shardId-000000000000/2026/03/01/2026-03-01T12.00.0${n}-${MAPPING}`;

/**
 * Records as Lambda's S3 destination keeps them, the whole event as JSON in a text:
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
function givenUp(records: readonly Buffer[]): string {
  const streamArn = `arn:aws:kinesis:${REGION}:000000000000:stream/ecomflow-${STAGE}-chunks`;
  const functionArn = `arn:aws:lambda:${REGION}:000000000000:function:ecomflow-${STAGE}-clean`;
  const sequence = (i: number) => String(i + 1).padStart(56, '4');
  const Records = records.map((data, i) => ({
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: String(i),
      sequenceNumber: sequence(i),
      data: data.toString('base64'),
      approximateArrivalTimestamp: 1_772_366_400,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000000:${sequence(i)}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: 'arn:aws:iam::000000000000:role/clean',
    awsRegion: REGION,
    eventSourceARN: streamArn,
  }));
  return JSON.stringify({
    requestContext: {
      requestId: MAPPING,
      functionArn,
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 1,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: '2026-03-01T12:00:00.000Z',
    KinesisBatchInfo: {
      shardId: 'shardId-000000000000',
      startSequenceNumber: sequence(0),
      endSequenceNumber: sequence(records.length - 1),
      approximateArrivalOfFirstRecord: '2026-03-01T12:00:00.000Z',
      approximateArrivalOfLastRecord: '2026-03-01T12:00:00.000Z',
      batchSize: records.length,
      streamArn,
    },
    payload: JSON.stringify({ Records }),
  });
}
