import fc from 'fast-check';
import type { Chunk } from '../../shared/domain/packing';
import { cleanChunk } from '../../shared/pipeline/clean';
import { type LiveMemory, readLive } from '../../shared/pipeline/live';
import { type LiveFigures, Unavailable } from '../../shared/pipeline/ports';
import { redriveBatch, replayBatch } from '../../shared/pipeline/redrive';
import { fillRaw } from '../support/redrive';
import { clicks, sale, sales } from '../support/rows';
import { chunksIn, drain, post, type TestWorld, testWorld } from '../support/world';

const AT_LEISURE = () => 1;
const TODAY = '2026-03-01';

/** A line sold today at an hour. */
const sold = (invoice: string, stock: string, quantity = '1', price = '2.5', hour = '11') =>
  sale({ invoice, stock, quantity, price, date: `${TODAY} ${hour}:00:00` });

const click = (type: string, user: string, price = '1.5', category = 'c', time = `${TODAY} 11:00:00 UTC`) =>
  `${time},${type},1003461,${category},,xiaomi,${price},${user},`;

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const read = (memory?: LiveMemory) => readLive(world, AT_LEISURE, memory);

it('has nothing to say when nothing came', async () => {
  const { transactions, events, ...rest } = await read();
  expect(rest).toEqual({ at: '2026-03-01T12:00:00.000Z', day: TODAY, timezone: 'UTC', behind: false });
  expect(transactions).toMatchObject({ revenue: '0', orders: 0, lines: 0, pieces: 0, top_products: [] });
  expect(transactions.products_cut).toBe(false);
  expect(transactions.by_hour).toHaveLength(24);
  expect(events).toMatchObject({ events: 0, active_users: 0, active_users_error: 0.016, categories: [] });
});

it('adds up what was sold today, by hour and by product', async () => {
  await post(world, 'transactions', sales([sold('1', 'A', '2'), sold('1', 'B', '1', '0.0001'), sold('2', 'A')]));
  await post(world, 'transactions', sales([sold('3', 'A', '10', '1.25', '09'), sold('C4', 'A')]));
  await drain(world);
  const { transactions } = await read();
  expect(transactions).toMatchObject({ revenue: '20.0001', orders: 3, lines: 4, pieces: 14 });
  expect(transactions.by_hour.filter(({ orders }) => orders > 0)).toEqual([
    { hour: 9, orders: 1, revenue: '12.5' },
    { hour: 11, orders: 2, revenue: '7.5001' },
  ]);
  expect(transactions.top_products).toEqual([
    { stock_code: 'A', description: 'A thing', revenue: '20', pieces: 13 },
    { stock_code: 'B', description: 'A thing', revenue: '0.0001', pieces: 1 },
  ]);
});

it('adds up what visitors did today', async () => {
  const rows = [
    click('view', 'u1'),
    click('view', 'u2'),
    click('cart', 'u1'),
    click('remove_from_cart', 'u1'),
    click('purchase', 'u3', '9.99', 'shoes'),
    click('purchase', 'u3', '0.01'),
  ];
  await post(world, 'events', clicks(rows));
  await drain(world);
  const { events } = await read();
  expect(events).toMatchObject({ events: 6, views: 2, carts: 1, removals: 1, purchases: 2, active_users: 3 });
  expect(events.purchase_value).toBe('10');
  expect(events.by_hour[11]).toEqual({ hour: 11, events: 6, purchases: 2 });
  expect(events.categories).toEqual([
    { category_id: 'shoes', category_code: null, purchases: 1, value: '9.99' },
    { category_id: 'c', category_code: null, purchases: 1, value: '0.01' },
  ]);
});

it('writes nothing for rows of other days', async () => {
  await post(world, 'transactions', sales([sale(), sale({ date: '2026-02-28 23:59:59' })]));
  await drain(world);
  expect(world.inspect().all('select * from live_pieces')).toEqual([]);
});

it('counts what came before midnight and is of today, and forgets yesterday', async () => {
  world.clock.pass(12 * 3600 - 30);
  await post(world, 'transactions', sales([sold('1', 'A'), sale({ invoice: '2', date: '2026-03-02 00:00:10' })]));
  await drain(world);
  world.clock.pass(60);
  for (const hours of [0, 1, 22]) {
    world.clock.pass(hours * 3600);
    const { day, transactions } = await read();
    expect([day, transactions.revenue, transactions.orders]).toEqual(['2026-03-02', '2.55', 1]);
  }
});

