import { DuckDBInstance } from '@duckdb/node-api';
import { addCounts, type Counts } from '../../shared/domain/outcome';

export interface CsvToParquet {
  readonly file: string;
  /** The contract column that each field of the CSV holds, in its order. */
  readonly columns: readonly string[];
  /** The Parquet file to write. */
  readonly target: string;
}

/** Rows with their columns typed and judged as the contract `transactions` has it, in SQL. */
const judged = ({ file, columns }: CsvToParquet) => `
  with texts as (
    select ${columns.map((column) => `nullif(trim(${column}), '') as ${column}`).join(', ')}
    from read_csv(${text(file)}, names = [${columns.map(text).join(', ')}], header = true, all_varchar = true,
      delim = ',', quote = '"', escape = '"')
  ), typed as (
    select invoice_no, stock_code, coalesce(description, '') as description, try_cast(quantity as integer) as quantity,
      coalesce(try_strptime(invoice_date, '%-m/%-d/%Y %-H:%M'), try_strptime(invoice_date, '%Y-%m-%d %H:%M:%S')) as invoice_date,
      try_cast(unit_price as decimal(12, 4)) as unit_price,
      regexp_replace(coalesce(customer_id, 'Unknown'), '^([0-9]+)[.]0+$', '\\1') as customer_id, country,
      quantity as quantity_text, invoice_date as invoice_date_text, unit_price as unit_price_text
    from texts
  )
  select * exclude (quantity_text, invoice_date_text, unit_price_text), case
    when invoice_no is null or stock_code is null or quantity_text is null then 'missing'
    when quantity is null then 'unparseable'
    when invoice_date_text is null then 'missing'
    when invoice_date is null then 'unparseable'
    when unit_price_text is null then 'missing'
    when unit_price is null then 'unparseable'
    when country is null then 'missing'
    when upper(left(invoice_no, 1)) = 'C' then 'cancellation'
    when upper(left(invoice_no, 1)) = 'A' then 'bad_debt'
    when quantity <= 0 then 'non_positive_quantity'
    when unit_price <= 0 then 'non_positive_price'
  end as reason
  from typed`;

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;

/**
 * DuckDB on one thread: reads the CSV, types and judges its rows, and writes the accepted ones, each once, as Parquet.
 * No line_id, no refused rows with their text, no invoices, no ledger: the limit that there is to measure against.
 */
export async function csvToParquet(job: CsvToParquet): Promise<{ seconds: number; counts: Counts }> {
  const started = performance.now();
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const accepted = `select distinct * exclude (reason) from (${judged(job)}) where reason is null`;
    const written = await connection.run(
      `copy (${accepted}) to ${text(job.target)} (format parquet, compression snappy)`,
    );
    const kept = written.rowsChanged;
    const seconds = (performance.now() - started) / 1000;
    // For comparison, past the clock: it takes another walk over the file.
    const rows = await connection.runAndReadAll(`select reason, count(*)::integer from (${judged(job)}) group by 1`);
    return { seconds, counts: countsOf(kept, rows.getRows() as [string | null, number][]) };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function countsOf(kept: number, reasons: readonly (readonly [string | null, number])[]): Counts {
  const accepted = reasons.find(([reason]) => reason === null)?.[1] ?? 0;
  const rejected = Object.fromEntries(reasons.filter(([reason]) => reason !== null));
  return addCounts([{ kept, duplicate: accepted - kept, rejected }]);
}
