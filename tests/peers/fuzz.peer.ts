import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { transactionColumns } from '../../cli/simulator/transactions';
import { ROUTES } from '../../shared/domain/api';
import { type FuzzReport, readReport } from './fuzz/report';
import { ask, batchesIn, type Embedded, embedded, faultIn, stored } from './support/embedded';
import { python, pythonEnvironment } from './support/install';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

/** What is used of schemathesis; fuzz/schemathesis.toml says why the rest is not. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'ensure_resource_availability',
  'ignored_auth',
];
const ROWS = 1000;
/** Some forty seconds where nothing else runs. */
const MOST_FUZZ_MS = 210_000;

const about = peer({
  name: 'schemathesis',
  proves: [
    'no request that fits the API document, nearly fits it or follows from an earlier answer meets a 500',
    'every answer is one that the document has: status, content type, headers and body',
    'a GET refuses parameters that the document does not allow, and no guarded route answers without its token',
    'numbers in a query are taken up to the most that the document says, and no further',
    'what fuzzing stored is complete, balanced, and in the lake row by row; nothing failed, no fault was logged',
  ],
  cannot: [
    'serverless-offline stands where API Gateway does: what the gateway answers by itself (401, 413, 429, methods and paths without a route, a broken percent encoding) is its own here',
    'rows that break a data set are accepted by design, so that POSTs are held to the answers and not to a refusal',
  ],
});

