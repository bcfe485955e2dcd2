import { insights } from '../../shared/domain/insight';
import type { Built, Overview } from '../../shared/domain/overview';
import { BuildFailed, buildInsights } from '../../shared/pipeline/insights';
import { StillRunning, TooMuch, Unavailable } from '../../shared/pipeline/ports';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { click, clicks, sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

jest.setTimeout(30_000); // each build asks every insight

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

/** Two orders on two days, one line of which came twice; a cancellation; two clicks, one of no known type. */
const SALES = [
  sale({ invoice: '1', date: '12/1/2010 8:26', quantity: '2', price: '2.5', customer: '17850' }),
  sale({ invoice: '2', date: '12/3/2010 9:00', quantity: '1', price: '10', customer: '13047' }),
  sale({ invoice: '2', date: '12/3/2010 9:00', quantity: '1', price: '10', customer: '13047' }),
  sale({ invoice: 'C3', date: '12/4/2010 10:00', quantity: '-1', price: '10', customer: '13047' }),
];

async function fill(rows = SALES) {
  await post(world, 'transactions', sales(rows));
  await post(world, 'events', clicks([click(), click({ type: 'look' })]));
  await drain(world);
  await loadWarehouse({}, world);
}

const build = (ports: Partial<TestWorld> = {}, request = {}, timeLeft?: () => number) =>
  buildInsights(request, { ...world, ...ports }, timeLeft);
const built = async (name: string): Promise<Built> => JSON.parse((await world.built.find(name))!);
const overview = async (): Promise<Overview> => JSON.parse((await world.built.find('overview'))!);

/** An engine that does something else when a statement is about an insight. */
const engine = (isAbout: (statement: string) => boolean, instead: () => Promise<never>) => ({
  ...world.engine,
  query: (statement: string) => (isAbout(statement) ? instead() : world.engine.query(statement)),
});
/** The engine, and what it was asked. */
const noting = (asked: string[]) => ({
  ...world.engine,
  query(statement: string) {
    asked.push(statement);
    return world.engine.query(statement);
  },
});
/** Its statement has its SQL. */
const isOf = (name: string) => (statement: string) => statement.includes(insights.get(name)!.sql);

describe('a build of the insights', () => {
  it('keeps every insight over all its days', async () => {
    await fill();
    expect(await build()).toEqual({
      done: true,
      began_at: '2026-03-01T12:00:00.000Z',
      insights: insights.size,
      profiles: 2,
    });
    expect(await built('sales_by_day')).toEqual({
      name: 'sales_by_day',
      period: { first_day: '2010-12-01', last_day: '2010-12-03' },
      built_at: '2026-03-01T12:00:00.000Z',
      failed_at: null,
      columns: ['day', 'revenue', 'orders', 'lines', 'pieces', 'average_order'],
      rows: [
        ['2010-12-01', '5.0000', 1, 1, 2, '5.00'],
        ['2010-12-03', '10.0000', 1, 1, 1, '10.00'],
      ],
      truncated: false,
    });
    for (const name of insights.keys()) expect((await built(name)).failed_at).toBeNull();
  });

  it('looks back at days of what was refused, too', async () => {
    await fill();
    await build();
    const { period } = await built('returns_by_product');
    expect(period).toEqual({ first_day: '2010-12-01', last_day: '2010-12-04' });
  });

  it('keeps the profile of each customer, and forgets those who are gone', async () => {
    await fill();
    await world.profiles.keep({ first: 0, last: 255 }, [{ customer_id: 'gone' }]);
    await build();
    expect(await world.profiles.find('17850')).toMatchObject({ customer_id: '17850', monetary: '5.0000' });
    expect(await world.profiles.find('13047')).toMatchObject({ customer_id: '13047', monetary: '10.0000' });
    expect(await world.profiles.find('gone')).toBeUndefined();
    expect(await world.profiles.find('__proto__')).toBeUndefined();
  });

  it('takes many customers share by share, and gives up when a share is larger than it may', async () => {
    await fill();
    const asked: string[] = [];
    const rowsOf = (statement: string) => {
      const [, first, last] = /between '(..)' and '(..)'/.exec(statement)!;
      return Array.from({ length: first === '00' ? tooMany : 1 }, () => [`${first}-${last}`, ...Array(13).fill(null)]);
    };
    let tooMany = 0;
    const kept: unknown[] = [];
    const profiles = {
      keep: async (share: unknown, found: readonly unknown[]) => void kept.push([share, found.length]),
      find: async () => undefined,
    };
    const many = {
      ...world.engine,
      async query(statement: string) {
        if (statement.includes('as source')) {
          const [sold, ...others] = (await world.engine.query(statement)).rows;
          return { columns: [], rows: [[...sold!.slice(0, 4), '60000'], ...others] }; // customers
        }
        if (!statement.includes(" between '")) return world.engine.query(statement);
        asked.push(statement);
        return { columns: [], rows: rowsOf(statement) };
      },
    };
    expect(await build({ engine: many, profiles })).toMatchObject({ profiles: 3 });
    expect(kept).toEqual([
      [{ first: 0, last: 63 }, 0],
      [{ first: 64, last: 127 }, 1],
      [{ first: 128, last: 191 }, 1],
      [{ first: 192, last: 255 }, 1],
    ]);
    expect(asked[1]).toContain("between '40' and '7f'");
    expect(asked[1]).toMatch(/limit 50001$/);
    let timeLeft = 1;
    const brief = {
      ...profiles,
      keep: async (...share: [unknown, readonly unknown[]]) => {
        await profiles.keep(...share);
        if (kept.length === 6) timeLeft = 0;
      },
    };
    const began_at = '2026-03-02T02:00:00.000Z';
    expect(await build({ engine: many, profiles: brief }, { began_at }, () => timeLeft)).toMatchObject({
      done: false,
      profiles: 1,
    });
    expect(await build({ engine: many, profiles: brief }, { began_at })).toMatchObject({ done: true, profiles: 3 });
    expect(kept.slice(6).map((share) => (share as unknown[])[0])).toEqual([
      { first: 128, last: 191 },
      { first: 192, last: 255 },
    ]);
    tooMany = 50_001;
    await expect(build({ engine: many, profiles })).rejects.toThrow(
      'there are more customers than profiles are made for',
    );
  });

  it('says what the ledger says of each data set, and what was taken out as a duplicate', async () => {
    await fill();
    // The same chunk lands once more under another name, as a crash may leave it.
    const chunk = { dataset: 'transactions', batch_id: 'b', chunk_id: 'c', received_at: '2026-03-01T12:00:00.000Z' };
    const row = {
      invoice_no: '9',
      stock_code: 'A',
      description: null,
      quantity: 1,
      invoice_date: '2010-12-02T00:00:00Z',
      unit_price: '1',
      customer_id: 'Unknown',
      country: 'France',
    };
    await world.landing.append(chunk, [{ line_id: '0'.repeat(32), row }]);
    await world.landing.append({ ...chunk, chunk_id: 'd' }, [{ line_id: '0'.repeat(32), row }]);
    await loadWarehouse({}, world);
    await build();
    expect((await overview()).datasets).toEqual([
      {
        dataset: 'transactions',
        first_day: '2010-12-01',
        last_day: '2010-12-03',
        rows: 3,
        removed_duplicates: 1,
        batches: 1,
        received: 4,
        kept: 2,
        duplicate: 1,
        rejected: { cancellation: 1 },
        pending: 0,
        balanced: true,
      },
      {
        dataset: 'events',
        first_day: '2019-10-01',
        last_day: '2019-10-01',
        rows: 1,
        removed_duplicates: 0,
        batches: 1,
        received: 2,
        kept: 1,
        duplicate: 0,
        rejected: { unknown_event_type: 1 },
        pending: 0,
        balanced: true,
      },
    ]);
  });

  it('says that a batch is on its way', async () => {
    await fill();
    await post(world, 'transactions', sales([sale({ invoice: '77' })]));
    await build();
    expect((await overview()).datasets[0]).toMatchObject({
      received: 5,
      kept: 2,
      pending: 1,
      balanced: false,
      batches: 2,
    });
  });

  it('does not measure from days to come, unless there are no others', async () => {
    await fill([...SALES, sale({ invoice: '9', date: '12/31/9999 9:00', quantity: '1', price: '1', customer: '1' })]);
    await build();
    expect((await overview()).datasets[0]).toMatchObject({ last_day: '2010-12-03', rows: 3 });
    expect((await built('retention')).rows).toHaveLength(1);
  });

  it('measures from days to come where there are no others', async () => {
    await fill([sale({ invoice: '9', date: '12/31/2030 9:00', quantity: '1', price: '1', customer: '1' })]);
    await build();
    expect((await built('sales_by_day')).rows).toEqual([['2030-12-31', '1.0000', 1, 1, 1, '1.00']]);
  });

  it('is exact for the largest line that a contract lets in', async () => {
    const largest = { quantity: '2147483647', price: '99999999.9999', customer: '17850' };
    await fill([
      ...SALES,
      sale({ ...largest, invoice: '8', date: '12/3/2010 9:00' }),
      sale({ ...largest, invoice: 'C8', quantity: '-2147483648', date: '12/4/2010 9:00' }),
    ]);
    expect(await build()).toMatchObject({ done: true, insights: insights.size });
    // 2147483647 x 99999999.9999 = 214748364700000000 - 214748.3647
    expect((await built('revenue_by_country')).rows[0]![1]).toBe('214748364699785266.6353');
  });

  it('builds nothing of nothing, and nothing is wrong', async () => {
    expect(await build()).toMatchObject({ done: true, insights: insights.size, profiles: 0 });
    expect(await built('sales_by_day')).toMatchObject({ period: null, built_at: null, rows: [] });
    expect(await overview()).toMatchObject({
      datasets: [{ first_day: null, last_day: null, rows: 0, batches: 0, balanced: true }, { rows: 0 }],
      insights: { sales_by_day: { rows: null, built_at: null, failed_at: null } },
    });
  });

  it('keeps ten thousand rows of an insight, and says that there are more', async () => {
    await fill();
    const rows = Array.from({ length: 10_001 }, (_, i) => ['2010-12-01', String(i), '1', '1', '1', '1']);
    const many = {
      ...world.engine,
      query: async (s: string) => (isOf('sales_by_day')(s) ? { columns: [], rows } : world.engine.query(s)),
    };
    await build({ engine: many });
    const { rows: kept, truncated } = await built('sales_by_day');
    expect([kept.length, truncated]).toEqual([10_000, true]);
  });
});

it('no insight has a name that the build keeps something else under', () => {
  for (const name of ['overview', 'building', 'customers', 'curated']) expect([...insights.keys()]).not.toContain(name);
});

describe('an insight that fails', () => {
  const broken = () => engine(isOf('sales_by_day'), async () => Promise.reject(new TooMuch('it reads too much')));

  it('keeps the answer that it had, says so, and does not keep the others out', async () => {
    await fill();
    await build();
    await post(world, 'transactions', sales([sale({ invoice: '5', date: '12/9/2010 9:00' })]));
    await drain(world);
    await loadWarehouse({}, world);
    world.clock.pass(3600);
    const failing = build({ engine: broken() });
    await expect(failing).rejects.toThrow(BuildFailed);
    await expect(failing).rejects.toThrow('sales_by_day (TooMuch: it reads too much)');
    expect(await built('sales_by_day')).toMatchObject({
      period: { last_day: '2010-12-03' },
      built_at: '2026-03-01T12:00:00.000Z',
      failed_at: '2026-03-01T13:00:00.000Z',
    });
    expect(await built('sales_by_month')).toMatchObject({ period: { last_day: '2010-12-09' }, failed_at: null });
    expect((await overview()).insights).toMatchObject({
      sales_by_day: { rows: 2, built_at: '2026-03-01T12:00:00.000Z', failed_at: '2026-03-01T13:00:00.000Z' },
      sales_by_month: { built_at: '2026-03-01T13:00:00.000Z', failed_at: null },
    });
    await build();
    expect(await built('sales_by_day')).toMatchObject({ period: { last_day: '2010-12-09' }, failed_at: null });
  });

  it('has no answer when it never had one', async () => {
    await fill();
    await expect(build({ engine: broken() })).rejects.toThrow(BuildFailed);
    expect(await built('sales_by_day')).toMatchObject({ built_at: null, rows: [], failed_at: expect.any(String) });
  });

  it('leaves the profiles as they were when it is theirs', async () => {
    await fill();
    await world.profiles.keep({ first: 0, last: 255 }, [{ customer_id: '17850' }]);
    const without = engine(isOf('customer_profiles'), async () => Promise.reject(new Error('no')));
    await expect(build({ engine: without })).rejects.toThrow('customer_profiles (Error: no)');
    expect(await world.profiles.find('17850')).toEqual({ customer_id: '17850' });
  });

  it('is told of once, also where its profiles fail behind it', async () => {
    await fill();
    let asked = 0;
    const later = engine(
      (statement) => isOf('customer_profiles')(statement) && asked++ > 0,
      async () => Promise.reject(new Error('no')),
    );
    await expect(build({ engine: later })).rejects.toThrow(
      /^not built, and kept as they were: customer_profiles \(Error: no\)$/,
    );
    expect((await overview()).insights.customer_profiles).toMatchObject({ rows: 2, failed_at: expect.any(String) });
  });

  it('is none of the world: what is broken ends the build', async () => {
    await fill();
    const gone = engine(isOf('sales_by_day'), async () => Promise.reject(new Unavailable('gone')));
    await expect(build({ engine: gone })).rejects.toThrow(Unavailable);
    expect(await world.built.find('overview')).toBeUndefined();
  });
});

describe('time', () => {
  it('breaks a build off anywhere, and it goes on where it stopped', async () => {
    await fill();
    const began_at = '2026-03-01T02:00:00.000Z';
    const asked: string[] = [];
    const counting = noting(asked);
    let calls = 0;
    for (;;) {
      let looks = 0;
      const answer = await build({ engine: counting }, { began_at }, () => 4 - looks++);
      expect(answer.began_at).toBe(began_at);
      calls++;
      if (answer.done) break;
      expect(calls).toBeLessThan(50);
    }
    expect(calls).toBeGreaterThan(5);
    for (const name of insights.keys())
      if (name !== 'customer_profiles') expect([name, asked.filter(isOf(name)).length]).toEqual([name, 1]);
    expect((await overview()).insights.sales_by_day).toMatchObject({ rows: 2 });
    expect(await world.profiles.find('17850')).toBeDefined();
  });

  it('begins anew when the build is another one, or is over', async () => {
    await fill();
    const asked: string[] = [];
    const counting = noting(asked);
    const began_at = '2026-03-02T02:00:00.000Z';
    let looks = 0;
    expect(await build({}, { began_at }, () => 30 - looks++)).toMatchObject({ done: true });
    looks = 27;
    expect(await build({}, { began_at }, () => 30 - looks++)).toMatchObject({ done: false });
    await build({ engine: counting }, { began_at: '2026-03-03T02:00:00.000Z' });
    await build({ engine: counting }, { began_at: '2026-03-03T02:00:00.000Z' });
    expect(asked.filter(isOf('sales_by_day'))).toHaveLength(2);
    looks = 30 - insights.size - 3; // up to the ledger's sum
    expect(await build({}, { began_at }, () => 30 - looks++)).toMatchObject({ done: false });
    await build({}, { began_at });
    await build({ engine: counting }, { began_at });
    expect(asked.filter(isOf('sales_by_day'))).toHaveLength(3);
  });

  it('says at the end what failed before it was broken off', async () => {
    await fill();
    let timeLeft = 1;
    const broken = engine(isOf('sales_by_day'), async () => {
      timeLeft = 0;
      throw new Error('no');
    });
    const began_at = '2026-03-01T02:00:00.000Z';
    expect(await build({ engine: broken }, { began_at }, () => timeLeft)).toMatchObject({ done: false });
    await expect(build({}, { began_at })).rejects.toThrow('sales_by_day (Error: no)');
  });

  it('is given to an engine that is not done yet', async () => {
    await fill();
    let tries = 0;
    const slow = engine(
      (statement) => isOf('sales_by_day')(statement) && tries++ < 3,
      async () => Promise.reject(new StillRunning('not yet')),
    );
    expect(await build({ engine: slow })).toMatchObject({ done: true });
    expect(tries).toBe(4);
  });
});

it('two builds at the same time leave what one leaves', async () => {
  await fill();
  await build();
  const one = await Promise.all([built('rfm'), built('sales_by_day'), overview(), world.profiles.find('17850')]);
  await Promise.all([build(), build()]);
  expect(await Promise.all([built('rfm'), built('sales_by_day'), overview(), world.profiles.find('17850')])).toEqual(
    one,
  );
});
