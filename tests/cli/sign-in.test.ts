import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTokenServer } from '../../cli/dev/token-server';
import { ensureKeys, Issuer, type Keys, verifierFor } from '../../shared/adapters/local/tokens';
import { TestClock } from '../support/world';

const HOME = 'http://127.0.0.1:3000/';
const CLIENT = 'ecomflow-local-people';
const VERIFIER = 'v'.repeat(43);

let directory: string;
let keys: Keys;
let clock: TestClock;
let server: Awaited<ReturnType<typeof startTokenServer>>;
let own: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-sign-in-'));
  keys = await ensureKeys(directory);
  clock = new TestClock();
  server = await startTokenServer(new Issuer(keys), directory, 3000, clock);
  own = new URL(server.url).origin;
});
beforeEach(() => clock.pass(3600)); // wrong passwords of other tests are forgotten
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const ASKED = {
  response_type: 'code',
  client_id: CLIENT,
  redirect_uri: HOME,
  state: 'the-state',
  nonce: 'the-nonce',
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
};
type Changes = Readonly<Record<string, string | undefined>>;
const query = (base: Changes, changes: Changes = {}) =>
  new URLSearchParams(
    Object.entries({ ...base, ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
const authorize = (changes?: Changes) => `${own}/oauth2/authorize?${query(ASKED, changes)}`;

/** Sends the form of the sign-in page as a browser does. */
const enter = (fields: Changes = {}, { headers = {}, changes = {} }: { headers?: Changes; changes?: Changes } = {}) =>
  fetch(authorize(changes), {
    method: 'POST',
    redirect: 'manual',
    headers: Object.fromEntries(query({ origin: own }, headers)),
    body: query({ username: 'analyst', password: keys.passwords.analyst! }, fields),
  });
const codeOf = (response: Response) => new URL(response.headers.get('location')!).searchParams.get('code')!;
const code = async () => codeOf(await enter());

const exchange = (changes: Changes, origin: string | undefined = HOME.slice(0, -1)) =>
  fetch(server.url, {
    method: 'POST',
    headers: origin === undefined ? {} : { origin },
    body: query(
      { grant_type: 'authorization_code', client_id: CLIENT, redirect_uri: HOME, code_verifier: VERIFIER },
      changes,
    ),
  });

describe('A person who signs in', () => {
  test('is shown a page that runs no script, is in no frame, and leads to the dashboard only', async () => {
    const page = await fetch(authorize());
    const policy = page.headers.get('content-security-policy')!;
    expect(page.status).toBe(200);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://127.0.0.1:3000 http://localhost:3000;");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|script-src|\*/);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const html = await page.text();
    const style = /<style>(.*?)<\/style>/s.exec(html)![1]!;
    expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(html).not.toMatch(/<script|style=|the-state/);
  });

  test.each([
    ['analyst', ['analyst']],
    ['admin', ['admin']],
  ])('as %s gets back with a code, and for it the tokens of group %j', async (user, groups) => {
    const entered = await enter({ username: user, password: keys.passwords[user]! });
    expect(entered.status).toBe(303);
    expect(entered.headers.get('location')).toMatch(/^http:\/\/127\.0\.0\.1:3000\/\?code=[\w-]{43}&state=the-state$/);
    const answer = await exchange({ code: codeOf(entered) });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://127.0.0.1:3000');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access_token, id_token, ...others } = (await answer.json()) as Record<string, string>;
    expect(others).toEqual({ token_type: 'Bearer', expires_in: 3600 });
    const tokens = verifierFor(keys);
    expect(await tokens.verify(access_token!)).toMatchObject({ groups, client_id: CLIENT });
    expect(await tokens.verify(id_token!)).toBeUndefined(); // it says who, and opens nothing
    expect(JSON.parse(Buffer.from(id_token!.split('.')[1]!, 'base64url').toString())).toMatchObject({
      token_use: 'id',
      aud: CLIENT,
      nonce: 'the-nonce',
      email: `${user}@localhost`,
    });
  });

  test('at the other name of this machine comes back to that one', async () => {
    const redirect_uri = 'http://localhost:3000/';
    const entered = await enter({}, { changes: { redirect_uri } });
    expect(entered.headers.get('location')).toMatch(/^http:\/\/localhost:3000\/\?code=/);
    const answer = await exchange({ code: codeOf(entered), redirect_uri }, 'http://localhost:3000');
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, 'http://localhost:3000']);
  });

  test('signs out back to the dashboard, and to nowhere else', async () => {
    const leave = (logout_uri: string, client_id = CLIENT) =>
      fetch(`${own}/logout?${query({ client_id, logout_uri })}`, { redirect: 'manual' });
    const left = await leave(HOME);
    expect([left.status, left.headers.get('location')]).toEqual([302, HOME]);
    for (const wrong of [await leave('https://evil.example/'), await leave(HOME, 'other')]) {
      expect([wrong.status, wrong.headers.get('location')]).toEqual([400, null]);
    }
  });
});

describe('Nobody gets a code', () => {
  test.each<[string, Changes]>([
    ['another client', { client_id: 'ecomflow-local-shop' }],
    ['no client', { client_id: undefined }],
    ['an address elsewhere', { redirect_uri: 'https://evil.example/' }],
    ['another port', { redirect_uri: 'http://127.0.0.1:3001/' }],
    ['another path', { redirect_uri: `${HOME}v1/health` }],
    ['the address without its slash', { redirect_uri: HOME.slice(0, -1) }],
    ['an address that begins like ours', { redirect_uri: 'http://127.0.0.1:3000.evil.example/' }],
    ['an address with a user', { redirect_uri: 'http://127.0.0.1:3000@evil.example/' }],
    ['no address', { redirect_uri: undefined }],
    ['no state', { state: undefined }],
    ['a state with a line break', { state: 'a\r\nlocation: x' }],
    ['no challenge', { code_challenge: undefined }],
    ['a short challenge', { code_challenge: 'x' }],
    ['a challenge in the clear', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
    ['a token at once', { response_type: 'token' }],
  ])('for %s, asked for or entered', async (_, changes) => {
    const answers = [await fetch(authorize(changes), { redirect: 'manual' }), await enter({}, { changes })];
    for (const answer of answers)
      expect([answer.status, answer.headers.get('location'), await answer.text()]).toEqual([
        400,
        null,
        expect.not.stringContaining('<form'),
      ]);
  });

  test('for an address that stands there twice', async () => {
    const twice = `${authorize()}&redirect_uri=${encodeURIComponent('https://evil.example/')}`;
    expect((await fetch(twice)).status).toBe(400);
  });

  test.each<[string, Changes]>([
    ['a wrong password', { password: 'x' }],
    ['no password', { password: undefined }],
    ["somebody else's password", { username: 'admin' }],
    ['nobody', { username: 'nobody' }],
    ['a name that every object has', { username: 'constructor', password: 'function Object() { [native code] }' }],
    ['no name', { username: undefined }],
  ])('for %s', async (_, fields) => {
    const answer = await enter(fields);
    expect([answer.status, answer.headers.get('location')]).toEqual([401, null]);
    expect(await answer.text()).toContain('role="alert"');
  });

  test.each<[string, Changes]>([
    ['another page', { origin: 'http://127.0.0.1:3000' }],
    ['a page that does not say which', { origin: 'null' }],
    ['something that is no browser', { origin: undefined }],
  ])('by a form of %s', async (_, headers) => {
    expect((await enter({}, { headers })).status).toBe(403);
  });

  test('under a name of this machine that is not ours', async () => {
    const { port } = new URL(own);
    const status = await new Promise((resolve, reject) => {
      const headers = { host: `evil.example:${port}`, origin: `http://evil.example:${port}` };
      const path = `/oauth2/authorize?${query(ASKED)}`;
      request({ port, host: '127.0.0.1', path, headers, method: 'POST' }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .on('error', reject)
        .end(`username=analyst&password=${keys.passwords.analyst}`);
    });
    expect(status).toBe(421);
  });

  test('after ten wrong passwords, for five minutes, not with the right one either', async () => {
    for (let tries = 0; tries < 10; tries++) expect((await enter({ password: `${tries}` })).status).toBe(401);
    expect((await enter()).status).toBe(429);
    clock.pass(299);
    expect((await enter()).status).toBe(429);
    clock.pass(1);
    expect((await enter()).status).toBe(303);
  });

  test('with a form of any length', async () => {
    expect((await enter({ password: 'x'.repeat(5000) })).status).toBe(413);
  });
});

describe('A code is good', () => {
  const INVALID = { error: 'invalid_grant' };

  test('once', async () => {
    const once = await code();
    expect((await exchange({ code: once })).status).toBe(200);
    const again = await exchange({ code: once });
    expect([again.status, await again.json()]).toEqual([400, INVALID]);
  });

  test('for a minute', async () => {
    const late = await code();
    clock.pass(60);
    expect((await exchange({ code: late })).status).toBe(400);
    const soon = await code();
    clock.pass(59);
    expect((await exchange({ code: soon })).status).toBe(200);
  });

  test.each<[string, Changes]>([
    ['another client', { client_id: 'ecomflow-local-shop' }],
    ['another address of ours', { redirect_uri: 'http://localhost:3000/' }],
    ['another verifier', { code_verifier: 'w'.repeat(43) }],
    ['the challenge in place of the verifier', { code_verifier: ASKED.code_challenge }],
    ['no verifier', { code_verifier: undefined }],
  ])('not for %s, and spoilt by the try', async (_, changes) => {
    const spoilt = await code();
    const wrong = await exchange({ code: spoilt, ...changes });
    expect([wrong.status, await wrong.json()]).toEqual([400, INVALID]);
    expect((await exchange({ code: spoilt })).status).toBe(400);
  });

  test('if it is one', async () => {
    expect((await exchange({ code: randomBytes(32).toString('base64url') })).status).toBe(400);
    expect((await exchange({ code: undefined })).status).toBe(400);
  });

  test.each(['https://evil.example', 'http://127.0.0.1:3001', 'null'])('not for a page of %s', async (origin) => {
    const kept = await code();
    const answer = await exchange({ code: kept }, origin);
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect((await exchange({ code: kept })).status).toBe(200); // which did not spoil it either
  });
});

test.each(['ecomflow-local-nobody', 'constructor', '__proto__', 'toString'])(
  'A machine that calls itself %s gets no token',
  async (name) => {
    const authorization = `Basic ${Buffer.from(`${name}:x`).toString('base64')}`;
    const body = new URLSearchParams({ grant_type: 'client_credentials' });
    const answer = await fetch(server.url, { method: 'POST', headers: { authorization }, body });
    expect([answer.status, await answer.json()]).toEqual([401, { error: 'invalid_client' }]);
  },
);

test('A sender that breaks off is no fault of the server', async () => {
  const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    const { port } = new URL(own);
    await new Promise<void>((gone) => {
      const sending = request({ port, host: '127.0.0.1', path: '/oauth2/token', method: 'POST' });
      sending.on('error', () => undefined).on('close', gone);
      sending.write('grant_type=');
      setTimeout(() => sending.destroy(), 50);
    });
    expect((await code()).length).toBe(43); // the server has seen it by now
    expect(said).not.toHaveBeenCalled();
  } finally {
    said.mockRestore();
  }
});

test('Other pages may read nothing else of the server', async () => {
  for (const address of [authorize(), `${own}/`, `${own}/oauth2/token`, `${own}/logout`, `${own}//x`]) {
    const answer = await fetch(address, { headers: { origin: 'https://evil.example' }, redirect: 'manual' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});

describe('Passwords', () => {
  test("are random, a directory's own, in a file that is its owner's", async () => {
    const other = mkdtempSync(join(tmpdir(), 'ecomflow-sign-in-'));
    const { passwords } = await ensureKeys(other);
    expect(Object.keys(passwords)).toEqual(['analyst', 'admin']);
    expect(new Set([...Object.values(passwords), ...Object.values(keys.passwords)]).size).toBe(4);
    for (const password of Object.values(passwords)) expect(password).toMatch(/^[0-9a-f]{20}$/);
    expect(statSync(join(other, 'keys.json')).mode & 0o777).toBe(0o600);
    rmSync(other, { recursive: true });
  });

  test('are added to a directory that was made without, and nothing else of it changes', async () => {
    const old = mkdtempSync(join(tmpdir(), 'ecomflow-sign-in-'));
    const { passwords: _, ...before } = await ensureKeys(old);
    writeFileSync(join(old, 'keys.json'), JSON.stringify(before));
    const { passwords, ...after } = await ensureKeys(old);
    expect(after).toEqual(before);
    expect(Object.keys(passwords)).toEqual(['analyst', 'admin']);
    expect(JSON.parse(readFileSync(join(old, 'keys.json'), 'utf8'))).toEqual({ ...before, passwords });
    expect((await ensureKeys(old)).passwords).toEqual(passwords);
    expect(statSync(join(old, 'keys.json')).mode & 0o777).toBe(0o600);
    rmSync(old, { recursive: true });
  });
});