it('counts an order once when two of its chunks are cleaned at the same time', async () => {
  await post(world, 'transactions', sales([sold('1', 'A'), sold('1', 'B')]));
  await post(world, 'transactions', sales([sold('1', 'C'), sold('1', 'B')]));
  await Promise.all(chunksIn(world).map((chunk) => cleanChunk(chunk, world)));
  expect((await read()).transactions).toMatchObject({ orders: 1, lines: 3, revenue: '7.5' });
});

it('counts a chunk once when it is cleaned again without its ledger entry, and the same batch once', async () => {
  const body = sales([sold('1', 'A'), sold('2', 'A')]);
  await post(world, 'transactions', body);
  await post(world, 'transactions', body);
  const [chunk] = chunksIn(world);
  const broken = { ...world.chunks, record: () => Promise.reject(new Unavailable('killed')) };
  for (let i = 0; i < 3; i++) await expect(cleanChunk(chunk!, { ...world, chunks: broken })).rejects.toThrow('killed');
  expect((await read()).transactions).toMatchObject({ orders: 2, revenue: '5' });
  await drain(world);
  expect((await read()).transactions).toMatchObject({ orders: 2, revenue: '5' });
});

it('delivers a chunk again when its figures cannot be put, and nothing has landed before', async () => {
  await post(world, 'transactions', sales([sold('1', 'A')]));
  let refused = 3;
  const live: LiveFigures = {
    ...world.live,
    put: (...args) => (refused-- > 0 ? Promise.reject(new Unavailable('throttled')) : world.live.put(...args)),
  };
  const append = jest.fn(world.landing.append);
  await drain(world, { ...world, live, landing: { append } });
  expect(append).toHaveBeenCalledTimes(1);
  expect((await read()).transactions.revenue).toBe('2.5');
});

it('costs a chunk one write, and three more when it is late', async () => {
  const writes: string[] = [];
  const spied = (name: 'put' | 'touch') => ({
    [name]: (...args: never[]) => {
      writes.push(name);
      return (world.live[name] as (...all: never[]) => Promise<void>)(...args);
    },
  });
  const ports = { ...world, live: { ...world.live, ...spied('put'), ...spied('touch') } };
  for (const [i, seconds] of [0, 119, 1].entries()) {
    await post(world, 'transactions', sales([sold(`${i}`, 'A')]));
    world.clock.pass(seconds);
    await cleanChunk(chunksIn(world)[i]!, ports);
    expect(writes.splice(0)).toEqual(['put']);
  }
  await post(world, 'transactions', sales([sold('9', 'A')]));
  world.clock.pass(120);
  await cleanChunk(chunksIn(world)[3]!, ports);
  expect(writes).toEqual(['put', 'touch', 'touch', 'touch']);
  await post(world, 'transactions', sales([sold('10', 'A')]));
  world.clock.pass(3 * 24 * 3600);
  writes.length = 0;
  await cleanChunk(chunksIn(world)[4]!, ports);
  expect(writes).toEqual([]); // nobody asks for it any more
});

it('sums what is over once, and then reads only what is new', async () => {
  const asked: string[] = [];
  const live: LiveFigures = {
    ...world.live,
    pieces(...args) {
      asked.push(args.slice(1).join(' to '));
      return world.live.pieces(...args);
    },
  };
  const asks = async (memory?: LiveMemory) => {
    const { transactions } = await readLive({ ...world, live }, AT_LEISURE, memory);
    return transactions.revenue;
  };
  await post(world, 'transactions', sales([sold('1', 'A')]));
  await drain(world);
  world.clock.pass(3 * 3600);
  expect(await asks()).toBe('2.5');
  expect(asked.length).toBeGreaterThan(100); // hours of three days, of two data sets
  expect(new Set(asked)).toContain('2026-03-01T12:00 to 2026-03-01T12:59');
  asked.length = 0;
  expect(await asks()).toBe('2.5');
  // The hour before is over for less than two minutes.
  const open = ['2026-03-01T14:00 to 2026-03-01T14:59', '2026-03-01T15:00 to 2026-03-01T15:01'];
  expect(asked.toSorted()).toEqual([open[0], open[0], open[1], open[1]]);
});

it('answers what it has when its time is up, says so, and gets further the next time', async () => {
  for (const invoice of ['1', '2', '3']) {
    await post(world, 'transactions', sales([sold(invoice, 'A')]));
    await drain(world);
    world.clock.pass(3600);
  }
  const seen: [boolean, string][] = [];
  for (let i = 0; i < 40; i++) {
    let calls = 20;
    const { behind, transactions } = await readLive(world, () => calls--);
    seen.push([behind, transactions.revenue]);
  }
  expect(seen[0]).toEqual([true, '0']);
  expect(seen.at(-1)).toEqual([false, '7.5']);
});

