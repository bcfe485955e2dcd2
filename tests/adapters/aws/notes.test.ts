import { s3Notes } from '../../../shared/adapters/aws/notes';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';

const MEGABYTE = 1024 ** 2;
/** Notes of which S3 has these bytes, as far as it is asked for them. */
function holding(bytes: Buffer) {
  return fakeClient(({ input }) => {
    const [, last] = /^bytes=0-(\d+)$/.exec((input as unknown as { Range: string }).Range)!;
    const asked = bytes.subarray(0, Number(last) + 1);
    return { Body: { transformToByteArray: async () => new Uint8Array(asked) } };
  });
}
const failing = (name: string, status: number) =>
  s3Notes(
    fakeClient(() => Promise.reject(sdkError(name, { $metadata: { httpStatusCode: status } }))),
    'lake',
  );

test('a note is its text', async () => {
  const client = holding(Buffer.from('{"grün": 1}'));
  expect(await s3Notes(client, 'lake').read('reports/a b+ü.json')).toBe('{"grün": 1}');
  expect(client.sent[0]!.input).toMatchObject({ Bucket: 'lake', Key: 'reports/a b+ü.json' });
});

test('a note has a megabyte at most, and no more than that is fetched', async () => {
  expect(await s3Notes(holding(Buffer.alloc(MEGABYTE, 'a')), 'lake').read('k')).toHaveLength(MEGABYTE);
  expect(await s3Notes(holding(Buffer.alloc(MEGABYTE + 1, 'a')), 'lake').read('k')).toBeUndefined();
  const client = holding(Buffer.alloc(5 * MEGABYTE));
  await s3Notes(client, 'lake').read('k');
  expect(client.sent[0]!.input).toMatchObject({ Range: `bytes=0-${MEGABYTE}` });
});

test('an object that is not there is no note, one without a byte an empty one', async () => {
  expect(await failing('NoSuchKey', 404).read('k')).toBeUndefined();
  expect(await failing('InvalidRange', 416).read('k')).toBe('');
});

test.each([
  ['AccessDenied', 403],
  ['SlowDown', 503],
])('a lake that says %s is unavailable', async (name, status) => {
  await expect(failing(name, status).read('k')).rejects.toThrow(Unavailable);
});
