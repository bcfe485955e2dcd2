import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { firehoseLanding } from '../../shared/adapters/aws/landing';
import { type Dataset, datasets } from '../../shared/domain/dataset';
import { readLanded } from '../../shared/domain/parquet-reader';
import type { Landing } from '../../shared/pipeline/ports';
import { chunksIn, drain, findings, post, type TestWorld, testWorld } from '../support/world';
import { compare, pyarrow, reading } from './conversion/compare';
import { type Delivery, delivery } from './conversion/delivery';
import { deployed } from './conversion/deployed';
import { edges } from './conversion/edges';
import { bySpark, type ConvertBy, SERDES, type SerDe, serdes, type Task } from './conversion/readers';
import { events, transactions } from './conversion/rows';
import { whatIsTested } from './support/data';
import { peer } from './support/peer';

/*
 * Firehose turns landing's records into Parquet, and nobody emulates that. Here the records that the adapter sends are
 * read by four that know how to read JSON by a Glue table, among them the SerDe that Firehose is told to use, and what
 * they write must be the embedded lake's Parquet, cell by cell.
 */
const spark = peer({
  name: "Spark's JSON reader",
  proves: ['landing records, read by the Glue table, are the rows of the embedded lake: DuckDB and pyarrow compare'],
});
const hive = peer({
  name: "OpenX's JSON SerDe (Starburst's release), Hive's JSON and Parquet SerDes",
  proves: [
    'the SerDe that Firehose is told to use reads decimals, nulls and times of landing records exactly',
    "Hive's own read them as well: of numbers in strings they refuse the ints, which landing does not send",
  ],
  cannot: [
    "AWS's forks of these SerDes, which Firehose runs: they are not published",
    "OpenX's SerDe as its author left it: Maven Central has no org.openx.data:json-serde",
    'that Firehose reads times as UTC: the SerDe takes the zone of the machine, which is set to UTC here',
    "how Firehose parts a record's objects; here at the line feeds, which the adapter puts between them",
    'delivery: buffers, prefixes, roles, the Glue lookup, where a record goes that cannot be converted',
  ],
});

const READERS = ['spark', ...SERDES] as const;
const BOTH = ['transactions', 'events'] as const;
/** All of UCI Online Retail. */
const TRANSACTIONS = 541_909;

let work: string;
let source: string;
let world: TestWorld;
let sent: Delivery;
let duckdb: DuckDBConnection;
let convert: ConvertBy;

const records = (dataset: string) => join(work, dataset, 'records');
const lake = (dataset: string) => join(world.directory, 'landing', dataset, '*/*.parquet');
const folder = (reader: string, dataset: string) => join(work, dataset, reader);
const converted = (reader: string, dataset: string) => join(folder(reader, dataset), '*.parquet');
const task = async (reader: string, dataset: string): Promise<Task> => ({
  columns: (await deployed(dataset)).columns,
  records: records(dataset),
  out: folder(reader, dataset),
});

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ecomflow-conversion-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  await duckdb.run("set TimeZone = 'UTC'");

  world = testWorld();
  sent = delivery();
  const firehose = firehoseLanding(sent.client, 'landing');
  const landing: Landing = {
    async append(chunk, rows) {
      await firehose.append(chunk, rows);
      await world.landing.append(chunk, rows);
    },
  };
  source = await land(landing);
  for (const dataset of BOTH) {
    mkdirSync(records(dataset), { recursive: true });
    for (const [i, record] of sent.records(`landing-${dataset}`).entries())
      writeFileSync(join(records(dataset), `${String(i).padStart(4, '0')}.json`), record);
  }

  spark.version(await bySpark(await Promise.all(BOTH.map((dataset) => task('spark', dataset)))));
  const { versions, convertBy } = await serdes(work);
  hive.version(versions);
  convert = convertBy;
  const pairs = SERDES.flatMap((serde) => BOTH.map((dataset) => ({ serde, dataset })));
  await convert(await Promise.all(pairs.map(async (one) => ({ ...one, ...(await task(one.serde, one.dataset)) }))));
});

