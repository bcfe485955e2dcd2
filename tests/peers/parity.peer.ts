import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { addCounts } from '../../shared/domain/outcome';
import { put, take } from '../support/inbox';
import { drain, findings, post, testWorld } from '../support/world';
import { transactions } from './conversion/rows';
import { type Case, disagreement } from './parity/agree';
import {
  brokenCases,
  endlessLine,
  fileCases,
  fixtureCases,
  maker,
  type Refusal,
  refusals,
  sale,
  sales,
  simulatedCases,
  wideCases,
} from './parity/files';
import { requestCases } from './parity/requests';
import { manifestOf, runJob, runJobs, type SparkFile, startJob } from './parity/spark';
import { WIDE } from './parity/wide';
import { realRows, whatIsTested } from './support/data';
import { peer } from './support/peer';

/*
 * The bulk job on a real Spark against what TypeScript makes of the same bytes: rows, line_ids and types by DuckDB's full
 * joins over both Parquets, refused rows with line, reason, field, text and values, and the counts of every chunk.
 */
const spark = peer({
  name: 'Spark (the bulk job)',
  proves: [
    'the bulk job gives the rows, identities, reasons, fields, texts and lines that TypeScript gives, cell by cell',
    'on every fixture, on the full real file, on a million dirty rows, and on odd values of every type and predicate',
    'run twice, killed and run again, or beside another run, it leaves what one run leaves',
    'what cannot be taken is refused with the code and the facts of ingest; of a broken file the whole rows are in',
  ],
  cannot: ["Glue's own Spark, S3's renames, several machines: here it is local[2] on a folder"],
});

/** All of UCI Online Retail. */
const REAL_ROWS = 541_909;

let work: string;
let duckdb: DuckDBConnection;
const make = (...args: Parameters<ReturnType<typeof maker>>) => maker(work)(...args);

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'ecomflow-parity-'));
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  await duckdb.run("set TimeZone = 'UTC'");
});