describe('The API, fuzzed from its own document,', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-fuzz-'));
  let server: Embedded;
  let report: FuzzReport;
  /** An invoice with several lines, as it was before. */
  let before: { invoice_no: string; lines: readonly { line_id: string }[] };
  let output: string;
  /** Those of the document, by name. */
  let parameters: Record<string, { readonly schema: { readonly maximum?: number } }>;

  const get = (path: string) => ask(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}` } });
  const getJson = async <T>(path: string) => (await get(path)).json() as Promise<T>;

  beforeAll(async () => {
    const programs = await python('fuzz');
    const { stdout: version } = await execute(join(programs, 'schemathesis'), ['--version'], {
      env: pythonEnvironment(),
    });
    about.version(version.trim().split(' ').at(-1)!);
    server = await embedded('fuzz', ROWS);
    const { batches } = await getJson<{ batches: string[] }>(`/v1/files/${server.hash}`);
    before = await firstInvoice();
    writeIds(batches, await announced());

    const document = join(scratch, 'openapi.json'); // asked for by its address, schemathesis passes over that one route
    const text = await (await get('/v1/openapi.json')).text();
    writeFileSync(document, text);
    parameters = (JSON.parse(text) as { components: { parameters: typeof parameters } }).components.parameters;
    copyFileSync(join(__dirname, 'fuzz/schemathesis.toml'), join(scratch, 'schemathesis.toml'));
    output = await fuzz(join(programs, 'schemathesis'), document);
    report = await readReport(join(scratch, 'report'));
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** The first invoice of the file that was kept with several lines. */
  async function firstInvoice() {
    for (const invoice_no of new Set(server.rows.map(({ InvoiceNo }) => InvoiceNo!))) {
      const answer = await get(`/v1/invoices/${encodeURIComponent(invoice_no)}`);
      const invoice = (await answer.json()) as typeof before;
      if (answer.ok && invoice.lines.length > 1) return invoice;
    }
    throw new Error('no invoice was kept');
  }

  /** The key of an upload that was announced. */
  async function announced(): Promise<string> {
    const answer = await ask(`${server.url}/v1/uploads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      body: '{"dataset": "transactions", "bytes": 1}',
    });
    return ((await answer.json()) as { key: string }).key;
  }

  /** Ids of what is there, from the rows that were sent: lists that schemathesis draws from. Spoilt ones are no use. */
  function writeIds(batches: readonly string[], key: string) {
    const lines = server.rows.filter(({ InvoiceNo }) => InvoiceNo === before.invoice_no);
    const lists = {
      batch_id: batches,
      hash: [server.hash],
      invoice_no: [before.invoice_no],
      stock_code: lines.map(({ StockCode }) => StockCode!),
      customer_id: server.rows.slice(0, 100).map(({ CustomerID }) => CustomerID!),
      key: [key],
    };
    for (const [name, ids] of Object.entries(lists)) {
      const plain = [...new Set(ids)].filter((id) => /^[\w./-]+$/.test(id));
      writeFileSync(join(scratch, `${name}.dict`), plain.map((id) => `"${id}"\n`).join(''));
    }
  }

  /** Runs schemathesis to its end. What it said; that it found something is for the checks to say. */
  async function fuzz(schemathesis: string, document: string): Promise<string> {
    const reports = join(scratch, 'report');
    mkdirSync(reports);
    const args = [
      ...['--config-file', join(scratch, 'schemathesis.toml'), '--no-color', 'run', document, '--url', server.url],
      ...['--header', `Authorization: Bearer ${server.token}`, '--workers', '1'],
      ...['--phases', 'examples,coverage,fuzzing,stateful', '--report', 'ndjson', '--report-dir', reports],
    ];
    const started = Date.now();
    try {
      const env = { ...pythonEnvironment(), SCHEMATHESIS_HOOKS: join(__dirname, 'fuzz/bodies.py') };
      return (await execute(schemathesis, args, { cwd: scratch, env, timeout: MOST_FUZZ_MS })).stdout;
    } catch (error) {
      if (readdirSync(reports).length === 0) throw error; // it never began
      return (error as Error).message;
    } finally {
      about.figure('seconds of fuzzing', ((Date.now() - started) / 1000).toFixed(0));
    }
  }

  test('has every route of the route table fuzzed, to answers with what is there and to refusals', () => {
    const fuzzed = Object.entries(ROUTES).map(([route, access]) => {
      const { cases = 0, statuses = new Map<number, number>() } = report.operations.get(route) ?? {};
      const some = (from: number, to: number) => [...statuses.keys()].some((status) => status >= from && status < to);
      return { route, many: cases >= 50, found: some(200, 300), refused: access === 'public' || some(400, 500) };
    });
    expect(fuzzed).toEqual(Object.keys(ROUTES).map((route) => ({ route, many: true, found: true, refused: true })));
    const perRoute = Object.keys(ROUTES).map((route) => report.operations.get(route)!.cases);
    about.figure('cases', `${perRoute.reduce((sum, n) => sum + n, 0)}, at least ${Math.min(...perRoute)} a route`);
  });

  test('holds in every check of schemathesis that is on, and each was made', () => {
    expect({ said: output, errors: report.errors }).toMatchObject({
      said: expect.stringContaining('No issues found'),
      errors: [],
    });
    expect([...report.checks.keys()].sort()).toEqual([...CHECKS].sort());
    for (const [name, { made, failed }] of report.checks) {
      expect({ name, failed }).toEqual({ name, failed: 0 });
      expect(made).toBeGreaterThan(500);
    }
  });

  test('lets nobody in whose token schemathesis took away or made up', () => {
    const guarded = Object.keys(ROUTES).filter((route) => ROUTES[route as keyof typeof ROUTES] !== 'public');
    const turnedAway = guarded.filter((route) => (report.operations.get(route)!.statuses.get(401) ?? 0) >= 2);
    expect(turnedAway).toEqual(guarded);
  });

  test('takes numbers up to the most that the document says, and refuses the next', async () => {
    const body = `${transactionColumns}\n990001,85123A,,6,12/1/2010 8:26,2.55,17850,United Kingdom\n`;
    const send = (query: string) =>
      ask(`${server.url}/v1/transactions?${query}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.token}`, 'content-type': 'text/csv' },
        body,
      });
    const part = (n: number, parts: number) => send(`file=${'ab'.repeat(32)}&part=${n}&parts=${parts}`);
    const asked: readonly [name: string, ask: (n: number) => Promise<Response>][] = [
      ['Parts', (n) => part(1, n)],
      ['Part', (n) => part(n, parameters.Parts!.schema.maximum!)],
      ['Line', (n) => send(`line=${n}`)],
      ['Limit', (n) => get(`/v1/invoices/${before.invoice_no}?limit=${n}`)],
    ];
    for (const [name, ask] of asked) {
      const most = parameters[name]!.schema.maximum!;
      expect({ name, most, ok: (await ask(most)).ok }).toEqual({ name, most, ok: true });
      const next = await ask(most + 1);
      expect({ name, status: next.status, problem: await next.json() }).toMatchObject({
        status: 400,
        problem: { code: 'invalid_parameter' },
      });
    }
  });

  test('has no fault in its logs and nothing in failed/', () => {
    expect(server.said()).toContain('POST /v1/transactions'); // they are the logs
    expect(faultIn(server.said())).toBeUndefined();
    expect(stored(server.directory).failed).toBe(0);
  });

  test('balances every batch that was begun, and has its rows in the lake', async () => {
    const batches = batchesIn(server.directory);
    expect(batches).toEqual(expect.arrayContaining([...report.accepted]));
    expect(report.accepted.size).toBeGreaterThan(20);
    const sum = { received: 0, kept: 0, duplicate: 0, rejected: 0 };
    for (const batch_id of batches) {
      const { status, received, kept, duplicate, rejected } = await settled(batch_id);
      const refused = Object.values(rejected).reduce((total, n) => total + n, 0);
      expect({ batch_id, status, received }).toEqual({
        batch_id,
        status: 'complete',
        received: kept + duplicate + refused,
      });
      sum.received += received;
      sum.kept += kept;
      sum.duplicate += duplicate;
      sum.rejected += refused;
    }
    expect(sum.received).toBeGreaterThan(ROWS);
    expect(await inTheLake()).toEqual({ kept: sum.kept, rejected: sum.rejected });
    about.figure('batches stored', `${batches.length} with ${sum.received} rows, all accounted for`);
  });

  /** A batch's ledger once it is cleaned. */
  const settled = (batch_id: string) =>
    until(`batch ${batch_id} is cleaned`, 30, async () => {
      const batch = await getJson<Ledger>(`/v1/batches/${batch_id}`);
      return batch.status === 'accepted' ? undefined : batch;
    });

  /** Rows in landing and rejected, counted by DuckDB. */
  async function inTheLake(): Promise<{ kept: number; rejected: number }> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const count = async (from: string) =>
        Number((await connection.runAndReadAll(`select count(*)::integer from ${from}`)).getRows()[0]![0]);
      const { directory } = server;
      return {
        kept: await count(`read_parquet('${directory}/landing/*/**/*.parquet', union_by_name = true)`),
        rejected: await count(`read_json('${directory}/rejected/*/**/*.ndjson.gz')`),
      };
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  test('answers afterwards as before', async () => {
    expect(await getJson('/v1/health')).toMatchObject({ status: 'ok' });
    const after = await getJson<typeof before>(`/v1/invoices/${encodeURIComponent(before.invoice_no)}`);
    expect(after.lines).toEqual(expect.arrayContaining([...before.lines]));
  });
});

interface Ledger {
  readonly status: string;
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
}
