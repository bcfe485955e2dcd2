import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { datasets } from '../../shared/domain/dataset';
import type { KeptRow } from '../../shared/domain/outcome';
import { toParquet } from '../../shared/domain/parquet';
import { Unavailable } from '../../shared/pipeline/ports';
import { loadWarehouse, type WarehousePorts } from '../../shared/pipeline/warehouse';
import { click, clicks, sale, sales } from '../support/rows';
import { askWarehouse } from '../support/warehouse';
import { drain, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const ask = (sql: string) => askWarehouse(world.directory, sql);
const NOTHING = { files: 0, rows: 0, added: 0, known: 0, unreadable: [] };
const DAY = 24 * 60 * 60;

/** Files of landing by key. */
const landing = (dataset = 'transactions') =>
  readdirSync(join(world.directory, 'landing', dataset), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath.slice(world.directory.length + 1)}/${name}`)
    .sort();

/** Puts rows into landing by hand; all of transactions, of one invoice each. */
function land(key: string, lines: readonly number[]): void {
  const rows = lines.map(
    (n): KeptRow => ({
      line_id: n.toString(16).padStart(32, '0'),
      row: {
        invoice_no: String(n),
        stock_code: 'A',
        description: null,
        quantity: n,
        invoice_date: '2010-12-01T08:26:00Z',
        unit_price: '0.1',
        customer_id: '17850',
        country: 'France',
      },
    }),
  );
  const file = join(world.directory, 'landing/transactions', key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toParquet(datasets.get('transactions')!, 'b', rows));
}

/** Ports whose list and files are counted. */
function watched(): WarehousePorts & { listed: (string | undefined)[] } {
  const listed: (string | undefined)[] = [];
  return {
    warehouse: world.warehouse,
    landed: {
      ...world.landed,
      list(dataset, since) {
        if (dataset === 'transactions') listed.push(since);
        return world.landed.list(dataset, since);
      },
    },
    listed,
  };
}

describe('what is new in landing', () => {
  test('is in the warehouse after a load, to the last digit and microsecond', async () => {
    await post(
      world,
      'transactions',
      sales([
        sale({ invoice: '1', stock: 'A', quantity: '3', price: '0.0001', date: '2010-12-01T23:59:59.999999Z' }),
        sale({ invoice: '2', stock: 'B', quantity: '1', price: '99999999.9999', customer: '' }),
        sale({ invoice: 'C3' }),
      ]),
    );
    await post(world, 'events', clicks([click({ second: 1 }), click({ second: 2, type: 'purchase' })]));
    await drain(world);
    expect(await loadWarehouse({}, world)).toEqual({
      done: true,
      datasets: {
        transactions: { files: 1, rows: 2, added: 2, known: 0, unreadable: [] },
        events: { files: 1, rows: 2, added: 2, known: 0, unreadable: [] },
      },
    });
    const row = `invoice_no, quantity, unit_price::text, customer_id, strftime(invoice_date at time zone 'UTC', '%x %X.%f')`;
    expect(await ask(`select ${row} from ecomflow.transactions order by invoice_no`)).toEqual([
      ['1', 3, '0.0001', '17850', '2010-12-01 23:59:59.999999'],
      ['2', 1, '99999999.9999', 'Unknown', '2010-12-01 08:26:00.000000'],
    ]);
    expect(await ask('select event_type, count(*)::int from ecomflow.events group by 1 order by 1')).toEqual([
      ['purchase', 1],
      ['view', 1],
    ]);
  });

  test('is loaded once: a second load finds nothing to do', async () => {
    await post(world, 'transactions', sales([sale()]));
    await drain(world);
    await loadWarehouse({}, world);
    expect((await loadWarehouse({}, world)).datasets.transactions).toEqual(NOTHING);
    expect(await ask('select count(*)::int from ecomflow.transactions')).toEqual([[1]]);
  });

  test('counts once where landing has it twice, in two files or in one', async () => {
    land('dt=2026-03-01/a.parquet', [1, 2, 2]);
    land('dt=2026-03-01/b.parquet', [2, 3]);
    const { datasets: loaded } = await loadWarehouse({ dataset: 'transactions' }, world);
    expect(loaded).toEqual({ transactions: { files: 2, rows: 5, added: 3, known: 2, unreadable: [] } });
    const sums = 'select count(*)::int, sum(quantity)::int from ecomflow.transactions';
    expect(await ask(sums)).toEqual([[3, 6]]);
  });

  test('counts once after a crash between the claim and landing', async () => {
    const body = sales([sale({ stock: 'A' }), sale({ stock: 'B' })]);
    await post(world, 'transactions', body);
    await drain(world);
    const [key] = landing();
    // What landing through Firehose has after a second delivery: the same rows under a name of their own.
    writeFileSync(join(world.directory, dirname(key!), 'again.parquet'), readFileSync(join(world.directory, key!)));
    const { datasets: loaded } = await loadWarehouse({}, world);
    expect(loaded.transactions).toEqual({ files: 2, rows: 4, added: 2, known: 2, unreadable: [] });
  });

  test('of a file that changed is added, and what was there stays', async () => {
    land('dt=2026-03-01/a.parquet', [1, 2]);
    await loadWarehouse({}, world);
    land('dt=2026-03-01/a.parquet', [2, 3, 4]);
    const { datasets: loaded } = await loadWarehouse({}, world);
    expect(loaded.transactions).toEqual({ files: 1, rows: 3, added: 2, known: 1, unreadable: [] });
    expect((await loadWarehouse({}, world)).datasets.transactions).toEqual(NOTHING);
    expect(await ask('select sum(quantity)::int from ecomflow.transactions')).toEqual([[10]]);
  });

  test('of one data set alone is loaded when only that is asked for', async () => {
    await post(world, 'transactions', sales([sale()]));
    await post(world, 'events', clicks([click()]));
    await drain(world);
    expect(Object.keys((await loadWarehouse({ dataset: 'events' }, world)).datasets)).toEqual(['events']);
    expect(await ask('select count(*)::int from ecomflow.transactions')).toEqual([[0]]);
  });

  test('is nothing in a lake that is empty, and the tables are there all the same', async () => {
    expect(await loadWarehouse({}, world)).toEqual({
      done: true,
      datasets: { transactions: NOTHING, events: NOTHING },
    });
    expect(await ask('select count(*)::int from ecomflow.revenue_by_day')).toEqual([[0]]);
  });
});

describe('a load', () => {
  test('looks from seven days before the newest day that is loaded, so that late files are found', async () => {
    const ports = watched();
    land('dt=2026-03-10/a.parquet', [1]);
    await loadWarehouse({}, ports);
    land('dt=2026-03-03/late.parquet', [2]);
    land('dt=2026-03-02/later.parquet', [3]);
    const { datasets: loaded } = await loadWarehouse({}, ports);
    expect(loaded.transactions).toMatchObject({ files: 1, added: 1 });
    expect(ports.listed).toEqual([undefined, '2026-03-03']);
  });

  test('finds what is older when it is told since when to look', async () => {
    const ports = watched();
    land('dt=2026-03-10/a.parquet', [1]);
    await loadWarehouse({}, ports);
    land('dt=2025-12-31/old.parquet', [2]);
    land('dt=2026-01-01/less.parquet', [3]);
    const { datasets: loaded } = await loadWarehouse({ since: '2026-01-01' }, ports);
    expect(loaded.transactions).toMatchObject({ files: 1, rows: 1, added: 1 });
    expect(await ask('select quantity from ecomflow.transactions order by 1')).toEqual([[1], [3]]);
  });

  test('stops between two files when its time is up, and goes on where it stopped', async () => {
    for (const n of [1, 2, 3]) land(`dt=2026-03-0${n}/a.parquet`, [n]);
    const times = [1000, 1];
    const first = await loadWarehouse({}, world, () => times.shift() ?? 0);
    expect(first).toEqual({
      done: false,
      datasets: { transactions: { files: 2, rows: 2, added: 2, known: 0, unreadable: [] } },
    });
    const second = await loadWarehouse({}, world, () => 1);
    expect(second.done).toBe(true);
    expect(second.datasets.transactions).toMatchObject({ files: 1, added: 1 });
  });

  test('that has no time left for the views is not done', async () => {
    expect(await loadWarehouse({ dataset: 'events' }, world, () => 0)).toEqual({
      done: false,
      datasets: { events: NOTHING },
    });
  });

  test('passes over a file that cannot be read, says so, and tries it again the next time', async () => {
    land('dt=2026-03-01/a.parquet', [1]);
    land('dt=2026-03-01/c.parquet', [3]);
    const broken = join(world.directory, 'landing/transactions/dt=2026-03-01/b.parquet');
    writeFileSync(broken, 'no Parquet at all');
    for (const added of [2, 0]) {
      const { done, datasets: loaded } = await loadWarehouse({}, world);
      expect(done).toBe(true);
      expect(loaded.transactions).toMatchObject({ added, files: added });
      const { unreadable } = loaded.transactions!;
      expect(unreadable.map(({ key }) => key)).toEqual(['landing/transactions/dt=2026-03-01/b.parquet']);
      expect(unreadable[0]!.reason).toMatch(/^Error: .*b\.parquet/);
    }
    rmSync(broken);
    land('dt=2026-03-01/b.parquet', [2]);
    expect((await loadWarehouse({}, world)).datasets.transactions).toMatchObject({ added: 1, unreadable: [] });
  });

  test('sees no file that is not whole yet, nor what Spark leaves beside its files', async () => {
    land('dt=2026-03-01/a.parquet', [1]);
    const folder = join(world.directory, 'landing/transactions/dt=2026-03-01');
    for (const name of ['.b.parquet.4711.tmp', '_SUCCESS']) writeFileSync(join(folder, name), 'half');
    expect((await loadWarehouse({}, world)).datasets.transactions).toMatchObject({ files: 1, unreadable: [] });
  });

  test('ends when the world breaks, and the next one brings the rest', async () => {
    for (const n of [1, 2]) land(`dt=2026-03-0${n}/a.parquet`, [n]);
    const broken: WarehousePorts = {
      landed: world.landed,
      warehouse: {
        ...world.warehouse,
        use: (work) =>
          world.warehouse.use((open) =>
            work({
              ...open,
              load(dataset, file, content) {
                if (file.day === '2026-03-02') throw new Unavailable('the database went away');
                return open.load(dataset, file, content);
              },
            }),
          ),
      },
    };
    await expect(loadWarehouse({}, broken)).rejects.toThrow(Unavailable);
    expect((await loadWarehouse({}, world)).datasets.transactions).toMatchObject({ files: 1, added: 1 });
  });

  test('of a data set that does not exist, or since a day that is none, is refused', async () => {
    await expect(loadWarehouse({ dataset: 'sales' }, world)).rejects.toThrow('there is no data set sales');
    await expect(loadWarehouse({ since: 'yesterday' }, world)).rejects.toThrow('since is yesterday');
  });

  test("brings a later day's rows in the order of their arrival", async () => {
    await post(world, 'transactions', sales([sale({ invoice: '1' })]));
    world.clock.pass(DAY);
    await post(world, 'transactions', sales([sale({ invoice: '1' }), sale({ invoice: '2' })]));
    await drain(world);
    expect(landing()).toHaveLength(2);
    expect((await loadWarehouse({}, world)).datasets.transactions).toMatchObject({ files: 2, rows: 2, added: 2 });
  });
});

describe('the views', () => {
  test('report revenue, orders and visitors as a hand would count them', async () => {
    await post(
      world,
      'transactions',
      sales([
        sale({ invoice: '1', stock: 'A', description: 'Pear', quantity: '3', price: '0.1', date: '12/1/2010 8:26' }),
        sale({ invoice: '1', stock: 'B', description: 'Fig', quantity: '1', price: '2.0001', date: '12/1/2010 8:26' }),
        sale({
          invoice: '2',
          stock: 'A',
          description: 'Apple',
          quantity: '7',
          price: '0.1',
          date: '12/1/2010 23:59',
          customer: '',
        }),
        sale({
          invoice: '3',
          stock: 'A',
          description: '',
          quantity: '1',
          price: '5',
          date: '12/2/2010 0:00',
          country: 'France',
        }),
      ]),
    );
    await post(
      world,
      'events',
      clicks([
        click({ second: 1, user: '1', price: '1.5' }),
        click({ second: 2, user: '1', price: '1.25' }),
        click({ second: 3, user: '2', price: '0' }),
        click({ second: 4, user: '2', type: 'purchase', price: '9.9999' }),
      ]),
    );
    await drain(world);
    await loadWarehouse({}, world);
    const view = (columns: string, name: string) => ask(`select ${columns} from ecomflow.${name} order by 1, 2`);
    const sold = 'revenue::text, pieces::int, lines::int, orders::int';
    expect(await view(`day::text, ${sold}, customers::int`, 'revenue_by_day')).toEqual([
      ['2010-12-01', '3.0001', 11, 3, 2, 1],
      ['2010-12-02', '5.0000', 1, 1, 1, 1],
    ]);
    expect(await view(`country, ${sold}, customers::int`, 'revenue_by_country')).toEqual([
      ['France', '5.0000', 1, 1, 1, 1],
      ['United Kingdom', '3.0001', 11, 3, 2, 1],
    ]);
    expect(await view(`stock_code, description, ${sold}, customers::int`, 'revenue_by_product')).toEqual([
      ['A', 'Apple', '6.0000', 11, 3, 3, 1],
      ['B', 'Fig', '2.0001', 1, 1, 1, 1],
    ]);
    expect(await view(`day::text, hour, ${sold}`, 'orders_by_hour')).toEqual([
      ['2010-12-01', 8, '2.3001', 4, 2, 1],
      ['2010-12-01', 23, '0.7000', 7, 1, 1],
      ['2010-12-02', 0, '5.0000', 1, 1, 1],
    ]);
    expect(await view('day::text, event_type, events::int, visitors::int, value::text', 'events_by_day')).toEqual([
      ['2019-10-01', 'purchase', 1, 1, '9.9999'],
      ['2019-10-01', 'view', 3, 2, '2.7500'],
    ]);
  });
});
