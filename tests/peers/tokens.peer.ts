import { type OutgoingHttpHeaders, request } from 'node:http';
import { ROUTES, type Route } from '../../shared/domain/api';
import { ask, type Embedded, embedded, faultIn, stored } from './support/embedded';
import { peer } from './support/peer';
import { until } from './support/processes';
import { BAD, type Headers } from './tokens/bad';
import { GUARDED, HOLDERS, PUBLIC } from './tokens/holders';
import { type Mint, mintOf } from './tokens/mint';

const ROWS = 200;
const ANSWER_MS = 10_000;

const about = peer({
  name: 'jose',
  version: require('jose/package.json').version,
  proves: [
    'no route that is guarded answers a wrong token with anything but 401, and stores nothing; the answer tells nothing',
    'a good token opens the routes that the design names for its scope or group, and 403 the others',
  ],
  cannot: [
    "the gateway's part is played by our own check in serverless-offline, with aws-jwt-verify; Cognito and API Gateway's JWT authorizer, which also judges the client, are AWS's",
    'a token that was revoked before it expires is good until then, here and on AWS: its signature is all that is asked',
  ],
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

let server: Embedded;
let mint: Mint;
/** Paths to things that are there, so that whoever is let in finds them. */
let found: Record<string, string>;

beforeAll(async () => {
  server = await embedded('tokens', ROWS);
  mint = await mintOf(server.directory);
  const hello = await ask(`${server.url}/v1/files/${server.hash}`, {
    headers: { authorization: `Bearer ${server.token}` },
  });
  const { batches } = (await hello.json()) as { batches: string[] };
  const announced = await ask(`${server.url}/v1/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(UPLOAD),
  });
  const { key } = (await announced.json()) as { key: string };
  // The first row of the simulated shop is a good one of a known customer.
  const { InvoiceNo, StockCode, CustomerID } = server.rows[0]!;
  found = {
    dataset: 'transactions',
    batch_id: batches[0]!,
    hash: server.hash,
    invoice_no: InvoiceNo!,
    stock_code: StockCode!,
    customer_id: CustomerID!,
    name: 'sales_by_day',
    key,
  };
});
afterAll(() => server?.stop());

const UPLOAD = { dataset: 'transactions', bytes: 1 };
/** Of rows that were refused for a reason that there is not: nothing is ordered. */
const REDRIVE = { reason: 'nothing' };

let sent = 0;
/** Rows that nobody has sent before: taken in, they would leave a batch. */
const freshRows = (route: Route): object[] =>
  route === 'POST /v1/events'
    ? [
        {
          event_time: '2019-10-01T00:00:00Z',
          event_type: 'cart',
          product_id: String(++sent),
          category_id: '1',
          price: '2.62',
          user_id: '463240011',
        },
      ]
    : [
        {
          invoice_no: `9${++sent}`,
          stock_code: '85123A',
          quantity: 6,
          invoice_date: '2010-12-01T08:26:00Z',
          unit_price: '2.55',
          country: 'United Kingdom',
        },
      ];

/** What stands behind the question mark. */
const queryOf = (route: Route): string => (route === 'GET /v1/arrivals' ? `key=${encodeURIComponent(found.key!)}` : '');

/** A route's path with the names of things that are there. */
const pathOf = (route: Route): string =>
  route.slice(route.indexOf('/')).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(found[name]!));

/** node:http and not fetch: it sends headers twice, and empty ones. */
function call(route: Route, headers: Headers, query = ''): Promise<Answer> {
  const method = route.slice(0, route.indexOf(' '));
  const behind = [queryOf(route), query].filter(Boolean).join('&');
  const url = `${server.url}${pathOf(route)}${behind && `?${behind}`}`;
  const sends =
    route === 'POST /v1/uploads'
      ? UPLOAD
      : route === 'POST /v1/batches/{batch_id}/redrive'
        ? REDRIVE
        : freshRows(route);
  const body = method === 'POST' ? JSON.stringify(sends) : undefined;
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((done, fail) => {
    const asked = request(
      url,
      { method, headers: { ...type, ...headers } as OutgoingHttpHeaders, timeout: ANSWER_MS },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece) => (text += piece));
        answer.on('end', () => done({ status: answer.statusCode!, headers: answer.headers, text }));
        answer.on('error', fail);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`${route} did not answer in time`)));
    asked.on('error', fail);
    asked.end(body);
  });
}

/** All that a refusal says: what is written here and no member more. */
const REFUSALS = {
  gateway: () => ({ message: 'Unauthorized' }),
  function: (route: Route) => ({
    type: 'urn:ecomflow:problem:unauthorized',
    title: 'A valid access token is needed',
    status: 401,
    code: 'unauthorized',
    detail: 'Send an access token: Authorization: Bearer TOKEN.',
    instance: pathOf(route),
  }),
};
const TYPES = { gateway: /^application\/json\b/, function: /^application\/problem\+json\b/ };

test('The matrix has every route of the route table, and knows which are public', () => {
  expect([...GUARDED, ...PUBLIC].sort()).toEqual(Object.keys(ROUTES).sort());
  expect(Object.keys(ROUTES).filter((route) => ROUTES[route as Route] === 'public')).toEqual(PUBLIC);
});

describe('Every guarded route turns away', () => {
  test.each(BAD)('$what', async ({ by, headers, query }) => {
    const before = stored(server.directory);
    expect(before.batches).toBeGreaterThan(0);
    const wrong = await headers(mint);
    const behind = await query?.(mint);
    for (const route of GUARDED) {
      const { status, headers: said, text } = await call(route, wrong, behind);
      expect({ route, status, body: JSON.parse(text) as unknown }).toEqual({
        route,
        status: 401,
        body: REFUSALS[by](route),
      });
      expect(said['www-authenticate']).toBe('Bearer');
      expect(said['content-type']).toMatch(TYPES[by]);
    }
    for (const route of PUBLIC) expect({ route, ...(await call(route, wrong, behind)) }).toMatchObject({ status: 200 });
    expect(stored(server.directory)).toEqual(before);
  });
});

describe('A good token', () => {
  test.each(HOLDERS)('of $who opens what the design says, and nothing else', async ({ claims, may }) => {
    const token = await mint.sign(claims);
    const before = stored(server.directory);
    let batches = 0;
    let uploads = 0;
    for (const route of GUARDED) {
      const { status, text } = await call(route, { authorization: `Bearer ${token}` });
      const taken = route === 'POST /v1/transactions' || route === 'POST /v1/events';
      const allowed = taken ? 202 : route === 'POST /v1/uploads' ? 201 : 200;
      expect({ route, status, text }).toMatchObject({ status: may.includes(route) ? allowed : 403 });
      if (status === 202) batches++;
      if (status === 201) uploads++;
      if (status === 403) {
        expect(Object.keys(JSON.parse(text)).sort()).toEqual(['code', 'detail', 'instance', 'status', 'title', 'type']);
        expect(JSON.parse(text)).toMatchObject({ code: 'forbidden', detail: expect.stringMatching(/^This needs /) });
      }
    }
    // A head and the entry of its one chunk, for each batch that was taken in, and who asked for an upload.
    const entries = before.batches! + 2 * batches + uploads;
    const cleaned = await until('what was sent is cleaned', 30, async () => {
      const now = stored(server.directory);
      return now.batches! >= entries ? now : undefined;
    });
    expect(cleaned.batches).toBe(entries);
    expect(cleaned.stream).toBe(before.stream! + batches);
  });

  test('may be named by its scheme in any case, as RFC 9110 has it', async () => {
    const token = await mint.sign();
    for (const scheme of ['bearer', 'BEARER']) {
      const { status } = await call('GET /v1/files/{hash}', { authorization: `${scheme} ${token}` });
      expect(status).toBe(200);
    }
  });

  test('leaves no fault in the logs', () => {
    expect(server.said()).toContain('POST /v1/transactions');
    expect(faultIn(server.said())).toBeUndefined();
    about.figure('matrix', `${BAD.length} bad and ${HOLDERS.length} good tokens on ${GUARDED.length} routes`);
  });
});
