import type { Item } from '../../../shared/adapters/aws/attributes';
import { dynamoBatches, dynamoChunks, dynamoFiles } from '../../../shared/adapters/aws/batches';
import type { BatchHead, ChunkEntry } from '../../../shared/domain/ledger';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

/** A table that puts, gets, updates and queries as this adapter does; pages hold two items. */
function table() {
  const items = new Map<string, Item>();
  const keyOf = (item: Item) => `${item.batch_id!.S} ${item.entry!.S}`;
  const answer = ({ command, input }: Sent) => {
    if (command === 'PutItem') {
      const item = input.Item as Item;
      const stored = items.get(keyOf(item));
      if (input.ConditionExpression === 'revision = :before') {
        if (stored?.revision?.N !== input.ExpressionAttributeValues[':before']!.N)
          throw sdkError('ConditionalCheckFailedException');
      } else if (stored && input.ConditionExpression)
        throw sdkError('ConditionalCheckFailedException', { Item: stored });
      items.set(keyOf(item), item);
    } else if (command === 'GetItem') return { Item: items.get(keyOf(input.Key as unknown as Item)) };
    else if (command === 'UpdateItem') {
      const stored = items.get(keyOf(input.Key as unknown as Item));
      const conditions = input.ConditionExpression ?? '';
      const refused =
        (conditions.includes('attribute_exists(batch_id)') && !stored) ||
        (conditions.includes('attribute_not_exists(accepted_at)') && stored?.accepted_at);
      if (!stored || refused) throw sdkError('ConditionalCheckFailedException');
      stored.accepted_at = input.ExpressionAttributeValues[':at'] as { S: string };
    } else if (command === 'Query') {
      const all = [...items.values()].filter(
        ({ batch_id }) => batch_id!.S === input.ExpressionAttributeValues[':id']!.S,
      );
      all.sort((a, b) => (a.entry!.S! < b.entry!.S! ? -1 : 1));
      const from = (input.ExclusiveStartKey as { at: number } | undefined)?.at ?? 0;
      return { Items: all.slice(from, from + 2), ...(from + 2 < all.length && { LastEvaluatedKey: { at: from + 2 } }) };
    }
    return {};
  };
  return { ...fakeClient(answer), items };
}

const head: BatchHead = {
  batch_id: '0a'.repeat(16),
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: ['invoice_no', 'country'],
  received: 12,
  slices: [
    { start: 10, end: 500, first_line: 2, rows: 7 },
    { start: 500, end: 900, first_line: 9, rows: 5 },
  ],
  received_at: '2026-01-01T00:00:00.000Z',
  sent_by: 'someone',
};
const entry = (number: number, changes: Partial<ChunkEntry> = {}): ChunkEntry => ({
  batch_id: head.batch_id,
  number,
  chunk_id: `${head.batch_id}-${number}-0123456789ab`,
  revision: 0,
  kept: 5,
  duplicate: 1,
  rejected: { cancellation: 1, missing: 2 },
  cleaned_at: '2026-01-01T00:00:05.000Z',
  ...changes,
});
const file = { hash: 'f'.repeat(64), part: 2, parts: 3 };

