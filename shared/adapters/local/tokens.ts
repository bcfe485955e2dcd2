import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JwtVerifier } from 'aws-jwt-verify';
import { FetchError, JwtBaseError } from 'aws-jwt-verify/error';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { Claims, SignIn, Tokens } from '../../pipeline/ports';

/** A JWT needs an https issuer; nobody answers there, which is as good as a key that nobody knows. */
export const ISSUER = 'https://ecomflow.invalid/local';
/** The client that people sign in with. */
export const PEOPLE = 'ecomflow-local-people';

/** Machines that may ask for tokens on a laptop, with their scopes. */
const MACHINES: Readonly<Record<string, readonly string[]>> = {
  'ecomflow-local-shop': ['ecomflow/ingest'],
  'ecomflow-local-reader': ['ecomflow/read'],
  'ecomflow-local-admin': ['ecomflow/admin'],
};

/** People who may sign in on a laptop, with their groups. */
const GROUPS: Readonly<Record<string, readonly string[]>> = { analyst: ['analyst'], admin: ['admin'] };

/** The issuer's key, the machines' secrets and the people's passwords, made once for each data directory. */
export interface Keys {
  readonly privateKey: JWK;
  readonly publicKey: JWK & { kid: string };
  readonly secrets: Readonly<Record<string, string>>;
  readonly passwords: Readonly<Record<string, string>>;
}

const fileIn = (directory: string) => join(directory, 'keys.json');

/** Where the token server of a data directory writes down its port. */
export const tokenPortFile = (directory: string) => join(directory, 'token-port');

/** Where people sign in who use a data directory. Its token server is there first. */
export function signInOf(directory: string): SignIn {
  const url = `http://127.0.0.1:${readFileSync(tokenPortFile(directory), 'utf8')}`;
  return {
    authorize: `${url}/oauth2/authorize`,
    token: `${url}/oauth2/token`,
    logout: `${url}/logout`,
    client_id: PEOPLE,
    scope: 'openid email',
  };
}

/** Makes the directory's keys unless it has some; those made before people could sign in get passwords. */
export async function ensureKeys(directory: string): Promise<Keys> {
  if (existsSync(fileIn(directory))) {
    const keys = readKeys(directory);
    return keys.passwords ? (keys as Keys) : write(directory, { ...keys, passwords: freshPasswords() });
  }
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = randomUUID();
  return write(directory, {
    privateKey: await exportJWK(privateKey),
    publicKey: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
    secrets: Object.fromEntries(Object.keys(MACHINES).map((client) => [client, randomBytes(24).toString('base64url')])),
    passwords: freshPasswords(),
  });
}

/** Hex, which nobody mistypes. */
const freshPasswords = () =>
  Object.fromEntries(Object.keys(GROUPS).map((user) => [user, randomBytes(10).toString('hex')]));

function write(directory: string, keys: Keys): Keys {
  const file = fileIn(directory);
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${file}.tmp`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
  return keys;
}

type ReadKeys = Omit<Keys, 'passwords'> & Partial<Pick<Keys, 'passwords'>>;
const readKeys = (directory: string): ReadKeys => JSON.parse(readFileSync(fileIn(directory), 'utf8'));

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
    const right = Object.hasOwn(this.keys.secrets, client_id) ? this.keys.secrets[client_id] : undefined;
    const scopes = MACHINES[client_id];
    if (right === undefined || scopes === undefined || !sameText(right, secret)) return undefined;
    const expires_in = 3600;
    return { access_token: await this.sign({ client_id, scopes, expiresInSeconds: expires_in }), expires_in };
  }

  /** Whether a person has this password. Takes as long for a person that there is not. */
  isPerson(user: string, password: string): boolean {
    const right = Object.hasOwn(this.keys.passwords, user) ? this.keys.passwords[user] : undefined;
    return sameText(right ?? randomUUID(), password); // which nobody can know
  }

  /** The tokens of a person who signed in: to ask the API with, and to know who it is. */
  async forPerson(user: string, nonce?: string) {
    const expires_in = 3600;
    const now = Math.floor(Date.now() / 1000);
    const access_token = await this.sign({ groups: GROUPS[user]!, expiresInSeconds: expires_in });
    const id_token = await this.signed(
      { token_use: 'id', email: `${user}@localhost`, auth_time: now, ...(nonce !== undefined && { nonce }) },
      { issuer: ISSUER, subject: `local-${user}`, now, expires: now + expires_in, audience: PEOPLE },
    );
    return { access_token, id_token, expires_in };
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
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      token_use,
      client_id,
      scope: groups ? 'openid profile' : scopes.join(' '),
      auth_time: now,
      version: 2,
      ...(groups && { 'cognito:groups': groups, username: 'local' }),
    };
    const subject = groups ? `local-${groups.join('-')}` : client_id;
    return this.signed(claims, { issuer, subject, now, expires: now + expiresInSeconds });
  }

  private async signed(
    claims: JWTPayload,
    about: { issuer: string; subject: string; now: number; expires: number; audience?: string },
  ): Promise<string> {
    const { kid } = this.keys.publicKey;
    const token = new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuer(about.issuer)
      .setSubject(about.subject)
      .setIssuedAt(about.now)
      .setExpirationTime(about.expires)
      .setJti(randomUUID());
    if (about.audience !== undefined) token.setAudience(about.audience);
    return token.sign(await importJWK(this.keys.privateKey, 'RS256'));
  }
}

/** Hashed first: how long it takes tells nothing, of lengths neither. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(left!, right!);
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
