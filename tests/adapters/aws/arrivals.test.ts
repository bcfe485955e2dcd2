import { dynamoArrivals, dynamoBacklog, dynamoSenders } from '../../../shared/adapters/aws/arrivals';
import type { Item } from '../../../shared/adapters/aws/attributes';
import type { Arrival } from '../../../shared/domain/arrival';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

/** A table that judges the conditions that this adapter writes. `between` runs before each update. */
function table(between: () => unknown = () => undefined) {
  const items = new Map<string, Item>();
  const keyOf = (item: Item) => `${item.batch_id!.S} ${item.entry!.S}`;
  const answer = async ({ command, input }: Sent) => {
    const values = input.ExpressionAttributeValues as Record<string, { S: string }>;
    if (command === 'PutItem') {
      const item = input.Item as Item;
      const stored = items.get(keyOf(item));
      if (stored && input.ConditionExpression === 'attribute_not_exists(#key)')
        throw sdkError('ConditionalCheckFailedException', { Item: stored });
      items.set(keyOf(item), item);
    } else if (command === 'GetItem') return { Item: items.get(keyOf(input.Key as unknown as Item)) };
    else if (command === 'UpdateItem') {
      await between();
      expect(input.ConditionExpression).toBe('lease = :before AND attribute_exists(unfinished)');
      const stored = items.get(keyOf(input.Key as unknown as Item))!;
      if (stored.lease!.S !== values[':before']!.S || !stored.unfinished)
        throw sdkError('ConditionalCheckFailedException');
      Object.assign(stored, { body: values[':body'], lease: values[':lease'] });
    } else if (command === 'Query') {
      const { IndexName } = input as unknown as { IndexName?: string };
      const found = [...items.values()].filter((item) =>
        IndexName
          ? item.unfinished?.S === values[':file']!.S
          : item.batch_id!.S === values[':id']!.S && item.entry!.S!.startsWith(values[':version']!.S),
      );
      return { Items: found };
    }
    return {};
  };
  return { ...fakeClient(answer), items };
}

const NOON = '2026-03-01T12:00:00.000Z';
const LATER = '2026-03-01T12:16:00.000Z';
const NEXT = '2026-03-01T12:40:00.000Z';
const KEY = `inbox/transactions/${'ü'.repeat(500)}`;
const arrival = (holder: string, until = LATER, more: Partial<Arrival> = {}): Arrival => ({
  key: KEY,
  version: 'v1',
  checksum: 'sum',
  bytes: 5,
  arrived_at: '2026-03-01T11:00:00.000Z',
  state: 'reading',
  sent_by: 'test',
  lease: { holder, until },
  ...more,
});