afterAll(() => {
  duckdb?.closeSync();
  world?.remove();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** Real rows through ingest and clean, and the hand-made ones straight into landing. What the real ones are. */
async function land(landing: Landing): Promise<string> {
  const { bodies, what } = events();
  for (const body of await transactions(TRANSACTIONS)) await post(world, 'transactions', body);
  for (const body of bodies) await post(world, 'events', body);
  const [chunk] = chunksIn(world);
  expect(await drain(world, { ...world, landing })).toEqual([]);
  for (const dataset of BOTH) {
    const handMade = edgesOf(dataset).map(({ kept }) => kept);
    await landing.append({ ...chunk!, dataset, batch_id: 'edges', chunk_id: 'edges' }, handMade);
  }
  return `${whatIsTested(TRANSACTIONS)}, ${what}`;
}

/** Rows of a folder's Parquet files by the reader that the claim and the warehouse have, each as one text. */
async function landedRows(within: string, dataset: Dataset): Promise<Set<string>> {
  const rows = new Set<string>();
  for (const name of readdirSync(within, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.parquet')) continue;
    const { buffer, byteOffset, byteLength } = readFileSync(join(within, name));
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    for await (const block of readLanded(file, dataset)) for (const row of block) rows.add(JSON.stringify(row));
  }
  return rows;
}

const datasetOf = (name: string): Dataset => datasets.get(name)!;
const edgesOf = (dataset: string) => edges(datasetOf(dataset).contract);

test('The stream is told to convert by what is tried here: OpenX, without options, to Parquet', async () => {
  for (const dataset of BOTH) {
    const { conversion, columns } = await deployed(dataset);
    expect(conversion.InputFormatConfiguration).toEqual({ Deserializer: { OpenXJsonSerDe: {} } });
    expect(conversion.OutputFormatConfiguration).toEqual({ Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } });
    // Hive lowers names: others would miss their keys in the JSON.
    for (const { Name } of columns) expect(Name).toBe(Name.toLowerCase());
  }
});

test('Every row is in a record once, and the records are as large as Firehose takes them', async () => {
  const batches = world.inspect().all<{ batch_id: string }>('select distinct batch_id from batches');
  const { kept } = await findings(
    world,
    batches.map(({ batch_id }) => batch_id),
  );
  const handMade = BOTH.flatMap(edgesOf).length;
  const all = BOTH.flatMap((dataset) => sent.records(`landing-${dataset}`));
  const lines = all.reduce((sum, record) => sum + record.toString('utf8').split('\n').length - 1, 0);
  expect(lines).toBe(kept + handMade);
  const lakes = BOTH.map((dataset) => `'${lake(dataset)}'`);
  const { rows } = (
    await duckdb.runAndReadAll(`select count(*)::int as rows from read_parquet([${lakes}], union_by_name = true)`)
  ).getRowObjects()[0]!;
  expect(rows).toBe(lines);
  // Quotas of Amazon Data Firehose: 1,000 KiB a record, 500 records and 4 MiB a call.
  expect(Math.max(...all.map((record) => record.length))).toBeLessThanOrEqual(1_024_000);
  for (const { Records } of sent.calls) {
    expect(Records.length).toBeLessThanOrEqual(500);
    const bytes = Records.reduce((sum, { Data }) => sum + Buffer.from(Data, 'base64').length, 0);
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  }
  const kilobytes = Math.round(all.reduce((sum, { length }) => sum + length, 0) / all.length / 1000);
  spark.figure('records', `${all.length} of ${kilobytes} KB, from ${source}`);
});

const EACH = READERS.flatMap((reader) => BOTH.map((dataset) => [reader, dataset] as const));

test.each(EACH)('%s reads every cell of %s as the embedded lake has it', async (reader, dataset) => {
  const { rows, ...differences } = await compare(duckdb, lake(dataset), converted(reader, dataset));
  expect(differences).toEqual({ types: [], only: [0, 0], cells: {} });
  expect(rows[0]).toBeGreaterThan(dataset === 'transactions' ? 50_000 : 1000);
  expect(rows[1]).toBe(rows[0]);
  const cells = rows[0] * (await deployed(dataset)).columns.length;
  (reader === 'spark' ? spark : hive).figure(`${reader}, ${dataset}`, `${rows[0]} rows, ${cells} cells`);
});

test.each(EACH)('%s reads the hand-made rows of %s as they were written down', async (reader, dataset) => {
  const { contract } = datasetOf(dataset);
  const columns = contract.columns.map(({ name }) => `${name}::varchar`).join(', ');
  const rows = await reading(duckdb, converted(reader, dataset));
  const found = await duckdb.runAndReadAll(
    `select ${columns} from (${rows}) where batch_id = 'edges' order by line_id`,
  );
  expect(found.getRows()).toEqual(edgesOf(dataset).map(({ read }) => read));
});

// OpenX's stands for all three: what Hive's Parquet SerDe writes of them is the same.
const READ_BY_US = EACH.filter(([reader]) => reader === 'spark' || reader === 'openx');

test.each(READ_BY_US)(
  'Our own reader has every row of %s, %s, as the embedded lake has it',
  async (reader, dataset) => {
    const ours = await landedRows(join(world.directory, 'landing', dataset), datasetOf(dataset));
    const theirs = await landedRows(folder(reader, dataset), datasetOf(dataset));
    expect(ours.size).toBeGreaterThan(1000);
    expect(theirs.size).toBe(ours.size);
    expect([...theirs].filter((row) => !ours.has(row)).slice(0, 3)).toEqual([]);
  },
);

test('pyarrow finds no difference either', async () => {
  const pairs = EACH.map(([reader, dataset]) => [lake(dataset), converted(reader, dataset)] as const);
  for (const { rows, types, cells } of await pyarrow(pairs)) {
    expect(rows[0]).toBeGreaterThan(1000);
    expect({ rows: rows[1], types, cells }).toEqual({ rows: rows[0], types: [], cells: {} });
  }
});

test("Hive's Parquet SerDe stores times as INT96 and decimals as bytes, where we store 64-bit integers", async () => {
  const stored = async (files: string) => {
    const columns = "name in ('invoice_date', 'unit_price')";
    const sql = `select distinct name, type from parquet_schema('${files}') where ${columns} order by name`;
    return Object.fromEntries((await duckdb.runAndReadAll(sql)).getRows());
  };
  for (const serde of SERDES)
    expect(await stored(converted(serde, 'transactions'))).toEqual({
      invoice_date: 'INT96',
      unit_price: 'FIXED_LEN_BYTE_ARRAY',
    });
  for (const files of [lake('transactions'), converted('spark', 'transactions')])
    expect(await stored(files)).toEqual({ invoice_date: 'INT64', unit_price: 'INT64' });
});

/** The row in which a difference is planted, to see both comparers find it. */
const ONE = "line_id = 'edge 004'";

test.each([
  ['a price that is 0.0001 higher', 'price', `price + if(${ONE}, 0.0001, 0)`],
  ['a time that is a microsecond later', 'event_time', `event_time + to_microseconds(if(${ONE}, 1, 0))`],
  ['a null that became empty text', 'brand', "if(line_id = 'edge 003', '', brand)"],
  ['text that became null', 'brand', `if(${ONE}, null, brand)`],
  ['text that lost its last character', 'user_id', `if(${ONE}, user_id[:-2], user_id)`],
])('Both comparers report %s', async (_, column, value) => {
  const planted = await plant(`select * replace ((${value})::${await typeOf(column)} as ${column}) from landed`);
  const differing = { types: [], cells: { [column]: 1 } };
  expect(await compare(duckdb, lake('events'), planted)).toMatchObject({ ...differing, only: [1, 1] });
  expect(await pyarrow([[lake('events'), planted]])).toMatchObject([differing]);
});

test.each([
  ['a row that is missing', `from landed where not ${ONE}`, -1, [1, 0]],
  ['a row that came twice', `from landed union all from landed where ${ONE}`, 1, [0, 1]],
])('Both comparers report %s', async (_, rows, more, only) => {
  const planted = await plant(rows);
  const found = await compare(duckdb, lake('events'), planted);
  expect(found.only).toEqual(only);
  expect(found.rows[1] - found.rows[0]).toBe(more);
  expect(Object.values(found.cells)).toEqual((await deployed('events')).columns.map(() => 1));
  const [again] = await pyarrow([[lake('events'), planted]]);
  expect(again!.rows[1] - again!.rows[0]).toBe(more);
});

test.each([
  ['a decimal that became a float', 'double'],
  ['a decimal of another scale', 'decimal(13,5)'],
  ['a decimal of another precision', 'decimal(13,4)'],
])('Both comparers report %s', async (_, type) => {
  const planted = await plant(`select * replace (price::${type} as price) from landed`);
  const differing = { types: [expect.stringContaining('price')] };
  expect(await compare(duckdb, lake('events'), planted)).toMatchObject(differing);
  expect(await pyarrow([[lake('events'), planted]])).toMatchObject([differing]);
});

/** How DuckDB spells the type of a column of events. */
async function typeOf(column: string): Promise<string> {
  const { Type } = (await deployed('events')).columns.find(({ Name }) => Name === column)!;
  return Type.replace('string', 'varchar').replace('timestamp', 'timestamptz');
}

/** Writes a query of `landed`, events as OpenX's SerDe read them, as Parquet. */
async function plant(sql: string): Promise<string> {
  const file = join(work, 'planted.parquet');
  const landed = await reading(duckdb, converted('openx', 'events'));
  await duckdb.run(`copy (with landed as (${landed}) ${sql}) to '${file}' (format parquet)`);
  return file;
}

test.each(SERDES)('A decimal that is written as a string is exact for %s', async (serde) => {
  expect(await readAs(serde, 'decimal(12,4)', '99999999.9999')).toBe('99999999.9999');
});

test("An int that is written as a string is read by OpenX's SerDe, and refused by Hive's two", async () => {
  expect(await readAs('openx', 'int', '17')).toBe('17');
  for (const serde of ['hcatalog', 'hive'] as const)
    await expect(readAs(serde, 'int', '17')).rejects.toThrow('Current token (VALUE_STRING) not numeric');
});

test('A time is read as one of the zone that the converting machine is in, so that has to be UTC', async () => {
  expect(await readAs('openx', 'timestamp', '2010-12-01 08:26:00.5')).toBe('2010-12-01 08:26:00.5+00');
  const elsewhere = await readAs('openx', 'timestamp', '2010-12-01 08:26:00.5', 'America/New_York');
  expect(elsewhere).toBe('2010-12-01 13:26:00.5+00');
});

/** What a SerDe makes of a string in a column of a type. */
async function readAs(serde: SerDe, type: string, text: string, zone?: string): Promise<string> {
  const place = mkdtempSync(join(work, 'one-'));
  mkdirSync(join(place, 'records'));
  writeFileSync(join(place, 'records/0'), `${JSON.stringify({ value: text })}\n`);
  const out = join(place, 'out');
  const one = { serde, columns: [{ Name: 'value', Type: type }], records: join(place, 'records'), out };
  expect(await convert([one], zone)).toEqual([1]);
  const rows = await reading(duckdb, join(out, '*.parquet'));
  const [[value]] = (await duckdb.runAndReadAll(`select value::varchar from (${rows})`)).getRows() as [[string]];
  return value;
}
