import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JwtVerifier } from 'aws-jwt-verify';
import { FetchError, JwtBaseError } from 'aws-jwt-verify/error';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { Claims, Tokens } from '../../pipeline/ports';

/** A JWT needs an https issuer; nobody answers there, which is as good as a key that nobody knows. */
export const ISSUER = 'https://ecomflow.invalid/local';
const PEOPLE = 'ecomflow-local-people';

/** Machines that may ask for tokens on a laptop, with their scopes. */
const MACHINES: Readonly<Record<string, readonly string[]>> = {
  'ecomflow-local-shop': ['ecomflow/ingest'],
  'ecomflow-local-reader': ['ecomflow/read'],
  'ecomflow-local-admin': ['ecomflow/admin'],
};

/** The issuer's key and the machines' secrets, made once for each data directory. */
export interface Keys {
  readonly privateKey: JWK;
  readonly publicKey: JWK & { kid: string };
  readonly secrets: Readonly<Record<string, string>>;
}

const fileIn = (directory: string) => join(directory, 'keys.json');

/** Makes the directory's keys unless it has some. */
export async function ensureKeys(directory: string): Promise<Keys> {
  const file = fileIn(directory);
  if (existsSync(file)) return readKeys(directory);
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  const keys: Keys = {
    privateKey: await exportJWK(privateKey),
    publicKey: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    secrets: Object.fromEntries(Object.keys(MACHINES).map((client) => [client, randomBytes(24).toString('base64url')])),
  };
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${file}.tmp`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return keys;
}

const readKeys = (directory: string): Keys => JSON.parse(readFileSync(fileIn(directory), 'utf8'));

/** What differs from an ordinary token; tests make wrong ones with it. */
export interface TokenOptions {
  readonly client_id?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  readonly token_use?: string;
  readonly issuer?: string;
  readonly expiresInSeconds?: number;
}

/** Issues access tokens with the claims of Cognito's. */
export class Issuer {
  constructor(private readonly keys: Keys) {}

  /** A machine's token for its id and secret, undefined when they are wrong (the client credentials grant). */
  async forMachine(
    client_id: string,
    secret: string,
  ): Promise<{ access_token: string; expires_in: number } | undefined> {
    const right = this.keys.secrets[client_id];
    const scopes = MACHINES[client_id];
    if (right === undefined || scopes === undefined || !sameText(right, secret)) return undefined;
    const expires_in = 3600;
    return { access_token: await this.sign({ client_id, scopes, expiresInSeconds: expires_in }), expires_in };
  }

  /** A signed token: a person's when it has groups, else a machine's. */
  async sign({
    client_id = PEOPLE,
    groups,
    scopes = [],
    token_use = 'access',
    issuer = ISSUER,
    expiresInSeconds = 3600,
  }: TokenOptions) {
    const { kid } = this.keys.publicKey;
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      token_use,
      client_id,
      scope: groups ? 'openid profile' : scopes.join(' '),
      auth_time: now,
      version: 2,
      ...(groups && { 'cognito:groups': groups, username: 'local' }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(issuer)
      .setSubject(groups ? `local-${groups.join('-')}` : client_id)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresInSeconds)
      .setJti(randomUUID())
      .sign(await importJWK(this.keys.privateKey, 'RS256'));
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Verifies the issuer's tokens as the deployed functions verify Cognito's. */
export function verifierFor({ publicKey }: Pick<Keys, 'publicKey'>): Tokens {
  const clients = new Set([...Object.keys(MACHINES), PEOPLE]);
  const verifier = JwtVerifier.create({ issuer: ISSUER, audience: null });
  verifier.cacheJwks({
    keys: [publicKey as { kid: string; kty: 'RSA'; n: string; e: string; alg: 'RS256'; use: 'sig' }],
  });
  return {
    async verify(token) {
      try {
        const claims = await verifier.verify(token);
        if (typeof claims.exp !== 'number') return undefined; // aws-jwt-verify lets one without pass
        if (claims.token_use !== 'access' || !clients.has(String(claims.client_id))) return undefined;
        return toClaims(claims);
      } catch (error) {
        if (error instanceof JwtBaseError || error instanceof FetchError) return undefined;
        throw error;
      }
    },
  };
}

/** The verifier of a data directory whose keys were made before. */
export const verifierIn = (directory: string): Tokens => verifierFor(readKeys(directory));

function toClaims(claims: Readonly<Record<string, unknown>>): Claims {
  const groups = claims['cognito:groups'];
  return {
    sub: String(claims.sub),
    client_id: String(claims.client_id),
    groups: Array.isArray(groups) ? groups.map(String) : [],
    scopes: String(claims.scope ?? '')
      .split(' ')
      .filter(Boolean),
  };
}