afterAll(() => {
  duckdb?.closeSync();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** Runs the job on files and holds each against TypeScript. */
async function agree(cases: readonly Case[]): Promise<void> {
  const { version, errors } = await runJobs(cases.map((one) => one.spark));
  spark.version(version);
  const found: Record<string, unknown> = {};
  for (const [i, one] of cases.entries()) {
    const differing = errors[i] ? { error: errors[i] } : await disagreement(duckdb, one);
    if (Object.keys(differing).length > 0) found[one.name] = differing;
  }
  expect(found).toEqual({});
}

const receivedIn = (cases: readonly Case[]) =>
  cases.reduce((sum, one) => sum + (manifestOf(one.spark)?.received ?? 0), 0);

test('Every fixture, every type and predicate, and every kind of file come out as in TypeScript', async () => {
  const contract = join(work, 'wide.json');
  writeFileSync(contract, JSON.stringify(WIDE));
  const broken = brokenCases(make);
  const giant = fileCases(make);
  const cases = [...fixtureCases(make), ...requestCases(make).taken, ...wideCases(make, contract), ...giant, ...broken];
  await agree(cases);
  spark.figure('fixtures and files', `${cases.length} files, ${receivedIn(cases)} rows`);

  for (const one of broken) expect(manifestOf(one.spark)!.broken?.code).toBe('broken_compression');
  for (const one of giant) {
    const { chunks } = manifestOf(one.spark)!;
    // No chunk has to take much more than its share, whatever one invoice or one row is like.
    const share = chunks.reduce((sum, { rows }) => sum + rows, 0) / chunks.length;
    if (one.name.includes('giant')) expect(Math.max(...chunks.map(({ kept }) => kept))).toBeLessThan(2 * share);
  }
});

test('What cannot be taken as a whole is refused with the code and the facts of ingest, and leaves nothing', async () => {
  const endless = make('endless', 'transactions', 'csv', Buffer.from(sales(0, () => '')));
  endlessLine(endless.spark.file);
  const all: Refusal[] = [
    ...refusals(make),
    ...requestCases(make).refused,
    { one: endless, code: 'too_large', facts: {} },
  ];
  const { errors } = await runJobs(all.map(({ one }) => one.spark));
  const found = Object.fromEntries(
    all.map(({ one }, i) => {
      const refused = manifestOf(one.spark)?.refused;
      return [one.name, errors[i] ?? [refused?.code, refused?.facts]];
    }),
  );
  expect(found).toMatchObject(Object.fromEntries(all.map(({ one, code, facts }) => [one.name, [code, facts]])));
  for (const { one } of all) {
    expect(filesIn(one.spark.lake).filter((file) => /^(landing|rejected)/.test(file))).toEqual([]);
    expect(manifestOf(one.spark)!.chunks).toEqual([]);
  }
  spark.figure('refused', `${all.length} files, among them a line of 2 GB`);
});

test('A million simulated rows, a tenth of them dirty, come out as in TypeScript', async () => {
  const cases = simulatedCases(make);
  await agree(cases);
  expect(receivedIn(cases)).toBeGreaterThanOrEqual(1_000_000);
});

let real: Case;

test('The full real file comes out as in TypeScript, by HTTP and by the small path', async () => {
  real = make('real', 'transactions', 'csv', Buffer.from(await realRows(REAL_ROWS)));
  const seconds = await runJob(real.spark);
  expect(await disagreement(duckdb, real)).toEqual({});
  const counts = addCounts(manifestOf(real.spark)!.chunks);
  spark.figure('real file', `${whatIsTested(REAL_ROWS)}: ${seconds.toFixed(1)} s with local[2], its start included`);

  const [world, small] = [testWorld(), testWorld()];
  try {
    const ids: string[] = [];
    for (const body of await transactions(REAL_ROWS)) ids.push(await post(world, 'transactions', body));
    expect(await drain(world)).toEqual([]);
    const http = await findings(world, ids);
    const { batches, kept } = http;
    const received = batches.reduce((sum, batch) => sum + batch.received, 0);
    const { rejected } = addCounts(batches.map((batch) => ({ ...batch, kept: 0, duplicate: 0 })));
    const duplicate = batches.reduce((sum, { through }) => sum + through, 0) - kept;
    expect({ received: REAL_ROWS, ...counts }).toEqual({ received, kept, duplicate, rejected });

    const { key } = put(small, 'transactions/real.csv', readFileSync(real.spark.file));
    await take(small, { key });
    expect(await drain(small)).toEqual([]);
    const [arrival] = await small.arrivals.of(key);
    const parts = (await small.files.batches(arrival!.file!)).map(({ head }) => head.batch_id);
    expect(digestOf(await findings(small, parts))).toEqual(digestOf(http));
  } finally {
    world.remove();
    small.remove();
  }
});

/** What the stores have, short enough to be compared; of refused rows not the batch and its lines, which differ by how it was cut. */
function digestOf({ kept, lines, customers, landed, refused }: Awaited<ReturnType<typeof findings>>) {
  const hash = (values: readonly unknown[]) => createHash('sha256').update(JSON.stringify(values)).digest('hex');
  const rows = refused.map((row) => row.replace(/^\S+ \S+ /, '')).sort();
  return {
    kept,
    lines: hash(lines),
    customers: hash(customers),
    landed: hash(landed),
    refused: [rows.length, hash(rows)],
  };
}

test('A second run changes nothing, not even a time', async () => {
  const before = stateOf(real.spark);
  await runJob(real.spark);
  expect(stateOf(real.spark)).toEqual(before);
});

test('A planted difference is found: a price, a text, a row that is missing, a count', async () => {
  const one = make(
    'planted',
    'transactions',
    'csv',
    sales(3000, (i) => sale(i % 100 ? i : 'C1', i)),
  );
  await agree([one]);
  const [landed] = filesIn(one.spark.lake).filter((file) => file.startsWith('landing'));
  const file = join(one.spark.lake, landed!);
  const original = readFileSync(file);
  const plant = async (sql: string) => {
    writeFileSync(`${file}.original`, original);
    await duckdb.run(
      `copy (select ${sql} from read_parquet('${file}.original', hive_partitioning = false)) to '${file}' (format parquet)`,
    );
    rmSync(`${file}.original`);
  };
  const first = `line_id = (select min(line_id) from read_parquet('${file}.original', hive_partitioning = false))`;
  await plant(`* replace ((unit_price + if(${first}, 0.0001, 0))::decimal(12,4) as unit_price)`);
  expect(await disagreement(duckdb, one)).toMatchObject({ cells: { unit_price: 1 } });
  await plant(`* replace (if(${first}, 'Unknown', customer_id) as customer_id)`);
  expect(await disagreement(duckdb, one)).toMatchObject({ cells: { customer_id: 1 } });
  await plant('* replace (unit_price::decimal(13,5) as unit_price)');
  expect(await disagreement(duckdb, one)).toMatchObject({ types: [expect.stringContaining('unit_price')] });
  writeFileSync(file, original);
  const other = { ...one, rows: { ...one.rows, text: one.rows.text.replace('C1,0,MUG', 'C1,0,MUGS') } };
  expect(Object.keys(await disagreement(duckdb, other))).toEqual(['missing', 'surplus']);
  const fewer = { ...one, rows: { ...one.rows, text: one.rows.text.replace(/^.*\n/, '') } };
  expect(Object.keys(await disagreement(duckdb, fewer))).toEqual(expect.arrayContaining(['counts', 'surplus']));
});

test('Killed at any point and run again, it leaves what one run leaves', async () => {
  const plain = sales(40_000, (i) => sale(i % 50 ? i % 4000 : 'C1', i, i % 11 ? 'MUG' : '"MUG, ""RED"""'));
  const more = ['--chunk-rows', '10000'];
  const [undisturbed, killed] = ['undisturbed', 'killed'].map((name) =>
    make(name, 'transactions', 'csv', plain, { more }),
  ) as [Case, Case];
  const same = { ...killed, spark: { ...killed.spark, batch_id: undisturbed.spark.batch_id } };
  const done: string[] = [];
  for (const moment of ['lines read', 'rows cleaned', 'objects of landing written', 'objects of rejected written']) {
    const run = await startJob(same.spark);
    await run.saying(moment);
    process.kill(-run.child.pid!, 'SIGKILL');
    await run.ended.then(
      () => done.push(moment),
      (error: Error) => expect(error.message).toContain('SIGKILL'),
    );
  }
  expect(done).toEqual([]);
  expect(filesIn(same.spark.lake).some((file) => file.startsWith('landing'))).toBe(true); // half of it is there
  // What a run that was cut otherwise might have left.
  const stale = join(
    same.spark.lake,
    'landing',
    'transactions',
    'dt=2026-11-21',
    `${same.spark.batch_id}-s00099.parquet`,
  );
  mkdirSync(join(stale, '..'), { recursive: true });
  writeFileSync(stale, '');

  await Promise.all([runJob(same.spark, 'local[1]'), runJob(undisturbed.spark, 'local[1]')]); // two runs at once
  expect(await disagreement(duckdb, same)).toEqual({});
  expect(await contentsOf(same.spark)).toEqual(await contentsOf(undisturbed.spark));
});

/** All files under a folder that are the lake's, relative to it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(landing|rejected|work)/.test(name) && statSync(join(folder, name)).isFile())
    .sort();
}

const stateOf = ({ lake }: SparkFile) =>
  filesIn(lake).map((name) => {
    const file = join(lake, name);
    return [name, createHash('sha256').update(readFileSync(file)).digest('hex'), statSync(file).mtimeMs];
  });

/** What lies in the lake, Parquet as its rows in their order: in the footer Java lists encodings as chance has it. */
async function contentsOf({ lake }: SparkFile): Promise<(readonly [name: string, digest: unknown])[]> {
  const contents: (readonly [string, unknown])[] = [];
  for (const name of filesIn(lake)) {
    const file = join(lake, name);
    if (name.endsWith('.parquet')) {
      const rows = `read_parquet('${file}', file_row_number = true, hive_partitioning = false)`;
      const sql = `select md5(string_agg(one::varchar, chr(10) order by file_row_number)) from ${rows} one`;
      contents.push([name, (await duckdb.runAndReadAll(sql)).getRows()[0]![0]]);
    } else contents.push([name, createHash('sha256').update(readFileSync(file)).digest('hex')]);
  }
  return contents;
}
