import { gunzipSync } from 'node:zlib';
import { s3Attempts } from '../../../shared/adapters/aws/attempts';
import { s3Failures } from '../../../shared/adapters/aws/failures';
import { sqsOrders } from '../../../shared/adapters/aws/orders';
import { s3Raw } from '../../../shared/adapters/aws/raw';
import type { Attempt } from '../../../shared/domain/redrive';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';

const attempt: Attempt = {
  batch_id: '0a'.repeat(16),
  dataset: 'transactions',
  chunk_id: `${'0a'.repeat(16)}-2-0123456789ab`,
  number: 1,
  revision: 2,
  contract_version: 1,
  begun_at: '2026-03-01T12:00:00.000Z',
  by: 'somebody',
  rows: [
    {
      line: 2,
      reason: 'missing',
      field: 'country',
      text: '1,é',
      now: '1,é,France',
      verdict: { kind: 'rejected', reason: 'missing', field: 'x' },
    },
  ],
  left: [{ line: 4, reason: 'missing', field: 'x', text: '2' }],
};
const KEY = `redriven/transactions/${attempt.chunk_id}/0002.json.gz`;

/** A bucket as far as these adapters use one: it keeps conditions, and lists two objects a page. */
function bucket(start: Readonly<Record<string, Uint8Array>> = {}) {
  const objects = new Map(Object.entries(start));
  const client = fakeClient(({ command, input }) => {
    const {
      Key,
      Body,
      IfNoneMatch,
      Prefix,
      StartAfter = '',
      ContinuationToken,
    } = input as unknown as Record<string, string>;
    if (command === 'GetObject') {
      const bytes = objects.get(Key!);
      if (!bytes) throw sdkError('NoSuchKey');
      return { Body: { transformToByteArray: async () => bytes } };
    }
    if (command === 'PutObject') {
      if (IfNoneMatch === '*' && objects.has(Key!)) throw sdkError('PreconditionFailed');
      objects.set(Key!, Buffer.from(Body!));
    }
    if (command === 'DeleteObject') objects.delete(Key!);
    if (command === 'ListObjectsV2') {
      const after = ContinuationToken ?? StartAfter;
      const keys = [...objects.keys()].filter((key) => key.startsWith(Prefix!) && key > after).sort();
      const Contents = keys.slice(0, 2).map((key) => ({ Key: key, Size: objects.get(key)!.length }));
      return { Contents, ...(keys.length > 2 && { NextContinuationToken: keys[1] }) };
    }
    return {};
  });
  return { client, objects };
}

async function all<T>(found: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of found) list.push(one);
  return list;
}
const keysOf = async (found: AsyncIterable<{ key: string }>) => (await all(found)).map(({ key }) => key);

describe('attempts on S3', () => {
  test('are begun once: who comes later gets the one that is there', async () => {
    const { client, objects } = bucket();
    const attempts = s3Attempts(client, 'lake');
    expect(await attempts.find(attempt, 2)).toBeUndefined();
    expect(await attempts.begin(attempt)).toEqual(attempt);
    const other = { ...attempt, by: 'somebody else', rows: [] };
    expect(await attempts.begin(other)).toEqual(attempt);
    expect(await attempts.find(attempt, 2)).toEqual(attempt);
    expect(await attempts.find(attempt, 1)).toBeUndefined();
    expect([...objects.keys()]).toEqual([KEY]);
    expect(JSON.parse(gunzipSync(objects.get(KEY)!).toString())).toEqual(attempt);
  });

  test.each([
    ['somebody else is writing it', 'ConditionalRequestConflict', {}],
    ['S3 is busy', 'SlowDown', { $fault: 'server' }],
  ])('are unavailable while %s', async (_, name, more) => {
    const client = fakeClient(() => Promise.reject(sdkError(name, more)));
    await expect(s3Attempts(client, 'lake').begin(attempt)).rejects.toThrow(Unavailable);
  });

  test('are unavailable when one was there and is gone, and a defect stays one', async () => {
    const gone = fakeClient(({ command }) => {
      throw sdkError(command === 'PutObject' ? 'PreconditionFailed' : 'NoSuchKey');
    });
    await expect(s3Attempts(gone, 'lake').begin(attempt)).rejects.toThrow(Unavailable);
    const defect = fakeClient(() => Promise.reject(sdkError('InvalidRequest')));
    await expect(s3Attempts(defect, 'lake').begin(attempt)).rejects.toThrow('InvalidRequest');
  });
});

describe('failures on S3', () => {
  const one = Buffer.from('x');
  const { client, objects } = bucket({
    'failed/a.chunk': one,
    'failed/a.error.json': one,
    'failed/landing/': one,
    'failed/landing/transactions/dt=2026-03-01/a': Buffer.from('two'),
    'failed/raw/x/dt=2026-03-01/a': one,
    'aws/lambda/m/shardId-0/2026/03/01/a.json': one,
    'rejected/transactions/dt=2026-03-01/a.ndjson.gz': one,
  });
  const failures = s3Failures(client, 'lake');

  test('are what lies below failed/ and in the failure destination, without what explains them', async () => {
    expect(await keysOf(failures.list())).toEqual([
      'failed/a.chunk',
      'failed/landing/transactions/dt=2026-03-01/a',
      'failed/raw/x/dt=2026-03-01/a',
      'aws/lambda/m/shardId-0/2026/03/01/a.json',
    ]);
    expect((await all(failures.list()))[1]!.bytes).toBe(3);
  });

  test('are read and removed, also twice', async () => {
    expect(await failures.read('failed/a.chunk')).toEqual(one);
    await failures.remove('failed/a.chunk');
    await failures.remove('failed/a.chunk');
    expect(await failures.read('failed/a.chunk')).toBeUndefined();
    expect(objects.has('failed/a.chunk')).toBe(false);
  });
});

test('the raw zone on S3 lists the objects of a day and later, and keeps what did not get there', async () => {
  const { client } = bucket({
    'raw/dt=2026-02-28/a': Buffer.from('1'),
    'raw/dt=2026-03-01/a': Buffer.from('2'),
    'raw/dt=2026-03-01/b': Buffer.from('3'),
    'raw/dt=2026-03-02/a': Buffer.from('4'),
    'rejected/x': Buffer.from('5'),
  });
  const raw = s3Raw(client, 'lake');
  expect(await keysOf(raw.list())).toHaveLength(4);
  expect(await keysOf(raw.list('2026-03-01'))).toEqual([
    'raw/dt=2026-03-01/a',
    'raw/dt=2026-03-01/b',
    'raw/dt=2026-03-02/a',
  ]);
  await raw.keep('dt=2026-03-03/again', Buffer.from('6'));
  expect(String(await raw.read('raw/dt=2026-03-03/again'))).toBe('6');
  expect(await raw.read('raw/nothing')).toBeUndefined();
});

test('an order goes into its queue as it is; a queue that cannot be reached is unavailable', async () => {
  const client = fakeClient(() => ({}));
  const order = { batch_id: attempt.batch_id, reason: 'missing', by: 'somebody' };
  await sqsOrders(client, 'https://queue').put(order);
  const [{ command, input } = { command: '', input: {} }] = client.sent;
  expect(command).toBe('SendMessage');
  expect(input).toEqual({ QueueUrl: 'https://queue', MessageBody: JSON.stringify(order) });
  const busy = fakeClient(() => Promise.reject(sdkError('ThrottlingException')));
  await expect(sqsOrders(busy, 'q').put(order)).rejects.toThrow(Unavailable);
});
