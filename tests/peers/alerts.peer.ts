import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { dynamoBatches } from '../../shared/adapters/aws/batches';
import { s3Failed } from '../../shared/adapters/aws/failed';
import { dynamoWatch } from '../../shared/adapters/aws/watch';
import { incidentOf, sourceOf } from '../../shared/domain/incident';
import { failedKey } from '../../shared/domain/lake';
import { balanceOf } from '../../shared/domain/ledger';
import { incidentMail } from '../../shared/domain/mails/incidents';
import { packaged } from '../package/packaged';
import { sale, sales } from '../support/rows';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { peer } from './support/peer';
import { until } from './support/processes';

const about = peer({
  name: 'ministack (SNS)',
  proves: [
    'what happens in the lake comes to subscribers of the deployed topic as the mail that it is to be, attributes and all',
    'a subscriber who filters by severity gets those mails only; who is in the stage file is subscribed as they wish',
    'the same event again is no second mail, refused files of a quiet time are one mail, ten files are one digest',
  ],
  cannot: [
    'e-mail itself, and that its reader confirms',
    'the schedule of digests: it does not put the time into the message, so the checks ask for digests themselves',
    'the queue of what was given up: ten tries with six minutes between them',
  ],
});

const STAGE = 'dev';
const FILES = 10;
/** From an object in the lake to its mail, by a function that starts. */
const TOLD_S = 60;
/** How long a mail that must not come is waited for, once there is nothing left to do. */
const SILENCE_MS = 3000;

const client = { region: REGION };
const sns = () => new SNSClient(client);
const sqs = () => new SQSClient(client);
const s3 = () => new S3Client({ ...client, forcePathStyle: true });
const dynamo = () => new DynamoDBClient(client);

const values = (text: string) =>
  deployable(text)
    .replace('landing: firehose', 'landing: direct') // which converts nothing and is quick
    .replace(
      'subscribers: []',
      'subscribers: [{ email: data@shop.example }, { email: boss@shop.example, kinds: [arrived] }]',
    );

interface Delivered {
  readonly Subject: string;
  readonly Message: string;
  readonly MessageAttributes: Record<string, { readonly Type: string; readonly Value: string }>;
}

