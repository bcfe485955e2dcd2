import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startUploadServer } from '../../cli/dev/upload-server';
import type { Route } from '../../shared/domain/api';
import type { Arrival } from '../../shared/domain/arrival';
import type { OpenApi } from '../../shared/domain/openapi';
import { expectDocumented } from './document';
import { type Answer, type Api, type Call, startApi } from './gateway';

const FILE = 'InvoiceNo,StockCode,Description\n1,caf\xe9,\n';
const WHAT = { dataset: 'transactions', bytes: 40, name: 'Ventes 2025.csv', charset: 'iso-8859-1' };

let api: Api;
let document: OpenApi;
let server: Awaited<ReturnType<typeof startUploadServer>>;
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('GET /v1/openapi.json')).body;
  server = await startUploadServer(process.env.ECOMFLOW_DIR!, api.world.clock);
});
afterAll(async () => {
  await server.close();
  api.stop();
});

/** Calls a route; its answer, whatever it is, must be documented. */
async function ask(route: Route, call?: Call): Promise<Answer> {
  const answer = await api.call(route, call);
  expectDocumented(document, route, answer);
  return answer;
}
const announce = async (what: object = WHAT, token?: string): Promise<Answer['body']> => {
  const body = JSON.stringify(what);
  const answer = await ask('POST /v1/uploads', { body, type: 'application/json', ...(token && { token }) });
  expect(answer.status).toBe(201);
  expect(answer.headers.location).toBe(answer.body.status);
  return answer.body;
};
const arrivals = (key?: string) => ask('GET /v1/arrivals', { query: key === undefined ? {} : { key } });

const arrival = (changes: Partial<Arrival>): Arrival => ({
  key: 'inbox/transactions/x.csv',
  version: 'v1',
  checksum: 'secret checksum',
  bytes: 40,
  arrived_at: '2026-03-01T12:00:00.000Z',
  sent_by: 'shop',
  state: 'reading',
  lease: { holder: 'secret holder', until: '2026-03-01T12:16:00.000Z' },
  run_id: 'secret run',
  ...changes,
});

describe('An upload', () => {
  test('gets an address that puts the file into the inbox as it is, with what was said of it', async () => {
    const before = Date.now();
    const { key, method, url, headers, expires_at } = await announce();
    expect(key).toMatch(/^inbox\/transactions\/[0-9a-f]{32}\.csv$/);
    expect(method).toBe('PUT');
    expect(Math.abs(Date.parse(expires_at) - before - 15 * 60_000)).toBeLessThan(5000);

    const put = await fetch(url, { method, headers, body: Buffer.from(FILE, 'latin1') });
    expect({ status: put.status, said: await put.text() }).toEqual({ status: 200, said: '' });
    expect(readFileSync(join(process.env.ECOMFLOW_DIR!, key), 'latin1')).toBe(FILE);
    expect(await api.world.inbox.look(key)).toMatchObject({ bytes: 40, contentType: 'text/csv; charset=iso-8859-1' });
  });

  test('is another one each time, under a key that is made of nothing that its sender said but the data set and the ending', async () => {
    const keys: string[] = [];
    for (let n = 0; n < 3; n++) keys.push((await announce({ ...WHAT, name: '../../x y/événement.CSV.GZ' })).key);
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^inbox\/transactions\/[0-9a-f]{32}\.csv\.gz$/);
  });

  test("remembers the subject of the token as the file's sender", async () => {
    const token = await api.sign({ client_id: 'ecomflow-local-shop', scopes: ['ecomflow/ingest'] });
    const { key } = await announce(WHAT, token);
    expect(await api.world.senders.find(key)).toBe('ecomflow-local-shop');
  });
});

