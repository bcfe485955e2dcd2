import { DatabaseSync } from 'node:sqlite';
import { openWorld } from '../../../shared/adapters/local';
import type { BatchHead } from '../../../shared/domain/ledger';
import type { Untold } from '../../../shared/pipeline/ports';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const head = (batch_id: string, received_at = '2026-03-01T12:00:00.000Z'): BatchHead => ({
  batch_id,
  dataset: 'events',
  contract_version: 1,
  format: 'csv',
  columns: [],
  received: 1,
  slices: [],
  received_at,
  sent_by: 'test',
});
const TOLD = { at: '2026-03-01T12:15:00.000Z', kept: 1, duplicate: 0, rejected: {} };

const untold = async (of: Pick<TestWorld, 'watch'> = world): Promise<Untold[]> => {
  const found: Untold[] = [];
  for await (const one of of.watch.untold()) found.push(one);
  return found;
};
const ids = async () => (await untold()).map(({ batch_id }) => batch_id);

it('a batch is untold from its head on, the oldest first, and its head is what was written', async () => {
  await world.batches.open(head('b', '2026-03-01T12:00:01.000Z'));
  await world.batches.open(head('a'));
  await world.batches.open(head('a', '2026-03-02T12:00:00.000Z'));
  expect(await untold()).toMatchObject([
    { batch_id: 'a', received_at: '2026-03-01T12:00:00.000Z' },
    { batch_id: 'b', received_at: '2026-03-01T12:00:01.000Z' },
  ]);
  expect((await world.batches.find('a'))?.head).toEqual(head('a'));
});

it('a batch that was told is told, also when its head comes again', async () => {
  await world.batches.open(head('a'));
  expect(await world.watch.told('a')).toBeUndefined();
  const [batch] = await untold();
  await world.watch.tell(batch!, TOLD);
  await world.watch.tell(batch!, TOLD);
  await world.batches.open(head('a'));
  expect(await ids()).toEqual([]);
  expect(await world.watch.told('a')).toEqual(TOLD);
});

it('a batch that has changed since it was looked at stays untold', async () => {
  await world.batches.open(head('a'));
  const [before] = await untold();
  await world.watch.again('a', '2026-03-01T13:00:00.000Z');
  await world.watch.tell(before!, TOLD);
  const [after] = await untold();
  expect(after).toMatchObject({ batch_id: 'a', received_at: '2026-03-01T12:00:00.000Z' });
  expect(await world.watch.told('a')).toEqual(TOLD);
  await world.watch.again('a', '2026-03-01T13:00:00.000Z'); // within the same millisecond
  await world.watch.tell(after!, TOLD);
  expect(await ids()).toEqual(['a']);
});

it('a batch of which nothing is known is untold when somebody says so', async () => {
  expect(await world.watch.told('x')).toBeUndefined();
  await world.watch.again('x', '2026-03-01T13:00:00.000Z');
  expect(await ids()).toEqual(['x']);
});

it('work that is to be done alone is, and leaves room for the next when it ends or fails', async () => {
  const order: string[] = [];
  const first = world.watch.alone(60, async () => {
    order.push('first');
    expect(await world.watch.alone(60, async () => void order.push('second'))).toBe(false);
  });
  expect(await first).toBe(true);
  await expect(world.watch.alone(60, () => Promise.reject(new Error('it fails')))).rejects.toThrow('it fails');
  expect(await world.watch.alone(60, async () => void order.push('third'))).toBe(true);
  expect(order).toEqual(['first', 'third']);
});

it('a directory from before there were mails is opened, and tells of its next batch', async () => {
  const file = `${world.directory}/ecomflow.sqlite`;
  const sqlite = new DatabaseSync(file);
  sqlite.exec("drop table watch; drop table incidents; insert into batches values ('old', 'head', '{}');");
  sqlite.close();
  const opened = openWorld(world.directory, world.clock);
  await opened.batches.open(head('new'));
  expect((await untold(opened)).map(({ batch_id }) => batch_id)).toEqual(['new']);
  opened.close();
});
