import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FetchError } from 'aws-jwt-verify/error';
import { cognitoTokens, cognitoVerifier } from '../../../shared/adapters/aws/tokens';
import { Unavailable } from '../../../shared/pipeline/ports';

const POOL = 'eu-central-1_abcdefghi';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig', kty: 'RSA' }] };
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(changes: object = {}, kid = 'k1'): string {
  const now = Math.floor(Date.now() / 1000);
  const payload = {
    iss: `https://cognito-idp.eu-central-1.amazonaws.com/${POOL}`,
    sub: 'someone',
    client_id: 'machine',
    token_use: 'access',
    scope: 'ecomflow/ingest ecomflow/read',
    iat: now,
    exp: now + 60,
    ...changes,
  };
  const signed = `${part({ alg: 'RS256', kid })}.${part(payload)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
}

function tokens() {
  const verifier = cognitoVerifier(POOL, 'machine, dashboard');
  verifier.cacheJwks(jwks);
  return cognitoTokens(verifier);
}

describe('an access token of Cognito', () => {
  test('says who bears it: a machine by scopes, a person by groups', async () => {
    expect(await tokens().verify(token())).toEqual({
      sub: 'someone',
      client_id: 'machine',
      groups: [],
      scopes: ['ecomflow/ingest', 'ecomflow/read'],
    });
    const person = token({ client_id: 'dashboard', 'cognito:groups': ['analyst'], scope: undefined });
    expect(await tokens().verify(person)).toMatchObject({ client_id: 'dashboard', groups: ['analyst'], scopes: [] });
  });

  test.each([
    ['of another client', token({ client_id: 'stranger' })],
    ['of another pool', token({ iss: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_other' })],
    ['that is an id token', token({ token_use: 'id' })],
    ['that has expired', token({ exp: 1 })],
    ['that never expires', token({ exp: undefined })],
    ['whose expiry is no number', token({ exp: '9999999999' })],
    ['whose claims were changed', token().replace(/\.[^.]+\./, `.${part({ sub: 'admin' })}.`)],
    ['without a signature', `${part({ alg: 'none', kid: 'k1' })}.${part({})}.`],
    ['that is no token', 'nonsense'],
  ])('%s is refused', async (_, wrong) => {
    expect(await tokens().verify(wrong)).toBeUndefined();
  });

  test('whose keys cannot be fetched is neither right nor wrong: the world is broken', async () => {
    const verify = () => Promise.reject(new FetchError('https://keys', 'timeout'));
    await expect(cognitoTokens({ verify }).verify(token())).rejects.toThrow(Unavailable);
  });

  describe('with an emulator in the place of AWS', () => {
    let answers = 200;
    const asked: string[] = [];
    const server = createServer(({ url }, answer) => {
      asked.push(url!);
      answer.writeHead(answers, { 'content-type': 'application/json' }).end(JSON.stringify(jwks));
    });
    let endpoint: string;
    beforeAll(async () => {
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => server.close());

    const emulated = () => cognitoTokens(cognitoVerifier(POOL, 'machine', endpoint));

    test('is checked with the keys that the emulator has for the pool', async () => {
      expect(await emulated().verify(token())).toMatchObject({ client_id: 'machine' });
      expect(asked).toEqual([`/${POOL}/.well-known/jwks.json`]);
      expect(await emulated().verify(token({ client_id: 'stranger' }))).toBeUndefined();
      expect(await emulated().verify(token({}, 'k2'))).toBeUndefined();
    });

    test('cannot be judged while the emulator has no keys to give, or is away', async () => {
      answers = 500;
      await expect(emulated().verify(token())).rejects.toThrow(Unavailable);
      const away = cognitoTokens(cognitoVerifier(POOL, 'machine', 'http://127.0.0.1:1'));
      await expect(away.verify(token())).rejects.toThrow(Unavailable);
    });
  });
});
