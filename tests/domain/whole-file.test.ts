import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { simulate } from '../../cli/simulator/index';
import { readHeader } from '../../shared/domain/body';
import { cleanRows } from '../../shared/domain/clean';
import { cut } from '../../shared/domain/cutting';
import { datasets } from '../../shared/domain/dataset';
import { pack, seal, unpack } from '../../shared/domain/packing';

const data = resolve(process.env.ECOMFLOW_DATA ?? join(__dirname, '../../../shared/data'), 'online-retail.csv.gz');
const real = existsSync(data);
const folder = mkdtempSync(join(tmpdir(), 'ecomflow-whole-'));
afterAll(() => rmSync(folder, { recursive: true }));

function csvText(): string {
  if (real) return gunzipSync(readFileSync(data)).toString('utf8');
  console.info(`${data} is absent: simulated rows stand in for the real file. ECOMFLOW_DATA names its folder.`);
  return [...simulate({ dataset: 'transactions', rows: 100_000, seed: 'whole' })].join('');
}

type Counts = Record<string, number>;

function byUs(text: string): Counts {
  const dataset = datasets.get('transactions')!;
  const { header, columns } = readHeader(text, dataset);
  const rows = text.slice(header.end);
  const ids = new Set<string>();
  const counts: Counts = { kept: 0, duplicate: 0 };
  const add = (outcome: string, n: number) => {
    counts[outcome] = (counts[outcome] ?? 0) + n;
  };
  const slices = cut(rows, dataset, { format: 'csv', columns, firstLine: header.nextLine });
  for (const [i, { start, end, first_line, rows: n }] of slices.entries()) {
    const head = {
      dataset: dataset.name,
      contract_version: 1,
      batch_id: 'b'.repeat(32),
      number: i + 1,
      received_at: '2026-01-01T00:00:00.000Z',
      format: 'csv' as const,
      first_line,
      rows: n,
      columns,
    };
    const { accepted, repeated, rejected } = cleanRows(unpack(pack(head, seal(rows.slice(start, end))).data), dataset);
    expect(accepted.length + repeated + rejected.length).toBe(n);
    add('duplicate', repeated);
    for (const { reason } of rejected) add(reason, 1);
    for (const { line_id } of accepted) {
      add(ids.has(line_id) ? 'duplicate' : 'kept', 1);
      ids.add(line_id);
    }
  }
  return counts;
}

/** The contract's rules once more, in SQL, for a file whose values are all readable. */
const RULES = `
  WITH texts AS (
    SELECT trim(InvoiceNo) AS no, trim(StockCode) AS code, coalesce(trim(Description), '') AS descr,
      TRY_CAST(Quantity AS INTEGER) AS quantity, try_strptime(InvoiceDate, '%m/%d/%Y %H:%M') AS moment,
      TRY_CAST(UnitPrice AS DECIMAL(12, 4)) AS price, trim(Country) AS country,
      regexp_replace(coalesce(nullif(trim(CustomerID), ''), 'Unknown'), '^(\\d+)\\.0+$', '\\1') AS customer
    FROM read_csv($1, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
  ), judged AS (
    SELECT *, CASE
      WHEN coalesce(no, '') = '' OR coalesce(code, '') = '' OR coalesce(country, '') = '' THEN 'missing'
      WHEN quantity IS NULL OR moment IS NULL OR price IS NULL THEN 'unreadable'
      WHEN upper(no) LIKE 'C%' THEN 'cancellation'
      WHEN upper(no) LIKE 'A%' THEN 'bad_debt'
      WHEN quantity <= 0 THEN 'non_positive_quantity'
      WHEN price <= 0 THEN 'non_positive_price'
      ELSE 'accepted' END AS reason
    FROM texts
  ), counted AS (
    SELECT reason, count(*) AS n, count(DISTINCT (no, code, descr, quantity, moment, price, customer, country)) AS d
    FROM judged GROUP BY reason
  )
  SELECT reason, n::INTEGER FROM counted WHERE reason <> 'accepted'
  UNION ALL SELECT 'kept', d::INTEGER FROM counted WHERE reason = 'accepted'
  UNION ALL SELECT 'duplicate', (n - d)::INTEGER FROM counted WHERE reason = 'accepted'`;

async function byDuckDb(text: string): Promise<Counts> {
  const file = join(folder, 'rows.csv');
  writeFileSync(file, text);
  const duckdb = await DuckDBInstance.create();
  const connection = await duckdb.connect();
  const reader = await connection.runAndReadAll(RULES, [file]);
  connection.closeSync();
  duckdb.closeSync();
  return Object.fromEntries(reader.getRows().map(([reason, n]) => [String(reason), Number(n)]));
}

test('a whole file has the outcomes that a query over it gives', async () => {
  const text = csvText();
  const counts = byUs(text);
  expect(counts).toEqual(await byDuckDb(text));
  if (real) {
    expect(counts).toEqual({
      kept: 524_877,
      duplicate: 5_226,
      cancellation: 9_288,
      bad_debt: 3,
      non_positive_quantity: 1_336,
      non_positive_price: 1_179,
    });
  }
}, 60_000);
