import { setImmediate } from 'node:timers/promises';
import { each } from '../../shared/pipeline/each';

/** Works that begin and end, in the order in which they did. */
function diary() {
  const said: string[] = [];
  const work = async (thing: number) => {
    said.push(`begun ${thing}`);
    await setImmediate();
    said.push(`ended ${thing}`);
  };
  return { said, work };
}

const begun = (said: readonly string[]) => said.filter((line) => line.startsWith('begun')).length;
const ended = (said: readonly string[]) => said.filter((line) => line.startsWith('ended')).length;

describe('work for each thing', () => {
  it('is done once for each, of a list or of a stream', async () => {
    const { said, work } = diary();
    await each([1, 2, 3], { width: 2 }, work);
    await each(
      (async function* () {
        yield* [4, 5];
      })(),
      { width: 8 },
      work,
    );
    expect(said.filter((line) => line.startsWith('ended'))).toEqual([1, 2, 3, 4, 5].map((n) => `ended ${n}`));
  });

  it('is as much at a time as it may be, and never more', async () => {
    const { said, work } = diary();
    const atWork: number[] = [];
    await each([1, 2, 3, 4, 5, 6, 7], { width: 3 }, async (thing) => {
      const done = work(thing);
      atWork.push(begun(said) - ended(said));
      await done;
    });
    expect(Math.max(...atWork)).toBe(3);
    expect(ended(said)).toBe(7);
  });

  it('is for so many things at most', async () => {
    const { said, work } = diary();
    await each([1, 2, 3, 4], { width: 2, most: 3 }, work);
    expect(ended(said)).toBe(3);
  });

  it('is not begun any more when it is over, and what is at work ends', async () => {
    const { said, work } = diary();
    await each([1, 2, 3, 4], { width: 4, isOver: () => begun(said) === 2 }, work);
    expect(said.toSorted()).toEqual(['begun 1', 'begun 2', 'ended 1', 'ended 2']);
  });
});

describe('an error', () => {
  it('is thrown when all work has ended, the first of them, and nothing is begun after it', async () => {
    const { said, work } = diary();
    let isClosed = false;
    async function* things() {
      try {
        yield* [1, 2, 3, 4, 5, 6];
      } finally {
        isClosed = true;
      }
    }
    const failing = each(things(), { width: 2 }, async (thing) => {
      if (thing === 2) throw new Error('first');
      await work(thing);
      await setImmediate();
      said.push(`left ${thing}`);
      throw new Error('later');
    });
    await expect(failing).rejects.toThrow('first');
    expect(said).toEqual(['begun 1', 'ended 1', 'left 1']);
    expect(isClosed).toBe(true);
  });

  it('of where the things come from is thrown when all work has ended', async () => {
    const { said, work } = diary();
    async function* things() {
      yield* [1, 2];
      throw new Error('no more');
    }
    await expect(each(things(), { width: 3 }, work)).rejects.toThrow('no more');
    expect(said).toEqual(['begun 1', 'begun 2', 'ended 1', 'ended 2']);
  });

  it('of a work is thrown also when the things come to an error after it', async () => {
    async function* things() {
      yield 1;
      await setImmediate();
      throw new Error('no more');
    }
    const work = () => Promise.reject(new Error('first'));
    await expect(each(things(), { width: 3 }, work)).rejects.toThrow('first');
  });
});
