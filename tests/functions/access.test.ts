import { createHmac } from 'node:crypto';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import { ensureKeys, ISSUER, Issuer, type TokenOptions } from '../../shared/adapters/local/tokens';
import type { Route } from '../../shared/domain/api';
import type { OpenApi } from '../../shared/domain/openapi';
import { expectDocumented } from './document';
import { ALL_ROUTES, type Answer, type Api, type Call, GUARDED_ROUTES, startApi } from './gateway';

let api: Api;
let document: OpenApi;
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('GET /v1/openapi.json')).body;
});
afterAll(() => api.stop());

const CALL: Call = {
  params: { dataset: 'transactions', batch_id: 'x', hash: 'x', invoice_no: 'x', stock_code: 'x', customer_id: 'x' },
  body: 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n1,1,,1,12/1/2010 8:26,1,,Eire',
  type: 'text/csv',
};

async function ask(route: Route, call: Call): Promise<Answer> {
  const answer = await api.call(route, { ...CALL, ...call });
  expectDocumented(document, route, answer);
  return answer;
}

/** A token of the issuer with any claims. */
async function signed(claims: JWTPayload): Promise<string> {
  const { privateKey, publicKey } = api.keys;
  return new SignJWT({ iss: ISSUER, sub: 'x', token_use: 'access', client_id: 'ecomflow-local-people', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: publicKey.kid })
    .setIssuedAt()
    .setExpirationTime(claims.exp ?? '1h')
    .sign(await importJWK(privateKey, 'RS256'));
}

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What an administrator's machine would get, so that nothing but the one thing is wrong. */
const ADMIN: TokenOptions = { client_id: 'ecomflow-local-admin', scopes: ['ecomflow/admin'] };
const admin = (changes: TokenOptions = {}) => api.sign({ ...ADMIN, ...changes });
const payloadOf = async () => (await admin()).split('.')[1]!;

/** Authorization headers that let nobody in. */
const WRONG: Readonly<Record<string, () => Promise<string | undefined>>> = {
  'no token': async () => undefined,
  'an empty header': async () => '',
  'no token behind Bearer': async () => 'Bearer ',
  'another scheme': async () => `Basic ${await admin()}`,
  'a token without its scheme': admin,
  'two tokens': async () => `Bearer ${await admin()}, Bearer ${await admin()}`,
  'an expired token': async () => `Bearer ${await admin({ expiresInSeconds: -10 })}`,
  'a token that is not valid yet': async () =>
    `Bearer ${await signed({ 'cognito:groups': ['admin'], nbf: Math.floor(Date.now() / 1000) + 3600 })}`,
  "a token of another key under our key's name": async () => {
    const theirs = await ensureKeys(`${process.env.ECOMFLOW_DIR}/theirs`);
    const publicKey = { ...theirs.publicKey, kid: api.keys.publicKey.kid };
    return `Bearer ${await new Issuer({ ...theirs, publicKey }).sign(ADMIN)}`;
  },
  'a token of another key': async () =>
    `Bearer ${await new Issuer(await ensureKeys(`${process.env.ECOMFLOW_DIR}/theirs`)).sign(ADMIN)}`,
  'alg none': async () => `Bearer ${base64({ alg: 'none', typ: 'JWT' })}.${await payloadOf()}.`,
  'alg none with a signature': async () =>
    `Bearer ${base64({ alg: 'none', kid: api.keys.publicKey.kid })}.${await payloadOf()}.${(await admin()).split('.')[2]}`,
  'a signature by the public key, taken for a secret': async () => {
    const { publicKey } = api.keys;
    const text = `${base64({ alg: 'HS256', kid: publicKey.kid })}.${await payloadOf()}`;
    return `Bearer ${text}.${createHmac('sha256', JSON.stringify(publicKey)).update(text).digest('base64url')}`;
  },
  'claims that were changed': async () => {
    const [header, , signature] = (await api.sign({ ...ADMIN, scopes: [] })).split('.');
    return `Bearer ${header}.${await payloadOf()}.${signature}`;
  },
  'an id token': async () => `Bearer ${await admin({ token_use: 'id' })}`,
  "a stranger's client": async () => `Bearer ${await admin({ client_id: 'somebody-else' })}`,
  'another issuer': async () => `Bearer ${await admin({ issuer: 'https://ecomflow.invalid/other' })}`,
  garbage: async () => 'Bearer garbage',
  'garbage in three parts': async () => 'Bearer a.b.c',
  'three empty objects': async () => `Bearer ${base64({})}.${base64({})}.${base64({})}`,
  'a token of 10 KB': async () => `Bearer ${await admin({ scopes: ['ecomflow/admin', 'x'.repeat(7500)] })}`,
};

