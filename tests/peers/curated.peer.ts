import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  addColumns,
  askColumns,
  createTable,
  curatedRows,
  type Dialect,
  MOST_DAYS,
  merge,
  touchedDays,
} from '../../shared/domain/curated';
import { datasets } from '../../shared/domain/dataset';
import { type Insight, insights, statementOf, told } from '../../shared/domain/insight';
import { athenaTables } from '../../shared/domain/tables';
import { contracts } from '../../shared/domain/warehouse';
import type { QueryAnswer } from '../../shared/pipeline/ports';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { sampleIn } from '../support/insights';
import { type TestWorld, testWorld } from '../support/world';
import { type Asked, spark as startSpark, trino as startTrino } from './curated/engine';
import { faultsOf, land, RIGHT, repeat, sendings } from './curated/lake';
import { parsed, type Statement } from './curated/parse';
import { samplesTables } from './curated/samples';
import { LAKE, sparkTables, type Tables, trinoTables } from './curated/tables';
import { peer } from './support/peer';

/*
 * Athena runs nowhere but at AWS. Its engine is made of Trino, which Java runs: here one merges into Iceberg tables as
 * the nightly run does, and answers every insight. Spark merges the same rows by the same statement, and DuckDB reads
 * what both wrote.
 */
const trino = peer({
  name: 'Trino with its Hive and Iceberg connectors',
  proves: [
    'the nightly stage fills its curated tables with the statements that Athena gets: each row once, in the day of its event',
    'every insight answers on it what was computed by hand, and of real rows what DuckDB answers',
  ],
  cannot: [
    "Athena's own additions and limits: its data definition, OPTIMIZE, VACUUM, the Glue catalog, S3, what it bills",
    "OpenX's SerDe, by which Athena reads refused rows: Trino has its own reader of JSON",
  ],
});
const spark = peer({
  name: 'Spark with Iceberg',
  proves: ['the merge is no matter of one engine: same rows, same days'],
  cannot: ['names of columns and two casts are put as Spark spells them'],
});
const sqlglot = peer({
  name: 'sqlglot',
  proves: ["every insight, saved query and curated statement is Athena's and Trino's SQL, of functions that Trino has"],
  cannot: ['OPTIMIZE and VACUUM: it knows no more than their names'],
});

const FIXTURES = join(__dirname, '..', 'fixtures', 'insights');
const [FIRST, SECOND, THIRD] = ['2026-03-01', '2026-03-02', '2026-03-03'] as const;
const ENGINES = ['Trino', 'Spark'] as const;
type Name = (typeof ENGINES)[number];
const BOTH = ['transactions', 'events'] as const;
const EACH = ENGINES.flatMap((engine) => BOTH.map((dataset) => [engine, dataset] as const));
const contractOf = (dataset: string) => datasets.get(dataset)!.contract;
const ofDataset = (dataset: string) => `curated_${dataset}`;

let work: string;
let world: TestWorld;
let duckdb: DuckDBConnection;
const running: Asked[] = [];
let engines: Record<Name, Asked>;
let tables: Record<Name, Tables>;
/** Data files of each engine's tables after each step. */
const files = new Map<string, string[]>();
const filesAfter = (engine: Name, dataset: string, step: string) => files.get(`${engine} ${dataset} ${step}`)!;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ecomflow-curated-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  await duckdb.run("set TimeZone = 'UTC'");
  world = testWorld();
  const bodies = Object.entries(await sendings());
  for (const sending of [0, 1])
    await land(world, Object.fromEntries(bodies.map(([name, both]) => [name, both[sending]!])));
  await repeat(world, duckdb, FIRST, THIRD);
  await loadWarehouse({}, world);

  const started = performance.now();
  const [onTrino, onSpark] = await Promise.all(
    [startTrino(work), startSpark(work)].map(async (starting) => {
      const engine = await starting;
      running.push(engine); // to be stopped, whatever the other does
      return engine;
    }) as [Promise<Asked>, Promise<Asked>],
  );
  engines = { Trino: onTrino, Spark: onSpark };
  tables = { Trino: await trinoTables(onTrino, world), Spark: await sparkTables(onSpark, world) };
  trino.version('406, Iceberg 1.1.0');
  spark.version(`${(await onSpark.ask(LAKE, 'select version()')).rows[0]![0]!.split(' ')[0]}, Iceberg 1.9.2`);
  trino.figure('started', `${((performance.now() - started) / 1000).toFixed(0)} s, Spark beside it`);
  for (const engine of ENGINES) {
    const begun = performance.now();
    for (const [step, day, anew] of [
      ['first', FIRST, false],
      ['late', SECOND, false],
      ['repeated', THIRD, false],
      ['anew', FIRST, true],
    ] as const) {
      await tables[engine].arrive(day, anew);
      for (const dataset of BOTH)
        files.set(`${engine} ${dataset} ${step}`, await tables[engine].files(ofDataset(dataset)));
    }
    (engine === 'Trino' ? trino : spark).figure('merges', `${((performance.now() - begun) / 1000).toFixed(0)} s`);
  }
});

