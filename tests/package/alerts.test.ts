import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { taskIn } from '../../shared/adapters/lambda/alerts';
import { KINDS, SEVERITIES } from '../../shared/domain/alert';
import { sourceOf } from '../../shared/domain/incident';
import {
  attemptKey,
  failedKey,
  inputKey,
  landingKey,
  manifestKey,
  refusedKey,
  rejectedKey,
  reportKey,
} from '../../shared/domain/lake';
import { type Json, packaged, ROOT } from './packaged';

const alerts = require('../../resources/alerts.js');

const STAGES = ['dev', 'staging', 'prod', 'local'];
const valuesOf = (stage: string) => parse(readFileSync(join(ROOT, `resources/stages/${stage}.yml`), 'utf8'));

/** The resources of stage dev, its alerts as told. */
async function made(changes: object = {}): Promise<Record<string, Json>> {
  const values = valuesOf('dev');
  const variables: Record<string, Json> = {
    'self:custom.stage': { ...values, alerts: { ...values.alerts, ...changes } },
    'self:custom.name': 'ecomflow-dev',
  };
  const { Resources } = await alerts.resources({ resolveVariable: async (name: string) => variables[name] });
  return Resources;
}

/** Whether an event matches a pattern, as far as our patterns go (Amazon EventBridge, event patterns). */
function matches(pattern: Json, event: Json): boolean {
  if (!Array.isArray(pattern)) {
    return Object.entries(pattern).every(([name, part]) => event?.[name] !== undefined && matches(part, event[name]));
  }
  return pattern.some((one) => {
    if (typeof one === 'string') return one === event;
    if ('prefix' in one) return event.startsWith(one.prefix);
    if ('wildcard' in one) {
      const parts = (one.wildcard as string).split('*').map((part) => part.replace(/[.]/g, '\\.'));
      return new RegExp(`^${parts.join('.*')}$`, 's').test(event);
    }
    if ('Ref' in one) return one.Ref === event;
    throw new Error(`the matcher does not know ${JSON.stringify(one)}`);
  });
}

const objectCreated = (key: string, bucket = 'Lake') => ({
  source: 'aws.s3',
  'detail-type': 'Object Created',
  time: '2026-03-01T12:00:00Z',
  detail: { bucket: { name: bucket }, object: { key } },
});
const runEnded = (state: string, jobName = 'BulkJob') => ({
  source: 'aws.glue',
  'detail-type': 'Glue Job State Change',
  time: '2026-03-01T12:00:00Z',
  detail: { jobName, state, jobRunId: 'jr_1', message: '' },
});

const batch = { dataset: 'events', batch_id: 'b', received_at: '2026-03-01T12:00:00.000Z', chunk_id: 'c' };
const report = { id: 'r', began_at: batch.received_at };
const refused = refusedKey('events', { key: 'inbox/events/a.csv', version: 'v', arrived_at: batch.received_at });

const TOLD = [
  failedKey('c').error,
  refused.reason,
  reportKey(report),
  reportKey({ ...report, kind: 'reconcile' }),
  'failed/landing/events/dt=2026-03-01/format-conversion-failed/ecomflow-dev-landing-events-1-2026',
  'failed/raw/processing-failed/ecomflow-dev-raw-1-2026',
  'aws/lambda/0c9d/shardId-000000000000/2026/03/01/2026-03-01T12.00.00-0c9d',
];
const UNTOLD = [
  failedKey('c').record,
  refused.file,
  'inbox/events/failed/a.error.json',
  landingKey(batch),
  rejectedKey(batch, 'c'),
  manifestKey(batch),
  inputKey(batch),
  attemptKey(batch, 1),
  'raw/dt=2026-03-01/failed/raw/a',
];

