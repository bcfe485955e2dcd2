import { copyObject } from '../../../shared/adapters/aws/objects';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

const GB = 1024 ** 3;
const PART = 256 * 1024 ** 2;
interface Copy {
  readonly CopySource: string;
  readonly CopySourceRange: string;
  readonly PartNumber: number;
  readonly MultipartUpload: { readonly Parts: unknown };
}
const inputs = (sent: readonly Sent[]) => sent.map(({ input }) => input as unknown as Copy);

test.each([
  ['inbox/t/a b.csv', 'lake/inbox/t/a%20b.csv'],
  ['inbox/t/a+b&c=d?e#f%20.csv', 'lake/inbox/t/a%2Bb%26c%3Dd%3Fe%23f%2520.csv'],
  ['inbox/t/übung 日本.csv', 'lake/inbox/t/%C3%BCbung%20%E6%97%A5%E6%9C%AC.csv'],
  ['inbox/t/../x.csv', 'lake/inbox/t/../x.csv'],
])('the source of a copy is written as in a URL: %s', async (key, CopySource) => {
  const client = fakeClient(() => ({}));
  await copyObject(client, 'lake', { key, bytes: PART }, 'to');
  const input = { Bucket: 'lake', Key: 'to', CopySource, TaggingDirective: 'REPLACE' };
  expect(client.sent).toEqual([{ command: 'CopyObject', input }]);
});

test('a copy is of the version that is named, or of the object as long as its tag is the same', async () => {
  const client = fakeClient(() => ({}));
  await copyObject(client, 'lake', { key: 'a', bytes: 1, versionId: '3/L+=x.y' }, 'to');
  await copyObject(client, 'lake', { key: 'a', bytes: 1, etag: '"abc"' }, 'to');
  expect(inputs(client.sent)).toMatchObject([
    { CopySource: 'lake/a?versionId=3%2FL%2B%3Dx.y' },
    { CopySource: 'lake/a', CopySourceIfMatch: '"abc"' },
  ]);
});

test('what takes too long for one copy goes in parts that are the whole, in their order', async () => {
  const client = fakeClient(({ command, input }) => {
    if (command === 'CreateMultipartUpload') return { UploadId: 'u' };
    return { CopyPartResult: { ETag: `tag-${(input as unknown as Copy).PartNumber}` } };
  });
  const bytes = GB + 1;
  await copyObject(client, 'lake', { key: 'a b', bytes, versionId: 'v' }, 'to');
  const parts = inputs(client.sent.filter(({ command }) => command === 'UploadPartCopy'));
  expect(parts[0]).toMatchObject({ UploadId: 'u', CopySource: 'lake/a%20b?versionId=v' });
  expect(parts.map(({ CopySourceRange }) => CopySourceRange)).toEqual([
    'bytes=0-268435455',
    'bytes=268435456-536870911',
    'bytes=536870912-805306367',
    'bytes=805306368-1073741823',
    'bytes=1073741824-1073741824',
  ]);
  const last = client.sent.at(-1)!;
  expect(last.command).toBe('CompleteMultipartUpload');
  expect((last.input as unknown as Copy).MultipartUpload.Parts).toEqual(
    Array.from({ length: 5 }, (_, i) => ({ PartNumber: i + 1, ETag: `tag-${i + 1}` })),
  );
});

test('even the largest object there may be has 10,000 parts at most', async () => {
  const client = fakeClient(() => ({ UploadId: 'u' }));
  const bytes = 5 * 1024 * GB;
  await copyObject(client, 'lake', { key: 'a', bytes }, 'to');
  const parts = inputs(client.sent.filter(({ command }) => command === 'UploadPartCopy'));
  expect(parts).toHaveLength(10_000);
  expect(parts.at(-1)!.CopySourceRange).toMatch(new RegExp(`-${bytes - 1}$`));
});

test('a copy that cannot be made is unavailable, and nothing is completed', async () => {
  const client = fakeClient(({ command }) => {
    if (command === 'UploadPartCopy') throw sdkError('SlowDown');
    return { UploadId: 'u' };
  });
  await expect(copyObject(client, 'lake', { key: 'a', bytes: 6 * GB }, 'to')).rejects.toThrow(Unavailable);
  expect(client.sent.map(({ command }) => command)).not.toContain('CompleteMultipartUpload');
});
