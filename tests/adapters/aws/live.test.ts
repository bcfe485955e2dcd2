import type { Item } from '../../../shared/adapters/aws/attributes';
import { dynamoLive } from '../../../shared/adapters/aws/live';
import { type Figures, figuresOf } from '../../../shared/domain/live';
import type { BulkRef, LiveFigures } from '../../../shared/pipeline/ports';
import { Unavailable } from '../../../shared/pipeline/ports';
import { testWorld } from '../../support/world';
import { fakeClient, type Sent, sdkError } from './fake';

const NOW = { now: () => new Date('2026-03-01T12:00:00Z') };
/** Seconds since 1970 of NOW and four days. */
const EXPIRES = String(Date.parse('2026-03-05T12:00:00Z') / 1000);

const chunk = (chunk_id: string, received_at: string, dataset = 'transactions'): BulkRef => ({
  dataset,
  batch_id: 'b',
  chunk_id,
  received_at,
});
/** Figures of so many pieces. */
const figures = (quantity: number): Figures => {
  const row = { stock_code: 'A', description: null, quantity, unit_price: '1', invoice_date: '2026-03-01T11:00:00Z' };
  return figuresOf(chunk('c', '2026-03-01T12:00:00Z'), [{ line_id: 'l', row }], new Set());
};

/** A table that takes what the adapter writes, and has pages of two items. */
function fakeTable() {
  const items = new Map<string, Item>();
  const keyOf = ({ figures_of, entry }: Item) => `${figures_of!.S}|${entry!.S}`;
  const answer = ({ command, input }: Sent) => {
    if (command === 'PutItem') items.set(keyOf(input.Item as Item), input.Item as Item);
    else if (command === 'UpdateItem') {
      const key = input.Key as unknown as Item;
      const touched = Number(items.get(keyOf(key))?.touched?.N ?? 0) + 1;
      items.set(keyOf(key), { ...key, touched: { N: String(touched) }, expires_at: { N: EXPIRES } });
    } else {
      expect(input.ConsistentRead).toBe(true);
      const { ':group': group, ':from': from, ':to': to } = input.ExpressionAttributeValues;
      const found = [...items.values()]
        .filter(({ figures_of, entry }) => figures_of!.S === group!.S && entry!.S! >= from!.S! && entry!.S! <= to!.S!)
        .sort((a, b) => (a.entry!.S! < b.entry!.S! ? -1 : 1));
      const at = (input.ExclusiveStartKey as { at: number } | undefined)?.at ?? 0;
      return { Items: found.slice(at, at + 2), ...(at + 2 < found.length && { LastEvaluatedKey: { at: at + 2 } }) };
    }
    return {};
  };
  return { ...fakeClient(answer), items };
}

async function listed<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

/** What both adapters must do. */
async function exercise(live: LiveFigures) {
  await live.put(chunk('y', '2026-03-01T12:01:59.999Z'), figures(9));
  await live.put(chunk('y', '2026-03-01T12:01:59.999Z'), figures(2)); // once more, in the place of the first
  await live.put(chunk('x', '2026-03-01T12:01:00.000Z'), figures(1));
  await live.put(chunk('z', '2026-03-01T12:00:00.000Z'), figures(3));
  await live.put(chunk('late', '2026-03-01T12:03:00.000Z'), figures(4));
  await live.put(chunk('other', '2026-03-01T12:01:00.000Z', 'events'), figures(5));
  await live.put(chunk('earlier', '2026-03-01T11:59:00.000Z'), figures(6));
  const day = { dataset: 'transactions', at: '2026-03-01' };
  const hour = (at: string) => ({ dataset: 'transactions', at });
  await live.keep(hour('2026-03-01T12'), { mark: 0, figures: figures(7) });
  await live.touch(hour('2026-03-01T12'));
  await live.touch(hour('2026-03-01T12'));
  await live.keep(hour('2026-03-01T11'), { mark: 0, figures: figures(8) });
  await live.keep(hour('2026-03-01T13'), { mark: 5, figures: figures(1) });
  await live.keep(hour('2026-03-01T13'), { mark: 6, figures: figures(2) });
  await live.touch(day);
  return {
    minutes: await listed(live.pieces('transactions', '2026-03-01T12:00', '2026-03-01T12:01')),
    marks: await live.marks(day),
    days: await live.marks({ dataset: 'transactions', at: '' }),
    sums: await live.sums(day, '2026-03-01T11', '2026-03-01T12'),
    last: await live.sums(day, '2026-03-01T13', '2026-03-01T13'),
  };
}

const FOUND = {
  minutes: [
    { minute: '2026-03-01T12:00', figures: figures(3) },
    { minute: '2026-03-01T12:01', figures: figures(1) },
    { minute: '2026-03-01T12:01', figures: figures(2) },
  ],
  marks: new Map([['2026-03-01T12', 2]]),
  days: new Map([['2026-03-01', 1]]),
  sums: new Map([
    ['2026-03-01T11', { mark: 0, figures: figures(8) }],
    ['2026-03-01T12', { mark: 0, figures: figures(7) }],
  ]),
  last: new Map([['2026-03-01T13', { mark: 6, figures: figures(2) }]]),
};

test('figures are found by minute, marks and sums by window, page after page', async () => {
  expect(await exercise(dynamoLive(fakeTable(), 'live', NOW))).toEqual(FOUND);
});

test('the embedded tables have the same', async () => {
  const world = testWorld();
  try {
    expect(await exercise(world.live)).toEqual(FOUND);
  } finally {
    world.remove();
  }
});

test('everything is forgotten after four days', async () => {
  const { items, ...client } = fakeTable();
  await exercise(dynamoLive(client, 'live', NOW));
  expect(new Set([...items.values()].map(({ expires_at }) => expires_at!.N))).toEqual(new Set([EXPIRES]));
});

test('a busy table is Unavailable', async () => {
  const throttled = fakeClient(() => {
    throw sdkError('ProvisionedThroughputExceededException');
  });
  const live = dynamoLive(throttled, 'live', NOW);
  await expect(live.put(chunk('c', '2026-03-01T12:00:00Z'), figures(1))).rejects.toThrow(Unavailable);
  await expect(listed(live.pieces('transactions', '2026-03-01T12:00', '2026-03-01T12:00'))).rejects.toThrow(
    Unavailable,
  );
});

test('the embedded tables forget what is two days older than what comes', async () => {
  const world = testWorld();
  try {
    const at = (day: string) => chunk('c', `${day}T12:00:00.000Z`);
    for (const day of ['2026-03-01', '2026-03-03', '2026-03-04']) await world.live.put(at(day), figures(1));
    for (const day of ['2026-03-01', '2026-03-03', '2026-03-04'])
      await world.live.keep({ dataset: 'transactions', at: day }, { mark: 0, figures: figures(1) });
    const minutes = world.inspect().all<{ minute: string }>('select minute from live_pieces order by minute');
    expect(minutes.map(({ minute }) => minute.slice(0, 10))).toEqual(['2026-03-03', '2026-03-04']);
    const sums = await world.live.sums({ dataset: 'transactions', at: '' }, '2026-03-01', '2026-03-09');
    expect([...sums.keys()]).toEqual(['2026-03-03', '2026-03-04']);
  } finally {
    world.remove();
  }
});