describe('What became of a file', () => {
  test('is that it is announced until it comes', async () => {
    const { key, status } = await announce();
    expect(status).toBe(`/v1/arrivals?key=${key}`);
    expect((await arrivals(key)).body).toEqual({ key, state: 'announced', arrivals: [] });
    await api.world.arrivals.note(arrival({ key }));
    expect((await arrivals(key)).body).toMatchObject({ key, state: 'reading', arrivals: [{ version: 'v1' }] });
  });

  test('is not known of a key that nobody announced or wrote, in whatever letters it is', async () => {
    for (const key of [
      'inbox/transactions/nothing.csv',
      'inbox/',
      'inbox/transactions/..',
      "inbox/'; --\u0000",
      'inbox/é +%2e',
    ]) {
      const { status, body } = await arrivals(key);
      expect({ key, status, code: body.code }).toEqual({ key, status: 404, code: 'not_found' });
    }
  });

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['one of another zone', 'landing/transactions/x.csv'],
    ['one that leads into another zone by its beginning', 'inbox-old/x.csv'],
    ['one that is longer than S3 takes', `inbox/${'é'.repeat(510)}`],
  ])('is not asked without a key of the inbox: %s', async (_, key) => {
    const { status, body } = await arrivals(key);
    expect({ status, code: body.code, parameter: body.parameter }).toEqual({
      status: 400,
      code: 'invalid_parameter',
      parameter: 'key',
    });
  });

  test('can be asked of the longest key that S3 takes', async () => {
    const key = `inbox/${'é'.repeat(509)}`;
    expect(Buffer.byteLength(key)).toBe(1024);
    expect((await arrivals(key)).status).toBe(404);
  });

  test('is told whole of a file that went through the stream, and nothing of who worked on it', async () => {
    const key = 'inbox/transactions/Ventes 2025+.csv';
    const file = 'ab'.repeat(32);
    const broken = { code: 'broken_compression', detail: 'It ends too soon.', facts: { cut_short: true } } as const;
    const finished_at = '2026-03-01T12:01:00.000Z';
    const dataset = 'transactions';
    await api.world.arrivals.note(
      arrival({ key, state: 'done', engine: 'stream', dataset, file, broken, finished_at }),
    );
    const { body, text } = await arrivals(key);
    expect(body).toEqual({
      key,
      state: 'done',
      arrivals: [
        {
          key,
          version: 'v1',
          state: 'done',
          bytes: 40,
          arrived_at: '2026-03-01T12:00:00.000Z',
          sent_by: 'shop',
          finished_at,
          dataset,
          engine: 'stream',
          file,
          batch_id: null,
          report: `/v1/files/${file}`,
          refusal: null,
          kept_as: null,
          broken: { code: 'broken_compression', detail: 'It ends too soon.', cut_short: true },
        },
      ],
    });
    expect(text).not.toContain('secret');
  });

  test('names the batch of a file that went through Spark once the ledger has it', async () => {
    const key = 'inbox/transactions/large.csv';
    const batch_id = 'cd'.repeat(16);
    const reports: unknown[] = [];
    for (const state of ['waiting', 'running', 'claiming', 'done', 'failed'] as const) {
      await api.world.arrivals.note(arrival({ key, state, engine: 'spark', batch_id }));
      const {
        arrivals: [shown],
      } = (await arrivals(key)).body;
      expect(shown).toMatchObject({ state, engine: 'spark', batch_id });
      reports.push(shown.report);
    }
    expect(reports).toEqual([null, null, `/v1/batches/${batch_id}`, `/v1/batches/${batch_id}`, null]);
  });

  test('is the reason where it was refused, and where it is kept', async () => {
    const key = 'inbox/orders/x.csv';
    const refusal = {
      code: 'not_found',
      detail: 'There is no data set "orders".',
      facts: { datasets: ['transactions'] },
    } as const;
    await api.world.arrivals.note(arrival({ key, state: 'refused', refusal, kept_as: 'rejected/files/orders/x.csv' }));
    expect((await arrivals(key)).body.arrivals[0]).toMatchObject({
      state: 'refused',
      dataset: null,
      report: null,
      refusal: { code: 'not_found', detail: 'There is no data set "orders".', datasets: ['transactions'] },
      kept_as: 'rejected/files/orders/x.csv',
    });
  });

  test('is told of every file that lay under the key, the last that came first, a hundred at most', async () => {
    const key = 'inbox/transactions/again.csv';
    for (let n = 0; n < 101; n++) {
      const arrived_at = new Date(Date.UTC(2026, 2, 1, 12, 0, n)).toISOString();
      await api.world.arrivals.note(
        arrival({ key, version: `v${n}`, arrived_at, state: n === 100 ? 'refused' : 'done' }),
      );
    }
    const { body } = await arrivals(key);
    expect(body.state).toBe('refused');
    expect(body.arrivals.map(({ version }: { version: string }) => version)).toEqual(
      Array.from({ length: 100 }, (_, i) => `v${100 - i}`),
    );
  });
});
