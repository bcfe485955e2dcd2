import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { landedIn } from '../../../shared/adapters/local/landed';
import { duckdbWarehouse } from '../../../shared/adapters/local/warehouse';
import { type LandedFile, Unavailable } from '../../../shared/pipeline/ports';
import { askWarehouse } from '../../support/warehouse';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-warehouse-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => join(directory, 'warehouse.duckdb');
const nothing = async () => undefined;

describe('the warehouse file', () => {
  test('is refused while another program has it open, and the message names that program', async () => {
    await duckdbWarehouse(directory).use(nothing);
    const hold = `require('@duckdb/node-api').DuckDBInstance.create(process.argv[1])
      .then((db) => db.connect()).then(() => { console.log('open'); setInterval(() => {}, 1000); })`;
    const other = spawn(process.execPath, ['-e', hold, file()], { cwd: join(__dirname, '../../..') });
    try {
      await new Promise((open) => other.stdout.once('data', open));
      const refused = duckdbWarehouse(directory, 500).use(nothing);
      await expect(refused).rejects.toThrow(Unavailable);
      await expect(refused).rejects.toThrow(`(PID ${other.pid})`);
    } finally {
      const gone = new Promise((done) => other.once('close', done));
      other.kill('SIGKILL');
      await gone;
    }
    await duckdbWarehouse(directory).use(nothing);
  });

  test('is closed after an error too', async () => {
    await expect(
      duckdbWarehouse(directory).use(async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await askWarehouse(directory, 'select count(*)::int from ecomflow.transactions')).toEqual([[0]]);
  });

  test('of a version before gets the columns and the views of this one, and keeps its rows', async () => {
    await duckdbWarehouse(directory).use(nothing);
    const instance = await DuckDBInstance.create(file());
    const connection = await instance.connect();
    for (const sql of [
      `drop view ecomflow.revenue_by_country`,
      `create or replace view ecomflow.revenue_by_day as select 1 as old`,
      `drop view ecomflow.revenue_by_product`,
      `alter table ecomflow.transactions drop column description`,
      `insert into ecomflow.transactions by name select '${'0'.repeat(32)}'::uuid as line_id, 'b' as batch_id, '1' as invoice_no,
         'A' as stock_code, 1 as quantity, now() as invoice_date, 1 as unit_price, '1' as customer_id, 'France' as country`,
      `update ecomflow.facts set value = 'of a version before' where name = 'definition'`,
    ])
      await connection.run(sql);
    connection.closeSync();
    instance.closeSync();

    await duckdbWarehouse(directory).use(nothing);
    expect(await askWarehouse(directory, 'select invoice_no, description from ecomflow.transactions')).toEqual([
      ['1', null],
    ]);
    expect(
      await askWarehouse(
        directory,
        'select country, description from ecomflow.revenue_by_country, ecomflow.revenue_by_product',
      ),
    ).toEqual([['France', null]]);
    expect(await askWarehouse(directory, 'select lines::int from ecomflow.revenue_by_day')).toEqual([[1]]);
  });
});

describe('landed files', () => {
  const write = (key: string, text: string) => {
    mkdirSync(join(directory, key, '..'), { recursive: true });
    writeFileSync(join(directory, key), text);
  };
  const listed = async (since?: string) => {
    const found: LandedFile[] = [];
    for await (const one of landedIn(directory).list('events', since)) found.push(one);
    return found;
  };
  const text = (bytes: ArrayBuffer) => Buffer.from(bytes).toString();

  test('are listed by day and name, other folders and data sets apart', async () => {
    for (const key of [
      'events/dt=2026-03-02/b',
      'events/dt=2026-03-02/a',
      'events/dt=2026-03-01/c',
      'events/x/d',
      'clicks/dt=2026-03-02/e',
    ])
      write(`landing/${key}`, 'rows');
    expect((await listed()).map(({ key, day, bytes }) => `${key} ${day} ${bytes}`)).toEqual([
      'landing/events/dt=2026-03-01/c 2026-03-01 4',
      'landing/events/dt=2026-03-02/a 2026-03-02 4',
      'landing/events/dt=2026-03-02/b 2026-03-02 4',
    ]);
    expect((await listed('2026-03-02')).map(({ key }) => key.at(-1))).toEqual(['a', 'b']);
  });

  test('are read at any place', async () => {
    write('landing/events/dt=2026-03-01/a', '0123456789');
    const [one] = await listed();
    const { byteLength, slice } = landedIn(directory).open(one!);
    expect([byteLength, text(await slice(2, 5)), text(await slice(7)), text(await slice(0, 10))]).toEqual([
      10,
      '234',
      '789',
      '0123456789',
    ]);
  });

  test('have another etag once they change, and are not read as what they were', async () => {
    write('landing/events/dt=2026-03-01/a', 'before');
    const [before] = await listed();
    write('landing/events/dt=2026-03-01/a', 'behind');
    utimesSync(join(directory, before!.key), 2_000_000_000, 2_000_000_000);
    const [after] = await listed();
    expect(after!.etag).not.toBe(before!.etag);
    await expect(landedIn(directory).open(before!).slice(0, 3)).rejects.toThrow(Unavailable);
    expect(text(await landedIn(directory).open(after!).slice(0, 3))).toBe('beh');
  });

  test('that went meanwhile are Unavailable', async () => {
    write('landing/events/dt=2026-03-01/a', 'rows');
    const [one] = await listed();
    rmSync(join(directory, one!.key));
    await expect(landedIn(directory).open(one!).slice(0, 3)).rejects.toThrow(Unavailable);
  });
});
