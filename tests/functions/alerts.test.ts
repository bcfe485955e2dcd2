import type { Context, SQSEvent } from 'aws-lambda';
import { alerts, taskIn } from '../../shared/adapters/lambda/alerts';
import { NotANotice } from '../../shared/adapters/lambda/queue';
import type { AlertTask } from '../../shared/pipeline/alert';

const LAKE = 'ecomflow-test-lake';
const AT = '2021-11-12T00:00:00.000Z';

/** Object Created, as "EventBridge event message structure" of the Amazon S3 user guide has it. */
const objectCreated = (key: unknown, more: object = {}) => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '111122223333',
  time: '2021-11-12T00:00:00Z',
  region: 'ca-central-1',
  resources: [`arn:aws:s3:::${LAKE}`],
  detail: { version: '0', bucket: { name: LAKE }, object: { key, size: 5 }, reason: 'PutObject' },
  ...more,
});

/** Glue Job State Change, as the AWS Glue developer guide has it. */
const runEnded = (detail: object) => ({
  version: '0',
  'detail-type': 'Glue Job State Change',
  source: 'aws.glue',
  time: '2021-11-12T00:00:00Z',
  detail: { jobName: 'ecomflow-test-bulk', severity: 'ERROR', ...detail },
});

const taskOf = (said: unknown) => taskIn(typeof said === 'string' ? said : JSON.stringify(said), LAKE);

describe('a message is', () => {
  test.each(['failed/a.error.json', 'rejected/files/x/dt=2026-03-01/a b+c%20ü.reason.json'])(
    'of the object that S3 names, as it is written: %s',
    (key) => expect(taskOf(objectCreated(key))).toEqual({ task: 'object', key, at: AT }),
  );

  test('of the run that Glue names, with its state and what it said', () => {
    const run = { jobRunId: 'jr_1', state: 'FAILED' };
    const task = { task: 'run', run_id: 'jr_1', state: 'FAILED', at: AT };
    expect(taskOf(runEnded({ ...run, message: 'Out of memory' }))).toEqual({ ...task, message: 'Out of memory' });
    expect(taskOf(runEnded({ ...run, message: '' }))).toEqual(task);
  });

  test('a digest, at the time that the schedule had in mind', () => {
    expect(taskOf({ task: 'digest', at: '2026-03-01T12:15:00Z' })).toEqual({
      task: 'digest',
      at: '2026-03-01T12:15:00.000Z',
    });
  });
});

test.each<[string, unknown]>([
  ['no bucket', objectCreated('failed/a', { detail: { object: { key: 'failed/a' } } })],
  ['no bucket', objectCreated('failed/a', { detail: { bucket: null, object: { key: 'failed/a' } } })],
  ['no bucket', objectCreated('failed/a', { detail: null })],
  ['no bucket', objectCreated('failed/a', { detail: 'failed/a' })],
  ['bucket other, not of ecomflow-test-lake', objectCreated('', { detail: { bucket: { name: 'other' } } })],
  ['no object', objectCreated('')],
  ['no object', objectCreated(['failed/a'])],
  ['no object', objectCreated('', { detail: { bucket: { name: LAKE }, object: null } })],
  ['no object', objectCreated('', { detail: { bucket: { name: LAKE } } })],
  ['when it was', objectCreated('failed/a', { time: undefined })],
  ['when it was', objectCreated('failed/a', { time: 'noon' })],
  ['when it was', objectCreated('failed/a', { time: 7 })],
  ['no run', runEnded({ state: 'FAILED' })],
  ['no run', runEnded({ jobRunId: 'jr_1' })],
  ['no run', runEnded({ jobRunId: 7, state: 'FAILED' })],
  ['when it was', { task: 'digest' }],
  ['when it was', { task: 'digest', at: '<aws.scheduler.scheduled-time>' }],
  ['no digest', { task: 'digestion', at: AT }],
  ['no digest', { source: 'aws.ec2', detail: {} }],
  ['no digest', { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: LAKE }],
  ['no digest', {}],
  ['no object', []],
  ['no object', null],
  ['not JSON', ''],
  ['not JSON', 'nothing'],
])('a message is refused that says %s: %j', (why, said) => {
  expect(() => taskOf(said)).toThrow(NotANotice);
  if (!Array.isArray(said)) expect(() => taskOf(said)).toThrow(why);
});

describe('the queue of alerts', () => {
  const context = { getRemainingTimeInMillis: () => 1234 } as Context;
  const event = (...bodies: object[]) =>
    ({ Records: bodies.map((body, i) => ({ messageId: `m${i}`, body: JSON.stringify(body) })) }) as SQSEvent;
  const digest = { task: 'digest', at: AT };
  const logged: object[] = [];
  const telemetry = {
    log: (level: string, message: string, facts: object) => void logged.push({ level, message, ...facts }),
  };
  beforeEach(() => void logged.splice(0));

  test('hands over what a message says, with the time that is left', async () => {
    const seen: [AlertTask, number][] = [];
    const work = async (task: AlertTask, timeLeft: () => number) => void seen.push([task, timeLeft()]);
    await alerts(LAKE, telemetry, work)(event(objectCreated('failed/a'), digest), context);
    expect(seen).toEqual([
      [{ task: 'object', key: 'failed/a', at: AT }, 1234],
      [digest, 1234],
    ]);
    expect(logged).toEqual([]);
  });

  test('lets what is thrown reach the platform, and says what it was about', async () => {
    const error = new Error('broken');
    const handler = alerts(LAKE, telemetry, () => Promise.reject(error));
    await expect(handler(event(objectCreated('failed/a')), context)).rejects.toBe(error);
    expect(logged).toMatchObject([{ level: 'warn', message_id: 'm0', task: 'object', key: 'failed/a', error }]);
  });

  test('does nothing for an event of another bucket, and the platform hears why', async () => {
    let done = 0;
    const handler = alerts(LAKE, telemetry, async () => void done++);
    const other = objectCreated('failed/a', { detail: { bucket: { name: 'other' }, object: { key: 'failed/a' } } });
    await expect(handler(event(other), context)).rejects.toThrow('bucket other');
    expect([done, logged]).toMatchObject([0, [{ message_id: 'm0' }]]);
  });
});