it('does not keep a minute that it could not read to its end', async () => {
  for (let i = 0; i < 5; i++) await post(world, 'transactions', sales([sold(`${i}`, 'A')]));
  await drain(world);
  world.clock.pass(200);
  await read(); // all before this hour is summed
  for (let budget = 1; budget < 12; budget++) {
    let calls = budget;
    await readLive(world, () => calls--);
    expect((await read()).transactions.revenue).toBe('12.5');
    world.inspect().all('delete from live_sums where within like ?1 returning at', '2026-03-01T%');
  }
});

it('misses nothing that took so long to be put that its hour was summed meanwhile', async () => {
  await post(world, 'transactions', sales([sold('1', 'A')]));
  const live: LiveFigures = {
    ...world.live,
    async put(...args) {
      world.clock.pass(7200);
      await read();
      await world.live.put(...args);
    },
  };
  await cleanChunk(chunksIn(world)[0]!, { ...world, live });
  expect((await read()).transactions.revenue).toBe('2.5');
});

it('misses nothing that comes late, whoever sums between one void sum and the next', async () => {
  for (const invoice of ['1', '2']) await post(world, 'transactions', sales([sold(invoice, 'A')]));
  const [first, late] = chunksIn(world);
  await cleanChunk(first!, world);
  world.clock.pass(7200);
  expect((await read()).transactions.revenue).toBe('2.5');
  const live: LiveFigures = {
    ...world.live,
    async touch(window) {
      await world.live.touch(window);
      await read();
    },
  };
  await cleanChunk(late!, { ...world, live });
  expect((await read()).transactions.revenue).toBe('5');
});

it('counts rows that a redrive brings, and what a replay counts anew', async () => {
  const id = await post(world, 'transactions', sales([sold('1', 'A'), sold('2', 'B', '0'), sold('1', 'A', 'x')]));
  await fillRaw(world);
  await drain(world);
  const [chunk] = chunksIn(world);
  const corrected = new Map([[chunk!.chunk_id, new Map([[3, sold('2', 'B', '4')]])]]);
  await redriveBatch(id, { by: 'somebody', corrections: corrected }, world);
  expect((await read()).transactions).toMatchObject({ orders: 2, lines: 2, revenue: '12.5' });
  await redriveBatch(id, { by: 'somebody', corrections: corrected, dryRun: true }, world);
  world.inspect().all('delete from live_pieces returning minute');
  await replayBatch(id, { by: 'somebody' }, world);
  expect((await read()).transactions).toMatchObject({ orders: 2, lines: 2, revenue: '12.5' });
});

it('counts each row of a chunk on its own day, behind midnight, a redrive and replays', async () => {
  world.clock.pass(12 * 3600 - 20);
  const tomorrow = (invoice: string, stock: string, quantity = '1') =>
    sale({ invoice, stock, quantity, price: '2.5', date: '2026-03-02 00:00:05' });
  const rows = [sold('1', 'A'), tomorrow('1', 'B'), tomorrow('2', 'A'), tomorrow('3', 'B', '0')];
  const id = await post(world, 'transactions', sales(rows));
  await fillRaw(world);
  await drain(world);
  const asked = async () => {
    const { day, transactions } = await read();
    return [day, transactions.orders, transactions.lines, transactions.revenue];
  };
  expect(await asked()).toEqual([TODAY, 1, 1, '2.5']);
  world.clock.pass(3600);
  expect(await asked()).toEqual(['2026-03-02', 1, 2, '5']);
  const texts = new Map([[5, tomorrow('3', 'B', '2')]]);
  await redriveBatch(id, { by: 'somebody', corrections: new Map([[chunksIn(world)[0]!.chunk_id, texts]]) }, world);
  for (let replays = 0; replays < 3; replays++) {
    expect(await asked()).toEqual(['2026-03-02', 2, 3, '10']);
    world.clock.pass(3600);
    await replayBatch(id, { by: 'somebody' }, world);
  }
});

it.each([
  ['before it is over for two', { stamps: 0, cleans: -29.9, asks: 29.9 }, 0, 120],
  ['when it is over for two', { stamps: 0, cleans: -29.9, asks: 29.9 }, 0, 160],
  ['before it has begun', { stamps: 29.9, cleans: 0, asks: -29.9 }, 31, 0],
])(
  'misses nothing of a minute %s, by clocks that differ by nearly one',
  async (_, { stamps, cleans, asks }, begin, pause) => {
    const by = (seconds: number) => ({
      ...world,
      clock: { now: () => new Date(world.clock.now().getTime() + seconds * 1000) },
    });
    const asked = async () => (await readLive(by(asks), AT_LEISURE)).transactions.lines;
    world.clock.pass(begin);
    for (const invoice of ['1', '2']) await post(by(stamps), 'transactions', sales([sold(invoice, 'A')]));
    const [first, second] = chunksIn(world);
    await cleanChunk(first!, by(cleans));
    expect(await asked()).toBe(1);
    world.clock.pass(pause);
    expect(await asked()).toBe(1); // the minute is summed, if it may be
    await cleanChunk(second!, by(cleans));
    expect(await asked()).toBe(2);
  },
);

