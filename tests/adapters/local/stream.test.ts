import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(async () => {
  world = testWorld();
  await world.stream.append(
    ['a', 'b', 'c', 'd', 'e'].map((chunk_id) => ({ chunk_id, data: Buffer.from(`of ${chunk_id}`) })),
  );
});
afterEach(() => world.remove());

const keys = (consumer: string, most = 10, after?: number) =>
  world.log.read(consumer, most, after).map(({ partition_key }) => partition_key);

describe('the embedded log', () => {
  it('gives each consumer what is behind its own checkpoint, in order', () => {
    world.log.commit('clean', 2);
    expect(keys('clean', 2)).toEqual(['c', 'd']);
    expect(keys('raw')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([world.log.backlog('clean'), world.log.backlog('raw')]).toEqual([3, 5]);
  });

  it('reads on behind a place without moving the checkpoint', () => {
    world.log.commit('clean', 1);
    expect(keys('clean', 10, 3)).toEqual(['d', 'e']);
    expect(keys('clean', 10, 0)).toEqual(['b', 'c', 'd', 'e']);
    expect(world.log.checkpoint('clean')).toBe(1);
  });

  it('keeps the bytes, the key and the time of arrival', () => {
    expect(world.log.read('clean', 1)).toEqual([
      {
        sequence: 1,
        partition_key: 'a',
        arrived_at: world.clock.now().getTime(),
        data: new Uint8Array(Buffer.from('of a')),
      },
    ]);
  });

  it('forgets only what the slowest consumer is done with', () => {
    world.log.commit('clean', 4);
    world.log.commit('raw', 2);
    world.log.trim(['clean', 'raw']);
    expect(keys('anyone')).toEqual(['c', 'd', 'e']);
    expect(keys('raw')).toEqual(['c', 'd', 'e']);
    expect(keys('clean')).toEqual(['e']);
  });

  it('forgets nothing while a consumer has not begun', () => {
    world.log.commit('clean', 5);
    world.log.trim(['clean', 'raw']);
    expect(keys('raw')).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('numbers on when it has forgotten everything, so that no consumer misses what comes', async () => {
    for (const consumer of ['clean', 'raw']) world.log.commit(consumer, 5);
    world.log.trim(['clean', 'raw']);
    await world.stream.append([{ chunk_id: 'f', data: Buffer.from('of f') }]);
    expect(keys('clean')).toEqual(['f']);
    expect(keys('raw')).toEqual(['f']);
  });
});
