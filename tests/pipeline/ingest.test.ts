import { cut, type Slice } from '../../shared/domain/cutting';
import { datasets } from '../../shared/domain/dataset';
import type { Ports } from '../../shared/pipeline/ports';
import { faulty } from '../support/faults';
import { byContract, longText, sale, sales } from '../support/rows';
import { chunksIn, drain, findings, post, type TestWorld, testWorld } from '../support/world';

const TRANSACTIONS = datasets.get('transactions')!;
let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

/** A body in one chunk, and one that is cut in two. */
const SHORT = Array.from({ length: 7 }, (_, i) => sale({ stock: `S${i}` }));
const LONG = Array.from({ length: 200 }, (_, i) => sale({ invoice: `${i}`, description: longText('x') }));

const rowsOnly = (rows: readonly string[]) => sales(rows).slice(sales([]).length + 1);

/** Where another version of ours would cut: behind every `most` rows. */
const cutBehind = (rows: readonly string[], most: number): Slice[] =>
  cut(rowsOnly(rows), TRANSACTIONS, {
    format: 'csv',
    columns: TRANSACTIONS.contract.columns.map(({ name }) => name),
    firstLine: 2,
    characters: Number.POSITIVE_INFINITY,
    rows: most,
    stretch: 0,
  });

/** The texts of the chunks that a body has in a world that knows nothing of it. */
async function cutToday(rows: readonly string[]): Promise<string[]> {
  const beside = testWorld();
  try {
    await post(beside, 'transactions', sales(rows));
    return chunksIn(beside).map(({ text }) => text);
  } finally {
    beside.remove();
  }
}

/** A try by a version that cut at other places and died with its head and half of its chunks written. */
async function brokenTry(rows: readonly string[], slices: readonly Slice[]): Promise<void> {
  const batches: Ports['batches'] = {
    open: (head) => world.batches.open({ ...head, slices }),
    accept: (...args) => world.batches.accept(...args),
    find: (...args) => world.batches.find(...args),
  };
  const dying = faulty({ ...world, batches }, (_, name) => (name === 'stream.append' ? 'halfway' : undefined));
  await expect(post(dying, 'transactions', sales(rows))).rejects.toThrow('stream.append');
}

/** Whether chunks are exactly the slices of the body, in order. */
function expectCut(chunks: ReturnType<typeof chunksIn>, rows: readonly string[], slices: readonly Slice[]): void {
  expect(chunks).toMatchObject(
    slices.map((slice, i) => ({
      number: i + 1,
      first_line: slice.first_line,
      rows: slice.rows,
      text: rowsOnly(rows).slice(slice.start, slice.end),
    })),
  );
}

describe('a body that is sent again', () => {
  it('is answered from its head when it is accepted, and nothing is put into the stream', async () => {
    const batch = await post(world, 'transactions', sales(SHORT));
    expect(await post(world, 'transactions', sales(SHORT))).toBe(batch);
    expect(chunksIn(world)).toHaveLength(1);
  });

  it.each([
    ['more chunks than now', SHORT, 2],
    ['one chunk for each row', SHORT, 1],
    ['fewer chunks than now', LONG, 200],
    ['as many chunks, with another border', LONG, 110],
    ['a border that is far off', LONG, 199],
  ])('is cut where its head says, which has %s', async (_, rows, most) => {
    const slices = cutBehind(rows, most);
    expect(await cutToday(rows)).not.toEqual(slices.map(({ start, end }) => rowsOnly(rows).slice(start, end)));

    await brokenTry(rows, slices);
    const sent = chunksIn(world).length;
    expect(sent).toBe(Math.ceil(slices.length / 2));
    const batch = await post(world, 'transactions', sales(rows));
    expectCut(chunksIn(world).slice(sent), rows, slices);
    await drain(world);
    const found = await findings(world, [batch]);
    expect(found).toMatchObject(byContract(rows).stores);
    expect(found.batches).toMatchObject([{ received: rows.length, through: rows.length, balanced: true }]);
  });

  it('goes into the stream again when it broke off before it was accepted, and counts once', async () => {
    const dying = faulty(world, (_, name) => (name === 'batches.accept' ? 'before' : undefined));
    await expect(post(dying, 'transactions', sales(SHORT))).rejects.toThrow('batches.accept');
    const batch = await post(world, 'transactions', sales(SHORT));
    expect(chunksIn(world)).toHaveLength(2);
    await drain(world);
    expect(await findings(world, [batch])).toMatchObject({
      batches: [{ received: 7, through: 7, balanced: true }],
      kept: 7,
    });
  });
});
