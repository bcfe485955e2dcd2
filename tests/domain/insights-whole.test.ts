import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openShop, type Shop } from '../../cli/bench/shop';
import { type ShopBook, simulate } from '../../cli/simulator/index';
import { type ColumnType, insights, type Period, statementOf, told } from '../../shared/domain/insight';

const data = resolve(process.env.ECOMFLOW_DATA ?? join(__dirname, '../../../shared/data'));
const real = existsSync(join(data, 'online-retail.csv.gz'));
const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-insights-'));

const unpacked = (file: string) => gunzipSync(readFileSync(join(data, file))).toString('utf8');
const simulated = (dataset: ShopBook, rows: number) => [...simulate({ dataset, rows, seed: 'whole' })].join('');

function sales(): string {
  if (real) return unpacked('online-retail.csv.gz');
  console.info(`${data} is absent: simulated rows stand in for the real files. ECOMFLOW_DATA names their folder.`);
  return simulated('transactions', 100_000);
}

/** The months' real events one after the other, under one header. */
function clicks(): string {
  const files = existsSync(data) ? readdirSync(data).filter((file) => file.startsWith('cosmetics-')) : [];
  if (files.length === 0) return simulated('events', 20_000);
  return files
    .sort()
    .map((file, i) => (i === 0 ? unpacked(file) : unpacked(file).replace(/^.*\n/, '')))
    .join('');
}

const csv = join(scratch, 'sales.csv');
let shop: Shop;
beforeAll(async () => {
  writeFileSync(csv, sales());
  shop = await openShop(join(scratch, 'shop'), { transactions: readFileSync(csv, 'utf8'), events: clicks() });
  for (const name of insights.keys()) await shop.connection.run(`create table ${name} as ${statement(name)}`);
}, 120_000);
afterAll(() => {
  shop.close();
  rmSync(scratch, { recursive: true });
});

const ALL = 1e9;
const statement = (name: string, period: Period = shop.period) =>
  statementOf(insights.get(name)!, period, shop.tables, ALL);

/** One row of texts. */
async function one(sql: string): Promise<Record<string, unknown>> {
  const [row] = (await shop.connection.runAndReadAll(sql)).getRowObjectsJson();
  return row!;
}
/** A column's sum over an insight's whole answer, or over what stands in its place. */
const sumOf = async (name: string, column: string) =>
  String((await one(`select sum(${column}) as sum from ${name}`)).sum);

/** What the tables themselves say, without an insight. */
const totals = () =>
  one(`select sum(quantity * unit_price) as revenue, count(*) as lines, sum(quantity) as pieces,
    count(distinct invoice_no) as orders from ecomflow.transactions`);

const TYPES: Readonly<Record<ColumnType, RegExp>> = {
  text: /^VARCHAR$/,
  date: /^DATE$/,
  timestamp: /^TIMESTAMP$/,
  integer: /^(INTEGER|BIGINT)$/,
  decimal: /^DECIMAL\(\d+,\d+\)$/,
  number: /^DOUBLE$/,
};
const VALUES: Readonly<Record<ColumnType, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(String(value)),
  timestamp: (value) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.test(String(value)),
  integer: Number.isSafeInteger,
  decimal: (value) => typeof value === 'string' && /^-?\d+\.\d+$/.test(value),
  number: Number.isFinite,
};

describe.each([...insights.values()])('$name, on a whole shop', (insight) => {
  it('answers with the columns that it declares, as what it declares them', async () => {
    const answer = await shop.connection.runAndReadAll(`select * from ${insight.name} limit 1000`);
    expect(answer.columnNames()).toEqual(insight.columns.map(({ name }) => name));
    expect(answer.currentRowCount).toBeGreaterThan(0);
    const rows = answer.getRowsJson();
    for (const [i, column] of insight.columns.entries()) {
      expect([column.name, String(answer.columnType(i))]).toEqual([
        column.name,
        expect.stringMatching(TYPES[column.type]),
      ]);
      const values = rows.map((row) => told(column, row[i] === null ? null : String(row[i])));
      expect([column.name, values.find((value) => value !== null && !VALUES[column.type](value))]).toEqual([
        column.name,
        undefined,
      ]);
    }
  });

  it('has no two rows alike in what it is ordered by', async () => {
    const keys = insight.order.split(', ').map((key) => /^\w+/.exec(key)![0]);
    const { all, different } = await one(
      `select count(*) as "all", (select count(*) from (select distinct ${keys.join(', ')} from ${insight.name})) as different
       from ${insight.name}`,
    );
    expect(different).toBe(all);
  });
});

