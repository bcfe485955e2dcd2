import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKeys, Issuer } from '../../shared/adapters/local/tokens';
import type { Route } from '../../shared/domain/api';
import { openApi } from '../../shared/domain/openapi';
import type { Telemetry } from '../../shared/pipeline/ports';
import { expectDocumented } from './document';
import { type Call, declaredRoutes, GUARDED_ROUTES, type Handler, send } from './gateway';

const document = openApi('test');
const directory = mkdtempSync(join(tmpdir(), 'ecomflow-faults-'));
let token: string;
/** What is said in the log of the functions. */
let logged: Parameters<Telemetry['log']>[];
beforeAll(async () => {
  process.env.ECOMFLOW_DIR = directory;
  token = await new Issuer(await ensureKeys(directory)).sign({ scopes: ['ecomflow/admin'] });
});
beforeEach(() => {
  logged = [];
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What no client may read: what vendors say, where we are, and what we asked for. */
const SECRET = 'ThrottlingException arn:aws:dynamodb:eu-central-1:123456789012:table/invoices /var/task/index.mjs';

type Ports = typeof import('../../shared/pipeline/ports');

/** The functions in a world in which every port throws; `broken` says which, all but tokens by default. */
async function withFault(
  fault: (ports: Ports) => unknown,
  broken: (port: string) => boolean = (port) => port !== 'tokens',
): Promise<Record<string, Handler>> {
  const handlers: Record<string, Handler> = {};
  await jest.isolateModulesAsync(async () => {
    // Of the same registry as the handlers: instanceof must know it.
    const thrown = fault(await import('../../shared/pipeline/ports'));
    const { verifierIn } = await import('../../shared/adapters/local/tokens');
    const method = () => Promise.reject(thrown);
    const telemetry = { log: (...line: Parameters<Telemetry['log']>) => void logged.push(line), read: method };
    const whole: Record<string, unknown> = {
      tokens: verifierIn(directory),
      clock: { now: () => new Date() },
      telemetry, // a line can always be written; what was measured cannot always be read
    };
    const port = (name: string) => () =>
      !broken(name) || name === 'clock' || name === 'telemetry' ? whole[name] : new Proxy({}, { get: () => method });
    const names = [
      ...['clock', 'tokens', 'stream', 'batches', 'files', 'rejects', 'invoices', 'customers'],
      ...['engine', 'built', 'profiles', 'live'],
      ...['senders', 'arrivals', 'uploads', 'orders', 'telemetry'],
    ];
    jest.doMock('#adapters', () => Object.fromEntries(names.map((name) => [name, port(name)])));
    handlers.ingest = (await import('../../functions/ingest/handler')).handler;
    handlers.upload = (await import('../../functions/upload/handler')).handler;
    handlers.query = (await import('../../functions/query/handler')).handler;
    handlers.insights = (await import('../../functions/insights/handler')).handler;
    handlers.live = (await import('../../functions/live/handler')).handler as Handler;
    handlers.admin = (await import('../../functions/admin/handler')).handler;
    jest.dontMock('#adapters');
  });
  return handlers;
}

const functionOf = new Map(declaredRoutes().map(({ route, function: name }) => [route, name]));
const SALE =
  'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n1,1,,1,12/1/2010 8:26,1,,Eire';
const CLICK =
  'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n2019-10-01 00:00:00 UTC,cart,1,1,,,1,1,';

const BODIES: Partial<Record<Route, string>> = {
  'POST /v1/events': CLICK,
  'POST /v1/uploads': '{"dataset": "transactions", "bytes": 1}',
  'POST /v1/batches/{batch_id}/redrive': '{"reason": "missing"}',
};

const callOf = (route: Route): Call => ({
  params: {
    batch_id: 'f'.repeat(32),
    hash: 'f'.repeat(64),
    invoice_no: '1',
    stock_code: '1',
    customer_id: '1',
    name: 'sales_by_day',
    dataset: 'transactions',
  },
  query: route === 'GET /v1/arrivals' ? { key: 'inbox/transactions/x.csv' } : {},
  body: BODIES[route] ?? SALE,
  type: 'text/csv',
  token,
});

/** Routes that ask a port; a judgement asks none. */
const ASKING = GUARDED_ROUTES.filter((route) => !route.endsWith('/validate'));

async function expectRefusal(handlers: Record<string, Handler>, route: Route, status: 500 | 503): Promise<void> {
  const answer = await send(handlers[functionOf.get(route)!]!, route, callOf(route));
  expectDocumented(document, route, answer);
  expect({ route, status: answer.status }).toEqual({ route, status });
  expect(Object.keys(answer.body).sort()).toEqual(
    ['code', 'detail', 'instance', 'request_id', 'status', 'title', 'type'].sort(),
  );
  expect(answer.body).toMatchObject({ code: status === 503 ? 'try_later' : 'internal', request_id: 'request-1' });
  expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
  const said = answer.text + JSON.stringify(answer.headers);
  for (const word of [...SECRET.split(' '), 'Error', '.ts', 'node_modules', '\\n', directory]) {
    expect(said).not.toContain(word);
  }
}

/** The one line of the log that there is: which request, and everything of the error. */
function expectInLog(route: Route, error: string): void {
  const about = { request_id: 'request-1', route, error: expect.anything() };
  expect(logged).toEqual([['error', 'a request failed', expect.objectContaining(about)]]);
  const [[, , facts]] = logged as [Parameters<Telemetry['log']>];
  expect(facts.batch_id).toBe(route.includes('{batch_id}') ? 'f'.repeat(32) : undefined);
  expect((facts.error as Error).stack).toContain(error);
}

test.each(ASKING)('%s says of a broken world only that it is worth another try', async (route) => {
  const cause = Object.assign(new Error(SECRET), { $metadata: { httpStatusCode: 400 } });
  await expectRefusal(await withFault(({ Unavailable }) => new Unavailable(SECRET, { cause })), route, 503);
  expectInLog(route, SECRET);
});

test.each(ASKING)('%s says of a defect only where to look it up', async (route) => {
  await expectRefusal(await withFault(() => new TypeError(SECRET)), route, 500);
  expectInLog(route, SECRET);
});

test.each<[string, () => unknown]>([
  ["a vendor's error", () => Object.assign(new Error(SECRET), { name: 'ThrottlingException', $fault: 'client' })],
  ['an error with a status of its own', () => Object.assign(new Error(SECRET), { status: 418, statusCode: 418 })],
  ['text', () => SECRET],
  ['an object', () => ({ message: SECRET, detail: SECRET, toJSON: () => ({ detail: SECRET }) })],
])('A client hears nothing of %s that is thrown', async (_, fault) => {
  const handlers = await withFault(fault);
  await expectRefusal(handlers, 'GET /v1/invoices/{invoice_no}', 500);
  await expectRefusal(handlers, 'POST /v1/transactions', 500);
});

test('Keys that cannot be had keep nobody out for good: 503, not 401', async () => {
  const handlers = await withFault(
    ({ Unavailable }) => new Unavailable(SECRET),
    () => true,
  );
  for (const route of GUARDED_ROUTES) await expectRefusal(handlers, route, 503);
});
