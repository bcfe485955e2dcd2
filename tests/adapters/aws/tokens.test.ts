import { createSign, generateKeyPairSync } from 'node:crypto';
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
});
