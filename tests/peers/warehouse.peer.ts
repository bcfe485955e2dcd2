import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { ANALYST, postgresWarehouse } from '../../shared/adapters/aws/warehouse';
import { landedIn } from '../../shared/adapters/local/landed';
import { writeRaw } from '../../shared/adapters/local/raw';
import { duckdbWarehouse } from '../../shared/adapters/local/warehouse';
import { balanceOf } from '../../shared/domain/ledger';
import { Unavailable } from '../../shared/pipeline/ports';
import { reconcile } from '../../shared/pipeline/reconcile';
import { type LoadAnswer, loadWarehouse } from '../../shared/pipeline/warehouse';
import { ROOT } from '../support/processes';
import { askWarehouse } from '../support/warehouse';
import { drain, post, type TestWorld, testWorld } from '../support/world';
import { events, transactions } from './conversion/rows';
import { realRows, whatIsTested } from './support/data';
import { peer } from './support/peer';
import { execute, until } from './support/processes';
import { EXPECTED, keptOf } from './warehouse/csv';
import { emptyLake, land, landedFiles, landedRows, rowsOf } from './warehouse/lakes';
import { type Postgres, startPostgres } from './warehouse/server';

/*
 * The warehouse in a real PostgreSQL, of all that the embedded lake lands: what comes out must be what SQL over the CSV
 * itself says, however often loaders are killed, doubled or let down.
 */
const postgres = peer({
  name: 'PostgreSQL',
  proves: [
    'the views give what SQL over the CSV itself gives, to the last decimal, and what DuckDB gives',
    'a loader killed within COPY or between files, a server killed under it, two at once: no row is lost or doubled',
    'TLS is verified, a changed password is asked for again, analysts read and do not write',
  ],
  cannot: [
    'RDS: its certificates, its secret and the rotation of it, its parameters, failover',
    "a network that goes without a word, where the server's keepalives give up a function's lock",
    'Linux on ARM, Macs: the programs are built for Linux on x86',
  ],
});

/** All of UCI Online Retail. */
const ROWS = 541_909;
const LATE = 7;

let work: string;
let server: Postgres;
let world: TestWorld;
let csv: DuckDBConnection;
let loader: string;
/** Rows that the ledger says were kept. */
let kept: number;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ecomflow-warehouse-'));
  loader = await bundled();
  server = await startPostgres();
  postgres.version(server.version);

  world = testWorld();
  for (const body of await transactions(ROWS)) await post(world, 'transactions', body);
  for (const body of events().bodies) await post(world, 'events', body);
  expect(await drain(world)).toEqual([]);
  kept = await ledgerKept('transactions');
  csv = await keptOf(await realRows(ROWS), work);
});

