import { base64, ISSUER, type Mint } from './mint';

/** A header that is an array is sent once for each. */
export type Headers = Readonly<Record<string, string | string[]>>;

/** A way to come without a good token, and who turns it away: what stands where the gateway does, or the function. */
export interface Bad {
  readonly what: string;
  readonly by: 'gateway' | 'function';
  readonly headers: (mint: Mint) => Headers | Promise<Headers>;
  readonly query?: (mint: Mint) => Promise<string>;
}

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const now = () => Math.floor(Date.now() / 1000);

/** Changes one of a token's three parts; the other two stay as they were signed. */
const spoilt = (token: string, part: 0 | 1 | 2, change: (text: string) => string): string =>
  token
    .split('.')
    .map((text, i) => (i === part ? change(text) : text))
    .join('.');
/** Another letter in the middle: the last one's low bits may mean nothing. */
const oneLetter = (text: string): string => {
  const middle = text.length >> 1;
  return `${text.slice(0, middle)}${text[middle] === 'A' ? 'B' : 'A'}${text.slice(middle + 1)}`;
};
const unsigned = (mint: Mint, alg: string, signature = '') =>
  `${base64({ alg, kid: mint.kid })}.${base64(mint.claims())}.${signature}`;

const signedWith = (changes: Record<string, unknown>, header?: Record<string, unknown>) => async (mint: Mint) =>
  bearer(await mint.sign(changes, header));