afterAll(async () => {
  for (const engine of running) await engine.stop();
  duckdb?.closeSync();
  world?.remove();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** One line of numbers or texts that DuckDB answers of what landed. */
async function ofLanding(dataset: string, select: string, where = 'true'): Promise<string[]> {
  const answer = await duckdb.runAndReadAll(
    `select ${select} from read_parquet('${world.directory}/landing/${dataset}/dt=*/*.parquet',
       hive_partitioning = true, hive_types = {dt: varchar}) where ${where} order by 1`,
  );
  return answer.getRows().map(([value]) => String(value));
}

const partitionsOf = (paths: readonly string[]) =>
  [...new Set(paths.map((path) => /event_date=(\d{4}-\d{2}-\d{2})\//.exec(path)![1]!))].sort();

test('What landed has rows twice, late ones, and days of events beyond what a merge may write to', async () => {
  const [days] = await ofLanding('transactions', 'count(distinct invoice_date::date)');
  expect(Number(days)).toBeGreaterThan(MOST_DAYS * 2);
  for (const dataset of BOTH) {
    const [twice] = await ofLanding(dataset, 'count(*) - count(distinct line_id)');
    expect(Number(twice)).toBeGreaterThan(1000);
    const { event_time } = contractOf(dataset);
    const of = (day: string) => ofLanding(dataset, `distinct ("${event_time}"::date)::varchar`, `dt = '${day}'`);
    expect((await of(SECOND)).length).toBeGreaterThan(0);
    expect((await of(SECOND)).length).toBeLessThan(4);
  }
});

describe.each(EACH)('%s, %s', (engine, dataset) => {
  const table = ofDataset(dataset);

  test('Each row of landing is in the table once, in the day of its event, as it landed first', async () => {
    expect(await faultsOf(duckdb, world, contractOf(dataset), filesAfter(engine, dataset, 'anew'))).toEqual(RIGHT);
    const [different] = await ofLanding(dataset, 'count(distinct line_id)');
    expect((await tables[engine].run(curatedRows(contractOf(dataset)))).rows).toEqual([[different]]);
    const days = partitionsOf(filesAfter(engine, dataset, 'anew')).length;
    (engine === 'Trino' ? trino : spark).figure(table, `${different} rows in ${days} days`);
  });

  test('Late rows write to their own days and leave the files of others', async () => {
    const [before, late] = [filesAfter(engine, dataset, 'first'), filesAfter(engine, dataset, 'late')];
    const { event_time } = contractOf(dataset);
    const days = await ofLanding(dataset, `distinct ("${event_time}"::date)::varchar`, `dt = '${SECOND}'`);
    expect(late).toEqual(expect.arrayContaining(before));
    expect(partitionsOf(late.filter((file) => !before.includes(file)))).toEqual(days);
  });

  test('What landed again writes nothing', () => {
    expect(filesAfter(engine, dataset, 'repeated')).toEqual(filesAfter(engine, dataset, 'late'));
  });

  test('A merge of what was merged writes nothing', () => {
    expect(filesAfter(engine, dataset, 'anew')).toEqual(filesAfter(engine, dataset, 'late'));
  });
});

let plantings = 0;

/** A merge with a fault in it, into a table of its own. What is wrong with that table then; rows of other days are not looked for. */
async function planted(engine: Name, make: (merged: Merged) => readonly string[]) {
  const contract = contractOf('transactions');
  const { dialect, ...on } = tables[engine];
  const name = `planted_${++plantings}`;
  const days = (await ofLanding('transactions', 'distinct (invoice_date::date)::varchar')).slice(0, 3);
  const merged: Merged = (changes = {}, touched = days) =>
    merge(contract, [FIRST, SECOND, THIRD], touched, { ...dialect, curated: () => name, ...changes });
  await on.make(contract, name);
  for (const sql of make(merged)) await on.run(sql);
  const { missing: _, ...faults } = await faultsOf(duckdb, world, contract, await on.files(name));
  return faults;
}
type Merged = (changes?: Partial<Dialect>, touched?: readonly string[]) => string;

/** Changes what has to be there. */
function changed(sql: string, from: string, to: string): string {
  expect(sql).toContain(from);
  return sql.replace(from, to);
}

describe.each(ENGINES)('What would be found on %s', (engine) => {
  const { missing: _, ...right } = RIGHT;
  const more = (fault: number) => expect(fault).toBeGreaterThan(0);

  test('nothing of the merge as it is, twice', async () => {
    expect(await planted(engine, (merged) => [merged(), merged()])).toEqual(right);
  });

  test('a merge that takes every copy of a row', async () => {
    more((await planted(engine, (merged) => [changed(merged(), 'where place = 1', '')])).twice);
  });

  test('a merge that does not know its own rows again', async () => {
    const blind = (sql: string) => changed(sql, 't.line_id = s.line_id', 't.line_id = s.batch_id');
    more((await planted(engine, (merged) => [merged(), blind(merged())])).twice);
  });

  test('a merge by the day of arrival', async () => {
    const byArrival = { day: () => 'cast(dt as date)' };
    more((await planted(engine, (merged) => [merged(byArrival, [FIRST, SECOND, THIRD])])).astray);
  });

  test('a merge that takes the copy that came last', async () => {
    const last = (sql: string) => changed(sql, 'order by dt, batch_id', 'order by dt desc, batch_id desc');
    more((await planted(engine, (merged) => [last(merged())])).altered);
  });

  test('a merge that cuts times to the hour', async () => {
    const { instant } = tables[engine].dialect;
    const cut = { instant: (time: string) => instant(`date_trunc('hour', ${time})`) };
    more((await planted(engine, (merged) => [merged(cut)])).altered);
  });
});

/** An answer as CSV, as the fixtures have it. */
function csvOf({ columns }: Insight, { rows, columns: names }: QueryAnswer): string {
  expect(names).toEqual(columns.map(({ name }) => name));
  const lines = rows.map((row) => row.map((value, i) => told(columns[i]!, value) ?? '').join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}
const MOST_ROWS = 1000;
/** Days of real rows: all of them, and some. */
const PERIODS = [
  { first_day: '2010-01-01', last_day: '2020-12-31' },
  { first_day: '2011-03-15', last_day: '2011-10-02' },
] as const;

describe('Insights on Trino', () => {
  test.each(readdirSync(FIXTURES))('%s is what was computed by hand', async (folder) => {
    const insight = insights.get(folder.split('-')[0]!)!;
    const schema = folder.replaceAll('-', '_');
    const sample = await sampleIn(join(FIXTURES, folder));
    try {
      for (const sql of await samplesTables(sample, schema)) await engines.Trino.ask(schema, sql);
      const sql = statementOf(insight, sample.period, athenaTables, MOST_ROWS);
      const expected = readFileSync(join(FIXTURES, folder, 'expected.csv'), 'utf8');
      expect(csvOf(insight, await engines.Trino.ask(schema, sql))).toBe(expected);
    } finally {
      sample.close();
    }
  });

  /** Rows of each answer. */
  const answered: number[] = [];
  afterAll(() => {
    const rows = answered.reduce((sum, length) => sum + length, 0);
    trino.figure('insights of real rows', `${answered.length}, ${rows} rows as DuckDB has them`);
  });

  test.each([...insights.keys()])('%s of real rows is what DuckDB answers', async (name) => {
    const insight = insights.get(name)!;
    for (const period of PERIODS) {
      const onTrino = await engines.Trino.ask(LAKE, statementOf(insight, period, athenaTables, MOST_ROWS));
      const here = await world.engine.query(statementOf(insight, period, await world.engine.tables(), MOST_ROWS));
      const answer = csvOf(insight, onTrino);
      expect(answer).toBe(csvOf(insight, here));
      if (period === PERIODS[0]) {
        answered.push(onTrino.rows.length);
        expect(onTrino.rows.length).toBeGreaterThan(0);
      }
    }
  });

  test("DuckDB's spelling of every insight is refused", async () => {
    const tables = await world.engine.tables();
    for (const insight of insights.values()) {
      const sql = statementOf(insight, PERIODS[0], tables, MOST_ROWS);
      await expect(engines.Trino.ask(LAKE, sql)).rejects.toThrow(/mismatched input|not registered|does not exist/);
    }
  });

  test('Every saved query of the lake is answered', async () => {
    const { saved } = await statements();
    for (const sql of saved) expect((await engines.Trino.ask(LAKE, sql)).columns.length).toBeGreaterThan(1);
  });
});

/** What Athena is told: insights whole, what is saved for people, what the nightly run says. */
async function statements(): Promise<{ insights: string[]; saved: string[]; merges: string[]; defining: string[] }> {
  const { Resources } = await (require('../../resources/athena.js').resources as Resources)({
    resolveVariable: async (name) =>
      name === 'self:custom.stage'
        ? { bucket: 'lake', athena: { savedQueries: true, gigabytesPerQuery: 10 } }
        : 'ecomflow-peers',
  });
  const queries = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Athena::NamedQuery');
  const [arrivals, days] = [
    [FIRST, SECOND],
    ['2010-12-01', '2011-06-08'],
  ];
  return {
    insights: [...insights.values()].map((insight) => statementOf(insight, PERIODS[0], athenaTables, MOST_ROWS)),
    saved: queries.map(({ Properties }) => Properties.QueryString!),
    merges: contracts().flatMap((contract) => [
      merge(contract, arrivals, days),
      touchedDays(contract, arrivals),
      curatedRows(contract),
      askColumns(contract),
    ]),
    defining: contracts().flatMap((contract) => [createTable(contract, 's3://lake'), addColumns(contract, [])!]),
  };
}
type Resources = (sls: { resolveVariable(name: string): Promise<unknown> }) => Promise<{
  Resources: Record<string, { readonly Type: string; readonly Properties: { readonly QueryString?: string } }>;
}>;

describe('Statements that sqlglot parses', () => {
  /** What is wrong with a statement in a dialect: it is refused, is more than one knows of, or calls what Trino has not. */
  async function flawsOf(tasks: readonly Statement[], kinds: readonly string[]): Promise<string[]> {
    const functions = (await engines.Trino.ask(LAKE, 'show functions')).rows.map(([name]) => name!.toLowerCase());
    const answer = await parsed(tasks);
    sqlglot.version(answer.version);
    return answer.parsed.flatMap(({ refused, kind, unknown = [] }, i) => {
      const flaws = [
        ...(refused === undefined ? [] : [refused]),
        ...(refused === undefined && !kinds.includes(kind!) ? [`it is ${kind}`] : []),
        ...unknown.filter((name) => !functions.includes(name)).map((name) => `there is no ${name}`),
      ];
      return flaws.map((flaw) => `${flaw}: ${tasks[i]!.sql}`);
    });
  }
  const inBoth = (sql: readonly string[]): Statement[] =>
    (['athena', 'trino'] as const).flatMap((dialect) => sql.map((one) => ({ dialect, sql: one })));

  test('Insights and saved queries are selects of Athena and Trino', async () => {
    const { insights: answers, saved } = await statements();
    expect(answers.length).toBe(insights.size);
    expect(saved.length).toBe(insights.size + contracts().length * 3);
    expect(await flawsOf(inBoth([...answers, ...saved]), ['select'])).toEqual([]);
    sqlglot.figure('statements', `${answers.length} insights, ${saved.length} saved queries`);
  });

  test('Merges, and what is asked around them, are as well', async () => {
    const { merges } = await statements();
    expect(await flawsOf(inBoth(merges), ['merge', 'select'])).toEqual([]);
  });

  test("The tables' definition is Athena's", async () => {
    const { defining } = await statements();
    const tasks = defining.map((sql): Statement => ({ dialect: 'athena', sql }));
    expect(await flawsOf(tasks, ['create', 'alter'])).toEqual([]);
  });

  test.each([
    ["a function of DuckDB's", "select strptime('2026', '%Y') from transactions", 'there is no strptime'],
    ["a function of DuckDB's that sqlglot cannot name", 'select list_resize(x, 2) from t', 'there is no list_resize'],
    ['half of a statement', 'select day from (select day from transactions', 'Expecting )'],
    ['what it knows no more of than its name', 'vacuum transactions', 'it is'],
  ])('Told of: %s', async (_, sql, flaw) => {
    const flaws = await flawsOf(inBoth([sql]), ['select', 'merge']);
    expect(flaws).toEqual([expect.stringContaining(flaw), expect.stringContaining(flaw)]);
  });
});
