import pg from 'pg';
import { s3Landed } from '../../../shared/adapters/aws/landed';
import { ask } from '../../../shared/adapters/aws/postgres';
import { secretOf } from '../../../shared/adapters/aws/secrets';
import { type LandedFile, Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

const DAY = 'landing/events/dt=2026-03-01/';
const FILE: LandedFile = { key: `${DAY}a.parquet`, etag: '"e"', bytes: 10, day: '2026-03-01' };

async function listed(client: ReturnType<typeof fakeClient>, since?: string) {
  const files: LandedFile[] = [];
  for await (const file of s3Landed(client, 'lake').list('events', since)) files.push(file);
  return files;
}

describe('landed files on S3', () => {
  test('are listed page by page, from a day on', async () => {
    const pages = [
      { Contents: [{ Key: `${DAY}a.parquet`, ETag: '"e"', Size: 10 }], NextContinuationToken: 'more' },
      { Contents: [{ Key: `${DAY}b`, ETag: '"f"', Size: 11 }] },
    ];
    const client = fakeClient((_, nth) => pages[nth - 1]);
    expect(await listed(client, '2026-03-01')).toEqual([
      FILE,
      { key: `${DAY}b`, etag: '"f"', bytes: 11, day: '2026-03-01' },
    ]);
    const asked = { Bucket: 'lake', Prefix: 'landing/events/', StartAfter: 'landing/events/dt=2026-03-01' };
    expect(client.sent.map(({ input }) => input)).toEqual([asked, { ...asked, ContinuationToken: 'more' }]);
  });

  test('are all of the data set when no day is named, and none where nothing landed', async () => {
    const client = fakeClient(() => ({}));
    expect(await listed(client)).toEqual([]);
    expect(client.sent[0]!.input).toEqual({ Bucket: 'lake', Prefix: 'landing/events/' });
  });

  test('are not what others leave between them', async () => {
    const keys = [`${DAY}_SUCCESS`, `${DAY}.b.tmp`, DAY, 'landing/events/_temporary/0/c', 'landing/events/d'];
    const Contents = [...keys.map((Key) => ({ Key, ETag: '"e"', Size: 1 })), { Key: `${DAY}e`, ETag: '"e"', Size: 0 }];
    expect(await listed(fakeClient(() => ({ Contents })))).toEqual([]);
  });

  test('are read in ranges, as long as they are what was listed', async () => {
    const bytes = Buffer.from('0123456789');
    const client = fakeClient(({ input }) => {
      const [from, to] = (input as unknown as { Range: string }).Range.slice('bytes='.length).split('-').map(Number);
      return { Body: { transformToByteArray: async () => bytes.subarray(from, to! + 1) } };
    });
    const { byteLength, slice } = s3Landed(client, 'lake').open(FILE);
    const texts = [await slice(2, 5), await slice(7)].map((part) => Buffer.from(part).toString());
    expect([byteLength, ...texts]).toEqual([10, '234', '789']);
    expect(client.sent[0]!.input).toEqual({ Bucket: 'lake', Key: FILE.key, IfMatch: '"e"', Range: 'bytes=2-4' });
  });

  test.each(['PreconditionFailed', 'NoSuchKey', 'SlowDown'])('are Unavailable on %s', async (name) => {
    const client = fakeClient(() => Promise.reject(sdkError(name)));
    await expect(s3Landed(client, 'lake').open(FILE).slice(0, 1)).rejects.toThrow(Unavailable);
  });

  test('that the code asks wrongly for are a defect', async () => {
    const client = fakeClient(() => Promise.reject(sdkError('InvalidRange')));
    await expect(s3Landed(client, 'lake').open(FILE).slice(0, 1)).rejects.toThrow('InvalidRange happened');
    await expect(s3Landed(client, 'lake').open(FILE).slice(0, 1)).rejects.not.toThrow(Unavailable);
  });
});

test("The warehouse's secret is read anew each time, as RDS writes it", async () => {
  const secrets = ['first', 'second'].map((password) => JSON.stringify({ username: 'ecomflow', password }));
  const client = fakeClient((_: Sent, nth) => ({ SecretString: secrets[nth - 1] }));
  const credentials = secretOf(client, 'arn:secret');
  expect(await credentials()).toEqual({ username: 'ecomflow', password: 'first' });
  expect(await credentials()).toEqual({ username: 'ecomflow', password: 'second' });
  expect(client.sent.map(({ input }) => input)).toEqual([{ SecretId: 'arn:secret' }, { SecretId: 'arn:secret' }]);
});

describe('what PostgreSQL says', () => {
  const said = (code: string) => Object.assign(new pg.DatabaseError(`says ${code}`, 0, 'error'), { code });
  const asked = (error: Error) => ask('loading', () => Promise.reject(error)).catch((thrown: Error) => thrown);

  // Codes: appendix A of PostgreSQL's manual.
  test.each([
    ['08006', 'the connection failed'],
    ['25P03', 'the session sat idle'],
    ['28P01', 'the password is wrong'],
    ['40P01', 'a deadlock'],
    ['53100', 'the disk is full'],
    ['53300', 'too many connections'],
    ['55P03', 'the lock is not to be had'],
    ['57014', 'the statement took too long'],
    ['57P01', 'the server is shut down'],
    ['58030', 'the disk fails'],
  ])('%s is the world: %s', async (code) => {
    const cause = said(code);
    expect(await asked(cause)).toMatchObject({ name: 'Unavailable', message: `loading: says ${code}`, cause });
  });

  test.each([
    ['22P02', 'a text is no uuid'],
    ['22021', 'a text is no UTF-8'],
    ['23502', 'a null'],
    ['42703', 'there is no such column'],
    ['25P02', 'the transaction is over'],
  ])('%s is about what was asked: %s', async (code) => {
    const error = said(code);
    expect(await asked(error)).toBe(error);
  });

  test.each([
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
    Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' }),
  ])('or that it is gone is the world: %s', async (cause) => {
    expect(await asked(cause)).toMatchObject({ name: 'Unavailable', cause });
  });

  test('what is Unavailable already is left as it is', async () => {
    const error = new Unavailable('S3 is slow');
    expect(await asked(error)).toBe(error);
  });
});
