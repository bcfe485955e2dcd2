import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Contract } from '../../shared/domain/contract';
import { compile, type Dataset, datasets } from '../../shared/domain/dataset';
import type { KeptRow } from '../../shared/domain/outcome';
import { toParquet } from '../../shared/domain/parquet';
import {
  type Identity,
  type LandedRow,
  NotLanded,
  type Readable,
  readIdentities,
  readLanded,
} from '../../shared/domain/parquet-reader';
import { edges } from '../peers/conversion/edges';

const transactions = datasets.get('transactions')!;
const LANDED = join(__dirname, '../fixtures/landed');

const folder = mkdtempSync(join(tmpdir(), 'ecomflow-landed-'));
let duckdb: DuckDBInstance;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create();
});
afterAll(() => {
  duckdb.closeSync();
  rmSync(folder, { recursive: true });
});

/** What DuckDB writes of a query. */
async function written(select: string, options = ''): Promise<ArrayBuffer> {
  const file = join(folder, 'landed.parquet');
  const connection = await duckdb.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`COPY (${select}) TO '${file}' (FORMAT parquet ${options})`);
  connection.closeSync();
  return bytesOf(readFileSync(file));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;

async function blocks(file: Readable, dataset: Dataset): Promise<LandedRow[][]> {
  const found: LandedRow[][] = [];
  for await (const block of readLanded(file, dataset)) found.push(block);
  return found;
}
const rowsOf = async (file: Readable, dataset = transactions) => (await blocks(file, dataset)).flat();

/** A contract of the columns given, all of them its identity. */
const contractOf = (columns: Contract['columns'], event_time = 'at'): Dataset =>
  compile({
    name: 'things',
    version: 1,
    grain: 'a thing',
    event_time,
    reject: [],
    identity: columns.filter(({ nullable }) => !nullable).map(({ name }) => name),
    columns,
  });
const column = (name: string, type: string, nullable = false) => ({ name, type, nullable, from: [], description: '' });
const AT = { ...column('at', 'timestamp'), formats: ['ISO 8601'] as const };
const IDS = "'l' AS line_id, 'b' AS batch_id";
const TIME = "TIMESTAMPTZ '2026-03-01 12:00:00+00' AS at";