describe('a claim of a file in the Batches table', () => {
  test('is one write for whoever comes first, and one for whoever comes second', async () => {
    const client = table();
    const arrivals = dynamoArrivals(client, 'batches');
    expect(await arrivals.claim(arrival('a'), NOON)).toEqual(arrival('a'));
    expect(await arrivals.claim(arrival('b'), NOON)).toEqual(arrival('a'));
    expect(client.sent.map(({ command }) => command)).toEqual(['PutItem', 'PutItem']);
  });

  test('takes over a lease that is over, and keeps what was noted', async () => {
    const client = table();
    const arrivals = dynamoArrivals(client, 'batches');
    await arrivals.note(arrival('a', LATER, { state: 'waiting', batch_id: 'b', engine: 'spark' }));
    const taken = await arrivals.claim(arrival('b', NEXT), LATER);
    expect(taken).toEqual(arrival('b', NEXT, { state: 'waiting', batch_id: 'b', engine: 'spark' }));
    expect(await arrivals.of(KEY)).toEqual([taken]);
    expect((await arrivals.claim(arrival('a', NEXT), LATER)).lease.holder).toBe('b');
  });

  test('renews the lease of its holder', async () => {
    const arrivals = dynamoArrivals(table(), 'batches');
    await arrivals.claim(arrival('a'), NOON);
    expect((await arrivals.claim(arrival('a', NEXT), NOON)).lease).toEqual({ holder: 'a', until: NEXT });
  });

  test('goes to one of two that race for a lease that is over', async () => {
    const client = table();
    await dynamoArrivals(client, 'batches').note(arrival('dead', NOON));
    const arrivals = dynamoArrivals(client, 'batches');
    const both = await Promise.all([
      arrivals.claim(arrival('b', NEXT), LATER),
      arrivals.claim(arrival('c', NEXT), LATER),
    ]);
    expect(new Set(both.map(({ lease }) => lease.holder)).size).toBe(1);
    expect((await arrivals.of(KEY))[0]).toEqual(both[0]);
  });

  test('is none when the file is done with before the lease is taken over', async () => {
    const done = arrival('a', NOON, { state: 'done' });
    const client = table(() => dynamoArrivals(client, 'batches').note(done));
    await dynamoArrivals(client, 'batches').note(arrival('a', NOON));
    expect(await dynamoArrivals(client, 'batches').claim(arrival('b', NEXT), LATER)).toEqual(done);
  });

  test.each(['done', 'refused', 'failed'] as const)('changes nothing of a file that is %s', async (state) => {
    const client = table();
    const known = arrival('a', NOON, { state });
    await dynamoArrivals(client, 'batches').note(known);
    expect(await dynamoArrivals(client, 'batches').claim(arrival('b', NEXT), LATER)).toEqual(known);
    expect(client.sent.map(({ command }) => command)).toEqual(['PutItem', 'PutItem']);
  });

  test('is of one version; of a key all are found, the last first, and not who announced it', async () => {
    const client = table();
    const arrivals = dynamoArrivals(client, 'batches');
    await dynamoSenders(client, 'batches').announce(KEY, 'someone');
    const second = arrival('b', LATER, { version: 'v2', arrived_at: '2026-03-01T11:30:00.000Z' });
    for (const one of [arrival('a'), second]) expect(await arrivals.claim(one, NOON)).toEqual(one);
    expect(await arrivals.of(KEY)).toEqual([second, arrival('a')]);
    expect(client.sent.at(-1)!.input).toMatchObject({ ConsistentRead: true });
    for (const { batch_id } of client.items.values()) expect(Buffer.byteLength(batch_id!.S!)).toBeLessThan(100);
  });
});

test('the backlog is an index that a file leaves when it is done with', async () => {
  const client = table();
  const arrivals = dynamoArrivals(client, 'batches');
  await arrivals.note(arrival('a'));
  await arrivals.note(arrival('a', NOON, { version: 'v2' }));
  await arrivals.note(arrival('a', NOON, { version: 'v2', state: 'done' }));
  expect(await dynamoBacklog(client, 'batches').unfinished()).toEqual([arrival('a')]);
});

test('a file is found by the run of Spark that reads it, also when the run is over', async () => {
  const arrivals = dynamoArrivals(table(), 'batches');
  await arrivals.note(arrival('a', NOON, { state: 'running', run_id: 'jr_1' }));
  await arrivals.note(arrival('a', NOON, { version: 'v2', state: 'running', run_id: 'jr_2' }));
  const failed = arrival('a', NOON, { state: 'failed', run_id: 'jr_1' });
  await arrivals.note(failed);
  expect(await arrivals.ofRun('jr_1')).toEqual(failed);
  expect(await arrivals.ofRun('jr_3')).toBeUndefined();
});

test('who asked first to put a file is who is known for it', async () => {
  const senders = dynamoSenders(table(), 'batches');
  expect(await senders.find(KEY)).toBeUndefined();
  await senders.announce(KEY, 'someone');
  await senders.announce(KEY, 'another');
  expect(await senders.find(KEY)).toBe('someone');
});

test('a table that cannot be reached is unavailable', async () => {
  const client = fakeClient(() => Promise.reject(sdkError('ProvisionedThroughputExceededException')));
  const arrivals = dynamoArrivals(client, 't');
  await expect(arrivals.claim(arrival('a'), NOON)).rejects.toThrow(Unavailable);
  await expect(arrivals.note(arrival('a'))).rejects.toThrow(Unavailable);
  await expect(arrivals.of(KEY)).rejects.toThrow(Unavailable);
  await expect(dynamoBacklog(client, 't').unfinished()).rejects.toThrow(Unavailable);
});
