import fc from 'fast-check';
import { datasets } from '../../shared/domain/dataset';
import type { CustomerInvoice } from '../../shared/pipeline/ports';

const SALES_HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const CLICKS_HEADER = 'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session';

const SALE = {
  invoice: '1',
  stock: 'A',
  description: 'A thing',
  quantity: '1',
  date: '12/1/2010 8:26',
  price: '2.55',
  customer: '17850',
  country: 'United Kingdom',
};

/** A line of an invoice as CSV; what is not said is good. */
export const sale = (fields: Partial<typeof SALE> = {}): string => Object.values({ ...SALE, ...fields }).join(',');

/** Sales as a body of CSV. */
export const sales = (rows: readonly string[]): string => [SALES_HEADER, ...rows].join('\n');

/** A click as CSV; what is not said is good. */
export const click = ({ second = 0, type = 'view', price = '1.5', user = '541312140' } = {}): string =>
  `2019-10-01 00:00:${String(second).padStart(2, '0')} UTC,${type},1003461,2053013555631882655,,xiaomi,${price},${user},`;

/** Clicks as a body of CSV. */
export const clicks = (rows: readonly string[]): string => [CLICKS_HEADER, ...rows].join('\n');

/** As long as a description may be: some hundred of them fill a chunk, and sixteen the part of an invoice. */
export const longText = (of: string): string => of.padEnd(4000, of);

/** Invoices with their country and moment, of which each line says the same, in two spellings. */
const INVOICES = [
  { invoice: '1', country: 'United Kingdom', spellings: ['12/1/2010 8:26', '2010-12-01 08:26:00'] },
  { invoice: '2', country: 'France', spellings: ['12/1/2010 8:28', '2010-12-01T08:28:00Z'] },
  { invoice: '3', country: 'United Kingdom', spellings: ['1/4/2011 10:00', '2011-01-04 10:00:00'] },
] as const;

const mostly = (usual: string, ...others: string[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** Few invoices, products and quantities, so that bodies share invoices and rows meet often. */
const goodSale: fc.Arbitrary<Partial<typeof SALE>> = fc
  .record({
    of: fc.constantFrom(...INVOICES),
    spelling: fc.constantFrom(0, 1),
    stock: fc.constantFrom('X', 'Y'),
    description: mostly('A thing', '"a ""quoted"", thing"', '"two\nlines"', ''),
    quantity: mostly('1', '2'),
    customer: mostly('17850', '17850.0', '13047', ''),
  })
  .map(({ of: { invoice, country, spellings }, spelling, ...rest }) => ({
    ...rest,
    invoice,
    country,
    date: spellings[spelling]!,
  }));

const flaw: fc.Arbitrary<Partial<typeof SALE>> = fc.constantFrom(
  { invoice: 'C4' },
  { invoice: 'a5' },
  { quantity: '0' },
  { quantity: '-1' },
  { quantity: 'NaN' },
  { quantity: '' },
  { date: '2/31/2011 8:26' },
  { price: '0' },
  { price: '1e999' },
);

const oneSale = fc
  .oneof(
    { weight: 8, arbitrary: goodSale },
    { weight: 2, arbitrary: fc.tuple(goodSale, flaw).map(([good, bad]) => ({ ...good, ...bad })) },
  )
  .map(sale);

/** The rows of a body: four of five are good. */
export const someSales: fc.Arbitrary<string[]> = fc.array(oneSale, { minLength: 1, maxLength: 40, size: 'max' });

/** Bodies that meet on invoices and often on rows. */
export const someBodies = (bounds: { minLength: number; maxLength: number }): fc.Arbitrary<string[][]> =>
  fc.array(someSales, { ...bounds, size: 'max' });

/** Lines of one invoice, long enough that it has several parts. */
export const longSales: fc.Arbitrary<string[]> = fc.array(
  fc.nat(39).map((n) => sale({ stock: `S${n}`, description: longText('x') })),
  { minLength: 12, maxLength: 40, size: 'max' },
);

/** What the stores must hold once the rows went through, in whatever bodies and order: by the contract alone. */
export function byContract(rows: readonly string[]) {
  const dataset = datasets.get('transactions')!;
  const clean = dataset.cleaner(
    'csv',
    dataset.contract.columns.map(({ name }) => name),
  );
  const lines = new Map<string, string>();
  const customers = new Map<string, CustomerInvoice>();
  let rejected = 0;
  for (const verdict of rows.map((row) => clean(row))) {
    if (verdict.kind === 'rejected') {
      rejected++;
      continue;
    }
    const [invoice_no, customer_id] = [String(verdict.row.invoice_no), String(verdict.row.customer_id)];
    lines.set(verdict.line_id, `${invoice_no} ${verdict.line_id}`);
    if (customer_id === 'Unknown') continue;
    customers.set(`${customer_id} ${invoice_no}`, {
      customer_id,
      invoice_no,
      invoice_date: String(verdict.row.invoice_date),
      country: String(verdict.row.country),
    });
  }
  return {
    stores: {
      kept: lines.size,
      landed: [...lines.keys()].sort(),
      lines: [...lines.values()].sort(),
      customers: [...customers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, customer]) => customer),
    },
    rejected,
    duplicates: rows.length - rejected - lines.size,
  };
}
