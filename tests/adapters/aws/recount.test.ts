import { dynamoHistory } from '../../../shared/adapters/aws/history';
import { claimedItems } from '../../../shared/adapters/aws/invoice-item';
import { chunkItem, headItem } from '../../../shared/adapters/aws/ledger-items';
import { dynamoLines } from '../../../shared/adapters/aws/lines';
import { s3Recount } from '../../../shared/adapters/aws/recount';
import { s3Refusals } from '../../../shared/adapters/aws/refusals';
import type { InvoicePart } from '../../../shared/domain/invoice';
import { encodeRejected } from '../../../shared/domain/lake';
import type { BatchHead, ChunkEntry } from '../../../shared/domain/ledger';
import { type RejectedZone, Unavailable, type WarehouseCount } from '../../../shared/pipeline/ports';
import { countWarehouse } from '../../../shared/pipeline/warehouse';
import { fakeClient, type Sent, sdkError } from './fake';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const head = (n: number): BatchHead => ({
  batch_id: String(n).padStart(32, '0'),
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: ['invoice_no'],
  received: 5,
  slices: [{ start: 10, end: 500, first_line: 2, rows: 5 }],
  received_at: '2026-01-01T00:00:00.000Z',
  sent_by: 'someone',
});
const entry = ({ batch_id }: BatchHead): ChunkEntry => ({
  batch_id,
  number: 1,
  chunk_id: `${batch_id}-2-0123456789ab`,
  revision: 0,
  kept: 5,
  duplicate: 0,
  rejected: {},
  cleaned_at: '2026-01-01T00:00:05.000Z',
});

describe('the ledger from end to end', () => {
  /** A table of so many batches, whose scan has pages of 100, every other one empty. */
  const table = (count: number) => {
    let most = 0;
    let open = 0;
    const client = fakeClient(async ({ command, input }: Sent) => {
      if (command === 'Scan') {
        const from = (input.ExclusiveStartKey as { at: number } | undefined)?.at ?? 0;
        const isEmpty = from % 1 !== 0;
        const ids = Array.from(
          { length: isEmpty ? 0 : Math.min(100, count - from) },
          (_, i) => head(from + i).batch_id,
        );
        const next = isEmpty ? from + 0.5 : from + 99.5;
        return {
          Items: ids.map((S) => ({ batch_id: { S } })),
          ...(next < count && { LastEvaluatedKey: { at: next } }),
        };
      }
      most = Math.max(most, ++open);
      await new Promise((done) => setImmediate(done));
      open--;
      const id = Number(input.ExpressionAttributeValues[':id']!.S);
      return { Items: id === 3 ? [] : [headItem(head(id)), chunkItem(entry(head(id)))] };
    });
    return { client, most: () => most };
  };

  test('is every batch that a scan finds the head of, read whole, a few at a time', async () => {
    const { client, most } = table(250);
    const batches = await all(dynamoHistory(client, 'batches').batches('2026-01-01T00:00:00.000Z'));
    expect(batches).toHaveLength(249); // the fourth went meanwhile
    expect(batches[0]).toEqual({ head: head(0), entries: [entry(head(0))], failures: [] });
    expect(most()).toBeLessThanOrEqual(8);
    expect(client.sent[0]!.input).toMatchObject({
      TableName: 'batches',
      FilterExpression: 'entry = :head AND received_at >= :since',
      ExpressionAttributeValues: { ':head': { S: 'head' }, ':since': { S: '2026-01-01T00:00:00.000Z' } },
    });
  });

  test('is not in memory at once: whoever stops early has read little', async () => {
    const { client } = table(250);
    for await (const _ of dynamoHistory(client, 'batches').batches()) break;
    expect(client.sent.length).toBeLessThanOrEqual(1 + 64);
  });
});

describe('the invoices from end to end', () => {
  test('are every part, page by page, as the last write left them', async () => {
    const line = {
      line_id: '0a'.repeat(16),
      chunk_id: 'c',
      row: {
        invoice_no: '1',
        stock_code: 'A',
        description: null,
        quantity: 1,
        invoice_date: '2010-12-01T08:26:00Z',
        unit_price: '2.55',
        customer_id: '17850',
        country: 'France',
      },
    };
    const parts: InvoicePart[] = [0, 1, 2].map((part) => ({ invoice_no: '1', part, version: 1, lines: [line] }));
    const items = parts.map(claimedItems().encode);
    const pages = [
      { Items: items.slice(0, 2), LastEvaluatedKey: { at: { S: '2' } } },
      { LastEvaluatedKey: {} },
      { Items: items.slice(2) },
    ];
    const client = fakeClient((_, nth) => pages[nth - 1]);
    expect(await all(dynamoLines(client, 'invoices').all())).toEqual(parts);
    expect(client.sent[1]!.input).toEqual({
      TableName: 'invoices',
      ConsistentRead: true,
      ExclusiveStartKey: { at: { S: '2' } },
    });
  });
});

