import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROUTES, type Route } from '../../shared/domain/api';
import { type OpenApi, openApi } from '../../shared/domain/openapi';
import { PROBLEMS } from '../../shared/domain/problem';
import { expectDocumented, faultsOf, followed, type Json, objects, operationOf, pointed } from './document';
import { ALL_ROUTES, type Answer, type Api, type Call, declaredRoutes, ROOT, send, startApi } from './gateway';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const SALES = [
  '536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,12/1/2010 8:26,2.55,17850,United Kingdom',
  '536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,2,12/1/2010 8:26,2.55,17850,United Kingdom',
  '536365,71053,,6,12/1/2010 8:26,0.0001,17850,United Kingdom',
  '536365,71053,,6,12/1/2010 8:26,0.0001,17850,United Kingdom', // a duplicate
  '536366,22633,HAND WARMER,6,2010-12-01T08:28:00.5Z,1.85,17850.0,United Kingdom',
  '536367,84879,BIRD ORNAMENT,32,12/1/2010 8:34,1.69,,France',
  'C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom',
  'A563185,B,Adjust bad debt,1,8/12/2011 14:50,11062.06,,United Kingdom',
  '536368,22960,JAM,zwei,12/1/2010 8:34,4.25,13047,United Kingdom',
];
const CSV = [HEADER, ...SALES].join('\n');
const CLICKS = [
  '{"event_time":"2019-10-01 00:00:00 UTC","event_type":"cart","product_id":5773203,"category_id":1487580005134238553,"brand":"runail","price":2.62,"user_id":463240011,"user_session":null}',
  '{"event_time":"2019-10-01T00:00:03Z","event_type":"look","product_id":"1","category_id":"2","price":"1","user_id":"3"}',
  'not json',
].join('\n');
const FILE = 'ab'.repeat(32);

let api: Api;
let document: OpenApi;
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('GET /v1/openapi.json')).body;
});
afterAll(() => api.stop());

/** Calls a route; its answer, whatever it is, must be documented. */
async function ask(route: Route, call?: Call): Promise<Answer> {
  const answer = await api.call(route, call);
  expectDocumented(document, route, answer);
  return answer;
}
const csv = (body: string): Call => ({ body, type: 'text/csv' });

async function taken(call: Call): Promise<string> {
  const { status, body } = await ask('POST /v1/transactions', call);
  expect(status).toBe(202);
  await api.clean();
  return body.batch_id;
}

describe('A route', () => {
  test('is the same in serverless.yml, the route table and the document', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(
      declaredRoutes()
        .map(({ route }) => route)
        .sort(),
    ).toEqual([...ALL_ROUTES].sort());
    expect(documented.sort()).toEqual([...ALL_ROUTES].sort());
  });

  test.each(declaredRoutes())('$route goes to $function, which answers it', async ({ route, function: name }) => {
    const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, 'x']);
    const call = { ...csv(CSV), params: { ...Object.fromEntries(names), dataset: 'transactions' } };
    const answer = await send(api.handlers[name]!, route, {
      ...call,
      token: await api.sign({ scopes: ['ecomflow/admin'] }),
    });
    expect([200, 202, 400, 404]).toContain(answer.status);
    expect(answer.body.detail).not.toBe('There is no such resource.');
    // The question function is the one that knows what it does not answer.
    if (name !== 'query') {
      expect((await send(api.handlers.query!, route, call)).body.detail).toBe('There is no such resource.');
    }
  });

  test('has an authorizer before it unless it is public', () => {
    for (const { route, authorizer } of declaredRoutes()) {
      expect({ route, authorizer }).toEqual({
        route,
        authorizer: ROUTES[route as Route] === 'public' ? undefined : 'tokens',
      });
      const { security } = operationOf(document, route);
      expect(security.length === 0).toBe(ROUTES[route as Route] === 'public');
    }
  });

  test('is guarded on a laptop as it is on AWS', () => {
    const provider = require('../../cli/dev/offline-auth.js');
    const { authenticate } = provider('api', 'query', 'GET', '/').getAuthenticateFunction();
    const answer = { code: () => answer, header: () => answer, takeover: () => 'refused' };
    const h = { authenticated: () => 'let in', response: () => answer };
    for (const route of ALL_ROUTES) {
      const outcome = authenticate({ headers: {}, route: { path: route.split(' ')[1] } }, h);
      expect({ route, outcome }).toEqual({ route, outcome: ROUTES[route] === 'public' ? 'let in' : 'refused' });
    }
  });
});