afterAll(async () => {
  csv?.closeSync();
  world?.remove();
  await server?.remove();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** The loader as one file, made as functions are: with pg in it, and without a require. */
async function bundled(): Promise<string> {
  const outfile = join(work, 'loader.mjs');
  const source = join(__dirname, 'warehouse/loader.ts');
  const script = `
    const { bundle, platform, target, format, mainFields, conditions, define, minify, plugins } =
      require('./esbuild.config.js')({ service: { provider: { stage: 'peers' } } });
    require('esbuild').build({
      entryPoints: [process.argv[1]], outfile: process.argv[2], logLevel: 'error',
      bundle, platform, target, format, mainFields, conditions, define, minify, plugins,
    });`;
  await execute(process.execPath, ['-e', script, source, outfile], { cwd: ROOT });
  return outfile;
}

/** An empty database. */
const forget = () => server.ask('drop schema if exists ecomflow cascade');
const one = async (sql: string) => Number((await server.ask(sql))[0]![0]);
const rowsThere = () => one('select count(*) from ecomflow.transactions');

async function ledgerKept(dataset: string): Promise<number> {
  let sum = 0;
  for (const { batch_id } of world.inspect().all<{ batch_id: string }>('select distinct batch_id from batches')) {
    const batch = await world.batches.find(batch_id);
    if (batch?.head.dataset === dataset) sum += balanceOf(batch).kept;
  }
  return sum;
}

/** Loads in this process. */
const load = (lake = world.directory, connection = server.connection) => {
  const landed = landedIn(lake);
  return loadWarehouse({}, { landed, warehouse: postgresWarehouse(connection, LATE) });
};

/** Loads in a process of its own, which may be killed. */
function loading(lake = world.directory, options: { env?: NodeJS.ProcessEnv; host?: string; tls?: boolean } = {}) {
  const { host, port, database } = server.connection;
  const place = { host: options.host ?? host, port, database, tls: options.tls ?? false };
  const to = JSON.stringify({ ...place, username: 'warehouse', password: server.password });
  const child: ChildProcess = spawn(process.execPath, [loader, lake, to], { env: { ...process.env, ...options.env } });
  let said = '';
  child.stdout!.on('data', (text) => (said += text));
  child.stderr!.on('data', (text) => (said += text));
  const ended = new Promise<string>((done) => child.once('close', () => done(said)));
  const answer = ended.then((text) => JSON.parse(text) as LoadAnswer & { name?: string; message?: string });
  answer.catch(() => undefined); // a killed one says nothing
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { answer, kill, running: () => child.exitCode === null && child.signalCode === null };
}

/** Until no loader is in the database. */
const alone = () =>
  until(
    'loaders leave the database',
    30,
    async () =>
      (await one("select count(*) from pg_stat_activity where application_name = 'ecomflow'")) === 0 || undefined,
  );

const seconds = async <T>(call: () => Promise<T>) => {
  const started = performance.now();
  const result = await call();
  return { result, seconds: (performance.now() - started) / 1000 };
};

describe('the full file', () => {
  test('is counted batch by batch, as a recount wants it', async () => {
    await forget();
    await load();
    const warehouse = postgresWarehouse(server.connection, LATE);
    const byBatch = (dataset: string) => warehouse.use((open) => open.count(dataset));
    const count = await byBatch('transactions');
    expect([count.rows, count.distinct]).toEqual([kept, kept]);
    for (const [batch_id, { rows }] of count.batches) {
      const { entries } = (await world.batches.find(batch_id))!;
      expect(rows).toBe(entries.reduce((sum, entry) => sum + entry.kept, 0));
    }
    while ((await writeRaw(world.log, world.lake)) > 0);
    const recount = { ...world.recount, byBatch };
    const report = await reconcile({ id: 'r', settleSeconds: 0 }, { ...world, recount });
    expect(report).toMatchObject({ differences: [], passed_over: { warehouse: 0 } });
    await server.ask(
      'delete from ecomflow.transactions where line_id = (select min(line_id::text)::uuid from ecomflow.transactions)',
    );
    const { differences } = await reconcile({ id: 'r', settleSeconds: 0 }, { ...world, recount });
    expect(differences.map(({ store, kind, expected, found }) => [store, kind, expected - found])).toEqual([
      ['warehouse', 'missing', 1],
    ]);
    await forget();
    expect((await byBatch('events')).loaded_at).toBeUndefined();
  });

  test('is loaded, and a second load finds nothing new', async () => {
    await forget();
    const { result, seconds: took } = await seconds(() => load());
    expect(result.done).toBe(true);
    const { transactions: sold, events: clicked } = result.datasets;
    expect(sold).toEqual({
      files: (await landedFiles(world.directory)).length,
      rows: kept,
      added: kept,
      known: 0,
      unreadable: [],
    });
    expect(await rowsThere()).toBe(kept);
    expect(await one('select count(*) from ecomflow.events')).toBe(clicked!.added);

    const again = await seconds(() => load());
    const nothing = { files: 0, rows: 0, added: 0, known: 0, unreadable: [] };
    expect(again.result).toEqual({ done: true, datasets: { transactions: nothing, events: nothing } });

    const duckdb = await seconds(() => loadWarehouse({}, { landed: world.landed, warehouse: world.warehouse }));
    expect(duckdb.result).toEqual(result);
    const size = await one("select pg_total_relation_size('ecomflow.transactions')");
    postgres.figure('tested with', whatIsTested(ROWS));
    postgres.figure(
      'loaded',
      `${sold!.rows + clicked!.rows} rows of ${sold!.files + clicked!.files} files in ${took.toFixed(1)} s`,
    );
    postgres.figure(
      'by DuckDB',
      `${duckdb.seconds.toFixed(1)} s; PostgreSQL takes ${(took / duckdb.seconds).toFixed(1)} times as long`,
    );
    postgres.figure('a second load', `${again.seconds.toFixed(2)} s`);
    postgres.figure(
      'on disk',
      `${(size / 2 ** 20).toFixed(0)} MiB for ${kept} transactions, ${Math.round(size / kept)} bytes each`,
    );
  });

  test.each(Object.keys(EXPECTED))('gives %s as SQL over the CSV does, and as DuckDB does', async (view) => {
    const { columns, from } = EXPECTED[view]!;
    const expected = (await csv.runAndReadAll(from)).getRowsJson();
    const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();
    expect(expected.length).toBeGreaterThan(5);
    expect(sorted(await server.ask(`select ${columns} from ecomflow.${view}`))).toEqual(sorted(expected));
    expect(sorted(await askWarehouse(world.directory, `select ${columns} from ecomflow.${view}`))).toEqual(
      sorted(expected),
    );
  });

  test('has one revenue, by day, country, product and hour', async () => {
    const [[total]] = (
      await csv.runAndReadAll('select sum(quantity * unit_price)::decimal(38,4)::varchar from kept')
    ).getRowsJson() as [[string]];
    for (const view of Object.keys(EXPECTED)) {
      expect(await server.ask(`select sum(revenue)::text, sum(lines)::text from ecomflow.${view}`)).toEqual([
        [total, String(kept)],
      ]);
    }
    postgres.figure('revenue', total);
  });

  test('has the same events as DuckDB', async () => {
    const columns = 'day::text, event_type, events::text, visitors::text, visits::text, value::text';
    const sql = `select ${columns} from ecomflow.events_by_day order by 1, 2`;
    const rows = await server.ask(sql);
    expect(rows.length).toBeGreaterThan(3);
    expect(await askWarehouse(world.directory, sql)).toEqual(rows);
  });
});

describe('a loader that is killed', () => {
  test('within COPY leaves nothing of that file, and the next load brings all of it', async () => {
    await forget();
    const lake = emptyLake();
    const rows = await landedRows(world.directory);
    land(lake, 'dt=2026-03-01/a.parquet', rows.slice(0, 10));
    land(lake, 'dt=2026-03-02/all.parquet', rows);
    for (const least of [1, rows.length / 4, rows.length / 2]) {
      const first = loading(lake);
      await until('COPY is under way', 60, async () => {
        const [found] = await server.ask('select tuples_processed from pg_stat_progress_copy');
        return (found !== undefined && Number(found[0]) >= least) || undefined;
      });
      await first.kill();
      await alone();
      expect(await rowsThere()).toBe(10);
      expect(await server.ask('select day, added::int from ecomflow.loaded')).toEqual([['2026-03-01', 10]]);
    }
    expect((await load(lake)).datasets.transactions).toMatchObject({ files: 1, rows: kept, added: kept - 10 });
    expect(await rowsThere()).toBe(kept);
    rmSync(lake, { recursive: true });
  });

  test('again and again on its way through many files, loses nothing and doubles nothing', async () => {
    await forget();
    const files = (await landedFiles(world.directory)).length;
    let kills = 0;
    for (const share of [0.1, 0.3, 0.31, 0.6, 0.9]) {
      const child = loading();
      await until('some files are loaded', 60, async () => {
        if (!child.running()) return true;
        const there = await one('select count(*) from ecomflow.loaded').catch(() => 0);
        return there >= share * files || undefined;
      });
      if (child.running()) kills++;
      await child.kill();
      await alone();
      expect(await rowsThere()).toBe(
        await one("select sum(added) from ecomflow.loaded where dataset = 'transactions'"),
      );
    }
    expect(kills).toBeGreaterThanOrEqual(3);
    expect((await load()).done).toBe(true);
    expect(await rowsThere()).toBe(kept);
    postgres.figure('killed between files', `${kills} times`);
  });

  test('by its server says Unavailable, and the next one finds all that was committed', async () => {
    await forget();
    const child = loading();
    await until('some files are loaded', 60, async () => {
      return (await one('select count(*) from ecomflow.loaded').catch(() => 0)) >= 3 || undefined;
    });
    await server.stop('SIGKILL');
    expect(await child.answer).toMatchObject({ name: 'Unavailable' });
    await expect(load()).rejects.toThrow(Unavailable);
    await server.start();
    const before = await one('select count(*) from ecomflow.loaded');
    expect(before).toBeGreaterThanOrEqual(3);
    const { done, datasets } = await load();
    expect(done).toBe(true);
    expect(datasets.transactions!.files + datasets.events!.files + before).toBe(
      await one('select count(*) from ecomflow.loaded'),
    );
    expect(await rowsThere()).toBe(kept);
  });
});

test('Two loaders at once bring every row once, and one of them waits for the other', async () => {
  await forget();
  const answers = await Promise.all([loading().answer, loading().answer]);
  for (const answer of answers) expect(answer.name ?? 'done').toMatch(/^(done|Unavailable)$/);
  const done = answers.filter((answer) => answer.done);
  expect(done.length).toBeGreaterThan(0);
  expect(done.reduce((sum, { datasets }) => sum + datasets.transactions!.added, 0)).toBe(kept);
  expect(await rowsThere()).toBe(kept);
});

describe('by hand', () => {
  let lake: string;
  beforeEach(async () => {
    await forget();
    lake = emptyLake();
  });
  afterEach(() => rmSync(lake, { recursive: true, force: true }));

  test('rows that landing has twice, in two files or in one, count once', async () => {
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(1, 2, 2));
    land(lake, 'dt=2026-03-01/b.parquet', rowsOf(2, 3));
    expect((await load(lake)).datasets.transactions).toEqual({ files: 2, rows: 5, added: 3, known: 2, unreadable: [] });
    expect(await server.ask('select revenue::text, lines::int from ecomflow.revenue_by_day')).toEqual([['0.6000', 3]]);
  });

  test('a file whose content changed is read again, for what is new in it', async () => {
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(1, 2));
    await load(lake);
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(2, 3, 4));
    expect((await load(lake)).datasets.transactions).toMatchObject({ files: 1, rows: 3, added: 2, known: 1 });
    expect(await server.ask('select revenue::text from ecomflow.revenue_by_day')).toEqual([['1.0000']]);
  });

  test('a file that turns out to be bad in its middle leaves nothing, and keeps no other out', async () => {
    const many = rowsOf(...Array.from({ length: 25_000 }, (_, i) => i + 100));
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(1));
    land(lake, 'dt=2026-03-01/c.parquet', rowsOf(3));
    const good = join(lake, land(lake, 'dt=2026-03-01/good.parquet', many));
    const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
    const nulls = `select * replace (case when quantity = 20000 then null else country end as country) from read_parquet('${good}', hive_partitioning = false)`;
    await duckdb.run(
      `copy (${nulls}) to '${join(lake, 'landing/transactions/dt=2026-03-01/b.parquet')}' (format parquet)`,
    );
    duckdb.closeSync();
    rmSync(good);
    writeFileSync(join(lake, 'landing/transactions/dt=2026-03-01/d.parquet'), 'no Parquet at all');
    // What COPY itself refuses: an identity that is none.
    land(lake, 'dt=2026-03-01/e.parquet', [{ ...rowsOf(5)[0]!, line_id: 'no identity' }]);
    const { transactions: found } = (await load(lake)).datasets;
    expect(found).toMatchObject({ files: 2, rows: 2, added: 2 });
    expect(found!.unreadable.map(({ key, reason }) => `${key.split('/').at(-1)} ${reason}`)).toEqual([
      'b.parquet NotLanded: country is null',
      expect.stringMatching(/^d.parquet \w+/),
      expect.stringMatching(/^e.parquet error: invalid input syntax for type uuid/),
    ]);
    expect(await rowsThere()).toBe(2);
  });

  test('text comes through COPY as it was: tabs, line ends, backslashes, NULL by name, emoji', async () => {
    const texts = [
      'a\tb',
      'a\nb\r\nc',
      '\\N',
      'NULL',
      '\\',
      '\\.',
      '\\t',
      '',
      '😀 \u00a0漢字',
      '"quoted" \'twice\'',
      '\u000b\f\b',
    ];
    const [row] = rowsOf(1);
    const rows = texts.map((description, i) => ({
      line_id: String(i).padStart(32, '0'),
      row: { ...row!.row, description },
    }));
    land(lake, 'dt=2026-03-01/a.parquet', rows);
    await load(lake);
    expect(await server.ask('select description from ecomflow.transactions order by line_id')).toEqual(
      texts.map((text) => [text]),
    );
  });

  test('a table of a version before gets the columns and the views of this one, and keeps its rows', async () => {
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(1, 2));
    await load(lake);
    await server.ask('drop materialized view ecomflow.revenue_by_product, ecomflow.revenue_by_country');
    await server.ask('alter table ecomflow.transactions drop column description');
    await server.ask("update ecomflow.facts set value = 'of a version before' where name = 'definition'");
    land(lake, 'dt=2026-03-01/b.parquet', rowsOf(3));
    await load(lake);
    expect(await server.ask('select quantity, description from ecomflow.transactions order by 1')).toEqual([
      [1, null],
      [2, null],
      [3, null],
    ]);
    expect(await server.ask('select country, lines::int from ecomflow.revenue_by_country')).toEqual([['France', 3]]);
  });

  test('an analyst reads tables and views, and writes nothing', async () => {
    land(lake, 'dt=2026-03-01/a.parquet', rowsOf(1));
    await load(lake);
    await server.ask(`create user anna in role ${ANALYST}`);
    const as = (sql: string) => server.ask(`set role anna; ${sql}`);
    try {
      for (const name of ['transactions', 'events', 'revenue_by_day', 'events_by_day'])
        await as(`select * from ecomflow.${name}`);
      for (const sql of [
        'delete from ecomflow.transactions',
        'create table ecomflow.mine ()',
        'insert into ecomflow.events default values',
      ])
        await expect(as(sql)).rejects.toThrow(/permission denied/);
    } finally {
      await server.ask('drop user anna');
    }
  });

  test('a loader waits half a minute for another, then says that it is busy', async () => {
    const other = await server.client();
    try {
      await other.query('select pg_advisory_lock(6306120)');
      const started = performance.now();
      const refused = load(lake);
      await expect(refused).rejects.toThrow(/another loader/);
      await expect(refused).rejects.toThrow(Unavailable);
      expect(performance.now() - started).toBeGreaterThan(25_000);
    } finally {
      await other.end();
    }
    expect((await load(lake)).done).toBe(true);
  });
});

