import { addTo, emptySketch, estimate, fromBytes, merge, SKETCH_ERROR, toBytes } from '../../shared/domain/sketch';

const sketchOf = (from: number, to: number) => {
  const sketch = emptySketch();
  for (let i = from; i < to; i++) addTo(sketch, `user ${i}`);
  return sketch;
};

it('says that it errs by 1.6 %', () => {
  expect(SKETCH_ERROR).toBeCloseTo(0.01625, 5);
});

it.each([0, 1, 2, 3, 10])('counts %i names exactly', (n) => {
  expect(estimate(sketchOf(0, n))).toBe(n);
});

// Names are fixed, so these are too; four standard errors are left on either side.
it.each([100, 1000, 5000, 10_000, 20_000, 100_000, 300_000])('estimates %i names within four errors', (n) => {
  expect(Math.abs(estimate(sketchOf(0, n)) - n) / n).toBeLessThan(4 * SKETCH_ERROR);
});

it('is off by no more than its error in the mean, at sizes where other estimators change their formula', () => {
  for (const n of [4000, 10_240, 12_000]) {
    let squares = 0;
    for (let run = 0; run < 30; run++) squares += ((estimate(sketchOf(run * n, run * n + n)) - n) / n) ** 2;
    expect(Math.sqrt(squares / 30)).toBeLessThan(1.4 * SKETCH_ERROR);
  }
});

it('looks for zeros beyond the first half of a hash', () => {
  const sketch = emptySketch();
  addTo(sketch, 'user 482638'); // SHA-256 begins 81900000227156dc: register 819, then 22 zeros
  expect([...toBytes(sketch)]).toEqual([0x08, 0x19, 23]);
});

it('does not count a name twice, and merges as if all had come to one', () => {
  const merged = sketchOf(0, 600);
  merge(merged, sketchOf(400, 1000));
  merge(merged, sketchOf(0, 600));
  expect(merged).toEqual(sketchOf(0, 1000));
});

it('takes 3 bytes a name while they are few, and 4096 at most', () => {
  expect(toBytes(emptySketch())).toHaveLength(0);
  expect(toBytes(sketchOf(0, 1))).toHaveLength(3);
  expect(toBytes(sketchOf(0, 5000))).toHaveLength(4096);
  for (const n of [0, 1, 700, 5000]) expect(fromBytes(toBytes(sketchOf(0, n)))).toEqual(sketchOf(0, n));
});

it('keeps its head when every register is full, or some are', () => {
  const full = emptySketch().fill(53);
  expect(estimate(full)).toBe(Number.POSITIVE_INFINITY);
  const half = emptySketch().fill(53, 0, 2048).fill(1, 2048);
  expect(estimate(half)).toBeGreaterThan(1000);
});