describe('what happens', () => {
  const heard = async (event: Json) => {
    const rules = Object.values(await made()).filter(({ Type }) => Type === 'AWS::Events::Rule');
    return rules.filter(({ Properties }) => matches(Properties.EventPattern, event)).map((one) => one.Properties);
  };

  test.each(TOLD)('is heard of once when people are to be told of it: %s', async (key) => {
    const rules = await heard(objectCreated(key));
    expect(rules.map(({ Targets }) => Targets)).toEqual([
      [{ Id: 'alerts', Arn: { 'Fn::GetAtt': ['AlertQueue', 'Arn'] } }],
    ]);
    expect(taskIn(JSON.stringify(objectCreated(key)), 'Lake')).toMatchObject({ task: 'object', key });
    expect(sourceOf(key)).toBeDefined();
  });

  test.each(UNTOLD)('is not heard of otherwise: %s', async (key) => {
    expect(await heard(objectCreated(key))).toEqual([]);
    expect(sourceOf(key)).toBeUndefined();
  });

  test('in another bucket, or to a deleted object, is not ours', async () => {
    expect(await heard(objectCreated(TOLD[0]!, 'another'))).toEqual([]);
    expect(await heard({ ...objectCreated(TOLD[0]!), 'detail-type': 'Object Deleted' })).toEqual([]);
  });

  test('to a run of our job is heard of when it ends badly', async () => {
    for (const state of ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR']) expect(await heard(runEnded(state))).toHaveLength(1);
    for (const state of ['SUCCEEDED', 'RUNNING']) expect(await heard(runEnded(state))).toEqual([]);
    expect(await heard(runEnded('FAILED', 'another'))).toEqual([]);
  });

  test('gets into the queue by these rules alone, over TLS', async () => {
    const all = await made();
    const rules = Object.keys(all).filter((id) => all[id].Type === 'AWS::Events::Rule');
    const [ours, tls] = all.AlertQueuePolicy.Properties.PolicyDocument.Statement;
    expect(ours.Condition.ArnEquals['aws:SourceArn']).toEqual(rules.map((id) => ({ 'Fn::GetAtt': [id, 'Arn'] })));
    expect(tls).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  });
});

describe('a digest', () => {
  test.each([
    [15, 'rate(15 minutes)'],
    [1, 'rate(1 minute)'],
    [1440, 'rate(1440 minutes)'],
  ])('is asked for every %i minutes, in words that the function understands', async (every, rate) => {
    const { ScheduleExpression, Target } = (await made({ every })).DigestSchedule.Properties;
    expect(ScheduleExpression).toBe(rate);
    const { MaximumEventAgeInSeconds } = Target.RetryPolicy;
    expect(MaximumEventAgeInSeconds).toBe(every * 60); // Scheduler takes 60 to 86,400
    const said = Target.Input.replace('<aws.scheduler.scheduled-time>', '2026-03-01T12:15:00Z');
    expect(taskIn(said, 'Lake')).toEqual({ task: 'digest', at: '2026-03-01T12:15:00.000Z' });
  });

  test('is asked for by somebody who may do nothing else', async () => {
    const { DigestScheduleRole, DigestSchedule } = await made();
    expect(DigestSchedule.Properties.Target.RoleArn).toEqual({ 'Fn::GetAtt': ['DigestScheduleRole', 'Arn'] });
    expect(DigestScheduleRole.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: { 'Fn::GetAtt': ['AlertQueue', 'Arn'] } },
    ]);
  });
});

