import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { inTurn } from '../../../shared/adapters/local/duckdb';
import { duckdbEngine } from '../../../shared/adapters/local/engine';
import { duckdbWarehouse } from '../../../shared/adapters/local/warehouse';
import { insights, statementOf } from '../../../shared/domain/insight';
import { TooMuch, Unavailable } from '../../../shared/pipeline/ports';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ecomflow-engine-[it's]-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => join(directory, 'warehouse.duckdb');
const ALWAYS = { first_day: '2000-01-01', last_day: '2099-12-31' };

/** A warehouse with one line of 2 pieces at 2.55, sold on 2010-12-01. */
async function fill() {
  await duckdbWarehouse(directory).use(async () => undefined);
  const instance = await DuckDBInstance.create(file());
  const connection = await instance.connect();
  await connection.run(`insert into ecomflow.transactions by name select uuid() as line_id, 'b' as batch_id, '536365' as invoice_no,
    '85123A' as stock_code, 2 as quantity, timestamptz '2010-12-01 08:26:00Z' as invoice_date, 2.55 as unit_price,
    'Unknown' as customer_id, 'France' as country`);
  connection.closeSync();
  instance.closeSync();
}

function refuse(...lines: object[]) {
  const folder = join(directory, 'rejected', 'transactions', 'dt=2026-03-01');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.ndjson.gz'), gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
  writeFileSync(join(folder, '.b.ndjson.gz.tmp'), 'half of it');
}
const RETURN = {
  invoice_no: 'C1',
  stock_code: 'A',
  description: null,
  quantity: '-3',
  invoice_date: '2010-12-02T09:00:00Z',
  unit_price: '1.25',
  customer_id: 'Unknown',
  country: 'France',
};

describe('the engine of a laptop', () => {
  test('answers an insight from the tables of the warehouse', async () => {
    await fill();
    const engine = duckdbEngine(directory);
    const tables = await engine.tables();
    const answer = await engine.query(statementOf(insights.get('sales_by_day')!, ALWAYS, tables, 10));
    expect(answer).toEqual({
      columns: ['day', 'revenue', 'orders', 'lines', 'pieces', 'average_order'],
      rows: [['2010-12-01', '5.1000', '1', '1', '2', '5.10']],
    });
  });

  test('reads refused rows where they lie, each once, and passes over those that no rule refused', async () => {
    refuse(
      { line: 2, reason: 'cancellation', cleaned: RETURN, text: 'C1,A' },
      { line: 3, reason: 'cancellation', cleaned: RETURN, text: 'C1,A' },
      { line: 4, reason: 'unparseable', text: 'x' },
    );
    const engine = duckdbEngine(directory);
    const refused = (await engine.tables()).refused('2010-12-02', '2010-12-02');
    const { rows } = await engine.query(
      `select day, happened_at, reason, invoice_no, description, quantity, unit_price, customer_id from (${refused}) as r`,
    );
    expect(rows).toEqual([['2010-12-02', '2010-12-02 09:00:00', 'cancellation', 'C1', null, '-3', '1.2500', null]]);
  });

  test('has empty tables while there is no warehouse, and makes no file', async () => {
    const engine = duckdbEngine(directory);
    const tables = await engine.tables();
    for (const source of ['transactions', 'events', 'refused'] as const)
      expect(
        (await engine.query(`select count(*) from (${tables[source](undefined, '2099-12-31')}) as rows`)).rows,
      ).toEqual([['0']]);
    expect(existsSync(file())).toBe(false);
  });

  test('tells the first byte of a SHA-256', async () => {
    const engine = duckdbEngine(directory);
    const { hashByte } = await engine.tables();
    expect((await engine.query(`select ${hashByte("'17850'")}`)).rows).toEqual([['80']]);
  });

  test.each([
    ["select * from read_csv('/etc/hostname')", /disabled by configuration/],
    ["copy (select 1) to 'out.csv'", /disabled by configuration/],
    ["attach 'other.duckdb'", /disabled by configuration/],
    ["set memory_limit = '64GB'", /has been locked/],
    ['delete from ecomflow.transactions', /read-only/],
  ])('cannot %s', async (statement, why) => {
    await fill();
    await expect(duckdbEngine(directory).query(statement)).rejects.toThrow(why);
  });

  test('breaks off what takes too long, or too much memory, and says so', async () => {
    const engine = duckdbEngine(directory, 0.2);
    const endless = 'select count(*) from range(1000000000) a, range(1000000000) b where a.range * b.range = 7';
    await expect(engine.query(endless)).rejects.toThrow(TooMuch);
    await expect(duckdbEngine(directory).query('select list(range) from range(100000000)')).rejects.toThrow(TooMuch);
    expect((await engine.query('select 1')).rows).toEqual([['1']]);
  });

  test('waits for the loader, and the loader for it', async () => {
    await fill();
    const engine = duckdbEngine(directory);
    const order: string[] = [];
    const count = 'select count(*) from ecomflow.transactions';
    const loading = duckdbWarehouse(directory).use(async () => {
      await new Promise((pause) => setTimeout(pause, 100));
      order.push('loaded');
    });
    const asking = engine.query(count).then(() => order.push('asked'));
    await Promise.all([loading, asking]);
    const again = engine.query(`${count} where true`).then(() => order.push('asked again'));
    await Promise.all([again, duckdbWarehouse(directory).use(async () => void order.push('loaded again'))]);
    expect(order).toEqual(['loaded', 'asked', 'asked again', 'loaded again']);
  });

  test('answers many questions at a time with one instance, the same ones once', async () => {
    await fill();
    const engine = duckdbEngine(directory);
    const asked = Array.from({ length: 30 }, (_, i) =>
      engine.query(`select ${i % 10}, (select count(*) from ecomflow.transactions)`),
    );
    const answers = await Promise.all(asked);
    expect(answers.map(({ rows }) => rows[0])).toEqual(Array.from({ length: 30 }, (_, i) => [String(i % 10), '1']));
    expect(answers[0]).toBe(answers[10]);
  });

  test('is Unavailable when more wait than it lets', async () => {
    const engine = duckdbEngine(directory);
    const asked = Array.from({ length: 60 }, (_, i) => engine.query(`select ${i}`));
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(refused.map(({ reason }) => reason instanceof Unavailable)).toEqual(Array(7).fill(true));
  });

  test('leaves the file to a loader of another process for a while, however questions follow each other', async () => {
    await fill();
    const engine = duckdbEngine(directory, 25, 5000, 1000);
    let asked = 0;
    /** Milliseconds in which nobody has it open behind a question. */
    const leftAlone = async () => {
      await engine.query(`select ${asked++}`);
      const answered = performance.now();
      return inTurn(file(), async () => performance.now() - answered);
    };
    const looksEvery = 100;
    expect(await leftAlone()).toBeLessThan(looksEvery * 2);
    let longest = 0;
    for (const until = performance.now() + 5000; performance.now() < until && longest < looksEvery * 2; )
      longest = Math.max(longest, await leftAlone());
    expect(longest).toBeGreaterThan(looksEvery * 2);
    expect(await leftAlone()).toBeLessThan(looksEvery * 2);
  });

  test('is Unavailable for those who wait too long, and answers those who come later', async () => {
    const engine = duckdbEngine(directory, 1, 5000, 5000, 100);
    const endless = 'count(*) from range(1000000000) a, range(1000000000) b where a.range * b.range = 7';
    const long = [1, 2, 3].map((i) => engine.query(`select ${i}, ${endless}`));
    const behind = [4, 5, 6].map((i) => engine.query(`select ${i}`));
    const outcomes = await Promise.allSettled([...long, ...behind]);
    expect(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason?.constructor)).toEqual([
      ...[TooMuch, TooMuch, TooMuch],
      ...[Unavailable, Unavailable, Unavailable],
    ]);
    const later = await Promise.all([7, 8, 9, 10].map((i) => engine.query(`select ${i}`)));
    expect(later.map(({ rows }) => rows)).toEqual([[['7']], [['8']], [['9']], [['10']]]);
  });

  test('is Unavailable while another program writes to the file, and names it', async () => {
    await fill();
    const hold = `require('@duckdb/node-api').DuckDBInstance.create(process.argv[1])
      .then((db) => db.connect()).then(() => { console.log('open'); setInterval(() => {}, 1000); })`;
    const other = spawn(process.execPath, ['-e', hold, file()], { cwd: join(__dirname, '../../..') });
    try {
      await new Promise((open) => other.stdout.once('data', open));
      const refused = duckdbEngine(directory, 25, 300).query('select 1');
      await expect(refused).rejects.toThrow(Unavailable);
      await expect(refused).rejects.toThrow(`(PID ${other.pid})`);
      const patient = duckdbEngine(directory).query('select 1');
      setTimeout(() => other.kill('SIGKILL'), 300);
      expect((await patient).rows).toEqual([['1']]);
    } finally {
      const gone =
        other.exitCode === null && other.signalCode === null && new Promise((done) => other.once('close', done));
      other.kill('SIGKILL');
      await gone;
    }
  });
});
