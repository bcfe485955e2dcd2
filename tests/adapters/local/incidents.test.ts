import type { Incident } from '../../../shared/domain/alert';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const incident = (id: string, rest: Partial<Incident> = {}): Incident => ({
  id,
  kind: 'file_refused',
  dataset: 'events',
  at: '2026-03-01T12:00:00.000Z',
  facts: { key: `inbox/events/${id}` },
  ...rest,
});
const keep = (one: Incident, minutes = 15) =>
  world.incidents.keep(one, new Date(world.clock.now().getTime() + minutes * 60_000).toISOString());
const held = async () => {
  const found: string[] = [];
  for await (const { id } of world.incidents.held()) found.push(id);
  return found;
};

it('the first of its kind and data set is to be told, until that is noted; then it is known', async () => {
  expect(await keep(incident('a'))).toBe('tell');
  expect(await keep(incident('a'))).toBe('tell');
  await world.incidents.told([{ id: 'a' }]);
  expect(await keep(incident('a'))).toBe('known');
});

it('the next ones are held for the quiet time; others are not', async () => {
  await keep(incident('a'));
  await world.incidents.told([{ id: 'a' }]);
  expect(await keep(incident('b'))).toBe('hold');
  expect(await keep(incident('c', { kind: 'chunk_failed' }))).toBe('tell');
  expect(await keep(incident('d', { dataset: undefined }))).toBe('tell');
  expect(await keep(incident('e', { dataset: 'transactions' }))).toBe('tell');
  world.clock.pass(900);
  expect(await keep(incident('f'))).toBe('tell');
  expect(await keep(incident('b'))).toBe('hold'); // the digest has it
});

it('what is held is the digest, as it was kept, until it is told', async () => {
  await keep(incident('a'));
  await keep(incident('b'));
  await keep(incident('c'));
  expect(await held()).toEqual(['b', 'c']);
  for await (const one of world.incidents.held()) expect(one).toEqual(incident(one.id));
  await world.incidents.told([{ id: 'b' }, { id: 'unknown' }]);
  expect(await held()).toEqual(['c']);
  expect(await keep(incident('b'))).toBe('known');
});

it('what was to be told and was not, by the end of its quiet time, is the digest, too', async () => {
  await keep(incident('a'));
  world.clock.pass(899);
  expect(await held()).toEqual([]);
  world.clock.pass(1);
  expect(await held()).toEqual(['a']);
});
