import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bulkReport, CLAIMED, DUCKDB, type EngineRun, SMALL, SMALL_GZ, SPARK } from '../../cli/bench/bulk-report';
import { csvToParquet } from '../../cli/bench/duckdb';
import { headOf } from '../../cli/bench/input';
import { settled } from '../../cli/bench/processes';
import { isMet, type Report } from '../../cli/bench/report';
import { rowsOf, writeSimulated } from '../../cli/bench/simulated';
import { smallPath } from '../../cli/bench/small-path';
import { findPython } from '../../cli/bench/spark';
import { growthReport } from '../../cli/bench/spark-growth';
import { sql } from '../support/sql';

const HEADER = 'Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n';
const SHOP = `${HEADER}536365,85123A,"HOLDER, WHITE",6,12/1/2010 8:26,2.55,17850.0,United Kingdom
536365,85123A,"HOLDER, WHITE",6,2010-12-01 08:26:00,2.550, 17850 ,United Kingdom
536366,22633,,1,12/1/2010 8:28,1.85,,France
c536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom
A563185,B,Adjust bad debt,1,8/12/2011 14:50,11062.06,,United Kingdom
536589,21777,,-10,12/1/2010 16:50,0.0,,United Kingdom
536590,21777,,10,12/1/2010 16:50,0.0,,United Kingdom
536591,,,10,12/1/2010 16:50,1,,United Kingdom
536592,21777,,ten,12/1/2010 16:50,1,,
`;
const OUTCOMES = {
  kept: 2,
  duplicate: 1,
  rejected: {
    bad_debt: 1,
    cancellation: 1,
    missing: 1,
    non_positive_price: 1,
    non_positive_quantity: 1,
    unparseable: 1,
  },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecomflow-bench-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
function shop(name = 'shop.csv'): string {
  writeFileSync(at(name), name.endsWith('.gz') ? gzipSync(SHOP) : SHOP);
  return at(name);
}

describe('what is measured does its work', () => {
  it('DuckDB comes to the contract’s outcomes, and writes each accepted row once', async () => {
    const file = shop();
    const { counts } = await csvToParquet({ file, columns: headOf(file).columns, target: at('shop.parquet') });
    expect(counts).toEqual(OUTCOMES);
    const written = await sql(`
      select invoice_no, description, quantity, invoice_date::varchar, unit_price::varchar, customer_id, country
      from '${at('shop.parquet')}' order by all`);
    expect(written).toEqual([
      ['536365', 'HOLDER, WHITE', 6, '2010-12-01 08:26:00', '2.5500', '17850', 'United Kingdom'],
      ['536366', '', 1, '2010-12-01 08:28:00', '1.8500', 'Unknown', 'France'],
    ]);
  });

  it('the small path takes a packed file until its ledger balances', async () => {
    const settings = {
      batchSize: 10,
      batchWindowSeconds: 0,
      reportBatchItemFailures: true,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 0,
      maximumRecordAgeInSeconds: -1,
    };
    const cleaned = await smallPath({ directory: at('data'), file: shop('shop.csv.gz'), settings });
    expect(cleaned).toMatchObject({ received: 9, counts: OUTCOMES });
    expect(cleaned.seconds).toBeGreaterThanOrEqual(cleaned.reading);
  });
});

it('tells of a CSV which column each field holds, and how many lines its header takes', () => {
  writeFileSync(at('odd.csv'), `\ufeff"Country","Invoice\nNo",${HEADER.split(',').slice(1, 7).join(',')}\n`);
  expect(headOf(at('odd.csv'))).toEqual({
    columns: [
      'country',
      'invoice_no',
      'stock_code',
      'description',
      'quantity',
      'invoice_date',
      'unit_price',
      'customer_id',
    ],
    lines: 2,
  });
});

it('simulates as many rows as make a file about as large as is asked for', async () => {
  const bytes = await writeSimulated(at('simulated.csv'), rowsOf(2_000_000));
  expect(Math.abs(bytes - 2_000_000)).toBeLessThan(100_000);
});

it('counts a process that is only just forked as its parent, and each other one for itself', () => {
  const java = { pid: 2, parent: 1, command: 'java\0-cp', virtual: 5000, resident: 1500 };
  const python = { pid: 1, parent: 0, command: 'python\0job.py', virtual: 500, resident: 40 };
  const forked = { ...java, pid: 3, parent: 2, resident: 1499 };
  const another = { ...java, pid: 4, parent: 2, virtual: 4000 };
  const sibling = { ...java, pid: 5, parent: 1 };
  expect(settled([python, java, forked, another, sibling])).toEqual([python, java, another, sibling]);
});

describe('the Python for Spark', () => {
  const { ECOMFLOW_PYTHON, PEERS_HOME } = process.env;
  afterEach(() => {
    for (const [name, value] of Object.entries({ ECOMFLOW_PYTHON, PEERS_HOME })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  /** A Python that has pyspark, as far as anybody asks. */
  function python(...path: string[]): string {
    mkdirSync(join(...path.slice(0, -1)), { recursive: true });
    writeFileSync(join(...path), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    return join(...path);
  }

  it('is the one that is named', () => {
    process.env.ECOMFLOW_PYTHON = python(folder, 'named');
    expect(findPython(folder)).toBe(at('named'));
  });

  it('is none when the one that is named has no pyspark', () => {
    process.env.ECOMFLOW_PYTHON = at('not there');
    expect(findPython(folder)).toBeUndefined();
  });

  it('is else the one that the peers have installed last, and to the end', () => {
    delete process.env.ECOMFLOW_PYTHON;
    delete process.env.PEERS_HOME;
    const peers = at('.peers/python');
    const pythons = ['old', 'new', 'broken'].map((name) => python(peers, `spark-${name}`, 'bin', 'python'));
    for (const [name, minute] of Object.entries({ new: 2, old: 1 })) {
      const mark = join(peers, `spark-${name}`, '.installed');
      writeFileSync(mark, '');
      utimesSync(mark, minute * 60, minute * 60);
    }
    expect(findPython(folder)).toBe(pythons[1]);
  });
});

describe('the report on bulk files', () => {
  const run = (seconds: number, more: Partial<EngineRun> = {}): EngineRun => ({
    seconds,
    wholeSeconds: seconds + 1,
    peakBytes: 100e6,
    counts: { kept: 7, duplicate: 2, rejected: { missing: 1 } },
    ...more,
  });
  const sized = (megabytes: number, peak: number | undefined) => ({
    bytes: megabytes * 1e6,
    rows: megabytes * 10_000,
    seconds: megabytes / 5,
    peakBytes: peak,
  });
  const limit = (report: Report, what: RegExp) => report.limits.find((each) => what.test(each.what))!;

  it('holds the small path against DuckDB and Spark, round by round', () => {
    const rounds = [
      { [DUCKDB]: run(1), [SMALL]: run(9), [SMALL_GZ]: run(10), [SPARK]: run(29), [CLAIMED]: run(35) },
      { [DUCKDB]: run(2), [SMALL]: run(22), [SMALL_GZ]: run(21), [SPARK]: run(45), [CLAIMED]: run(50) },
      { [DUCKDB]: run(1), [SMALL]: run(14), [SMALL_GZ]: run(11), [SPARK]: run(29), [CLAIMED]: run(36) },
    ];
    const report = bulkReport(10, rounds, [sized(50, 200e6), sized(1000, 250e6)]);
    expect(limit(report, /DuckDB/)).toMatchObject({ measured: 11, bound: 'at most', limit: 12 });
    expect(limit(report, /Spark/)).toMatchObject({ measured: 0.5, bound: 'at most', limit: 1 });
    expect(limit(report, /for 1,000 MB to that for 50 MB/)).toMatchObject({ measured: 1.25, limit: 1.25 });
    expect(report.limits.every(isMet)).toBe(true);
    expect(report.tables[0]!.rows.map(([name, seconds]) => [name, seconds])).toEqual([
      ['DuckDB, CSV to Parquet, one thread', '1.0'],
      ['small path', '14.0'],
      ['small path, from .csv.gz', '11.0'],
      ['Spark local[2]', '29.0'],
      ['Spark local[2], then the claim', '36.0'],
    ]);
  });

  it('misses its aim when an engine counts a row otherwise, in one round of many', () => {
    const other = { counts: { kept: 8, duplicate: 1, rejected: { missing: 1 } } };
    const more = { counts: { kept: 9, duplicate: 2, rejected: { missing: 1, cancellation: 1 } } };
    const counted = (duckdb: Partial<EngineRun>) =>
      limit(
        bulkReport(
          10,
          [
            { [DUCKDB]: run(1), [SMALL]: run(2), [SMALL_GZ]: run(2) },
            { [DUCKDB]: run(1, duckdb), [SMALL]: run(2), [SMALL_GZ]: run(2) },
          ],
          [],
        ),
        /counts otherwise/,
      );
    expect(counted({}).measured).toBe(0);
    expect(counted(other).measured).toBe(1);
    expect(counted(more).measured).toBe(3);
  });

  it('says what is left out where there is no Spark, and where memory cannot be read', () => {
    const blind = { peakBytes: undefined };
    const round = { [DUCKDB]: run(1, blind), [SMALL]: run(2, blind), [SMALL_GZ]: run(2, blind) };
    const report = bulkReport(10, [round], [sized(50, undefined), sized(1000, undefined)]);
    expect(report.limits).toHaveLength(2);
    expect(report.notes[0]).toContain('pip install pyspark==3.5.6');
    expect(report.tables.flatMap(({ rows }) => rows.map((row) => row.at(-1)))).toEqual(Array(5).fill('not measured'));
  });
});

it('tells how Spark’s time grows with its rows, with its start and without', () => {
  const run = (rows: number, seconds: number) => ({
    rows,
    bytes: rows * 100,
    seconds,
    peak: { bytes: 1e9, shares: [] },
  });
  const report = growthReport('Spark', run(1000, 10), [run(1e6, 30), run(5e6, 60), run(20e6, 300)]);
  expect(report.limits).toEqual([
    {
      what: 'seconds per row for 20,000,000 rows to those for 1,000,000',
      measured: 0.5,
      unit: '×',
      bound: 'at most',
      limit: 1,
    },
  ]);
  expect(report.tables[0]!.rows.map((row) => row.slice(2, 5))).toEqual([
    ['30.0', '30.0', '20.0'],
    ['60.0', '12.0', '10.0'],
    ['300.0', '15.0', '14.5'],
  ]);
});