describe('a landed file', () => {
  // spark: Spark 3.5.6, times as TIMESTAMP_MICROS. hive: records of landing read by OpenX's SerDe and written by Hive's.
  test.each(['spark', 'hive'])('by %s has the values that clean had', async (writer) => {
    for (const name of ['transactions', 'events']) {
      const dataset = datasets.get(name)!;
      const file = bytesOf(readFileSync(join(LANDED, `${name}.${writer}.parquet`)));
      const expected = edges(dataset.contract).map(({ kept }) => ({ ...kept, batch_id: 'edges' }));
      expect(await rowsOf(file, dataset)).toEqual(expected);
    }
  });

  test('by ourselves has the values that clean had', async () => {
    for (const dataset of datasets.values()) {
      const kept = edges(dataset.contract).map((edge) => edge.kept);
      const expected = kept.map((row) => ({ ...row, batch_id: 'b' }));
      expect(await rowsOf(bytesOf(toParquet(dataset, 'b', kept)), dataset)).toEqual(expected);
    }
  });

  test("has its columns in the contract's order, whatever the file's is", async () => {
    const things = contractOf([AT, column('n', 'int')]);
    const [row] = await rowsOf(await written(`SELECT ${IDS}, 7 AS n, ${TIME}`), things);
    expect(JSON.stringify(row)).toBe('{"line_id":"l","row":{"at":"2026-03-01T12:00:00Z","n":7},"batch_id":"b"}');
  });

  test.each([
    ['decimal(4,2)', '-99.99', '-99.99'], // 16 bits
    ['decimal(9,4)', '12345.6700', '12345.67'], // 32 bits
    ['decimal(18,4)', '-99999999999999.9999', '-99999999999999.9999'], // 64 bits
    ['decimal(38,10)', '-1234567890123456789012345678.0123456789', '-1234567890123456789012345678.0123456789'], // 16 bytes
    ['decimal(38,10)', '0.0000000001', '0.0000000001'],
  ])('has a %s of %s to the last digit', async (type, literal, expected) => {
    const things = contractOf([AT, column('price', type)]);
    const [landed] = await rowsOf(await written(`SELECT ${TIME}, '${literal}'::${type} AS price, ${IDS}`), things);
    expect(landed!.row.price).toBe(expected);
  });

  test("has decimals of a smaller scale than the contract's, which none loses", async () => {
    const things = contractOf([AT, column('price', 'decimal(12,4)'), column('pieces', 'decimal(12,4)')]);
    const select = `SELECT ${TIME}, 2.50::DECIMAL(12,2) AS price, 12::DECIMAL(12,0) AS pieces, ${IDS}`;
    const [landed] = await rowsOf(await written(select), things);
    expect(landed!.row).toMatchObject({ price: '2.5', pieces: '12' });
  });

  test('without a column that came later has null there', async () => {
    const before = contractOf([AT]);
    const after = contractOf([AT, column('discount', 'decimal(5,2)', true)]);
    const file = bytesOf(toParquet(before, 'b', [{ line_id: 'l', row: { at: '2026-03-01T12:00:00Z' } }]));
    expect(await rowsOf(file, after)).toEqual([
      { line_id: 'l', row: { at: '2026-03-01T12:00:00Z', discount: null }, batch_id: 'b' },
    ]);
  });

  test('comes in arrays that never hold a large row group whole', async () => {
    const things = contractOf([AT, column('n', 'int')]);
    const select = `SELECT ${TIME}, i::INT AS n, 'l' || i AS line_id, 'b' AS batch_id FROM range(30000) r(i)`;
    const found = await blocks(await written(select, ', ROW_GROUP_SIZE 25000'), things);
    expect(Math.max(...found.map((block) => block.length))).toBe(10_000);
    expect(found.flat().map(({ row }) => row.n)).toEqual(Array.from({ length: 30_000 }, (_, i) => i));
    expect(found.flat().at(-1)!.line_id).toBe('l29999');
  });

  test('of many megabytes is read column by column, a small one in one piece', async () => {
    const things = contractOf([AT, column('n', 'int')]);
    const noise = 'md5(i::VARCHAR) || md5((i + 1)::VARCHAR) || md5((i * 7)::VARCHAR) AS line_id';
    const select = (rows: number) => `SELECT ${TIME}, i::INT AS n, ${noise}, 'b' AS batch_id FROM range(${rows}) r(i)`;
    const requests = async (file: ArrayBuffer) => {
      const asked: number[] = [];
      const slice = async (start: number, end = file.byteLength) => {
        asked.push(end - start);
        return file.slice(start, end);
      };
      const rows = await rowsOf({ byteLength: file.byteLength, slice }, things);
      return { rows: rows.length, asked };
    };
    const small = await written(select(100));
    expect(await requests(small)).toEqual({ rows: 100, asked: [small.byteLength] });
    const large = await written(select(120_000), ', ROW_GROUP_SIZE 60000');
    const { rows, asked } = await requests(large);
    expect([rows, asked.length]).toEqual([120_000, 1 + 2 * 4]); // the footer, four columns of two row groups
    expect(Math.max(...asked)).toBeLessThan(large.byteLength / 1.9);
  });

  test('without rows has none', async () => {
    expect(await rowsOf(bytesOf(toParquet(transactions, 'b', [])))).toEqual([]);
  });
});

