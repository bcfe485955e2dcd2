import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attemptsIn } from '../../../shared/adapters/local/attempts';
import { Database } from '../../../shared/adapters/local/database';
import { LakeFolder } from '../../../shared/adapters/local/lake';
import { OrderTable } from '../../../shared/adapters/local/orders';
import type { Attempt } from '../../../shared/domain/redrive';
import { Unavailable } from '../../../shared/pipeline/ports';
import { filesBelow, listed } from '../../support/redrive';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const attempt: Attempt = {
  batch_id: 'b',
  dataset: 'events',
  chunk_id: 'b-2-abc',
  number: 1,
  revision: 1,
  contract_version: 1,
  begun_at: '2026-03-01T12:00:00.000Z',
  by: 'first',
  rows: [],
  left: [{ line: 2, reason: 'missing', field: 'price', text: 'é,"' }],
};
const ORDER = { batch_id: 'b', by: 'somebody', reason: 'missing' };

const write = (key: string, text = key) => {
  mkdirSync(dirname(join(world.directory, key)), { recursive: true });
  writeFileSync(join(world.directory, key), text);
};

describe('attempts', () => {
  it('are the first one of a revision, for everybody', async () => {
    expect(await world.attempts.find(attempt, 1)).toBeUndefined();
    expect(await world.attempts.begin(attempt)).toEqual(attempt);
    expect(await world.attempts.begin({ ...attempt, by: 'second' })).toEqual(attempt);
    expect(await world.attempts.find(attempt, 1)).toEqual(attempt);
    expect(await world.attempts.begin({ ...attempt, revision: 2, by: 'second' })).toMatchObject({ by: 'second' });
    expect(filesBelow(world, 'redriven')).toEqual([
      'redriven/events/b-2-abc/0001.json.gz',
      'redriven/events/b-2-abc/0002.json.gz',
    ]);
  });

  it('are one when many begin at the same time', async () => {
    const many = Array.from({ length: 20 }, (_, i) => ({ ...attempt, by: `nr ${i}` }));
    const stored = await Promise.all(many.map((one) => world.attempts.begin(one)));
    expect(new Set(stored.map(({ by }) => by)).size).toBe(1);
    expect(filesBelow(world, 'redriven')).toHaveLength(1);
  });

  it('that cannot be written are the world’s fault', async () => {
    write('redriven');
    await expect(world.attempts.begin(attempt)).rejects.toThrow(Unavailable);
  });

  it('that went between two looks are the world’s fault', async () => {
    class Forgetful extends LakeFolder {
      override get = async () => undefined;
    }
    const forgetful = attemptsIn(new Forgetful(world.directory));
    await forgetful.begin(attempt);
    await expect(forgetful.begin(attempt)).rejects.toThrow('is gone');
  });

  it('lose what a killed process left unfinished', async () => {
    write('redriven/events/b-2-abc/.0001.json.gz.0.4711.tmp');
    await world.lake.removeUnfinished();
    expect(filesBelow(world, 'redriven')).toEqual([]);
  });
});

describe('failures', () => {
  it('are all below failed/ but explanations and what is not whole, by key', async () => {
    const keys = ['failed/b-2-abc.chunk', 'failed/discarded/1-2.json', 'failed/landing/events/x/y'];
    for (const key of [...keys, 'failed/b-2-abc.error.json', 'failed/.z.chunk.1.tmp', 'raw/x']) write(key);
    expect(await listed(world.failures.list())).toEqual(keys.map((key) => ({ key, bytes: key.length })));
    expect(String(await world.failures.read(keys[0]!))).toBe(keys[0]);
    await world.failures.remove(keys[0]!);
    await world.failures.remove(keys[0]!);
    expect(await world.failures.read(keys[0]!)).toBeUndefined();
    expect(await listed(world.failures.list())).toHaveLength(2);
  });

  it('are none where there is no such folder', async () => {
    expect(await listed(world.failures.list())).toEqual([]);
  });
});

describe('raw/', () => {
  it('is listed from a day on', async () => {
    const keys = ['raw/dt=2026-02-28/2.ecf', 'raw/dt=2026-03-01/1.ecf', 'raw/dt=2026-03-02/1.ecf'];
    for (const key of [...keys, 'raw/dt=2026-03-02/.3.ecf.1.tmp']) write(key);
    const since = async (day?: string) => (await listed(world.raw.list(day))).map(({ key }) => key);
    expect(await since()).toEqual(keys);
    expect(await since('2026-03-01')).toEqual(keys.slice(1));
    expect(await since('2026-03-03')).toEqual([]);
    await world.raw.keep('dt=2026-03-03/redriven-x.ecf', Buffer.from('abc'));
    expect(await listed(world.raw.list('2026-03-03'))).toEqual([{ key: 'raw/dt=2026-03-03/redriven-x.ecf', bytes: 3 }]);
    expect(String(await world.raw.read('raw/dt=2026-03-03/redriven-x.ecf'))).toBe('abc');
    expect(await world.raw.read('raw/dt=2026-03-04/x.ecf')).toBeUndefined();
  });

  it('has no key that leads elsewhere', async () => {
    await expect(world.raw.keep('../../x', Buffer.from(''))).rejects.toThrow('no key of the lake');
    await expect(world.failures.remove('../x')).rejects.toThrow('no key of the lake');
  });
});

describe('orders', () => {
  it('are done in their order, the same one twice, and survive a kill', async () => {
    expect(world.orders.take()).toBeUndefined();
    await world.orders.put(ORDER);
    await world.orders.put({ ...ORDER, replay: true });
    await world.orders.put(ORDER);
    const again = new Database(world.directory);
    const orders = new OrderTable(again);
    const first = orders.take()!;
    expect(first.order).toEqual(ORDER);
    expect(world.orders.take()).toEqual(first);
    orders.done(first.id);
    expect(world.orders.take()!.order).toEqual({ ...ORDER, replay: true });
    world.orders.done(world.orders.take()!.id);
    expect(world.orders.take()!.order).toEqual(ORDER);
    world.orders.done(world.orders.take()!.id);
    expect(orders.take()).toBeUndefined();
    again.close();
  });
});
