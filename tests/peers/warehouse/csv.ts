import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/*
 * What the contract of transactions says, said again in SQL over the CSV itself, with nothing of ours in between.
 */
const KEPT = `
  create table kept as
  with raw as (
    select trim(InvoiceNo) invoice_no, trim(StockCode) stock_code, nullif(trim(Description), '') description,
      try_cast(trim(Quantity) as integer) quantity, strptime(trim(InvoiceDate), '%m/%d/%Y %H:%M') invoice_date,
      cast(trim(UnitPrice) as decimal(12, 4)) unit_price,
      coalesce(nullif(regexp_replace(trim(CustomerID), '[.]0+$', ''), ''), 'Unknown') customer_id, trim(Country) country
    from read_csv('FILE', header = true, all_varchar = true)
  )
  select distinct * from raw
  where upper(invoice_no[1]) not in ('C', 'A') and quantity > 0 and unit_price > 0`;

/** Rows of a CSV file that are kept, as a table \`kept\` of DuckDB's. */
export async function keptOf(csv: string, scratch: string): Promise<DuckDBConnection> {
  const file = join(scratch, 'rows.csv');
  writeFileSync(file, csv);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(KEPT.replace('FILE', file));
  return connection;
}

const SOLD = `sum(quantity * unit_price)::decimal(38,4)::varchar, sum(quantity)::varchar, count(*)::varchar, count(distinct invoice_no)::varchar`;
const CUSTOMERS = `count(distinct nullif(customer_id, 'Unknown'))::varchar`;

/** The views by what they should say, every value as text. */
export const EXPECTED: Readonly<Record<string, { readonly columns: string; readonly from: string }>> = {
  revenue_by_day: {
    columns: 'day::text, revenue::text, pieces::text, lines::text, orders::text, customers::text',
    from: `select strftime(invoice_date, '%Y-%m-%d'), ${SOLD}, ${CUSTOMERS} from kept group by 1`,
  },
  revenue_by_country: {
    columns: 'country, revenue::text, pieces::text, lines::text, orders::text, customers::text',
    from: `select country, ${SOLD}, ${CUSTOMERS} from kept group by 1`,
  },
  revenue_by_product: {
    columns: 'stock_code, description, revenue::text, pieces::text, lines::text, orders::text, customers::text',
    from: `select stock_code, min(description), ${SOLD}, ${CUSTOMERS} from kept group by 1`,
  },
  orders_by_hour: {
    columns: 'day::text, hour::text, revenue::text, pieces::text, lines::text, orders::text',
    from: `select strftime(invoice_date, '%Y-%m-%d'), hour(invoice_date)::varchar, ${SOLD} from kept group by 1, 2`,
  },
};