describe('figures of a whole shop', () => {
  it('are those that are known of the real file', async () => {
    if (!real) return;
    expect(await totals()).toEqual({
      revenue: '10631048.7440',
      lines: '524877',
      pieces: expect.any(String),
      orders: '19959',
    });
  });

  it.each([
    'sales_by_day',
    'sales_by_month',
    'sales_by_hour',
    'sales_by_weekday',
    'orders_per_hour',
    'revenue_by_country',
    'top_products_by_revenue',
    'top_products_by_quantity',
  ])('come to the same revenue by %s', async (name) => {
    expect(await sumOf(name, 'revenue')).toBe((await totals()).revenue);
  });

  it('come to the same lines and pieces however they are cut', async () => {
    const { lines, pieces } = await totals();
    for (const name of ['sales_by_day', 'sales_by_month', 'sales_by_hour', 'sales_by_weekday']) {
      expect([name, await sumOf(name, 'lines')]).toEqual([name, lines]);
      expect([name, await sumOf(name, 'pieces')]).toEqual([name, pieces]);
    }
    for (const name of ['top_products_by_revenue', 'top_products_by_quantity'])
      expect([name, await sumOf(name, 'pieces')]).toEqual([name, pieces]);
  });

  // Invoices of the real file have one country and do not go over midnight; some go over the full hour.
  it('come to the same orders by day, month, weekday and country', async () => {
    const { orders } = await totals();
    for (const name of ['sales_by_day', 'sales_by_month', 'sales_by_weekday', 'revenue_by_country'])
      expect([name, await sumOf(name, 'orders')]).toEqual([name, orders]);
    const hours = Number(await sumOf('sales_by_hour', 'orders'));
    expect(hours).toBeGreaterThanOrEqual(Number(orders));
    expect(await sumOf('orders_per_hour', 'orders')).toBe(String(hours));
  });

  it('are shares of one', async () => {
    for (const name of ['top_products_by_revenue', 'top_products_by_quantity', 'revenue_by_country']) {
      const rows = Number((await one(`select count(*) as n from ${name}`)).n);
      expect(Math.abs(Number(await sumOf(name, 'share')) - 1)).toBeLessThanOrEqual(rows * 0.00005);
    }
  });

  it('of two ranges that meet come to those of both', async () => {
    const { first_day, last_day } = (await one(
      `select cast(min(cast(invoice_date as date)) as varchar) as first_day,
        cast(max(cast(invoice_date as date)) as varchar) as last_day from ecomflow.transactions`,
    )) as unknown as Period;
    const middle = new Date((Date.parse(first_day) + Date.parse(last_day)) / 2).toISOString().slice(0, 10);
    const next = new Date(Date.parse(middle) + 86_400_000).toISOString().slice(0, 10);
    const sum = async (column: string) => {
      const before = await sumOf(`(${statement('sales_by_weekday', { first_day, last_day: middle })})`, column);
      const behind = await sumOf(`(${statement('sales_by_weekday', { first_day: next, last_day })})`, column);
      return [Number(before), Number(behind)] as const;
    };
    const { lines, pieces } = await totals();
    for (const [column, all] of Object.entries({ lines, pieces })) {
      const [before, behind] = await sum(column);
      expect(before).toBeGreaterThan(0);
      expect(behind).toBeGreaterThan(0);
      expect([column, before + behind]).toEqual([column, Number(all)]);
    }
  });

  it('have the returns that a query over the file itself finds', async () => {
    const file = await one(
      `select cast(-sum(quantity) as bigint) as returned, cast(-sum(quantity * price) as decimal(38, 4)) as value
       from (
         select distinct * from (
           select trim(InvoiceNo) as no, trim(StockCode), trim(coalesce(Description, '')), trim(InvoiceDate),
             cast(Quantity as integer) as quantity, cast(UnitPrice as decimal(12, 4)) as price,
             coalesce(trim(CustomerID), 'Unknown'), trim(Country)
           from read_csv('${csv}', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
         ) where upper(no) like 'C%' and quantity < 0
       )`,
    );
    expect(Number(file.returned)).toBeGreaterThan(0);
    expect(await sumOf('returns_by_product', 'returned')).toBe(file.returned);
    expect(await sumOf('returns_by_product', 'value')).toBe(file.value);
  });
});
