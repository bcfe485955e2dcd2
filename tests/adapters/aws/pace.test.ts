import { concurrently, fullJitter, grouped, untilThrough } from '../../../shared/adapters/aws/pace';

describe('pace', () => {
  test('waits up to twice as long each time, and never longer than two seconds', async () => {
    const waits: number[] = [];
    const timeout = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((done: () => void, ms: number) => {
      waits.push(ms);
      done();
    }) as never);
    const random = jest.spyOn(Math, 'random').mockReturnValue(1);
    for (const n of [1, 2, 3, 20]) await fullJitter(n);
    timeout.mockRestore();
    random.mockRestore();
    expect(waits).toEqual([100, 200, 400, 2000]);
  });

  test('goes on past eight tries while every try brings something through', async () => {
    const sent: number[] = [];
    const oneAtATime = async (items: readonly number[]) => {
      sent.push(items.length);
      return { items: items.slice(1), reason: 'throttled' };
    };
    const numbers = Array.from({ length: 15 }, (_, i) => i);
    await untilThrough('writing', numbers, oneAtATime, async () => undefined);
    expect(sent).toHaveLength(15);
    await expect(untilThrough('writing', [...numbers, ...numbers], oneAtATime, async () => undefined)).rejects.toThrow(
      '10 left after 20 tries (throttled)',
    );
  });

  test('concurrent work keeps the order of its items, and stops at the first error', async () => {
    expect(await concurrently(2, [3, 1, 2], async (n) => n * 10)).toEqual([30, 10, 20]);
    const begun: number[] = [];
    const work = async (n: number) => {
      begun.push(n);
      await new Promise((resolve) => setImmediate(resolve));
      if (n === 1) throw new Error('one');
    };
    await expect(concurrently(1, [1, 2, 3], work)).rejects.toThrow('one');
    expect(begun).toEqual([1]);
  });

  test('groups keep both limits; what is too large is alone', () => {
    expect(grouped([5, 5, 1, 20, 1, 1, 1], (n) => n, { count: 2, bytes: 10 })).toEqual([
      [5, 5],
      [1],
      [20],
      [1, 1],
      [1],
    ]);
  });
});
