import * as adapters from '../../../shared/adapters/aws';
import { s3ForOthers } from '../../../shared/adapters/aws/s3';
import { s3Uploads } from '../../../shared/adapters/aws/uploads';
import { Unavailable } from '../../../shared/pipeline/ports';

const UPLOAD = {
  key: 'inbox/transactions/0123456789abcdef0123456789abcdef.csv.gz',
  bytes: 5 * 1024 ** 3,
  contentType: 'text/csv; charset=iso-8859-1',
  seconds: 900,
};
const before = { ...process.env };
beforeEach(() => {
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'session',
    LAKE_BUCKET: 'lake',
  });
  delete process.env.AWS_ENDPOINT_URL;
});
afterAll(() => {
  process.env = before;
});

const signed = async (upload = UPLOAD) => {
  const { url, headers } = await adapters.uploads().sign(upload);
  return { url: new URL(url), headers };
};

it("signs the file's size and type, and that it overwrites nothing, for a PUT of that one key", async () => {
  const { url, headers } = await signed();
  expect(url.origin + url.pathname).toBe(`https://lake.s3.eu-central-1.amazonaws.com/${UPLOAD.key}`);
  expect(url.searchParams.get('x-id')).toBe('PutObject');
  expect(headers).toEqual({
    'content-length': '5368709120',
    'content-type': 'text/csv; charset=iso-8859-1',
    'if-none-match': '*',
  });
  expect(url.searchParams.get('X-Amz-SignedHeaders')!.split(';')).toEqual([...Object.keys(headers), 'host'].sort());
  expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
});

it('promises nothing of the content, which it has not seen: a checksum would be that of the empty body', async () => {
  const { url } = await signed();
  expect([...url.searchParams.keys()].sort()).toEqual([
    ...['X-Amz-Algorithm', 'X-Amz-Content-Sha256', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Expires'],
    ...['X-Amz-Security-Token', 'X-Amz-Signature', 'X-Amz-SignedHeaders', 'x-id'],
  ]);
  expect(url.searchParams.get('X-Amz-Content-Sha256')).toBe('UNSIGNED-PAYLOAD');
});

it.each([
  ['key', { key: 'inbox/transactions/other.csv' }],
  ['size', { bytes: 1 }],
  ['type', { contentType: 'text/csv; charset=utf-8' }],
  ['time', { seconds: 901 }],
])('signs otherwise for another %s', async (_, change) => {
  jest.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z'), doNotFake: ['nextTick', 'setImmediate'] });
  const signature = async (upload: typeof UPLOAD) => (await signed(upload)).url.searchParams.get('X-Amz-Signature');
  try {
    expect(await signature(UPLOAD)).toBe(await signature(UPLOAD));
    expect(await signature({ ...UPLOAD, ...change })).not.toBe(await signature(UPLOAD));
  } finally {
    jest.useRealTimers();
  }
});

it('asks an emulator by path, which has no name for each bucket', async () => {
  process.env.AWS_ENDPOINT_URL = 'http://localhost:4566';
  const { url } = await signed();
  expect(url.origin + url.pathname).toBe(`http://localhost:4566/lake/${UPLOAD.key}`);
});

it('is unavailable without credentials, which an operator mends', async () => {
  const client = s3ForOthers();
  client.config.credentials = async () => {
    throw Object.assign(new Error('Could not load credentials from any providers'), {
      name: 'CredentialsProviderError',
    });
  };
  await expect(s3Uploads(client, 'lake').sign(UPLOAD)).rejects.toThrow(Unavailable);
});