describe('The document', () => {
  test('is valid OpenAPI 3.1', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ecomflow-openapi-'));
    const file = join(folder, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    // In a process of its own: the validator is an ES module, which jest would have to rewrite.
    const validator = join(ROOT, 'node_modules/@seriousme/openapi-schema-validator/bin/validate-api-cli.js');
    const verdict = execFileSync(process.execPath, [validator, file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(JSON.parse(verdict)).toEqual({ valid: true });
  });

  test('is what the function serves, with the version of the build', () => {
    expect(document).toEqual(JSON.parse(JSON.stringify(openApi('9.9.9'))));
  });

  test('points at nothing that is not there', () => {
    const dangling = [...objects(document)].filter(
      ([, { $ref }]) => typeof $ref === 'string' && pointed(document, $ref) === undefined,
    );
    expect(dangling).toEqual([]);
  });

  test('names every parameter of a path, every operation once, and every problem', () => {
    const ids = ALL_ROUTES.map((route) => operationOf(document, route).operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const route of ALL_ROUTES) {
      const parameters: Json[] = (operationOf(document, route).parameters ?? []).map((one: Json) =>
        followed(document, one),
      );
      const named = parameters.filter((one) => one.in === 'path').map((one) => `{${one.name}}`);
      expect({ route, named }).toEqual({ route, named: route.match(/\{\w+\}/g) ?? [] });
    }
    expect(pointed(document, '#/components/schemas/Problem/properties/code').enum).toEqual(Object.keys(PROBLEMS));
  });

  test('would not fit an answer that has a member too many, one too few or one of another kind', async () => {
    const { schema } = operationOf(document, 'GET /v1/health').responses[200].content['application/json'];
    const { body } = await ask('GET /v1/health');
    expect(faultsOf(document, schema, body)).toEqual([]);
    const { commit, ...less } = body;
    for (const wrong of [{ ...body, uptime: 1 }, less, { ...body, commit: 1 }]) {
      expect(faultsOf(document, schema, wrong)).not.toEqual([]);
    }
    expect(commit).toBe('abc');
  });

  test('asks of machines what the design says', () => {
    const scopes = ALL_ROUTES.map((route) => [
      route,
      operationOf(document, route).security.flatMap((one: Json) => one.machine ?? []),
    ]);
    expect(Object.fromEntries(scopes)).toMatchObject({
      'POST /v1/events': ['ecomflow/ingest', 'ecomflow/admin'],
      'GET /v1/files/{hash}': ['ecomflow/ingest', 'ecomflow/read', 'ecomflow/admin'],
      'GET /v1/customers/{customer_id}': ['ecomflow/read', 'ecomflow/admin'],
      'GET /v1/health': [],
    });
  });

  test('has examples that fit their schemas', () => {
    const examples = [...objects(document)].filter(([, { schema, example }]) => schema && example !== undefined);
    expect(examples.length).toBeGreaterThan(25);
    for (const [place, { schema, example }] of examples) {
      expect({ place, faults: faultsOf(document, schema, example) }).toEqual({ place, faults: [] });
    }
  });

  test.each(['transactions', 'events'])('has bodies of %s that are taken without a refusal', async (dataset) => {
    const { content } = operationOf(document, `POST /v1/${dataset}`).requestBody;
    const bodies = Object.entries(content as Json).filter(([, media]) => (media as Json).example !== undefined);
    expect(bodies.map(([type]) => type)).toEqual(['text/csv', 'application/json', 'application/x-ndjson']);
    for (const [type, { example }] of bodies as [string, Json][]) {
      const body = typeof example === 'string' ? example : JSON.stringify(example);
      const answer = await ask('POST /v1/{dataset}/validate', { params: { dataset }, type, body });
      expect(answer.body).toMatchObject({ rows: 1, kept: 1, rejected: {} });
    }
  });
});

describe('An answer is as documented', () => {
  let batch_id: string;
  let events: string;
  beforeAll(async () => {
    const first = await ask('POST /v1/transactions', csv(CSV));
    expect(first).toMatchObject({ status: 202, body: { dataset: 'transactions', rows: 9, chunks: 1 } });
    batch_id = first.body.batch_id;
    expect(first.headers.location).toBe(`/v1/batches/${batch_id}`);
    await api.clean();
    const clicks = await ask('POST /v1/events', { body: Buffer.from(CLICKS), type: 'application/x-ndjson' });
    expect(clicks.status).toBe(202);
    events = clicks.body.batch_id;
  });

  test('for a batch that is on its way, and one that is through', async () => {
    expect((await ask('GET /v1/batches/{batch_id}', { params: { batch_id: events } })).body).toMatchObject({
      status: 'accepted',
      received: 3,
      pending: 3,
      balanced: false,
      file: null,
    });
    await api.clean();
    expect((await ask('GET /v1/batches/{batch_id}', { params: { batch_id: events } })).body).toMatchObject({
      status: 'complete',
      kept: 1,
      rejected: { unknown_event_type: 1, unparseable: 1 },
      balanced: true,
    });
    expect((await ask('GET /v1/batches/{batch_id}', { params: { batch_id } })).body).toMatchObject({
      received: 9,
      kept: 5,
      duplicate: 1,
      rejected: { bad_debt: 1, cancellation: 1, unparseable: 1 },
      pending: 0,
    });
  });

  test('for a batch that never was wholly in the stream', async () => {
    const { head } = (await api.world.batches.find(batch_id))!;
    const { accepted_at: _, ...open } = head;
    await api.world.batches.open({ ...open, batch_id: '0'.repeat(32) });
    expect((await ask('GET /v1/batches/{batch_id}', { params: { batch_id: '0'.repeat(32) } })).body).toMatchObject({
      status: 'open',
      accepted_at: null,
    });
  });

  test('for what was measured so far: rows that came, and what became of them', async () => {
    const { body } = await ask('GET /v1/metrics');
    const ofSales = body.meters.filter(({ dataset }: Json) => dataset === 'transactions');
    expect(ofSales.map(({ meter, unit, count, sum, max, last }: Json) => [meter, unit, count, sum, max, last])).toEqual(
      [
        ['RowsReceived', 'Count', 1, 9, 9, 9],
        ['RowsKept', 'Count', 1, 5, 5, 5],
        ['RowsDuplicate', 'Count', 1, 1, 1, 1],
        ['RowsRejected', 'Count', 1, 3, 3, 3],
        ['PostToLedger', 'Milliseconds', 1, expect.any(Number), expect.any(Number), expect.any(Number)],
      ],
    );
    expect(body.meters[0].meaning).toBe('rows of batches that were accepted');
  });

  test('for content that comes again', async () => {
    expect((await ask('POST /v1/transactions', csv(CSV))).body).toMatchObject({ batch_id, known: true });
  });

  test('for refused rows', async () => {
    const { body } = await ask('GET /v1/batches/{batch_id}/rejected', { params: { batch_id } });
    expect(body).toEqual({
      batch_id,
      rows: [
        { line: 8, reason: 'cancellation', field: 'invoice_no', text: SALES[6] },
        { line: 9, reason: 'bad_debt', field: 'invoice_no', text: SALES[7] },
        { line: 10, reason: 'unparseable', field: 'quantity', text: SALES[8] },
      ],
      next_cursor: null,
    });
  });

  test('for a file, part by part', async () => {
    const part = (n: number): Call => ({
      ...csv(`${HEADER}\n54000${n},1,,1,12/1/2010 8:26,1,1,Eire`),
      query: { file: FILE, part: String(n), parts: '2', line: String(n * 100) },
    });
    const second = await taken(part(2));
    expect((await ask('GET /v1/files/{hash}', { params: { hash: FILE } })).body).toMatchObject({
      status: 'open',
      parts: { total: 2, accepted: [2] },
    });
    await taken(part(1));
    expect((await ask('GET /v1/files/{hash}', { params: { hash: FILE } })).body).toMatchObject({
      status: 'complete',
      received: 2,
      kept: 2,
      balanced: true,
      parts: { total: 2, accepted: [1, 2] },
    });
    const others: Call[] = [
      { ...part(2), ...csv(`${HEADER}\n640002,1,,1,12/1/2010 8:26,1,1,Eire`) },
      { ...part(2), query: { ...part(2).query, parts: '9' } },
    ];
    for (const other of others) {
      const refused = await ask('POST /v1/transactions', other);
      expect({ status: refused.status, code: refused.body.code, batch: refused.body.batch_id }).toEqual({
        status: 409,
        code: 'conflict',
        batch: second,
      });
    }
    expect((await ask('GET /v1/batches/{batch_id}', { params: { batch_id: second } })).body.file).toEqual({
      hash: FILE,
      part: 2,
      parts: 2,
    });
  });

  test('for an invoice, its items and its customer', async () => {
    const { body: invoice } = await ask('GET /v1/invoices/{invoice_no}', { params: { invoice_no: '536365' } });
    expect(invoice).toMatchObject({ line_count: 3, total: '20.4006', customer_id: '17850', next_cursor: null });
    const { body: items } = await ask('GET /v1/invoices/{invoice_no}/items/{stock_code}', {
      params: { invoice_no: '536365', stock_code: '85123A' },
    });
    expect(items).toEqual(invoice.lines.slice(0, 2));
    const page1 = await ask('GET /v1/invoices/{invoice_no}/items/{stock_code}', {
      params: { invoice_no: '536365', stock_code: '85123A' },
      query: { limit: '1' },
    });
    expect(page1.body).toEqual(invoice.lines.slice(0, 1));
    const cursor = /\?cursor=([\w-]+)>; rel="next"$/.exec(String(page1.headers?.link))![1]!;
    const page2 = await ask('GET /v1/invoices/{invoice_no}/items/{stock_code}', {
      params: { invoice_no: '536365', stock_code: '85123A' },
      query: { cursor },
    });
    expect(page2.body).toEqual(invoice.lines.slice(1, 2));
    expect(page2.headers?.link).toBeUndefined();
    const { body: customer } = await ask('GET /v1/customers/{customer_id}', { params: { customer_id: '17850' } });
    const { body: page } = await ask('GET /v1/customers/{customer_id}/invoices', { params: { customer_id: '17850' } });
    expect(page.invoices).toEqual([
      { invoice_no: '536365', invoice_date: '2010-12-01T08:26:00Z', country: 'United Kingdom' },
      { invoice_no: '536366', invoice_date: '2010-12-01T08:28:00.5Z', country: 'United Kingdom' },
    ]);
    expect(customer).toEqual({ ...page, country: 'United Kingdom', profile: null });
    const unknown = await ask('GET /v1/customers/{customer_id}', { params: { customer_id: 'Unknown' } });
    expect(unknown.status).toBe(404);
  });

  test('for a judgement, which stores nothing and stops at 5000 verdicts', async () => {
    const before = api.world.log.backlog('clean');
    const judged = await ask('POST /v1/{dataset}/validate', {
      params: { dataset: 'events' },
      body: Buffer.from(CLICKS),
      type: 'application/octet-stream',
      query: { type: 'ndjson' },
    });
    expect(judged.body.verdicts.map(({ kind }: Json) => kind)).toEqual(['kept', 'rejected', 'rejected']);
    const many = [HEADER, ...Array.from({ length: 5001 }, () => SALES[0])].join('\n');
    const cut = await ask('POST /v1/{dataset}/validate', { ...csv(many), params: { dataset: 'transactions' } });
    expect(cut.body).toMatchObject({ rows: 5001, kept: 5001, truncated: true });
    expect(cut.body.verdicts).toHaveLength(5000);
    expect(api.world.log.backlog('clean')).toBe(before);
  });

  test('for health and the document, which need no token', async () => {
    expect((await ask('GET /v1/health', { token: undefined })).body).toEqual({
      status: 'ok',
      version: '9.9.9',
      commit: 'abc',
    });
    expect((await ask('GET /v1/openapi.json', { token: undefined })).body.info.version).toBe('9.9.9');
  });

  test('for what is not there', async () => {
    const questions = ALL_ROUTES.filter((route) => route.startsWith('GET') && route.includes('{'));
    expect(questions.length).toBeGreaterThan(5);
    for (const route of questions) {
      for (const word of ['nothing', '0'.repeat(31), 'f'.repeat(32), 'f'.repeat(64), '', "'; --", '\u0000', '%2e']) {
        const params = Object.fromEntries([...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name!, word]));
        expect({ route, word, ...(await ask(route, { params })) }).toMatchObject({
          status: 404,
          body: { code: 'not_found' },
        });
      }
    }
    const dataset = await ask('POST /v1/{dataset}/validate', { ...csv(CSV), params: { dataset: 'refunds' } });
    expect(dataset).toMatchObject({ status: 404, body: { datasets: ['transactions', 'events'] } });
  });

  const bytes = (body: Buffer, query: Record<string, string> = { type: 'csv' }): Call => ({
    body,
    type: 'application/octet-stream',
    query,
  });
  test.each<[string, Call]>([
    ['empty_body', csv('')],
    ['empty_body', csv(`${HEADER}\n`)],
    ['empty_body', { body: '[]', type: 'application/json' }],
    ['unknown_column', csv(`${HEADER},Colour\n${SALES[0]},red`)],
    ['unknown_column', { body: '{"Colour":"red"}', type: 'application/x-ndjson' }],
    ['missing_column', csv('InvoiceNo\n1')],
    ['repeated_column', csv(`${HEADER},invoice_no\n${SALES[0]},1`)],
    ['unterminated_quote', csv(`${HEADER}\n1,"2`)],
    ['broken_json', { body: '{"a":1}', type: 'application/json' }],
    ['not_in_charset', bytes(Buffer.from('caf\xe9', 'latin1'))],
    ['broken_compression', bytes(gzipSync(CSV).subarray(0, 40))],
    ['damaged_text', csv(`${HEADER}\n\ufffd`)],
    ['invalid_parameter', bytes(Buffer.from(CSV), { type: 'xml' })],
    ['invalid_parameter', { ...csv(CSV), query: { charset: 'ebcdic' } }],
    ['invalid_parameter', { ...csv(CSV), query: { file: 'abc' } }],
    ['invalid_parameter', { ...csv(CSV), query: { file: FILE, part: '3', parts: '2' } }],
    ['invalid_parameter', { ...csv(CSV), query: { line: '0' } }],
    ['too_large', bytes(Buffer.alloc(4 * 1024 * 1024 + 1, 'a'))],
    ['too_large', bytes(gzipSync(Buffer.alloc(64 * 1024 * 1024 + 1, 'a'), { level: 1 }))],
    ['unsupported_type', { body: CSV, type: 'text/plain' }],
    ['unsupported_type', { body: CSV }],
    ['unsupported_type', bytes(Buffer.from(CSV), {})],
  ])('for a body that is refused with %s', async (code, call) => {
    const before = api.world.log.backlog('clean');
    expect((await ask('POST /v1/transactions', call)).body.code).toBe(code);
    expect(
      (await ask('POST /v1/{dataset}/validate', { ...call, params: { dataset: 'transactions' } })).status,
    ).not.toBe(500);
    expect(api.world.log.backlog('clean')).toBe(before);
  });
});

describe('Paging', () => {
  /** All entries by following next_cursor, and the cursors. */
  async function walk(route: Route, call: Call, of: (body: Json) => Json[]) {
    const entries: Json[] = [];
    const cursors: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { status, body } = await ask(route, { ...call, query: { ...call.query, ...(cursor && { cursor }) } });
      expect(status).toBe(200);
      entries.push(...of(body));
      cursor = body.next_cursor as string | null;
      if (cursor !== null) cursors.push(cursor);
      expect(cursors.length).toBeLessThan(50);
    }
    return { entries, cursors };
  }

  const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);
  const invoice = { params: { invoice_no: '600000' } };
  const customer = { params: { customer_id: '99' } };
  let refused: Call;
  let long: Call;
  beforeAll(async () => {
    // More rows than a chunk takes, so that pages cross from one chunk to the next.
    const cancelled = numbers(10_500).map((i) => `C${i},1,,-1,12/1/2010 8:26,1,98,Eire`);
    refused = { params: { batch_id: await taken(csv([HEADER, ...cancelled].join('\n'))) } };
    const wordy = numbers(400).map((i) => `C${i},1,"${'""'.repeat(4000)}",-1,12/1/2010 8:26,1,98,Eire`);
    long = { params: { batch_id: await taken(csv([HEADER, ...wordy].join('\n'))) } };
    const lines = numbers(25).map((i) => `600000,${i},,${i + 1},12/1/2010 8:26,1,99,Eire`);
    const invoices = numbers(11).map((i) => `${600_001 + i},1,,1,12/1/2010 8:26,1,99,Eire`);
    await taken(csv([HEADER, ...lines, ...invoices].join('\n')));
  });

  test('through refused rows gives every row once, also across chunks', async () => {
    const batch = await ask('GET /v1/batches/{batch_id}', refused);
    expect(batch.body.chunks.total).toBeGreaterThan(1);
    const call = { ...refused, query: { limit: '997' } };
    const { entries, cursors } = await walk('GET /v1/batches/{batch_id}/rejected', call, ({ rows }) => rows);
    expect(entries.map(({ line }) => line)).toEqual(numbers(10_500).map((i) => i + 2));
    expect(cursors).toHaveLength(10);
  });

  test('ends a page early when its rows are long, and loses none', async () => {
    const call = { ...long, query: { limit: '1000' } };
    const { entries, cursors } = await walk('GET /v1/batches/{batch_id}/rejected', call, ({ rows }) => rows);
    expect(entries.map(({ line }) => line)).toEqual(numbers(400).map((i) => i + 2));
    expect(cursors).toHaveLength(1);
  });

  test.each([1, 2, 5, 24, 25, 26])('through the lines of an invoice by %i gives every line once', async (limit) => {
    const call = { ...invoice, query: { limit: String(limit) } };
    const { entries, cursors } = await walk('GET /v1/invoices/{invoice_no}', call, ({ lines }) => lines);
    expect(entries.map(({ stock_code }) => stock_code)).toEqual(numbers(25).map(String));
    expect(cursors).toHaveLength(Math.ceil(25 / limit) - 1);
  });

  test.each(['GET /v1/customers/{customer_id}', 'GET /v1/customers/{customer_id}/invoices'] as const)(
    'through %s gives every invoice once',
    async (route) => {
      for (const limit of ['1', '5', '11', '12', '13']) {
        const { entries } = await walk(route, { ...customer, query: { limit } }, ({ invoices }) => invoices);
        expect(entries.map(({ invoice_no }) => invoice_no)).toEqual(numbers(12).map((i) => String(600_000 + i)));
      }
    },
  );

  test('has the usual page when nothing is said', async () => {
    const { body } = await ask('GET /v1/batches/{batch_id}/rejected', refused);
    expect(body.rows).toHaveLength(100);
  });

  const PAGED: Route[] = [
    'GET /v1/batches/{batch_id}/rejected',
    'GET /v1/invoices/{invoice_no}',
    'GET /v1/customers/{customer_id}',
    'GET /v1/customers/{customer_id}/invoices',
  ];
  const params = () => ({ ...refused.params, ...invoice.params, ...customer.params });

  test('documents the limits that it keeps to', async () => {
    const { schema } = pointed(document, '#/components/parameters/Limit');
    for (const route of PAGED) {
      for (const limit of [schema.minimum, schema.maximum]) {
        expect((await ask(route, { params: params(), query: { limit: String(limit) } })).status).toBe(200);
      }
      for (const limit of [schema.minimum - 1, schema.maximum + 1, '-1', '', 'ten', '1e2', '5.0', '１', ' 5']) {
        const answer = await ask(route, { params: params(), query: { limit: String(limit) } });
        expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_parameter', parameter: 'limit' } });
      }
    }
  });

  test('refuses cursors that were changed, cut, made up or given for another address', async () => {
    const cursorOf = async (route: Route, params: Record<string, string>): Promise<string> =>
      (await ask(route, { params, query: { limit: '1' } })).body.next_cursor;
    for (const route of PAGED) {
      const cursor = await cursorOf(route, params());
      const others = await Promise.all(
        PAGED.filter((other) => other !== route).map((other) => cursorOf(other, params())),
      );
      const wrong = [
        ...numbers(cursor.length).map((i) => cursor.slice(0, i)),
        ...numbers(cursor.length).map(
          (i) => `${cursor.slice(0, i)}${cursor[i] === 'A' ? 'B' : 'A'}${cursor.slice(i + 1)}`,
        ),
        `${cursor}A`,
        `${cursor}=`,
        'null',
        'x'.repeat(5000),
        '../../etc',
        ...others,
      ];
      for (const one of wrong) {
        const answer = await ask(route, { params: params(), query: { cursor: one } });
        expect({ route, one, ...answer }).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
      }
    }
    const borrowed = await cursorOf('GET /v1/customers/{customer_id}', { customer_id: '17850' });
    const answer = await ask('GET /v1/customers/{customer_id}', { params: params(), query: { cursor: borrowed } });
    expect(answer.status).toBe(400);
  });

  test('past the end is no fault of ours', async () => {
    const { encodeCursor } = await import('../../shared/domain/cursor');
    const cursor = encodeCursor('/v1/customers/99', 'zzz');
    expect((await ask('GET /v1/customers/{customer_id}', { ...customer, query: { cursor } })).status).toBe(404);
  });
});