describe('mails of a deployed stage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-alerts-'));
  let platform: Emulator;
  let stage: Stage;
  let everything: Subscriber;
  let failures: Subscriber;

  beforeAll(async () => {
    platform = await emulator(folder);
    about.version(platform.version);
    Object.assign(process.env, platform.env); // SDK clients of the checks
    const pack = await packaged(STAGE, 'peers-alerts', values);
    await sls(platform, pack.folder, 'deploy', '--stage', STAGE, '--package', join(pack.folder, '.serverless'));
    stage = await findStage(STAGE, REGION);
    everything = await subscribe('everything');
    failures = await subscribe('failures', { severity: ['failure'] });
  });
  afterAll(async () => {
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  type Subscriber = Awaited<ReturnType<typeof subscribe>>;

  /** A queue that is subscribed to the topic. `next` is its next mail, `rest` those that are there when all is quiet. */
  async function subscribe(name: string, filter?: object) {
    const { QueueUrl } = await sqs().send(new CreateQueueCommand({ QueueName: `test-${name}` }));
    const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
    const { Attributes } = await sqs().send(asked);
    const TopicArn = stage.outputs.AlertTopicArn!;
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'sns.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: Attributes!.QueueArn,
          Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
        },
      ],
    });
    await sqs().send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    await sns().send(
      new SubscribeCommand({
        TopicArn,
        Protocol: 'sqs',
        Endpoint: Attributes!.QueueArn,
        ...(filter && { Attributes: { FilterPolicy: JSON.stringify(filter) } }),
      }),
    );
    const take = async (): Promise<Delivered | undefined> => {
      const { Messages = [] } = await sqs().send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 1 }));
      const [message] = Messages;
      if (!message) return undefined;
      await sqs().send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
      return JSON.parse(message.Body!) as Delivered;
    };
    return {
      next: () => until(`a mail to ${name}`, TOLD_S, take),
      async rest() {
        await allDone();
        const mails: Delivered[] = [];
        for (let mail = await take(); mail; mail = await take()) mails.push(mail);
        return mails;
      },
    };
  }

  /** Resolves once the function has no message and has had none for a while. */
  async function allDone() {
    const { QueueUrl } = await sqs().send(new GetQueueUrlCommand({ QueueName: `ecomflow-${STAGE}-alerts` }));
    const counts = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    let since = Date.now();
    await until('the queue of alerts is empty', TOLD_S, async () => {
      const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...counts] });
      const { Attributes } = await sqs().send(asked);
      if (counts.some((name) => Attributes![name] !== '0')) since = Date.now();
      return Date.now() - since >= SILENCE_MS || undefined;
    });
  }

  /** Puts a message into the queue of alerts, as EventBridge or the schedule would. */
  async function say(message: object) {
    const { QueueUrl } = await sqs().send(new GetQueueUrlCommand({ QueueName: `ecomflow-${STAGE}-alerts` }));
    await sqs().send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));
  }
  const digest = () => say({ task: 'digest', at: new Date().toISOString() });

  const bucket = () => stage.outputs.LakeBucket!;
  const put = (Key: string, Body: string | Buffer) =>
    s3().send(new PutObjectCommand({ Bucket: bucket(), Key, Body: Buffer.from(Body as string) }));
  const picture = (name: string) => put(`inbox/transactions/${name}`, Buffer.from('89504e470d0a1a0a', 'hex'));

  /** Keys of reasons of refused files, once there are so many. */
  const reasons = (count: number) =>
    until(`${count} refused files`, TOLD_S, async () => {
      const asked = new ListObjectsV2Command({ Bucket: bucket(), Prefix: 'rejected/files/' });
      const keys = ((await s3().send(asked)).Contents ?? []).map(({ Key }) => Key!);
      const found = keys.filter((key) => key.endsWith('.reason.json'));
      return found.length === count ? found : undefined;
    });

  it('go to those of the stage file, by the kinds that they want, and alarms to who wants all', async () => {
    const endpoints = async (TopicArn: string) => {
      const { Subscriptions = [] } = await sns().send(new ListSubscriptionsByTopicCommand({ TopicArn }));
      return Subscriptions.filter(({ Protocol }) => Protocol === 'email');
    };
    const mails = await endpoints(stage.outputs.AlertTopicArn!);
    expect(mails.map(({ Endpoint }) => Endpoint).sort()).toEqual(['boss@shop.example', 'data@shop.example']);
    const alarms = await endpoints(stage.outputs.AlarmTopicArn!);
    expect(alarms.map(({ Endpoint }) => Endpoint)).toEqual(['data@shop.example']);
    const { SubscriptionArn } = mails.find(({ Endpoint }) => Endpoint === 'boss@shop.example')!;
    if (SubscriptionArn?.startsWith('arn:')) {
      const { Attributes } = await sns().send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
      expect(JSON.parse(Attributes!.FilterPolicy!)).toEqual({ kind: ['arrived'] });
    }
  });

  it('say at once that a file was refused, to the letter, and once for the same event', async () => {
    await picture('picture.csv');
    const mail = await everything.next();
    expect(mail.Subject).toBe('ecomflow dev: transactions: file refused: picture.csv (not_in_charset)');
    expect(mail.MessageAttributes).toEqual({
      kind: { Type: 'String', Value: 'file_refused' },
      severity: { Type: 'String', Value: 'failure' },
      dataset: { Type: 'String', Value: 'transactions' },
    });
    const [key] = (await reasons(1)) as [string];
    const { Body } = await s3().send(new GetObjectCommand({ Bucket: bucket(), Key: key }));
    const [, day, time] = /^ +at: +(\S+) (\S+) UTC$/m.exec(mail.Message)!;
    const at = `${day}T${time}Z`; // S3's own
    expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(TOLD_S * 1000);
    const incident = incidentOf(sourceOf(key)!, at, await Body!.transformToString(), undefined)!;
    const from = { stage: STAGE, option: `--stage ${STAGE}`, api: stage.outputs.ApiUrl! };
    expect(mail.Message).toBe(incidentMail([incident], from).body);
    expect(await failures.next()).toMatchObject({ Subject: mail.Subject, Message: mail.Message });

    const event = {
      source: 'aws.s3',
      'detail-type': 'Object Created',
      time: new Date().toISOString(),
      detail: { bucket: { name: bucket() }, object: { key } },
    };
    for (let n = 0; n < 3; n++) await say(event);
    expect(await everything.rest()).toEqual([]);
  });

  it('say with the digest what came in the quiet time, in one mail', async () => {
    for (const name of ['second.csv', 'third.csv']) await picture(name);
    await reasons(3);
    expect(await everything.rest()).toEqual([]);
    await digest();
    const mail = await everything.next();
    expect(mail.Subject).toBe('ecomflow dev: transactions: 2 files refused');
    for (const name of ['second.csv', 'third.csv']) expect(mail.Message).toContain(`inbox/transactions/${name}`);
    expect(await failures.next()).toMatchObject({ Subject: mail.Subject });
    await digest();
    expect(await everything.rest()).toEqual([]);
  });

  it('say of ten files what became of them, once they are through, to those who want to know', async () => {
    const names = Array.from({ length: FILES }, (_, n) => `file-${n}.csv`);
    for (const [n, name] of names.entries()) {
      await put(`inbox/transactions/${name}`, sales([sale({ invoice: `90000${n}` })]));
    }
    const batches = dynamoBatches(dynamo(), stage.outputs.BatchesTableName!);
    const untold = async () => {
      const ids: string[] = [];
      for await (const { batch_id } of dynamoWatch(dynamo(), stage.outputs.BatchesTableName!).untold())
        ids.push(batch_id);
      return ids;
    };
    await until('ten balanced batches', 2 * TOLD_S, async () => {
      const found = await Promise.all((await untold()).map((id) => batches.find(id)));
      return found.filter((batch) => balanceOf(batch!).balanced).length === FILES || undefined;
    });
    expect(await everything.rest()).toEqual([]);
    await digest();
    const mail = await everything.next();
    expect(mail.Subject).toBe('ecomflow dev: transactions: 10 rows in 10 files: 10 kept, 0 dup, 0 rejected');
    expect(mail.MessageAttributes.kind!.Value).toBe('arrived');
    expect(names.filter((name) => mail.Message.includes(`inbox/transactions/${name}`))).toEqual(names);
    expect(mail.Message).toContain(`${stage.outputs.ApiUrl}/v1/batches/`);
    expect(await untold()).toEqual([]);
    await digest();
    expect(await everything.rest()).toEqual([]);
    expect(await failures.rest()).toEqual([]);
  });

  it('say that a chunk failed, with its error', async () => {
    const failed = s3Failed(s3(), bucket());
    await failed.put('no-chunk', Buffer.from('no chunk'), new TypeError('a defect of ours'));
    const mail = await failures.next();
    expect(mail.Subject).toBe('ecomflow dev: chunk failed: TypeError');
    expect(mail.Message).toContain('a defect of ours');
    expect(mail.Message).toContain(failedKey('no-chunk').error);
    expect(mail.MessageAttributes).toEqual({
      kind: { Type: 'String', Value: 'chunk_failed' },
      severity: { Type: 'String', Value: 'failure' },
    });
    expect(await failures.rest()).toEqual([]);
  });
});