describe('the connection', () => {
  test('is refused where the certificate is not from an authority that Node trusts', async () => {
    const { name, message } = await loading(world.directory, { host: 'localhost', tls: true }).answer;
    expect([name, message]).toEqual(['Unavailable', expect.stringMatching(/self-signed certificate/)]);
  });

  test('is encrypted where NODE_EXTRA_CA_CERTS names that authority', async () => {
    const env = { NODE_EXTRA_CA_CERTS: server.certificate };
    expect((await loading(world.directory, { host: 'localhost', tls: true, env }).answer).done).toBe(true);
    const other = await loading(world.directory, { host: '127.0.0.1', tls: true, env }).answer;
    expect([other.name, other.message]).toEqual(['Unavailable', expect.stringMatching(/does not match|altnames/)]);
  });

  test('is made with the new password when it was changed a moment ago', async () => {
    const passwords = ['old', server.password];
    const credentials = async () => ({ username: 'warehouse', password: passwords.shift() ?? 'asked too often' });
    expect((await load(emptyLake(), { ...server.connection, credentials })).done).toBe(true);
    expect(passwords).toEqual([]);
  });

  test('that no password opens is Unavailable, as is a server that is not there', async () => {
    const wrong = async () => ({ username: 'warehouse', password: 'wrong' });
    const lake = emptyLake();
    await expect(load(lake, { ...server.connection, credentials: wrong })).rejects.toThrow(Unavailable);
    await expect(load(lake, { ...server.connection, port: 1 })).rejects.toThrow(Unavailable);
    await expect(load(lake, { ...server.connection, database: 'none' })).rejects.toThrow(Unavailable);
  });
});

test("A file of Firehose's size is loaded by DuckDB and PostgreSQL alike", async () => {
  await forget();
  const lake = emptyLake();
  mkdirSync(lake, { recursive: true });
  const rows = await landedRows(world.directory);
  land(lake, 'dt=2026-03-01/all.parquet', rows);
  const { seconds: took } = await seconds(() => load(lake));
  const landed = landedIn(lake);
  const duckdb = await seconds(() => loadWarehouse({}, { landed, warehouse: duckdbWarehouse(lake) }));
  expect(await rowsThere()).toBe(kept);
  expect(duckdb.result.datasets.transactions!.added).toBe(kept);
  postgres.figure('as one file', `${took.toFixed(1)} s, DuckDB ${duckdb.seconds.toFixed(1)} s`);
  rmSync(lake, { recursive: true });
});