describe('An ETag', () => {
  const PUBLIC: Route[] = ['GET /v1/health', 'GET /v1/openapi.json'];
  const invoice = { params: { invoice_no: '536365' } };

  test.each([...PUBLIC, 'GET /v1/invoices/{invoice_no}'] as Route[])(
    'of %s spares a client the answer',
    async (route) => {
      const { etag } = (await ask(route, invoice)).headers as { etag: string };
      expect(etag).toMatch(/^"[\w-]+"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const answer = await ask(route, { ...invoice, headers: { 'if-none-match': known } });
        expect(answer).toMatchObject({ status: 304, text: '', headers: { etag } });
      }
      for (const known of ['"other"', etag.slice(1, -1), '']) {
        expect((await ask(route, { ...invoice, headers: { 'if-none-match': known } })).status).toBe(200);
      }
    },
  );

  test('changes with the answer, and is not given for a problem', async () => {
    const { etag } = (await ask('GET /v1/invoices/{invoice_no}', invoice)).headers as { etag: string };
    await taken(csv(`${HEADER}\n536365,NEW,,1,12/1/2010 8:26,1,17850,United Kingdom`));
    const answer = await ask('GET /v1/invoices/{invoice_no}', { ...invoice, headers: { 'if-none-match': etag } });
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).not.toBe(etag);
    const none = await ask('GET /v1/invoices/{invoice_no}', {
      params: { invoice_no: 'x' },
      headers: { 'if-none-match': '*' },
    });
    expect(none.status).toBe(404);
    expect(none.headers).not.toHaveProperty('etag');
  });
});