/** Each would be let in everywhere but for the one thing that its line names. */
export const BAD: readonly Bad[] = [
  // No token, or not where it belongs.
  { what: 'no token', by: 'gateway', headers: () => ({}) },
  { what: 'an empty header', by: 'gateway', headers: () => ({ authorization: '' }) },
  { what: 'Bearer and no token', by: 'gateway', headers: () => ({ authorization: 'Bearer' }) },
  { what: 'garbage', by: 'gateway', headers: () => bearer('garbage') },
  { what: 'garbage in three parts', by: 'gateway', headers: () => bearer('a.b.c') },
  { what: 'three empty objects', by: 'gateway', headers: () => bearer([{}, {}, {}].map(base64).join('.')) },
  { what: 'scheme Basic', by: 'gateway', headers: async (mint) => ({ authorization: `Basic ${await mint.sign()}` }) },
  { what: 'scheme Token', by: 'gateway', headers: async (mint) => ({ authorization: `Token ${await mint.sign()}` }) },
  { what: 'no scheme', by: 'gateway', headers: async (mint) => ({ authorization: await mint.sign() }) },
  { what: 'a token in quotes', by: 'gateway', headers: async (mint) => bearer(`"${await mint.sign()}"`) },
  { what: 'a fourth part', by: 'gateway', headers: async (mint) => bearer(`${await mint.sign()}.x`) },
  {
    what: 'a good token in the query',
    by: 'gateway',
    headers: () => ({}),
    query: async (mint) => `access_token=${await mint.sign()}`,
  },
  {
    what: 'a good token in a cookie',
    by: 'gateway',
    headers: async (mint) => ({ cookie: `access_token=${await mint.sign()}` }),
  },
  {
    what: 'the claims that serverless-offline takes from anyone, and no token',
    by: 'gateway',
    headers: (mint) => ({ 'sls-offline-authorizer-override': JSON.stringify({ jwt: { claims: mint.claims() } }) }),
  },

  // Two of them.
  {
    what: 'two good tokens in one header',
    by: 'gateway',
    headers: async (mint) => bearer(`${await mint.sign()}, Bearer ${await mint.sign()}`),
  },
  {
    what: 'a second header with a bad token',
    by: 'function',
    headers: async (mint) => ({ authorization: [`Bearer ${await mint.sign()}`, 'Bearer a.b.c'] }),
  },
  {
    what: 'a second header with a good token',
    by: 'gateway',
    headers: async (mint) => ({ authorization: ['Bearer a.b.c', `Bearer ${await mint.sign()}`] }),
  },

  // Not now.
  { what: 'an expired token', by: 'gateway', headers: (mint) => signedWith({ exp: now() - 10 })(mint) },
  { what: 'a token that never expires', by: 'gateway', headers: signedWith({ exp: undefined }) },
  { what: 'a token whose expiry is no number', by: 'gateway', headers: signedWith({ exp: '9999999999' }) },
  { what: 'a token that is not valid yet', by: 'gateway', headers: (mint) => signedWith({ nbf: now() + 3600 })(mint) },

  // Not signed by the issuer.
  { what: "another key under the issuer's kid", by: 'gateway', headers: async (mint) => bearer(await mint.strange()) },
  {
    what: 'another key under its own kid',
    by: 'gateway',
    headers: async (mint) => bearer(await mint.strange({}, { kid: 'another' })),
  },
  {
    what: 'another key that the token itself brings along',
    by: 'gateway',
    headers: async (mint) => bearer(await mint.strange({}, { jwk: mint.strangers })),
  },
  {
    what: 'another key, to be had at an address in the token',
    by: 'gateway',
    headers: async (mint) => bearer(await mint.strange({}, { jku: 'http://127.0.0.1:9/keys.json' })),
  },
  { what: "the issuer's key under another kid", by: 'gateway', headers: signedWith({}, { kid: 'another' }) },
  { what: "the issuer's key under no kid", by: 'gateway', headers: signedWith({}, { kid: undefined }) },
  { what: "the issuer's key with another algorithm", by: 'gateway', headers: signedWith({}, { alg: 'RS512' }) },
  { what: 'alg none', by: 'gateway', headers: (mint) => bearer(unsigned(mint, 'none')) },
  { what: 'alg NONE with a signature', by: 'gateway', headers: (mint) => bearer(unsigned(mint, 'NONE', 'c2lnbmVk')) },
  {
    what: "alg none with another token's signature",
    by: 'gateway',
    headers: async (mint) => bearer(unsigned(mint, 'none', (await mint.sign()).split('.')[2])),
  },
  { what: 'HS256 by the public key as PEM', by: 'gateway', headers: (mint) => bearer(mint.hmac('pem')) },
  { what: 'HS256 by the public key as JWK', by: 'gateway', headers: (mint) => bearer(mint.hmac('jwk')) },
  { what: 'an encrypted token', by: 'gateway', headers: async (mint) => bearer(await mint.encrypted()) },

  // Changed after it was signed.
  {
    what: 'a scope that was added later',
    by: 'gateway',
    headers: async (mint) => bearer(spoilt(await mint.sign({ scope: '' }), 1, () => base64(mint.claims()))),
  },
  {
    what: 'a letter of the signature changed',
    by: 'gateway',
    headers: async (mint) => bearer(spoilt(await mint.sign(), 2, oneLetter)),
  },
  {
    what: 'half a signature',
    by: 'gateway',
    headers: async (mint) => bearer(spoilt(await mint.sign(), 2, (text) => text.slice(0, 100))),
  },
  { what: 'no signature', by: 'gateway', headers: async (mint) => bearer(spoilt(await mint.sign(), 2, () => '')) },

  // The issuer's own, and not for us.
  { what: 'another issuer', by: 'gateway', headers: signedWith({ iss: 'https://ecomflow.invalid/other' }) },
  { what: 'an issuer that begins like ours', by: 'gateway', headers: signedWith({ iss: `${ISSUER}/` }) },
  { what: 'no issuer', by: 'gateway', headers: signedWith({ iss: undefined }) },
  { what: 'an id token', by: 'function', headers: signedWith({ token_use: 'id' }) },
  { what: 'a refresh token', by: 'function', headers: signedWith({ token_use: 'refresh' }) },
  { what: 'no token_use', by: 'function', headers: signedWith({ token_use: undefined }) },
  { what: 'a client that is not in the list', by: 'function', headers: signedWith({ client_id: 'somebody-else' }) },
  { what: 'no client', by: 'function', headers: signedWith({ client_id: undefined }) },
  {
    what: 'a list of clients with ours in it',
    by: 'function',
    headers: signedWith({ client_id: ['x', 'ecomflow-local-admin'] }),
  },
  { what: 'a token of nine kilobytes', by: 'function', headers: signedWith({ note: 'x'.repeat(6500) }) },
];
