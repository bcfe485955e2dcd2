import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { athenaUsd, bytesOf, type Operator, scannedFrom } from '../../cli/bench/scanned';
import { openShop, type Shop } from '../../cli/bench/shop';
import { insights, statementOf } from '../../shared/domain/insight';

const MB = 1024 ** 2;

describe('what Athena takes for a query', () => {
  // 5 USD for 1,048,576 MB.
  it.each([
    ['nothing', 0, 10],
    ['less than it bills at least', 3 * MB, 10],
    ['a byte more than that', 10 * MB + 1, 11],
    ['a terabyte', 1024 ** 4, 1024 ** 2],
  ])('that reads %s is whole megabytes, ten at least', (_, bytes, megabytes) => {
    expect(athenaUsd(bytes)).toBeCloseTo((5 * megabytes) / 1024 ** 2, 12);
  });
});

describe('what a plan reads', () => {
  const plan = (name: string, extra_info: Operator['extra_info'], ...children: Operator[]) => ({
    name,
    extra_info,
    children,
  });
  const stored = new Map([
    ['events.price', 100],
    ['events.brand', 10],
    ['main.refused_transactions', 1],
  ]);

  it('is the columns of its files, as often as it reads them, and its tables', () => {
    const one = plan('READ_PARQUET ', { Projections: 'events.price' });
    const both = plan('READ_PARQUET ', { Projections: ['events.price', 'events.brand', 'event_date'] });
    const table = plan('SEQ_SCAN ', { Table: 'shop.main.refused_transactions', Projections: ['reason'] });
    const join = plan('HASH_JOIN', {}, both, table);
    expect(bytesOf(plan('PROJECTION', { Projections: ['events.price'] }, one, join), stored)).toBe(100 + 110 + 1);
  });
});

describe('a shop on DuckDB', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-bench-'));
  let shop: Shop;
  beforeAll(async () => {
    const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
    shop = await openShop(join(scratch, 'shop'), {
      transactions: `${header}
1,A,APPLE,2,12/1/2010 8:26,2.55,17850.0,France
1,A,APPLE,2,12/1/2010 8:26,2.55,17850,France
2,A,APPLE,1,12/2/2010 8:26,1,,Germany
C3,A,APPLE,-1,12/3/2010 8:26,1,,Germany
`,
      events: `event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session
2010-12-04 00:00:00 UTC,view,1,1,,runail,2.62,1,s
2010-12-04 00:01:00 UTC,cart,1,1,,runail,2.62,1,s
2010-12-04 00:02:00 UTC,purchase,1,1,,runail,2.62,1,s
`,
    });
  });
  afterAll(() => {
    shop.close();
    rmSync(scratch, { recursive: true });
  });
  const answer = async (name: string) =>
    (await shop.connection.runAndReadAll(statementOf(insights.get(name)!, shop.period, shop.tables, 10))).getRowsJson();

  it('has what is kept, each row once, and what was refused', async () => {
    expect(shop.period).toEqual({ first_day: '2010-12-01', last_day: '2010-12-04' });
    expect(await answer('revenue_by_country')).toEqual([
      ['France', '5.1000', '1', '1', 0.8361],
      ['Germany', '1.0000', '1', '0', 0.1639],
    ]);
    expect(await answer('returns_by_product')).toEqual([['A', 'APPLE', '1', '1.0000', '1', '3', 0.3333]]);
  });

  it('tells for every insight what Athena would read', async () => {
    const scanned = await scannedFrom(shop);
    const bytes = new Map<string, number>();
    for (const insight of insights.values()) bytes.set(insight.name, await scanned(insight));
    expect([...bytes].filter(([, n]) => !(n > 0))).toEqual([]);
    // The same columns by month; the time as well by hour; what products bring is read once more for their names.
    expect(bytes.get('sales_by_month')).toBe(bytes.get('sales_by_day'));
    expect(bytes.get('sales_by_hour')).toBeGreaterThan(bytes.get('sales_by_day')!);
    expect(bytes.get('top_products_by_revenue')).toBeGreaterThan(bytes.get('sales_by_day')!);
  });
});
