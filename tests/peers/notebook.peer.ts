import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import Papa from 'papaparse';
import { simulate } from '../../cli/simulator';
import { balanceOf } from '../../shared/domain/ledger';
import { rejectedTotal } from '../../shared/domain/outcome';
import { buildInsights } from '../../shared/pipeline/insights';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { freePort, ROOT } from '../support/processes';
import { drain, post, type TestWorld, testWorld } from '../support/world';
import { jars, python, pythonEnvironment } from './support/install';
import { peer } from './support/peer';
import { execute, type Server, serve } from './support/processes';

/*
 * The notebook, executed as Jupyter does, over a folder and over S3; what it says is held against the ledger, the stored
 * invoices and the texts of refused rows. The small app for Streamlit beside it, over the warehouse's file.
 */
const about = peer({
  name: 'Jupyter, Streamlit, JDBC',
  proves: [
    'the notebook runs through on a data directory and on S3, says the ledger’s counts, and draws its figures',
    'its sums agree with each other, with the insights that were built, and with the invoices and the refused texts',
    'of a data directory without insights it draws what rows alone say; of one whose rows are not all there it complains',
    'the Streamlit app and DuckDB’s JDBC driver give the revenue of warehouse.duckdb; ecomflow has the file in between',
  ],
  cannot: ['S3: it is ministack’s, without TLS and IAM', 'a person who looks at the figures'],
});

const ROWS = 6000;
const NOTEBOOK = join(ROOT, 'notebooks/ecomflow.ipynb');
const APP = join(ROOT, 'notebooks/streamlit_app.py');
const REGION = 'eu-central-1';
/** An empty figure of Matplotlib's has less. */
const FEWEST_PNG_BYTES = 6000;