describe('a subscriber', () => {
  /** Subscriptions by topic, those of each address. */
  const subscribed = async (...subscribers: object[]) => {
    const found = Object.values(await made({ subscribers })).filter(({ Type }) => Type === 'AWS::SNS::Subscription');
    const of = (topic: string) =>
      found
        .filter(({ Properties }) => Properties.TopicArn.Ref === topic)
        .map(({ Properties: { Endpoint, FilterPolicy, Protocol } }) => {
          expect(Protocol).toBe('email');
          return [Endpoint, FilterPolicy];
        });
    return { mails: of('AlertTopic'), alarms: of('AlarmTopic') };
  };
  const email = 'ada@shop.example';

  test.each<[string, object, Json, boolean]>([
    ['nothing gets everything, alarms too', {}, undefined, true],
    ['failures gets them, and alarms', { severities: ['failure'] }, { severity: ['failure'] }, true],
    ['what went well gets no alarms', { severities: ['info'] }, { severity: ['info'] }, false],
    ['kinds gets those, and no alarms', { kinds: ['arrived', 'nightly'] }, { kind: ['arrived', 'nightly'] }, false],
    [
      'kinds and failures gets failures of these kinds, and alarms',
      { kinds: ['nightly'], severities: ['failure', 'warning'] },
      { kind: ['nightly'], severity: ['failure', 'warning'] },
      true,
    ],
  ])('who names %s', async (_, wish, filter, alarms) => {
    expect(await subscribed({ email, ...wish })).toEqual({
      mails: [[email, filter]],
      alarms: alarms ? [[email, undefined]] : [],
    });
  });

  test('keeps the subscription that they confirmed when others come and go before them, or wishes change', async () => {
    const ids = async (...subscribers: object[]) =>
      Object.keys(await made({ subscribers })).filter((id) => id.startsWith('AlertSubscription'));
    const [alone] = await ids({ email });
    expect(await ids({ email: 'bob@shop.example' }, { email, kinds: ['arrived'] })).toContain(alone);
    expect(await ids({ email: 'bob@shop.example' })).not.toContain(alone);
  });

  test('is refused in words when something is wrong, all of it at once', async () => {
    const wrong = made({
      every: 0,
      unbalancedMinutes: 'an hour',
      rejectedShare: 10,
      subscribers: [
        { email: 'ada' },
        'bob@shop.example',
        { email, kinds: ['arrivals'], severities: ['fatal'], severity: 'failure' },
        { email: 'ADA@shop.example', kinds: [] },
        { email: 'eve@shop.example', severities: 'failure' },
      ],
    });
    await expect(wrong).rejects.toThrow('alerts.every is 0');
    for (const words of [
      'alerts.unbalancedMinutes is an hour',
      'alerts.rejectedShare is 10',
      'subscriber 1 of alerts.subscribers has no e-mail address: ada',
      'subscriber 2 of alerts.subscribers has no e-mail address',
      'ada@shop.example asks for kinds "arrivals"; there are arrived, file_refused,',
      'ada@shop.example asks for severities "fatal"; there are failure, warning, info',
      'ada@shop.example has "severity"; there are email, kinds, severities',
      'ADA@shop.example is there twice',
      'kinds of ADA@shop.example is no list',
      'severities of eve@shop.example is no list',
    ])
      await expect(wrong).rejects.toThrow(words);
    await expect(made({ every: 1441 })).rejects.toThrow('alerts.every is 1441'); // Scheduler has no more than a day
    await expect(made({ subscribers: email })).rejects.toThrow('alerts.subscribers is no list');
  });

  test('stops the packaging of a stage that is wrong, with what is wrong', async () => {
    const edit = (values: string) => values.replace('subscribers: []', 'subscribers: [{ email: nobody }]');
    await expect(packaged('dev', 'alerts-wrong', edit)).rejects.toMatchObject({
      stdout: expect.stringContaining('subscriber 1 of alerts.subscribers has no e-mail address: nobody'),
    });
  }, 60_000);
});

test('kinds and severities are those of the mails', () => {
  expect([alerts.KINDS, alerts.SEVERITIES]).toEqual([KINDS, SEVERITIES]);
});

test.each(STAGES)('the values of stage %s are taken', async (stage) => {
  expect(Object.keys(await made(valuesOf(stage).alerts))).toContain('AlertTopic');
});

test('mails travel encrypted, by a key that the function may use, and are published over TLS only', async () => {
  const { AlertTopic, AlertTopicPolicy, AlertRole } = await made();
  expect(AlertTopic.Properties.KmsMasterKeyId).toEqual({ Ref: 'AlarmKey' });
  const statements = AlertRole.Properties.Policies[0].PolicyDocument.Statement;
  expect(statements).toContainEqual({
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
    Resource: { 'Fn::GetAtt': ['AlarmKey', 'Arn'] },
  });
  expect(statements).toContainEqual({ Effect: 'Allow', Action: 'sns:Publish', Resource: { Ref: 'AlertTopic' } });
  expect(AlertTopicPolicy.Properties.PolicyDocument.Statement).toMatchObject([
    { Effect: 'Deny', Principal: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  ]);
});

test('a message outlives the function that handles it, and ends in the queue of what was given up', async () => {
  const { AlertQueue } = await made();
  const { functions } = parse(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'), { logLevel: 'error' });
  expect(AlertQueue.Properties.VisibilityTimeout).toBeGreaterThan(functions.alert.timeout);
  expect(AlertQueue.Properties.RedrivePolicy).toEqual({
    deadLetterTargetArn: { 'Fn::GetAtt': ['AlertsGivenUpQueue', 'Arn'] },
    maxReceiveCount: 10,
  });
});
