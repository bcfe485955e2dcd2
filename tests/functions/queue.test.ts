import type { Context, SQSEvent } from 'aws-lambda';
import { NotANotice, noticeIn, queue } from '../../shared/adapters/lambda/queue';
import type { Notice, Telemetry } from '../../shared/pipeline/ports';
import type { Shift } from '../../shared/pipeline/take-file';

const BATCH = '0a'.repeat(16);

/** Object Created, as "EventBridge event message structure" of the Amazon S3 user guide has it. */
function objectCreated(object: object, detail: object = {}): string {
  return JSON.stringify({
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: '111122223333',
    time: '2021-11-12T00:00:00Z',
    region: 'ca-central-1',
    resources: ['arn:aws:s3:::amzn-s3-demo-bucket1'],
    detail: {
      version: '0',
      bucket: { name: 'amzn-s3-demo-bucket1' },
      object: { size: 5, etag: 'b1946ac92492d2347c6235b4d2611184', sequencer: '617f08299329d189', ...object },
      'request-id': 'N4N7GDK58NMKJ12R',
      requester: '123456789012',
      'source-ip-address': '1.2.3.4',
      reason: 'PutObject',
      ...detail,
    },
  });
}

/** Glue Job State Change, as the AWS Glue developer guide has it. */
const runEnded = (detail: object): string =>
  JSON.stringify({
    version: '0',
    id: 'abcdef01-1234-5678-9abc-def012345678',
    'detail-type': 'Glue Job State Change',
    source: 'aws.glue',
    account: '123456789012',
    time: '2017-09-07T06:02:03Z',
    region: 'us-west-2',
    resources: [],
    detail: { jobName: 'MyJob', severity: 'ERROR', ...detail },
  });

describe('a notice', () => {
  test.each(['inbox/transactions/a.csv', 'inbox/transactions/a b+c%20ü.csv', 'inbox/a/../work/x/manifest.json'])(
    'is of the object that S3 names, as it is written: %s',
    (key) => {
      const body = objectCreated({ key, 'version-id': 'IYV3p45BT0ac8hjHg1houSdS1a.Mro8e' });
      expect(noticeIn(body)).toEqual({
        key,
        version: 'IYV3p45BT0ac8hjHg1houSdS1a.Mro8e',
        sent_by: 'aws:123456789012',
      });
    },
  );

  test.each([{}, { 'version-id': '' }, { 'version-id': 'null' }])(
    'has no version where the bucket has none: %j',
    (version) => {
      expect(noticeIn(objectCreated({ key: 'inbox/x', ...version }, { requester: undefined }))).toEqual({
        key: 'inbox/x',
      });
    },
  );

  test('is of a batch where the object is what Spark writes last', () => {
    const key = `work/transactions/${BATCH}/manifest.json`;
    expect(noticeIn(objectCreated({ key, 'version-id': 'v' }))).toEqual({ dataset: 'transactions', batch_id: BATCH });
  });

  test.each([
    [`work/transactions/${BATCH}/manifest.json.tmp`],
    [`work/transactions/${BATCH}/input/manifest.json`],
    [`work/../${BATCH}/manifest.json`],
    [`work/transactions/${BATCH.toUpperCase()}/manifest.json`],
    [`xwork/transactions/${BATCH}/manifest.json`],
  ])('is of no batch where the object is another one: %s', (key) => {
    expect(noticeIn(objectCreated({ key }))).toMatchObject({ key });
  });

  test('is of the run that Glue names, with its reason', () => {
    const ended = { state: 'FAILED', jobRunId: 'jr_abcdef0123456789', message: 'Out of memory' };
    expect(noticeIn(runEnded(ended))).toEqual({ run_id: 'jr_abcdef0123456789', reason: 'FAILED: Out of memory' });
    expect(noticeIn(runEnded({ ...ended, state: 'TIMEOUT', message: '' }))).toEqual({
      run_id: 'jr_abcdef0123456789',
      reason: 'TIMEOUT',
    });
  });

  test.each<Notice>([
    { key: 'inbox/events/a' },
    { key: 'inbox/events/a', version: 'v', sent_by: 'someone' },
    { dataset: 'events', batch_id: BATCH },
  ])('is what we wrote ourselves: %j', (notice) => {
    expect(noticeIn(JSON.stringify(notice))).toEqual(notice);
  });

  test.each([
    '',
    'nothing',
    'null',
    '7',
    '"text"',
    '[]',
    '{}',
    '{"key":""}',
    '{"key":7}',
    '{"key":"a","version":7}',
    '{"key":"a","sent_by":{}}',
    '{"dataset":"events"}',
    '{"batch_id":"b","dataset":["events"]}',
    '{"source":"aws.s3"}',
    '{"source":"aws.s3","detail":{"object":{"key":["inbox/a"]}}}',
    '{"source":"aws.glue"}',
    '{"source":"aws.glue","detail":{"jobRunId":"jr"}}',
    '{"source":"aws.s3","detail":null}',
    '{"source":"aws.s3","detail":{"object":null}}',
    '{"source":"aws.glue","detail":null}',
    '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"lake"}',
  ])('is none: %s', (body) => {
    expect(() => noticeIn(body)).toThrow(NotANotice);
  });
});

describe('a queue', () => {
  const event = (...bodies: object[]) =>
    ({ Records: bodies.map((body, i) => ({ messageId: `m${i}`, body: JSON.stringify(body) })) }) as SQSEvent;
  const context = { getRemainingTimeInMillis: () => 1234 } as Context;
  let lines: unknown[];
  beforeEach(() => {
    lines = [];
  });
  const log: Telemetry['log'] = (...line) => void lines.push(line);

  test('hands over what a message says, with the time that is left, and who it is that works', async () => {
    const seen: [Notice, string, number][] = [];
    const work = async (notice: Notice, { holder, timeLeft }: Shift) => void seen.push([notice, holder, timeLeft()]);
    await queue({ log }, work)(event({ key: 'a' }, { key: 'b' }), context);
    expect(seen).toEqual([
      [{ key: 'a' }, 'm0', 1234],
      [{ key: 'b' }, 'm1', 1234],
    ]);
  });

  test('lets what is thrown reach the platform, which brings the message again', async () => {
    const error = new Error('broken');
    const reject = () => Promise.reject(error);
    await expect(queue({ log }, reject)(event({ key: 'a' }), context)).rejects.toBe(error);
    await expect(queue({ log }, async () => undefined)(event({ nothing: 1 }), context)).rejects.toThrow(NotANotice);
  });

  test('says in the log what a message that comes again was about, by its ids alone', async () => {
    const error = new Error('broken');
    const handler = queue({ log }, () => Promise.reject(error));
    const messages = [
      { key: 'a', version: 'v1', sent_by: 'somebody' },
      { dataset: 'events', batch_id: 'b1' },
      {
        source: 'aws.glue',
        detail: { jobRunId: 'jr_1', state: 'FAILED', message: "the value 'Jane Doe' cannot be cast" },
      },
    ];
    for (const message of messages) await expect(handler(event(message), context)).rejects.toBe(error);
    await expect(handler(event({ nothing: 1 }), context)).rejects.toThrow(NotANotice);
    expect(lines).toEqual([
      ['warn', 'a message is to be delivered again', { message_id: 'm0', key: 'a', version: 'v1', error }],
      ['warn', 'a message is to be delivered again', { message_id: 'm0', batch_id: 'b1', error }],
      ['warn', 'a message is to be delivered again', { message_id: 'm0', run_id: 'jr_1', error }],
      ['warn', 'a message is to be delivered again', { message_id: 'm0', error: expect.any(NotANotice) }],
    ]);
  });
});
