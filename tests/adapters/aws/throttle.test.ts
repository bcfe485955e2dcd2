import { throttle } from '../../../shared/adapters/aws/throttle';

function timed(rowsPerSecond: number) {
  const world = { now: 0, slept: [] as number[] };
  const sleep = async (milliseconds: number) => {
    world.slept.push(milliseconds);
    world.now += milliseconds;
  };
  return { world, pace: throttle(rowsPerSecond, () => world.now, sleep) };
}

test('work goes on at its rate, whatever the pieces are', async () => {
  const { world, pace } = timed(1000);
  for (const rows of [2000, 500, 250, 250, 1000]) await pace.after(rows);
  expect(world.now).toBe(4000);
});

test('work that takes its time waits for nothing', async () => {
  const { world, pace } = timed(1000);
  for (let i = 0; i < 5; i++) {
    world.now += 600;
    await pace.after(500);
  }
  expect(world.slept).toEqual([]);
});

test('what was not used of the rate is saved for a second, and no longer', async () => {
  const { world, pace } = timed(1000);
  world.now = 60_000;
  await pace.after(1000);
  expect(world.slept).toEqual([]);
  await pace.after(1000);
  expect(world.slept).toEqual([1000]);
});