describe('refused rows on S3', () => {
  const DAY = 'rejected/events/dt=2026-03-01/';
  const rows = [{ line: 2, reason: 'missing', field: 'price', text: 'x' }];

  test('are listed page by page, from a day on, and nothing else that lies there', async () => {
    const pages = [
      { Contents: [{ Key: `${DAY}a.ndjson.gz` }, { Key: DAY }, {}], NextContinuationToken: 'more' },
      { Contents: [{ Key: `${DAY}b.ndjson.gz` }] },
    ];
    const client = fakeClient((_, nth) => pages[nth - 1]);
    expect(await all(s3Refusals(client, 'lake').list('events', '2026-03-01'))).toEqual([
      { key: `${DAY}a.ndjson.gz`, chunk_id: 'a' },
      { key: `${DAY}b.ndjson.gz`, chunk_id: 'b' },
    ]);
    const asked = { Bucket: 'lake', Prefix: 'rejected/events/', StartAfter: 'rejected/events/dt=2026-03-01' };
    expect(client.sent.map(({ input }) => input)).toEqual([asked, { ...asked, ContinuationToken: 'more' }]);
    expect(
      await all(
        s3Refusals(
          fakeClient(() => ({})),
          'lake',
        ).list('events'),
      ),
    ).toEqual([]);
  });

  const reading = (answer: () => unknown): ReturnType<RejectedZone['read']> =>
    s3Refusals(fakeClient(answer), 'lake').read(`${DAY}a.ndjson.gz`);

  test('are read, none of an object that went, and none are taken for a broken world', async () => {
    const bytes = encodeRejected({ batch_id: 'b', chunk_id: 'a', contract_version: 1 }, rows);
    expect(await reading(() => ({ Body: { transformToByteArray: async () => bytes } }))).toEqual(rows);
    const fails = (name: string) => () => {
      throw sdkError(name);
    };
    expect(await reading(fails('NoSuchKey'))).toEqual([]);
    await expect(reading(fails('SlowDown'))).rejects.toThrow(Unavailable);
  });
});

describe('what the warehouse had when it was counted', () => {
  /** A bucket. */
  function bucket() {
    const objects = new Map<string, string>();
    const client = fakeClient(({ command, input }) => {
      const Key = input.Key as string;
      if (command === 'PutObject') return void objects.set(Key, String(input.Body));
      if (!objects.has(Key)) throw sdkError('NoSuchKey');
      return { Body: { transformToByteArray: async () => Buffer.from(objects.get(Key)!) } };
    });
    return { client, objects };
  }
  const count: WarehouseCount = {
    rows: 3,
    distinct: 3,
    loaded_at: '2026-03-01T03:00:00.000Z',
    batches: new Map([['b', { rows: 3, distinct: 3 }]]),
  };

  test('is read as it was kept, unless it is older than it may be, or never was', async () => {
    const { client } = bucket();
    const recount = s3Recount(client, 'lake');
    expect(await recount.byBatch('events', '2026')).toBeUndefined();
    await recount.keep('events', '2026-03-01T06:00:00.000Z', count);
    expect(await recount.byBatch('events', '2026-03-01T06:00:00.000Z')).toEqual(count);
    expect(await recount.byBatch('events', '2026-03-01T06:00:00.001Z')).toBeUndefined();
    const empty = { rows: 0, distinct: 0, loaded_at: undefined, batches: new Map() };
    await recount.keep('events', '2026-03-01T07:00:00.000Z', empty);
    expect(await recount.byBatch('events', '2026-03-01T06:00:00.000Z')).toEqual(empty);
  });

  test('is not told when the world is broken', async () => {
    const client = fakeClient(() => {
      throw sdkError('InternalError', { $metadata: { httpStatusCode: 500 } });
    });
    await expect(s3Recount(client, 'lake').byBatch('events', '2026')).rejects.toThrow(Unavailable);
  });

  test('is counted for every data set by the function that reaches it', async () => {
    const { client, objects } = bucket();
    const open = { count: async (dataset: string) => ({ ...count, rows: dataset === 'events' ? 3 : 4 }) };
    const ports = {
      warehouse: { lateDays: 7, use: <T>(work: (opened: never) => Promise<T>) => work(open as never) },
      recount: s3Recount(client, 'lake'),
      clock: { now: () => new Date('2026-03-01T06:00:00.000Z') },
    };
    expect(await countWarehouse(ports)).toEqual({ transactions: 4, events: 3 });
    expect([...objects.keys()].sort()).toEqual(['recount/events.json', 'recount/transactions.json']);
  });
});
