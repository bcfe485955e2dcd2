import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { simulate } from '../../cli/simulator';
import { unpackAll } from '../../shared/domain/packing';
import { freePort, ROOT, run, shell } from '../support/processes';
import { countBySql } from '../support/sql';

const REAL_FILE = join(process.env.ECOMFLOW_DATA ?? join(ROOT, '../shared/data'), 'online-retail.csv.gz');

describe('npm start', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-e2e-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const csv = join(scratch, 'rows.csv');
  const directory = join(scratch, 'data');
  beforeAll(async () => {
    const real = existsSync(REAL_FILE);
    if (!real) console.info(`${REAL_FILE} is not there: the flow is tested on 100,000 simulated rows`);
    await pipeline(
      real
        ? createReadStream(REAL_FILE).pipe(createGunzip())
        : Readable.from(simulate({ dataset: 'transactions', rows: 100_000, seed: 7 })),
      createWriteStream(csv),
    );
  });

  let port: number;
  it('loads a whole file through the HTTP API, ends with a balanced ledger, and says so in its last line', async () => {
    port = await freePort();
    const { code, stdout } = await run('dev', '--data', csv, '--dir', directory, '--port', String(port), '--exit')
      .ended;
    const { seconds, dataset, ...counts } = JSON.parse(stdout.trim().split('\n').at(-1)!);
    expect(code).toBe(0);
    expect(dataset).toBe('transactions');
    expect(seconds).toBeGreaterThan(0);
    expect(counts).toEqual(await countBySql(csv));
  }, 180_000);

  it('leaves the lake as S3 would have it: every kept row in landing once, every chunk in raw', async () => {
    const { kept, received, rejected } = await countBySql(csv);
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const landing = await connection.runAndReadAll(
      `select count(*)::integer, count(distinct line_id)::integer from read_parquet('${directory}/landing/transactions/**/*.parquet')`,
    );
    expect(landing.getRows()).toEqual([[kept, kept]]);
    const refused = await connection.runAndReadAll(
      `select reason, count(*)::integer as n from read_json('${directory}/rejected/transactions/**/*.ndjson.gz') group by reason`,
    );
    expect(Object.fromEntries(refused.getRows() as [string, number][])).toEqual(rejected);
    connection.closeSync();
    instance.closeSync();

    const raw = readdirSync(join(directory, 'raw'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const chunks = new Map<string, number>();
    for (const { parentPath, name } of raw) {
      for (const { chunk_id, rows } of unpackAll(readFileSync(join(parentPath, name)))) chunks.set(chunk_id, rows);
    }
    expect([...chunks.values()].reduce((sum, rows) => sum + rows, 0)).toBe(received);
  }, 60_000);

  it('finds its data again, keeps a second process out, answers queries, and stops cleanly on Ctrl-C', async () => {
    const started = run('dev', '--data', csv, '--dir', directory, '--port', String(port));
    const said = await started.said('Ctrl-C stops it');
    expect(said).toContain('parts were sent before');

    const second = await run('dev', '--dir', directory, '--port', String(await freePort())).ended;
    expect(second.code).toBe(1);
    expect(second.stderr.trim()).toMatch(/^[^\n]*is in use by another ecomflow \(process \d+\)[^\n]*$/);

    const [, token] = /^ {2}(TOKEN=.*)$/m.exec(said)!;
    const lines = said.split('\n').filter((line) => line.trim().startsWith('curl '));
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const { stdout } = await shell(`${token}\n${line.trim()}`);
      expect(Object.keys(JSON.parse(stdout))).toEqual(
        expect.arrayContaining([expect.stringMatching(/invoice_no|customer_id|batch_id/)]),
      );
    }

    const hash = createHash('sha256');
    for await (const piece of createReadStream(csv)) hash.update(piece as Buffer);
    const status = await run('status', hash.digest('hex'), '--dir', directory).ended;
    expect(status.stdout).toContain('balanced: every row is accounted for');
    expect(status.code).toBe(0);

    started.child.kill('SIGINT');
    const { code } = await started.ended;
    expect(code).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/v1/health`)).rejects.toThrow();
  }, 120_000);

  it('says in one line that the port is taken', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port: taken } = server.address() as { port: number };
    const { code, stderr } = await run('dev', '--dir', join(scratch, 'other'), '--port', String(taken)).ended;
    server.close();
    expect(code).toBe(1);
    expect(stderr.trim()).toBe(`Port ${taken} is in use. Stop what listens there, or give another one with --port.`);
  }, 30_000);

  it.each([
    [['--dataset', 'orders'], 'there is no data set "orders"'],
    [['--port', 'x'], '--port is a number'],
    [['--data', 'nowhere.csv'], 'there is no file nowhere.csv'],
    [['--unknown'], '--unknown'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stderr } = await run('dev', ...args).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('names the line of a file that it cannot cut, with exit code 1', async () => {
    const broken = join(scratch, 'broken.csv');
    writeFileSync(broken, 'InvoiceNo,StockCode\n1,"never closed\n');
    const { code, stderr } = await run(
      'dev',
      '--data',
      broken,
      '--dir',
      join(scratch, 'third'),
      '--port',
      String(await freePort()),
      '--exit',
    ).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('A quote that opens in line 2 is never closed');
  }, 30_000);
});
