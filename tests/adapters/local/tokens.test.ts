import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { ensureKeys, ISSUER, type Keys, verifierFor } from '../../../shared/adapters/local/tokens';

const CLAIMS = { iss: ISSUER, sub: 'shop', client_id: 'ecomflow-local-shop', token_use: 'access' };
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

let directory: string;
let keys: Keys;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-tokens-'));
  keys = await ensureKeys(directory);
  Object.assign(process.env, { ECOMFLOW_DIR: directory, ECOMFLOW_ISSUER: ISSUER });
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A token of the issuer's own key. */
const token = async (claims: object) =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: keys.publicKey.kid })
    .sign(await importJWK(keys.privateKey, 'RS256'));

/** Who lets a token in: the functions, and what stands where the gateway does. */
async function letIn(bearer: string): Promise<{ functions: boolean; gateway: boolean }> {
  const provider = require('../../../cli/dev/offline-auth.js');
  const { authenticate } = provider('api', 'query', 'GET', '/').getAuthenticateFunction();
  const refusal = { code: () => refusal, header: () => refusal, takeover: () => false };
  const h = { authenticated: () => true, response: () => refusal };
  const request = { headers: { authorization: `Bearer ${bearer}` }, route: { path: '/v1/files/{hash}' } };
  return {
    functions: (await verifierFor(keys).verify(bearer)) !== undefined,
    gateway: authenticate(request, h),
  };
}

describe('a token of the embedded issuer', () => {
  it('is good until it expires', async () => {
    expect(await letIn(await token({ exp: inAnHour() }))).toEqual({ functions: true, gateway: true });
    expect(await letIn(await token({ exp: inAnHour() - 7200 }))).toEqual({ functions: false, gateway: false });
  });

  it.each([[undefined], [null], ['9999999999'], [true]])('is refused when its expiry is %j', async (exp) => {
    expect(await letIn(await token({ exp }))).toEqual({ functions: false, gateway: false });
  });
});
