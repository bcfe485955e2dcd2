import { s3Inbox } from '../../../shared/adapters/aws/inbox';
import type { InboxFile } from '../../../shared/domain/arrival';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';

const KEY = 'inbox/transactions/a b+ü/../c.csv';
const TIME = '2026-03-01T11:00:00.000Z';
const HEAD = { ETag: '"0cc1"', ContentLength: 5, LastModified: new Date(TIME), VersionId: 'v.1' };
const FILE: InboxFile = { key: KEY, version: 'v.1', checksum: 'etag:"0cc1"', bytes: 5, arrived_at: TIME };
const UNVERSIONED = `etag-0cc1@${TIME}`;
const status = (name: string, httpStatusCode: number) => sdkError(name, { $metadata: { httpStatusCode } });
const failing = (error: Error) => fakeClient(() => Promise.reject(error));
const look = (head: object, version?: string) =>
  s3Inbox(
    fakeClient(() => head),
    'lake',
  ).look(KEY, version);

describe('a file of the inbox on S3', () => {
  test('is looked at by its key as it is, in the version that is asked for', async () => {
    const client = fakeClient(() => ({ ...HEAD, ContentType: 'text/csv; charset=iso-8859-1' }));
    expect(await s3Inbox(client, 'lake').look(KEY, 'v.1')).toEqual({
      ...FILE,
      contentType: 'text/csv; charset=iso-8859-1',
    });
    expect(await s3Inbox(client, 'lake').look(KEY)).toMatchObject({ version: 'v.1' });
    expect(client.sent.map(({ input }) => input)).toEqual([
      { Bucket: 'lake', Key: KEY, ChecksumMode: 'ENABLED', VersionId: 'v.1' },
      { Bucket: 'lake', Key: KEY, ChecksumMode: 'ENABLED' },
    ]);
  });

  test('has the strongest checksum that S3 knows of its content', async () => {
    const checksum = async (more: object) => (await look({ ...HEAD, ...more }))!.checksum;
    const [ChecksumSHA256, ChecksumCRC64NVME] = ['c2hh', 'Y3Jj'];
    expect(await checksum({ ChecksumSHA256, ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' })).toBe('sha256:c2hh');
    expect(await checksum({ ChecksumCRC64NVME, ChecksumType: 'FULL_OBJECT' })).toBe('crc64nvme:Y3Jj');
    expect(await checksum({ ChecksumSHA256: 'c2hh-3', ChecksumType: 'COMPOSITE' })).toBe('etag:"0cc1"');
    expect(await checksum({})).toBe('etag:"0cc1"');
  });

  test.each([undefined, 'null'])('is told by tag and time in a bucket without versions: %s', async (VersionId) => {
    const client = fakeClient(() => ({ ...HEAD, VersionId }));
    expect(await s3Inbox(client, 'lake').look(KEY)).toMatchObject({ version: UNVERSIONED });
    expect(await s3Inbox(client, 'lake').look(KEY, UNVERSIONED)).toMatchObject({ version: UNVERSIONED });
    expect(client.sent.at(-1)!.input).toMatchObject({ IfMatch: '"0cc1"' });
    expect(client.sent.at(-1)!.input).not.toHaveProperty('VersionId');
    const again = { ...HEAD, VersionId, LastModified: new Date('2026-03-01T11:00:01.000Z') };
    expect(await look(again, UNVERSIONED)).toBeUndefined(); // the same content, put once more
  });

  test.each([
    ['NotFound', 404],
    ['NoSuchVersion', 404],
    ['Unknown', 405], // a version that is a mark of deletion; HEAD has no body to name it
    ['412', 412],
  ])('is gone where S3 says %s', async (name, code) => {
    expect(await s3Inbox(failing(status(name, code)), 'lake').look(KEY, 'v.1')).toBeUndefined();
  });

  test.each([
    ['Forbidden', 403],
    ['InternalError', 500],
    ['SlowDown', 503],
  ])('is not gone, and the world broken, where S3 says %s', async (name, code) => {
    await expect(s3Inbox(failing(status(name, code)), 'lake').look(KEY)).rejects.toThrow(Unavailable);
  });

  test('is no file where S3 does not understand us, which is a defect', async () => {
    await expect(s3Inbox(failing(status('Unknown', 400)), 'lake').look(KEY)).rejects.toThrow('Unknown happened');
  });
});

describe('its bytes', () => {
  async function read(Body: AsyncIterable<Uint8Array>, from = 0) {
    const client = fakeClient(() => ({ Body }));
    const pieces: string[] = [];
    for await (const bytes of s3Inbox(client, 'lake').read(FILE, from)) pieces.push(Buffer.from(bytes).toString());
    return { pieces, input: client.sent[0]!.input };
  }
  async function* body(...pieces: (string | Error)[]) {
    for (const piece of pieces) {
      if (piece instanceof Error) throw piece;
      yield Buffer.from(piece);
    }
  }

  test('come as they are stored, from any place on', async () => {
    expect(await read(body('ab', 'cde'))).toEqual({
      pieces: ['ab', 'cde'],
      input: { Bucket: 'lake', Key: KEY, VersionId: 'v.1' },
    });
    expect((await read(body('de'), 3)).input).toMatchObject({ Range: 'bytes=3-' });
  });

  test('are those of the tag in a bucket without versions', async () => {
    const client = fakeClient(() => ({ Body: body('a') }));
    for await (const _ of s3Inbox(client, 'lake').read({ ...FILE, version: UNVERSIONED }, 0));
    expect(client.sent[0]!.input).toEqual({ Bucket: 'lake', Key: KEY, IfMatch: '"0cc1"' });
  });

  test.each([
    sdkError('Error', { code: 'ECONNRESET' }),
    sdkError('Error', { code: 'ERR_STREAM_PREMATURE_CLOSE' }),
    new Error('Checksum mismatch'),
  ])('that break off are unavailable: %s', async (error) => {
    const reading = read(body('ab', error));
    await expect(reading).rejects.toThrow(Unavailable);
    await expect(reading).rejects.toMatchObject({ cause: error });
  });

  test.each([
    ['NoSuchKey', 404],
    ['NoSuchVersion', 404],
    ['PreconditionFailed', 412],
  ])('are unavailable once the file is not what it was: %s', async (name, code) => {
    const reading = async () => {
      for await (const _ of s3Inbox(failing(status(name, code)), 'lake').read(FILE, 0));
    };
    await expect(reading()).rejects.toThrow(Unavailable);
  });

  test('are let go of by readers that stop early', async () => {
    let closed = 0;
    async function* endless() {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        closed++;
      }
    }
    for await (const _ of s3Inbox(
      fakeClient(() => ({ Body: endless() })),
      'lake',
    ).read(FILE, 0))
      break;
    expect(closed).toBe(1);
  });
});

describe('a file that is refused', () => {
  const refusal = { code: 'empty_body', detail: 'The file is empty.', facts: { a: 1 } } as const;

  test('is copied in its version, with the reason beside it', async () => {
    const client = fakeClient(() => ({}));
    const kept = await s3Inbox(client, 'lake').keepRefused(FILE, 'transactions', refusal);
    expect(kept).toMatch(/^rejected\/files\/transactions\/dt=2026-03-01\/[0-9a-f]{16}-a_b_.._c\.csv$/);
    expect(client.sent).toMatchObject([
      {
        command: 'CopyObject',
        input: { Key: kept, CopySource: 'lake/inbox/transactions/a%20b%2B%C3%BC/../c.csv?versionId=v.1' },
      },
      { command: 'PutObject', input: { Key: kept.replace(/-[^-]*$/, '.reason.json') } },
    ]);
    expect(JSON.parse(String(client.sent[1]!.input.Body))).toEqual({ ...refusal, key: KEY, version: 'v.1' });
  });

  test('is removed for good, and one that was put since stays: with versions and without', async () => {
    const client = fakeClient(() => ({}));
    await s3Inbox(client, 'lake').remove(FILE);
    await s3Inbox(client, 'lake').remove({ ...FILE, version: UNVERSIONED });
    expect(client.sent.map(({ input }) => input)).toEqual([
      { Bucket: 'lake', Key: KEY, VersionId: 'v.1' },
      { Bucket: 'lake', Key: KEY, IfMatch: '"0cc1"' },
    ]);
    for (const code of [404, 412]) await s3Inbox(failing(status('PreconditionFailed', code)), 'lake').remove(FILE);
    await expect(s3Inbox(failing(status('AccessDenied', 403)), 'lake').remove(FILE)).rejects.toThrow(Unavailable);
    await expect(s3Inbox(failing(status('Bad', 400)), 'lake').remove(FILE)).rejects.toThrow('Bad happened');
  });
});
