import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

it('a note is read as text; one that is gone, or over a megabyte, is none', async () => {
  await world.lake.put('failed/a.error.json', '{"message":"Größe"}');
  await world.lake.put('failed/large.json', Buffer.alloc(1024 * 1024 + 1));
  expect(await world.notes.read('failed/a.error.json')).toBe('{"message":"Größe"}');
  expect(await world.notes.read('failed/large.json')).toBeUndefined();
  expect(await world.notes.read('failed/gone.json')).toBeUndefined();
  await expect(world.notes.read(`failed/${'x'.repeat(300)}.json`)).rejects.toThrow('cannot be read');
});
