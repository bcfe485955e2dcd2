import { copyObject } from '../../../shared/adapters/aws/objects';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

const GB = 1024 ** 3;
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
  await copyObject(client, 'lake', { key, bytes: 5 * GB }, 'to');
  expect(client.sent).toEqual([{ command: 'CopyObject', input: { Bucket: 'lake', Key: 'to', CopySource } }]);
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

test('what is too large for one copy goes in parts that are the whole, in their order', async () => {
  const client = fakeClient(({ command, input }) => {
    if (command === 'CreateMultipartUpload') return { UploadId: 'u' };
    return { CopyPartResult: { ETag: `tag-${(input as unknown as Copy).PartNumber}` } };
  });
  const bytes = 9 * GB + 1;
  await copyObject(client, 'lake', { key: 'a b', bytes, versionId: 'v' }, 'to');
  const parts = inputs(client.sent.filter(({ command }) => command === 'UploadPartCopy'));
  expect(parts).toHaveLength(10);
  expect(parts[0]).toMatchObject({ UploadId: 'u', CopySource: 'lake/a%20b?versionId=v' });
  expect(parts.map(({ CopySourceRange }) => CopySourceRange)).toEqual([
    'bytes=0-1073741823',
    'bytes=1073741824-2147483647',
    'bytes=2147483648-3221225471',
    'bytes=3221225472-4294967295',
    'bytes=4294967296-5368709119',
    'bytes=5368709120-6442450943',
    'bytes=6442450944-7516192767',
    'bytes=7516192768-8589934591',
    'bytes=8589934592-9663676415',
    'bytes=9663676416-9663676416',
  ]);
  const last = client.sent.at(-1)!;
  expect(last.command).toBe('CompleteMultipartUpload');
  expect((last.input as unknown as Copy).MultipartUpload.Parts).toEqual(
    Array.from({ length: 10 }, (_, i) => ({ PartNumber: i + 1, ETag: `tag-${i + 1}` })),
  );
});

test('a copy that cannot be made is unavailable, and nothing is completed', async () => {
  const client = fakeClient(({ command }) => {
    if (command === 'UploadPartCopy') throw sdkError('SlowDown');
    return { UploadId: 'u' };
  });
  await expect(copyObject(client, 'lake', { key: 'a', bytes: 6 * GB }, 'to')).rejects.toThrow(Unavailable);
  expect(client.sent.map(({ command }) => command)).not.toContain('CompleteMultipartUpload');
});