/** Steps of a day: who does something next is the scheduler's choice, and every call may break before or behind it. */
type Broken = 'before' | 'after' | undefined;

function inTurns(scheduler: fc.Scheduler, who: string, faults: Broken[]): TestWorld {
  const turn = () => scheduler.schedule(Promise.resolve(), who);
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, property, receiver) {
        const method = Reflect.get(target, property, receiver) as (...args: unknown[]) => unknown;
        if (property === 'pieces') {
          return async function* (...args: unknown[]) {
            await turn();
            yield* method.apply(target, args) as AsyncIterable<unknown>;
          };
        }
        return async (...args: unknown[]) => {
          await turn();
          const fault = faults.shift();
          if (fault === 'before') throw new Unavailable('broken');
          const answer = await method.apply(target, args);
          if (fault === 'after') throw new Unavailable('broken');
          await turn(); // what it answers is old by the time that it is used
          return answer;
        };
      },
    });
  return { ...world, live: wrap(world.live), invoices: wrap(world.invoices), chunks: wrap(world.chunks) };
}

/** All that was kept, from the tables, added up by somebody who does not know of windows. */
function plainSum() {
  const lines = world
    .inspect()
    .all<{ invoice_no: string; lines: string }>('select invoice_no, lines from invoices')
    .flatMap(({ lines: body }) => JSON.parse(body) as { row: { invoice_no: string; quantity: number } }[]);
  return {
    revenue: String(lines.reduce((sum, { row }) => sum + row.quantity, 0) * 2),
    lines: lines.length,
    orders: new Set(lines.map(({ row }) => row.invoice_no)).size,
  };
}

const aBody = fc
  .array(fc.record({ invoice: fc.constantFrom('1', '2', '3'), stock: fc.constantFrom('A', 'B', 'C', 'D') }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((lines) => sales(lines.map(({ invoice, stock }) => sold(invoice, stock, stock === 'D' ? '7' : '1', '2'))));
const faults = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom('before', 'after') },
  ),
  { maxLength: 40 },
) as fc.Arbitrary<Broken[]>;
const pauses = fc.array(fc.constantFrom(1, 20, 59, 60, 61, 119, 120, 121, 600, 3599, 3600, 7200), { maxLength: 8 });

it('is the sum of what was kept, however cleaning, summing, faults and time take turns', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.tuple(aBody, fc.constantFrom(0, 30, 61, 1800)), { minLength: 1, maxLength: 4 }),
      faults,
      pauses,
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 4, maxLength: 4 }),
      async (scheduler, bodies, breaks, passing, budgets) => {
        world.remove();
        world = testWorld();
        for (const [body, seconds] of bodies) {
          await post(world, 'transactions', body);
          world.clock.pass(seconds);
        }
        await read(); // days before are summed: the schedule does that
        const chunks = chunksIn(world);
        const cleaning = async (who: string, delivered: readonly Chunk[]) => {
          const ports = inTurns(scheduler, who, who === 'one' ? breaks : []);
          for (const chunk of delivered) {
            for (;;) {
              const done = await cleanChunk(chunk, ports).catch((error) => {
                if (!(error instanceof Unavailable)) throw error;
              });
              if (done) break;
            }
          }
        };
        const memory: LiveMemory = new Map();
        const reading = async (mine: LiveMemory, which: readonly number[]) => {
          for (const budget of which) {
            let calls = budget;
            await readLive(inTurns(scheduler, 'reader', []), () => calls--, mine);
          }
        };
        const time = async () => {
          for (const seconds of passing) {
            await scheduler.schedule(Promise.resolve(), 'time');
            world.clock.pass(seconds);
          }
        };
        await scheduler.waitFor(
          Promise.all([
            cleaning('one', chunks),
            cleaning('two', chunks.toReversed()),
            reading(memory, budgets.slice(0, 2)),
            reading(new Map(), budgets.slice(2)),
            time(),
          ]),
        );
        expect((await read(memory)).transactions).toMatchObject(plainSum());
        expect((await read()).transactions).toMatchObject(plainSum());
        world.clock.pass(7200); // all of it is over, and summed
        expect((await read()).transactions).toMatchObject(plainSum());
        expect((await read(memory)).transactions).toMatchObject(plainSum());
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);