describe('the Batches table', () => {
  test('answers a batch that is opened again with the head of the first time, without a read', async () => {
    const client = table();
    const batches = dynamoBatches(client, 'batches');
    expect(await batches.open(head)).toEqual(head);
    await batches.accept(head.batch_id, '2026-01-01T00:00:01.000Z');
    const again = await batches.open({ ...head, received_at: '2027-01-01T00:00:00.000Z', slices: [] });
    expect(again).toEqual({ ...head, accepted_at: '2026-01-01T00:00:01.000Z' });
    expect(client.sent.map(({ command }) => command)).toEqual(['PutItem', 'UpdateItem', 'PutItem']);
  });

  test('reads the head where a refusal does not bring it along', async () => {
    const stored = table();
    await dynamoBatches(stored, 'batches').open(head);
    const client = fakeClient((sent) => {
      if (sent.command === 'PutItem') throw sdkError('ConditionalCheckFailedException');
      return { Item: stored.items.get(`${head.batch_id} head`) };
    });
    expect(await dynamoBatches(client, 'batches').open({ ...head, received: 99 })).toEqual(head);
  });

  test('keeps the first time of acceptance', async () => {
    const client = table();
    const batches = dynamoBatches(client, 'batches');
    await batches.open(head);
    await batches.accept(head.batch_id, '2026-01-01T00:00:01.000Z');
    await batches.accept(head.batch_id, '2026-02-02T00:00:00.000Z');
    expect((await batches.find(head.batch_id))?.head.accepted_at).toBe('2026-01-01T00:00:01.000Z');
  });

  test('finds a batch with the entries of its chunks by number, over all pages; an unknown one is undefined', async () => {
    const client = table();
    const chunks = dynamoChunks(client, 'batches');
    await dynamoBatches(client, 'batches').open(head);
    for (const number of [10, 2, 1]) await chunks.record(entry(number));
    expect(await dynamoBatches(client, 'batches').find(head.batch_id)).toEqual({
      head,
      entries: [entry(1), entry(2), entry(10)],
      failures: [],
    });
    expect(await dynamoBatches(client, 'batches').find('unknown')).toBeUndefined();
    expect(client.sent.filter(({ command }) => command === 'Query').every(({ input }) => input.ConsistentRead)).toBe(
      true,
    );
  });

  test('keeps the first entry of a chunk', async () => {
    const client = table();
    const chunks = dynamoChunks(client, 'batches');
    expect(await chunks.find(head.batch_id, 1)).toBeUndefined();
    const first = entry(1);
    expect(await chunks.record(first)).toBe(first); // the very one: it was written
    const again = await chunks.record(first);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
    expect(await chunks.record(entry(1, { kept: 0 }))).toEqual(entry(1));
    expect(await chunks.find(head.batch_id, 1)).toEqual(entry(1));
  });

  test('finds the batches of a file by part; a part without a head is passed over', async () => {
    const client = table();
    const batches = dynamoBatches(client, 'batches');
    const part = (n: number) => ({ ...head, batch_id: `${n}`.repeat(32), file: { ...file, part: n } });
    const files = dynamoFiles(client, 'batches');
    for (const n of [3, 1, 2]) await files.claim(part(n).file, part(n).batch_id);
    for (const n of [3, 1]) await batches.open(part(n));
    const found = await dynamoFiles(client, 'batches').batches(file.hash);
    expect(found.map((batch) => batch.head)).toEqual([part(1), part(3)]);
    expect(await dynamoFiles(client, 'batches').batches('unknown')).toEqual([]);
  });

  test('makes a batch the part of a file for good: whoever comes later hears which one it is', async () => {
    const client = table();
    const files = dynamoFiles(client, 'batches');
    expect(await files.claim(file, 'a')).toEqual({ batch_id: 'a', parts: 3 });
    expect(await files.claim(file, 'a')).toEqual({ batch_id: 'a', parts: 3 });
    expect(await files.claim({ ...file, parts: 9 }, 'b')).toEqual({ batch_id: 'a', parts: 3 });
    expect(await files.claim({ ...file, part: 1 }, 'b')).toEqual({ batch_id: 'b', parts: 3 });
  });

  test('notes a chunk that cannot be cleaned once, beside the entries', async () => {
    const client = table();
    const chunks = dynamoChunks(client, 'batches');
    await dynamoBatches(client, 'batches').open(head);
    const failure = { batch_id: head.batch_id, number: 2, chunk_id: 'c-2', failed_at: '2026-01-01T00:00:06.000Z' };
    await chunks.fail(failure);
    await chunks.fail({ ...failure, failed_at: '2027-01-01T00:00:00.000Z' });
    await chunks.record(entry(1));
    expect(await dynamoBatches(client, 'batches').find(head.batch_id)).toEqual({
      head,
      entries: [entry(1)],
      failures: [failure],
    });
  });

  test('says of a batch where its rows are from', async () => {
    const from = { ...head, origin: { key: 'inbox/transactions/a b+ü.csv', version: 'etag-1@2' } };
    const batches = dynamoBatches(table(), 'batches');
    await batches.open(from);
    expect(await batches.open(head)).toEqual(from);
  });

  test('has the next revision of an entry when the one before it is there, and the last one for whoever comes late', async () => {
    const chunks = dynamoChunks(table(), 'batches');
    const provisional = entry(1, { provisional: true });
    expect(await chunks.record(provisional)).toEqual(provisional);
    expect(await chunks.find(head.batch_id, 1)).toEqual(provisional);
    const first = entry(1, { revision: 1, kept: 4, duplicate: 2 });
    expect(await chunks.revise(first)).toEqual(first);
    expect(await chunks.find(head.batch_id, 1)).toEqual(first);
    expect(await chunks.revise(entry(1, { revision: 1, kept: 0, duplicate: 6 }))).toEqual(first);
    expect(await chunks.revise(entry(1, { revision: 3 }))).toEqual(first);
    expect(await chunks.record(provisional)).toEqual(first);
    expect(await chunks.find(head.batch_id, 1)).toEqual(first);
  });

  test('takes no revision of what was never entered, and does not claim to', async () => {
    const chunks = dynamoChunks(table(), 'batches');
    await expect(chunks.revise(entry(1, { revision: 1 }))).rejects.toThrow('has no entry');
    expect(await chunks.find(head.batch_id, 1)).toBeUndefined();
  });

  test('that cannot be reached is unavailable', async () => {
    const client = fakeClient(() => Promise.reject(sdkError('AccessDeniedException')));
    await expect(dynamoBatches(client, 'batches').find('x')).rejects.toThrow(Unavailable);
    await expect(dynamoChunks(client, 'batches').record(entry(1))).rejects.toThrow(Unavailable);
  });
});