let scratch: string;
let bin: string;
let world: TestWorld;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'ecomflow-notebook-'));
  bin = await python('notebook');
  const { stdout } = await execute(join(bin, 'pip'), ['--disable-pip-version-check', 'freeze']);
  const versions = ['nbclient', 'ipykernel', 'duckdb', 'pandas', 'pyarrow', 'streamlit'];
  about.version(
    stdout
      .split('\n')
      .filter((line) => versions.includes(line.split('==')[0]!))
      .join(', '),
  );

  world = testWorld();
  const sales = [...simulate({ dataset: 'transactions', rows: ROWS, seed: 7, dirty: 0.1 })].join('');
  const events = [...simulate({ dataset: 'events', rows: ROWS, seed: 7, dirty: 0.05 })].join('');
  await post(world, 'transactions', sales);
  await post(world, 'events', events);
  // The second half comes again, as another batch: events are claimed by nobody, so landing has them twice.
  const [header, ...lines] = events.split('\n');
  await post(world, 'events', [header, ...lines.slice(ROWS / 2)].join('\n'));
  expect(await drain(world)).toEqual([]);
  await loadWarehouse({}, world);
  await buildInsights({}, world);
});
afterAll(() => {
  world?.remove();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

/** What a run of the notebook said, `name: value` a line, and the sizes of its figures. */
interface Told {
  readonly said: ReadonlyMap<string, string>;
  readonly text: string;
  readonly figures: readonly number[];
}

interface Output {
  readonly text?: readonly string[] | string;
  readonly data?: Readonly<Record<string, string>>;
}

/** Executes the notebook headless, in an empty folder. @throws with the error of its cell */
async function executed(env: Readonly<Record<string, string>>): Promise<Told> {
  const folder = mkdtempSync(join(scratch, 'run-'));
  const file = join(folder, 'out.ipynb');
  writeFileSync(file, readFileSync(NOTEBOOK));
  const clean = {
    ...pythonEnvironment(),
    HOME: folder,
    MPLCONFIGDIR: folder,
    IPYTHONDIR: folder,
    JUPYTER_CONFIG_DIR: folder,
  };
  for (const name of ['ECOMFLOW_DIR', 'ECOMFLOW_LAKE']) delete (clean as NodeJS.ProcessEnv)[name];
  // Kernels are found beside the programs of the environment.
  const path = { PATH: `${bin}:${process.env.PATH}`, JUPYTER_PATH: join(bin, '../share/jupyter') };
  await execute(join(bin, 'jupyter'), ['execute', '--inplace', '--timeout=240', file], {
    cwd: folder,
    env: { ...clean, ...path, ...env },
  });
  const { cells } = JSON.parse(readFileSync(file, 'utf8')) as { cells: { outputs?: Output[] }[] };
  const outputs = cells.flatMap((cell) => cell.outputs ?? []);
  const text = outputs.flatMap((output) => output.text ?? []).join('');
  const said = new Map(text.split('\n').map((line) => line.split(': ') as [string, string]));
  const figures = outputs.flatMap(({ data }) =>
    data?.['image/png'] ? [Buffer.from(data['image/png'], 'base64').length] : [],
  );
  return { said, text, figures };
}

/** What the ledger counts of a data set. */
async function ledgerOf(dataset: string) {
  let [received, kept, rejected] = [0, 0, 0];
  for await (const batch of world.history.batches()) {
    if (batch.head.dataset !== dataset) continue;
    const balance = balanceOf(batch);
    received += balance.received;
    kept += balance.kept;
    rejected += rejectedTotal(balance);
  }
  return { received, kept, rejected };
}

/** Money in ten-thousandths. */
const exact = (text: string): bigint => {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)\.?(\d{0,4})0*$/.exec(text)!;
  return BigInt(`${sign}${whole}${fraction.padEnd(4, '0')}`);
};

/** Sums over what SQLite has of the invoices, which no Parquet went through. */
function soldOf(): bigint {
  let sum = 0n;
  for (const { lines } of world.inspect().all<{ lines: string }>('select lines from invoices'))
    for (const { row } of JSON.parse(lines) as { row: { quantity: number; unit_price: string } }[])
      sum += BigInt(row.quantity) * exact(row.unit_price);
  return sum;
}

/** What was cancelled, by the texts of the refused rows. */
async function cancelled(): Promise<{ rows: number; value: bigint }> {
  const sum = { rows: 0, value: 0n };
  for await (const { head, entries } of world.history.batches()) {
    if (head.dataset !== 'transactions') continue;
    const [quantity, price] = ['quantity', 'unit_price'].map((name) => head.columns.indexOf(name));
    for (const { chunk_id } of entries)
      for (const { reason, text } of await world.rejects.read(head, chunk_id)) {
        if (reason !== 'cancellation') continue;
        const fields = Papa.parse<string[]>(text).data[0]!;
        sum.rows++;
        sum.value += BigInt(Number(fields[quantity!])) * BigInt(Math.round(Number(fields[price!]) * 10_000));
      }
  }
  return sum;
}

/** What any run over these rows has to say. */
async function expectTold({ said, figures }: Told): Promise<void> {
  for (const dataset of ['transactions', 'events']) {
    const { received, kept, rejected } = await ledgerOf(dataset);
    expect(received).toBeGreaterThanOrEqual(ROWS);
    const told = ['received', 'kept', 'rejected'].map((what) => Number(said.get(`${dataset} ${what}`)));
    expect([dataset, ...told]).toEqual([dataset, received, kept, rejected]);
  }
  expect(exact(said.get('revenue')!)).toBe(soldOf());
  const { rows, value } = await cancelled();
  expect(rows).toBeGreaterThan(10);
  expect(Number(said.get('cancelled rows'))).toBe(rows);
  expect(exact(said.get('cancelled value')!)).toBe(value);
  expect(figures).toHaveLength(8);
  for (const bytes of figures) expect(bytes).toBeGreaterThan(FEWEST_PNG_BYTES);
}

describe('the notebook', () => {
  let overFolder: Told;

  test('says what the ledger says of a data directory, and draws its figures', async () => {
    const began = performance.now();
    overFolder = await executed({ ECOMFLOW_DIR: world.directory });
    about.figure('the notebook over a folder', `${((performance.now() - began) / 1000).toFixed(0)} s`);
    await expectTold(overFolder);
    const { said } = overFolder;
    expect(said.get('lake')).toBe('local');
    // What came twice is there twice, and counts once.
    const twice = Number(said.get('events kept')) - Number(said.get('events different'));
    expect(twice).toBeGreaterThan(ROWS / 3);
    const sums = [...said].filter(([name]) => name.startsWith('revenue of sales_by'));
    expect(sums).toHaveLength(4);
    for (const [, sum] of sums) expect(exact(sum)).toBe(soldOf());
    expect(Number(said.get('customers of all segments'))).toBeGreaterThan(0);
    expect(said.get('customers of all cohorts')).toBe(said.get('customers of all segments'));
  });

  test('says the same of the same lake on S3', async () => {
    const folder = join(scratch, 's3');
    mkdirSync(folder);
    const port = await freePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: REGION };
    const healthy = async () => (await fetch(`${endpoint}/_ministack/health`)).ok;
    const place = { HOME: folder, TMPDIR: folder, BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port) };
    const env = { PATH: process.env.PATH, ...place, MINISTACK_REGION: REGION, IOT_MTLS_ENABLED: '0' };
    const ministack = await python('ministack');
    const server = await serve('notebook-s3', join(ministack, 'ministack'), [], healthy, { env, cwd: folder });
    try {
      const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
      const s3 = new S3Client({ region: REGION, endpoint, credentials, forcePathStyle: true });
      const bucket = { Bucket: 'ecomflow-lake' };
      await s3.send(new CreateBucketCommand(bucket));
      for (const Key of lakeOf(world.directory))
        await s3.send(new PutObjectCommand({ ...bucket, Key, Body: readFileSync(join(world.directory, Key)) }));
      s3.destroy();

      const overS3 = await executed({ ECOMFLOW_LAKE: 's3://ecomflow-lake', AWS_ENDPOINT_URL: endpoint, ...keys });
      await expectTold(overS3);
      expect(overS3.text).toBe(overFolder.text.replace('lake: local', 'lake: s3'));
    } finally {
      await server.stop();
    }
  });

  test('draws what rows say where no insight was built, and ends where nothing is', async () => {
    const folder = join(scratch, 'rows-alone');
    copied(folder, (key) => !key.startsWith('insights/'));
    const { said, text, figures } = await executed({ ECOMFLOW_DIR: folder });
    expect(exact(said.get('revenue')!)).toBe(soldOf());
    expect(text).toContain('no insight is built yet');
    expect(figures).toHaveLength(4);
    await expect(executed({ ECOMFLOW_DIR: join(scratch, 'nothing') })).rejects.toThrow('there are no transactions in');
  });

  test.each([
    ['landing/transactions/', /transactions kept: \d+ by the rows, \d+ by what was built/],
    ['rejected/events/', /events rejected: \d+ by the rows, \d+ by what was built/],
  ])('complains of an object that is gone from %s', async (zone, complaint) => {
    const folder = join(scratch, zone.replaceAll('/', '-'));
    const gone = lakeOf(world.directory).find((key) => key.startsWith(zone));
    copied(folder, (key) => key !== gone);
    await expect(executed({ ECOMFLOW_DIR: folder })).rejects.toThrow(complaint);
  });

  test('is kept without what a run leaves', () => {
    const { cells } = JSON.parse(readFileSync(NOTEBOOK, 'utf8')) as {
      cells: { outputs?: []; execution_count?: null }[];
    };
    for (const { outputs = [], execution_count = null } of cells)
      expect([outputs, execution_count]).toEqual([[], null]);
  });
});