describe('identities alone', () => {
  async function identities(file: Readable): Promise<Identity[]> {
    const found: Identity[] = [];
    for await (const block of readIdentities(file)) {
      expect(block.length).toBeLessThanOrEqual(10_000);
      found.push(...block);
    }
    return found;
  }

  test.each(['spark', 'hive'])('of a file by %s are those of its rows', async (writer) => {
    const dataset = datasets.get('events')!;
    const file = bytesOf(readFileSync(join(LANDED, `events.${writer}.parquet`)));
    const expected = edges(dataset.contract).map(({ kept }) => ({ line_id: kept.line_id, batch_id: 'edges' }));
    expect(await identities(file)).toEqual(expected);
  });

  test('are read of a large file without its other columns, which may be of any contract', async () => {
    const noise = (n: number) => `md5((i * ${n})::VARCHAR) || md5((i * ${n + 1})::VARCHAR)`;
    const select = `SELECT md5(i::VARCHAR) AS line_id, 'b' || i % 2 AS batch_id, ${noise(2)} AS a, ${noise(4)} AS b FROM range(80000) r(i)`;
    const file = await written(select, ', ROW_GROUP_SIZE 40960');
    let bytes = 0;
    const slice = async (start: number, end = file.byteLength) => {
      bytes += end - start;
      return file.slice(start, end);
    };
    const found = await identities({ byteLength: file.byteLength, slice });
    expect([found.length, found[0], found.at(-1)!.batch_id]).toEqual([
      80_000,
      { line_id: 'cfcd208495d565ef66e7dff9f98764da', batch_id: 'b0' }, // MD5 of "0" (RFC 1321)
      'b1',
    ]);
    expect(bytes).toBeLessThan(file.byteLength / 2);
  });

  test.each([
    ['a column that is not there', "'l' AS line_id", 'line_id or batch_id is missing'],
    ['a number for a text', "1 AS line_id, 'b' AS batch_id", 'line_id is stored as INT32'],
  ])('are not read of a file with %s', async (_, columns, message) => {
    await expect(identities(await written(`SELECT ${columns}`))).rejects.toThrow(message);
  });
});

describe('a file that no writer of landing makes is refused, for', () => {
  const things = contractOf([AT, column('n', 'int'), column('price', 'decimal(12,4)')]);
  const N = '1::INT AS n';
  const PRICE = '1::DECIMAL(12,4) AS price';
  test.each([
    [
      'a column of a newer contract',
      `${TIME}, ${N}, ${PRICE}, 1 AS discount, ${IDS}`,
      'the contract has no column discount',
    ],
    ['a column that is not there', `${TIME}, ${N}, ${IDS}`, 'the column price is missing'],
    ['a null where none may be', `${TIME}, NULL::INT AS n, ${PRICE}, ${IDS}`, 'n is null'],
    [
      'a binary float',
      `${TIME}, ${N}, 1.5::DOUBLE AS price, ${IDS}`,
      'price is stored as DOUBLE , which is no decimal',
    ],
    ['a finer decimal', `${TIME}, ${N}, 1::DECIMAL(12,5) AS price, ${IDS}`, 'price is stored as INT64 DECIMAL'],
    ['a wider int', `${TIME}, 1::BIGINT AS n, ${PRICE}, ${IDS}`, 'n is stored as INT64 INT_64, which is no int'],
    [
      'a time without a zone',
      `TIMESTAMP '2026-03-01' AS at, ${N}, ${PRICE}, ${IDS}`,
      'at is stored as INT64 TIMESTAMP',
    ],
    ['a day', `DATE '2026-03-01' AS at, ${N}, ${PRICE}, ${IDS}`, 'at is stored as INT32 DATE, which is no timestamp'],
    ['a number for a text', `${TIME}, ${N}, ${PRICE}, 1 AS line_id, 'b' AS batch_id`, 'line_id is stored as INT32'],
  ])('%s', async (_, columns, message) => {
    const reading = rowsOf(await written(`SELECT ${columns}`), things);
    await expect(reading).rejects.toThrow(NotLanded);
    await expect(reading).rejects.toThrow(message);
  });

  test('being no Parquet, or half of one', async () => {
    const [edge] = edges(transactions.contract);
    const whole = bytesOf(toParquet(transactions, 'b', [edge!.kept as KeptRow]));
    for (const bytes of [new ArrayBuffer(0), bytesOf(Buffer.from('a,b,c\n1,2,3\n')), whole.slice(0, 300)])
      await expect(rowsOf(bytes)).rejects.toThrow();
  });
});