describe('Nobody is let in with', () => {
  test.each(Object.keys(WRONG))('%s', async (name) => {
    const authorization = await WRONG[name]!();
    for (const route of GUARDED_ROUTES) {
      const call = { token: undefined, ...(authorization !== undefined && { headers: { authorization } }) };
      const answer = await ask(route, call);
      expect({ route, ...answer }).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        body: { code: 'unauthorized' },
      });
    }
    expect(api.world.log.backlog('clean')).toBe(0);
  });

  test('a token longer than any of ours is 10 KB indeed', async () => {
    expect((await WRONG['a token of 10 KB']!())!.length).toBeGreaterThan(10_000);
  });
});

/** The design's table, written out: who may do what. */
const SEND = ['POST /v1/transactions', 'POST /v1/events', 'POST /v1/{dataset}/validate', 'POST /v1/uploads'];
const LEDGER = [
  'GET /v1/arrivals',
  'GET /v1/batches/{batch_id}',
  'GET /v1/batches/{batch_id}/rejected',
  'GET /v1/files/{hash}',
  'GET /v1/metrics',
];
const READ = [
  'GET /v1/invoices/{invoice_no}',
  'GET /v1/invoices/{invoice_no}/items/{stock_code}',
  'GET /v1/customers/{customer_id}',
  'GET /v1/customers/{customer_id}/invoices',
  'GET /v1/live',
  'GET /v1/insights',
  'GET /v1/insights/{name}',
];
const MANAGE = ['POST /v1/batches/{batch_id}/redrive'];
const PUBLIC = ['GET /v1/health', 'GET /v1/openapi.json'];

describe('The design', () => {
  test('says of every route who may use it', () => {
    expect([...SEND, ...LEDGER, ...READ, ...MANAGE, ...PUBLIC].sort()).toEqual([...ALL_ROUTES].sort());
  });

  const person = (...groups: string[]): TokenOptions => ({ groups });
  const machine = (...scopes: string[]): TokenOptions => ({ client_id: 'ecomflow-local-shop', scopes });

  test.each<[string, TokenOptions, readonly string[]]>([
    ['a person of group ingest', person('ingest'), [...SEND, ...LEDGER]],
    ['a person of group analyst', person('analyst'), [...LEDGER, ...READ]],
    ['a person of group admin', person('admin'), [...SEND, ...LEDGER, ...READ, ...MANAGE]],
    ['a person of two groups', person('ingest', 'analyst'), [...SEND, ...LEDGER, ...READ]],
    ['a person of another group', person('eu-central-1_Google', 'Admin', 'ecomflow/admin'), []],
    ['a person of no group', person(), []],
    ['a machine with scope ingest', machine('ecomflow/ingest'), [...SEND, ...LEDGER]],
    ['a machine with scope read', machine('ecomflow/read'), [...LEDGER, ...READ]],
    ['a machine with scope admin', machine('ecomflow/admin'), [...SEND, ...LEDGER, ...READ, ...MANAGE]],
    ['a machine with two scopes', machine('ecomflow/ingest', 'ecomflow/read'), [...SEND, ...LEDGER, ...READ]],
    ['a machine with other scopes', machine('admin', 'ecomflow', 'ecomflow/', 'ecomflow/administer', 'openid'), []],
    ['a machine with no scope', machine(), []],
  ])('lets %s in where it says, and nowhere else', async (_, options, allowed) => {
    await expectAllowed(await api.sign(options), allowed);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['an analyst', ['analyst'], [...LEDGER, ...READ]],
    ['a stranger', ['somebody'], []],
  ])('judges a person by group alone: %s with all of our scopes', async (_, groups, allowed) => {
    const scope = 'openid ecomflow/ingest ecomflow/read ecomflow/admin';
    await expectAllowed(await signed({ 'cognito:groups': groups, scope }), allowed);
  });

  test('judges a machine by scope alone: a client named admin is nobody', async () => {
    await expectAllowed(await api.sign({ client_id: 'ecomflow-local-admin', scopes: ['openid'] }), []);
  });

  async function expectAllowed(token: string, allowed: readonly string[]) {
    for (const route of ALL_ROUTES) {
      const answer = await ask(route, { token });
      const expected = allowed.includes(route) || PUBLIC.includes(route) ? 'let in' : 'forbidden';
      const outcome = answer.status === 401 ? 'unknown' : answer.status === 403 ? answer.body.code : 'let in';
      expect({ route, outcome }).toEqual({ route, outcome: expected });
    }
  }
});

test('Who sent a batch is the subject of the token', async () => {
  const token = await api.sign({ client_id: 'ecomflow-local-shop', scopes: ['ecomflow/ingest'] });
  const { body } = await ask('POST /v1/transactions', { token, body: `${CALL.body}\n2,1,,1,12/1/2010 8:26,1,,Eire` });
  const batch = await ask('GET /v1/batches/{batch_id}', { token, params: { batch_id: body.batch_id } });
  expect(batch.body.sent_by).toBe('ecomflow-local-shop');
});
