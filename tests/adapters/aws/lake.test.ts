import { s3Failed } from '../../../shared/adapters/aws/failed';
import { directLanding, firehoseLanding } from '../../../shared/adapters/aws/landing';
import { RECORD_BYTES } from '../../../shared/adapters/aws/landing-records';
import { s3Rejects } from '../../../shared/adapters/aws/rejects';
import type { KeptRow } from '../../../shared/domain/outcome';
import type { Chunk } from '../../../shared/domain/packing';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, noPause, type Sent, sdkError } from './fake';

const chunk: Chunk = {
  dataset: 'transactions',
  contract_version: 1,
  batch_id: '0a'.repeat(16),
  number: 1,
  first_line: 2,
  rows: 1,
  format: 'csv',
  columns: [],
  received_at: '2026-01-31T23:59:59.999Z',
  chunk_id: `${'0a'.repeat(16)}-2-0123456789ab`,
  text: 'x',
};
const kept = (i: number, description: string | null = 'MUG'): KeptRow => ({
  line_id: String(i).padStart(32, '0'),
  row: {
    invoice_no: '536365',
    stock_code: `${i}`,
    description,
    quantity: 6,
    invoice_date: '2010-12-01T08:26:00.5Z',
    unit_price: '2.55',
    customer_id: '17850',
    country: 'France',
  },
});
const allIn = ({ input }: Sent) => ({
  FailedPutCount: 0,
  RequestResponses: input.Records.map((_, i) => ({ RecordId: `${i}` })),
});

describe('landing through Firehose', () => {
  test('writes rows as lines of JSON: decimals as text, times without zone letters, nulls left out', async () => {
    const client = fakeClient(allIn);
    await firehoseLanding(client, 'eco-landing').append(chunk, [kept(1, null)]);
    const { DeliveryStreamName, Records } = client.sent[0]!.input;
    expect(DeliveryStreamName).toBe('eco-landing-transactions');
    expect(Records[0]!.Data.toString()).toBe(
      `${JSON.stringify({
        invoice_no: '536365',
        stock_code: '1',
        quantity: 6,
        invoice_date: '2010-12-01 08:26:00.5',
        unit_price: '2.55',
        customer_id: '17850',
        country: 'France',
        line_id: '1'.padStart(32, '0'),
        batch_id: chunk.batch_id,
      })}\n`,
    );
  });

  test('packs records close to their limit, and calls to theirs, without losing a row', async () => {
    const client = fakeClient(allIn);
    const rows = Array.from({ length: 1500 }, (_, i) => kept(i, 'ü'.repeat(2000)));
    await firehoseLanding(client, 'eco-landing').append(chunk, rows);
    const calls = client.sent.map(({ input }) => input.Records.map(({ Data }) => Data));
    const records = calls.flat();
    for (const record of records) expect(record.length).toBeLessThanOrEqual(RECORD_BYTES);
    for (const record of records.slice(0, -1)) expect(record.length).toBeGreaterThan(0.99 * RECORD_BYTES);
    for (const call of calls)
      expect(call.reduce((sum, record) => sum + record.length, 0)).toBeLessThanOrEqual(4 * 1024 * 1024);
    const lines = Buffer.concat(records).toString().trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { stock_code: string }).stock_code)).toEqual(
      rows.map(({ row }) => row.stock_code),
    );
  });

  test('sends again only the records that were refused, and gives up in the end', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => kept(i, 'x'.repeat(4000)));
    const busy = fakeClient(({ input }, nth) => ({
      FailedPutCount: nth === 1 ? 1 : 0,
      RequestResponses: input.Records.map((_, i) =>
        nth === 1 && i === 1 ? { ErrorCode: 'ServiceUnavailableException' } : { RecordId: 'r' },
      ),
    }));
    await firehoseLanding(busy, 'p', noPause().pause).append(chunk, rows);
    const [first, second] = busy.sent.map(({ input }) => input.Records);
    expect(busy.sent).toHaveLength(2);
    expect(second).toEqual([first![1]]);

    const dead = fakeClient(({ input }) => ({
      RequestResponses: input.Records.map(() => ({ ErrorCode: 'ServiceUnavailableException' })),
    }));
    await expect(firehoseLanding(dead, 'p', noPause().pause).append(chunk, rows)).rejects.toThrow(Unavailable);
  });
});

describe('the lake on S3', () => {
  test('direct landing writes one Parquet object under the day the batch came', async () => {
    const client = fakeClient(() => ({}));
    await directLanding(client, 'lake').append(chunk, [kept(1)]);
    const { Bucket, Key, Body, ACL } = client.sent[0]!.input;
    expect([Bucket, Key]).toEqual(['lake', `landing/transactions/dt=2026-01-31/${chunk.chunk_id}.parquet`]);
    expect(Buffer.from(Body).toString('latin1', 0, 4)).toBe('PAR1');
    expect(ACL).toBeUndefined();
  });

  test('refused rows come back as they were put; the same rows are the same bytes', async () => {
    const rows = [
      { line: 2, reason: 'cancellation', field: 'invoice_no', text: 'C1,"a\nb",ü' },
      { line: 4, reason: 'missing', field: 'country', text: '🧀\u2028' },
    ];
    const objects = new Map<string, Uint8Array>();
    const client = fakeClient(({ command, input }) => {
      if (command === 'PutObject') return void objects.set(input.Key, input.Body);
      const bytes = objects.get(input.Key);
      if (!bytes) throw sdkError('NoSuchKey', { $metadata: { httpStatusCode: 404 } });
      return { Body: { transformToByteArray: async () => bytes } };
    });
    const rejects = s3Rejects(client, 'lake');
    const head = { ...chunk, received: 1, slices: [], sent_by: '' };
    expect(await rejects.read(head, chunk.chunk_id)).toEqual([]);
    await rejects.put(chunk, rows);
    await rejects.put(chunk, rows);
    expect([...objects.keys()]).toEqual([`rejected/transactions/dt=2026-01-31/${chunk.chunk_id}.ndjson.gz`]);
    expect(client.sent[1]!.input.Body).toEqual(client.sent[2]!.input.Body);
    expect(await rejects.read(head, chunk.chunk_id)).toEqual(rows);
  });

  test('a right that is missing is not taken for an object that is', async () => {
    const client = fakeClient(() => Promise.reject(sdkError('AccessDenied', { $metadata: { httpStatusCode: 403 } })));
    await expect(s3Rejects(client, 'lake').read(chunk, 'x')).rejects.toThrow(Unavailable);
  });

  test('a failed record is kept byte by byte, with the whole chain of what went wrong', async () => {
    const client = fakeClient(() => ({}));
    const error = new TypeError('outer', { cause: new Error('inner', { cause: 'a text' }) });
    await s3Failed(client, 'lake').put(chunk.chunk_id, Buffer.from([0, 255]), error);
    const [record, told] = client.sent.map(({ input }) => input);
    expect([record!.Key, told!.Key]).toEqual([`failed/${chunk.chunk_id}.chunk`, `failed/${chunk.chunk_id}.error.json`]);
    expect(record!.Body).toEqual(Buffer.from([0, 255]));
    expect(JSON.parse(String(told!.Body))).toMatchObject({
      id: chunk.chunk_id,
      name: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('outer'),
      cause: { name: 'Error', message: 'inner', cause: { message: 'a text' } },
    });
  });

  test('a cause that is its own cause ends', async () => {
    const client = fakeClient(() => ({}));
    const error = new Error('round');
    error.cause = error;
    await s3Failed(client, 'lake').put('x', Buffer.alloc(0), error);
    expect(client.sent).toHaveLength(2);
  });
});
