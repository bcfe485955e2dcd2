import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LakeFolder } from '../../../shared/adapters/local/lake';
import { RAW, writeRaw } from '../../../shared/adapters/local/raw';
import { unpackAll } from '../../../shared/domain/packing';
import { Unavailable } from '../../../shared/pipeline/ports';
import { sale, sales } from '../../support/rows';
import { chunksIn, post, type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const postSome = async (count: number, first = 0) => {
  for (let i = first; i < first + count; i++) await post(world, 'transactions', sales([sale({ invoice: `${i}` })]));
};

const files = () =>
  readdirSync(world.directory).includes('raw')
    ? readdirSync(join(world.directory, 'raw'), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ecf'))
        .sort()
    : [];

const chunksOf = (name: string) => [...unpackAll(readFileSync(join(world.directory, 'raw', name)))];

/** A lake that breaks before or after an object is written. */
class BrokenLake extends LakeFolder {
  constructor(private readonly when: 'before' | 'after') {
    super(world.directory);
  }
  override async put(key: string, bytes: Uint8Array | string): Promise<void> {
    if (this.when === 'after') await super.put(key, bytes);
    throw new Unavailable('the disk is full');
  }
}

describe('the raw zone', () => {
  it('has every record as it came, joined, in the order of the stream', async () => {
    await postSome(5);
    expect(await writeRaw(world.log, world.lake)).toBe(5);
    expect(files()).toHaveLength(1);
    expect(chunksOf(files()[0]!)).toEqual(chunksIn(world));
    expect(await writeRaw(world.log, world.lake)).toBe(0);
    expect(files()).toHaveLength(1);
  });

  it('takes a long stream in several objects and leaves no record out', async () => {
    await postSome(150);
    let written = 0;
    for (let count = await writeRaw(world.log, world.lake); count > 0; count = await writeRaw(world.log, world.lake))
      written += count;
    expect(written).toBe(150);
    expect(files().length).toBeGreaterThan(1);
    expect(files().flatMap(chunksOf)).toEqual(chunksIn(world));
  });

  it('has records of two days in two objects', async () => {
    await postSome(1);
    world.clock.pass(3 * 86_400);
    await postSome(1, 1);
    expect([await writeRaw(world.log, world.lake), await writeRaw(world.log, world.lake)]).toEqual([1, 1]);
    expect(files()).toEqual([expect.stringContaining('dt=2026-03-01/'), expect.stringContaining('dt=2026-03-04/')]);
  });

  it('lies under the day on which its first record came', async () => {
    await postSome(1);
    world.clock.pass(24 * 60 * 60);
    await postSome(1, 1);
    await writeRaw(world.log, world.lake);
    expect(files()).toEqual([expect.stringMatching(/^dt=2026-03-01\//)]);
  });

  it('forgets nothing when the lake cannot be written', async () => {
    await postSome(3);
    await expect(writeRaw(world.log, new BrokenLake('before'))).rejects.toThrow(Unavailable);
    expect(world.log.checkpoint(RAW)).toBe(0);
    expect(await writeRaw(world.log, world.lake)).toBe(3);
    expect(chunksOf(files()[0]!)).toEqual(chunksIn(world));
  });

  it('overwrites with a second try what a crash left of the first, also when more has come since', async () => {
    await postSome(3);
    await expect(writeRaw(world.log, new BrokenLake('after'))).rejects.toThrow(Unavailable);
    await postSome(2, 3);
    expect(await writeRaw(world.log, world.lake)).toBe(5);
    expect(files()).toHaveLength(1);
    expect(chunksOf(files()[0]!)).toEqual(chunksIn(world));
  });
});
