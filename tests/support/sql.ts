import { DuckDBInstance } from '@duckdb/node-api';

/** The counts by SQL over the CSV itself: an engine and rules that share nothing with ours but the design. */
export async function countBySql(csv: string) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const price = `try_cast(UnitPrice as decimal(12,4))`;
  const result = await connection.runAndReadAll(`
    with typed as (
      select *, try_cast(Quantity as integer) as q, ${price} as p,
        coalesce(try_strptime(trim(InvoiceDate), '%-m/%-d/%Y %-H:%M'), try_strptime(trim(InvoiceDate), '%Y-%m-%d %H:%M:%S')) as t
      from read_csv('${csv}', all_varchar = true, header = true, quote = '"', escape = '"')
    ), judged as (
      select *, case
        when upper(InvoiceNo) like 'C%' then 'cancellation'
        when upper(InvoiceNo) like 'A%' then 'bad_debt'
        when q <= 0 then 'non_positive_quantity'
        when p <= 0 then 'non_positive_price'
        else 'accepted' end as outcome
      from typed
    )
    select outcome, count(*)::integer as n,
      count(distinct (trim(InvoiceNo), trim(StockCode), coalesce(trim(Description), ''), q, t, p, coalesce(trim(CustomerID), 'Unknown'), trim(Country)))::integer as different
    from judged group by outcome`);
  const counts = result.getRowObjects() as unknown as { outcome: string; n: number; different: number }[];
  connection.closeSync();
  instance.closeSync();
  const accepted = counts.find(({ outcome }) => outcome === 'accepted')!;
  return {
    received: counts.reduce((sum, { n }) => sum + n, 0),
    kept: accepted.different,
    duplicate: accepted.n - accepted.different,
    rejected: Object.fromEntries(
      counts.filter(({ outcome }) => outcome !== 'accepted').map(({ outcome, n }) => [outcome, n]),
    ),
  };
}

/** The accepted rows of a CSV of transactions, each once, typed: a FROM clause that shares nothing with our code. */
export const acceptedIn = (csv: string) => `(
    select distinct trim(InvoiceNo) as InvoiceNo, trim(StockCode) as StockCode, coalesce(trim(Description), '') as Description,
      Quantity::integer as quantity, UnitPrice::decimal(12,4) as unit_price, trim(CustomerID) as CustomerID, trim(Country) as Country,
      coalesce(try_strptime(InvoiceDate, '%-m/%-d/%Y %-H:%M'), try_strptime(InvoiceDate, '%Y-%m-%d %H:%M:%S')) as invoice_date
    from read_csv('${csv}', all_varchar = true, header = true, quote = '"', escape = '"')
    where not regexp_matches(InvoiceNo, '^[CcAa]') and Quantity::integer > 0 and UnitPrice::decimal(12,4) > 0)`;

/** The rows of a query's answer. */
export async function sql(query: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(query)).getRows();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