test('the Streamlit app is served, shows the revenue, and leaves the file free', async () => {
  const env = { ...pythonEnvironment(), HOME: scratch, ECOMFLOW_DIR: world.directory };
  const script = `
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(${JSON.stringify(APP)}, default_timeout=60).run()
assert not app.exception, app.exception
print(app.metric[0].value)`;
  const { stdout } = await execute(join(bin, 'python'), ['-c', script], { env, cwd: scratch });
  const cents = Number(stdout.trim().replaceAll(',', ''));
  expect(cents).toBeCloseTo(Number(soldOf()) / 10_000, 2);

  const port = await freePort();
  const options = ['--server.headless=true', '--server.address=127.0.0.1', '--browser.gatherUsageStats=false'];
  const healthy = async () => (await (await fetch(`http://127.0.0.1:${port}/_stcore/health`)).text()) === 'ok';
  const args = ['run', APP, `--server.port=${port}`, ...options];
  const server: Server = await serve('streamlit', join(bin, 'streamlit'), args, healthy, { env, cwd: scratch });
  try {
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    expect(await loadWarehouse({}, world)).toMatchObject({ done: true });
  } finally {
    await server.stop();
  }
});

test('DuckDB’s JDBC driver opens warehouse.duckdb for reading, and no more', async () => {
  const address = `jdbc:duckdb:${join(world.directory, 'warehouse.duckdb')}`;
  const path = join(await jars('duckdb'), '*');
  const ask = (url: string, sql: string) =>
    execute('java', ['-cp', path, join(__dirname, 'notebook/Ask.java'), url, sql], { cwd: scratch });
  const sum = 'select sum(quantity * unit_price) as revenue from ecomflow.transactions';
  const { stdout } = await ask(`${address};duckdb.read_only=true`, sum);
  const [driver, ...lines] = stdout.trim().split('\n');
  about.figure('JDBC', driver!);
  expect(lines).toEqual(expect.arrayContaining(['table transactions', 'table events']));
  expect(exact(lines.at(-1)!.replace('revenue ', ''))).toBe(soldOf());
  const refused = ask(`${address};duckdb.read_only=true`, 'delete from ecomflow.transactions');
  await expect(refused).rejects.toThrow(/read-only/i);
});

/** Keys of what a lake on S3 would have of a data directory. */
function lakeOf(directory: string): string[] {
  return ['landing', 'rejected', 'insights'].flatMap((zone) =>
    readdirSync(join(directory, zone), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)),
  );
}

/** Copies those of a lake's files into another folder. */
function copied(into: string, which: (key: string) => boolean): void {
  for (const key of lakeOf(world.directory).filter(which)) {
    mkdirSync(join(into, key, '..'), { recursive: true });
    writeFileSync(join(into, key), readFileSync(join(world.directory, key)));
  }
}
