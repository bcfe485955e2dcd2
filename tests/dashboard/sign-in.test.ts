import { createHash } from 'node:crypto';

const PLACE = {
  authorize: 'https://sign-in.example/oauth2/authorize',
  token: 'https://sign-in.example/oauth2/token',
  logout: 'https://sign-in.example/logout',
  client_id: 'people',
  scope: 'openid email',
};
const ORIGIN = 'https://shop.example';

/** Typed for a browser, of which only what signing in touches is there; tests/peers has a real one. */
const dashboard: {
  signIn(place: typeof PLACE): Promise<void>;
  comeBack(place: typeof PLACE): Promise<string | undefined>;
  signOut(place: typeof PLACE): void;
  session(): { readonly token: string; readonly ends: number } | undefined;
  forget(): void;
} = require('../../dashboard/sign-in');
const stored = new Map<string, string>();
const browser = globalThis as unknown as { location: unknown; history: unknown; sessionStorage: unknown };
let left: URL | undefined;
let shown: string;

function at(address: string) {
  const { origin, search, hash } = new URL(address);
  shown = address;
  browser.location = { origin, search, hash, assign: (to: string) => (left = new URL(to)) };
  browser.history = { replaceState: (_: null, __: string, path: string) => at(`${ORIGIN}${path}`) };
}

beforeEach(() => {
  stored.clear();
  left = undefined;
  browser.sessionStorage = {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
  };
});
afterEach(() => jest.restoreAllMocks());

const idToken = (nonce: unknown) => `h.${Buffer.from(JSON.stringify({ nonce })).toString('base64url')}.s`;

/** Leaves from a view; what the sign-in page was asked. */
async function leave(view = '#dataset=sales') {
  at(`${ORIGIN}/${view}`);
  await dashboard.signIn(PLACE);
  return left!.searchParams;
}

/** Answers the token's address. */
function answered(status: number, body: object) {
  return jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(JSON.stringify(body), { status }));
}

test('Signing in asks with PKCE, a state and a nonce, each time others, for a code that comes back to this address', async () => {
  const [first, second] = [await leave(), await leave()];
  expect(left!.href.startsWith(`${PLACE.authorize}?`)).toBe(true);
  expect(Object.fromEntries(first)).toEqual({
    response_type: 'code',
    client_id: 'people',
    redirect_uri: 'https://shop.example/',
    scope: 'openid email',
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: 'S256',
  });
  for (const name of ['state', 'nonce', 'code_challenge']) expect(first.get(name)).not.toBe(second.get(name));
});

test('Coming back, the code is gone from the address, the view is there again, and the token is in this tab only', async () => {
  const asked = await leave('#dataset=sales');
  const fetched = answered(200, { access_token: 'token', id_token: idToken(asked.get('nonce')), expires_in: 3600 });
  at(`${ORIGIN}/?code=the-code&state=${asked.get('state')}`);
  expect(await dashboard.comeBack(PLACE)).toBeUndefined();
  expect(shown).toBe('https://shop.example/#dataset=sales');
  const [address, { body }] = fetched.mock.calls[0] as [string, { body: URLSearchParams }];
  expect(address).toBe(PLACE.token);
  expect(Object.fromEntries(body)).toMatchObject({ grant_type: 'authorization_code', code: 'the-code' });
  const verifier = body.get('code_verifier')!;
  expect(createHash('sha256').update(verifier).digest('base64url')).toBe(asked.get('code_challenge'));
  expect(dashboard.session()!.token).toBe('token');
  expect([...stored.values()].join()).not.toContain(verifier);
});

describe('Nobody is signed in', () => {
  const REFUSED = /Please (sign in|try) again/;
  const back = async (query: string) => {
    at(`${ORIGIN}/?${query}`);
    return dashboard.comeBack(PLACE);
  };

  test('by a code that nobody here asked for: it is not even sent on', async () => {
    const fetched = answered(200, { access_token: 'theirs', expires_in: 3600 });
    expect(await back('code=theirs&state=x')).toMatch(REFUSED);
    await leave();
    expect(await back('code=theirs&state=x')).toMatch(REFUSED);
    await leave();
    expect(await back('code=theirs')).toMatch(REFUSED);
    expect(fetched).not.toHaveBeenCalled();
    expect([dashboard.session(), shown]).toEqual([undefined, 'https://shop.example/#dataset=sales']);
  });

  test('by the same state twice', async () => {
    const asked = await leave();
    answered(200, { access_token: 'token', id_token: idToken(asked.get('nonce')), expires_in: 3600 });
    await back(`code=c&state=${asked.get('state')}`);
    dashboard.forget();
    expect(await back(`code=c&state=${asked.get('state')}`)).toMatch(REFUSED);
    expect(dashboard.session()).toBeUndefined();
  });

  test("by an answer to somebody else's question", async () => {
    const asked = await leave();
    answered(200, { access_token: 'token', id_token: idToken('other'), expires_in: 3600 });
    expect(await back(`code=c&state=${asked.get('state')}`)).toMatch(REFUSED);
    expect(dashboard.session()).toBeUndefined();
  });

  test('when the sign-in page says no, its answer is no, or there is none', async () => {
    const said = await leave();
    expect(await back(`error=access_denied&state=${said.get('state')}`)).toMatch(REFUSED);
    const asked = await leave();
    answered(400, { error: 'invalid_grant' });
    expect(await back(`code=c&state=${asked.get('state')}`)).toMatch(REFUSED);
    const cut = await leave();
    jest.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('Failed to fetch'));
    expect(await back(`code=c&state=${cut.get('state')}`)).toMatch(REFUSED);
    expect(dashboard.session()).toBeUndefined();
  });

  test('when the token has ended, or is about to', async () => {
    const asked = await leave();
    answered(200, { access_token: 'token', id_token: idToken(asked.get('nonce')), expires_in: 9 });
    await back(`code=c&state=${asked.get('state')}`);
    expect(dashboard.session()).toBeUndefined();
  });
});

test('Signing out forgets the token before it leaves', async () => {
  stored.set('ecomflow.session', JSON.stringify({ token: 'token', ends: Date.now() + 3_600_000 }));
  at(`${ORIGIN}/#range=30`);
  expect(dashboard.session()!.token).toBe('token');
  dashboard.signOut(PLACE);
  expect(stored.size).toBe(0);
  expect(left!.href).toBe('https://sign-in.example/logout?client_id=people&logout_uri=https%3A%2F%2Fshop.example%2F');
});
