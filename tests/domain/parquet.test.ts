import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { compile, datasets } from '../../shared/domain/dataset';
import type { KeptRow, Row } from '../../shared/domain/outcome';
import { toParquet } from '../../shared/domain/parquet';

const transactions = datasets.get('transactions')!;
const events = datasets.get('events')!;

const folder = mkdtempSync(join(tmpdir(), 'ecomflow-parquet-'));
let duckdb: DuckDBInstance;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create();
});
afterAll(() => {
  duckdb.closeSync();
  rmSync(folder, { recursive: true });
});

/** What DuckDB reads back, every value as text. */
async function readBack(bytes: Uint8Array, select: string): Promise<unknown[]> {
  const file = join(folder, 'chunk.parquet');
  writeFileSync(file, bytes);
  const connection = await duckdb.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const reader = await connection.runAndReadAll(select.replace('FILE', `'${file}'`));
  connection.closeSync();
  return reader.getRowObjectsJson();
}

const line: Row = {
  invoice_no: '536365',
  stock_code: '85123A',
  description: 'WHITE HANGING HEART T-LIGHT HOLDER',
  quantity: 6,
  invoice_date: '2010-12-01T08:26:00Z',
  unit_price: '2.55',
  customer_id: '17850',
  country: 'United Kingdom',
};
const kept = (changes: Partial<Row>, base: Row = line): KeptRow => ({
  line_id: 'a'.repeat(32),
  row: { ...base, ...changes } as Row,
});

describe('a chunk as Parquet', () => {
  test('has the columns of the contract in order, then line_id and batch_id, with exact types', async () => {
    const types = await readBack(
      toParquet(transactions, 'b'.repeat(32), [kept({})]),
      'SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM FILE)',
    );
    expect(types.map((column) => Object.values(column as object))).toEqual([
      ['invoice_no', 'VARCHAR'],
      ['stock_code', 'VARCHAR'],
      ['description', 'VARCHAR'],
      ['quantity', 'INTEGER'],
      ['invoice_date', 'TIMESTAMP WITH TIME ZONE'],
      ['unit_price', 'DECIMAL(12,4)'],
      ['customer_id', 'VARCHAR'],
      ['country', 'VARCHAR'],
      ['line_id', 'VARCHAR'],
      ['batch_id', 'VARCHAR'],
    ]);
  });

  test('keeps prices to the last of twelve digits, also below one and below zero', async () => {
    const prices = ['2.55', '0.0001', '99999999.9999', '-0.0001', '-12.5', '0', '100'];
    const rows = prices.map((unit_price) => kept({ unit_price }));
    expect(await readBack(toParquet(transactions, 'b', rows), 'SELECT unit_price::VARCHAR AS p FROM FILE')).toEqual(
      ['2.5500', '0.0001', '99999999.9999', '-0.0001', '-12.5000', '0.0000', '100.0000'].map((p) => ({ p })),
    );
  });

  test('keeps times to the microsecond, also before 1970', async () => {
    const times = [
      '2010-12-01T08:26:00Z',
      '1900-01-01T00:00:00.000001Z',
      '1969-12-31T23:59:59.5Z',
      '9999-12-31T23:59:59.999999Z',
    ];
    const rows = times.map((invoice_date) => kept({ invoice_date }));
    const select = "SELECT strftime(invoice_date AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%f') AS t FROM FILE";
    expect(await readBack(toParquet(transactions, 'b', rows), select)).toEqual([
      { t: '2010-12-01 08:26:00.000000' },
      { t: '1900-01-01 00:00:00.000001' },
      { t: '1969-12-31 23:59:59.500000' },
      { t: '9999-12-31 23:59:59.999999' },
    ]);
  });

  test('keeps nulls apart from empty text, and text beyond ASCII', async () => {
    const descriptions = [null, '', 'Käse, "alt" 🧀', null, 'x'.repeat(4000)];
    const rows = descriptions.map((description) => kept({ description }));
    expect(await readBack(toParquet(transactions, 'b', rows), 'SELECT description AS d FROM FILE')).toEqual(
      descriptions.map((d) => ({ d })),
    );
  });

  test('is one row group that statistics can prune', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => kept({ quantity: i - 5, unit_price: `${i}.5` }));
    const select = `SELECT DISTINCT row_group_num_rows, stats_min_value AS min, stats_max_value AS max
      FROM parquet_metadata(FILE) WHERE path_in_schema = 'unit_price'`;
    expect(await readBack(toParquet(transactions, 'b', rows), select)).toEqual([
      { row_group_num_rows: '3000', min: '0.5000', max: '2999.5000' },
    ]);
  });

  test('of events has their columns and nulls', async () => {
    const row: Row = {
      event_time: '2019-10-01T00:00:00.25Z',
      event_type: 'view',
      product_id: '5773203',
      category_id: '1487580005134238553',
      category_code: null,
      brand: 'runail',
      price: '2.62',
      user_id: '463240011',
      user_session: null,
    };
    const [read] = await readBack(toParquet(events, 'b', [kept({}, row)]), 'SELECT * FROM FILE');
    expect(read).toEqual({
      ...row,
      event_time: '2019-10-01 00:00:00.25+00',
      price: '2.6200',
      line_id: 'a'.repeat(32),
      batch_id: 'b',
    });
  });

  test('takes a column that came after the first version, absent in old rows', async () => {
    const { contract } = transactions;
    const grown = compile({
      ...contract,
      version: 2,
      columns: [
        ...contract.columns,
        { name: 'discount', type: 'decimal(5,2)', from: [], nullable: true, description: '' },
      ],
    });
    const rows = [kept({}), kept({ discount: '0.15' })];
    expect(await readBack(toParquet(grown, 'b', rows), 'SELECT discount::VARCHAR AS d FROM FILE')).toEqual([
      { d: null },
      { d: '0.15' },
    ]);
  });

  test('without rows is a file with columns and no rows', async () => {
    expect(
      await readBack(toParquet(transactions, 'b', []), 'SELECT count(*) AS n, count(country) AS c FROM FILE'),
    ).toEqual([{ n: '0', c: '0' }]);
  });
});
