import { createHmac, createPublicKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CompactEncrypt,
  type CompactJWSHeaderParameters,
  CompactSign,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';

/** The issuer and the people's client of the embedded default, as its tokens have them. */
export const ISSUER = 'https://ecomflow.invalid/local';
export const PEOPLE = 'ecomflow-local-people';
export const SHOP = 'ecomflow-local-shop';
const ADMIN = 'ecomflow-local-admin';

export type Json = Readonly<Record<string, unknown>>;

type Key = Parameters<CompactSign['sign']>[0];

/** Makes tokens with jose and the embedded issuer's own key, or a stranger's. */
export interface Mint {
  readonly kid: string;
  /** What an administrator's machine would get now; members set to undefined are left out. */
  claims(changes?: Json): Json;
  /** A token of the issuer's key: right but for the changes. */
  sign(changes?: Json, header?: Json): Promise<string>;
  /** The same of a key that is not the issuer's. */
  strange(changes?: Json, header?: Json): Promise<string>;
  /** The stranger's public key. */
  readonly strangers: JWK;
  /** A token with an HMAC whose secret is the issuer's public key in one of its spellings. */
  hmac(secret: 'pem' | 'jwk'): string;
  /** A token that only the issuer could read. */
  encrypted(): Promise<string>;
}

/** @param directory the data directory, where the issuer's key lies */
export async function mintOf(directory: string): Promise<Mint> {
  const keys = JSON.parse(readFileSync(join(directory, 'keys.json'), 'utf8')) as Record<
    'privateKey' | 'publicKey',
    JWK
  >;
  const kid = keys.publicKey.kid!;
  const own = (await importJWK(keys.privateKey, 'RS256')) as Key;
  const rs512 = (await importJWK(keys.privateKey, 'RS512')) as Key;
  const other = await generateKeyPair('RS256', { extractable: true });
  const publicKey = createPublicKey({ key: { ...keys.publicKey }, format: 'jwk' });

  const claims = (changes: Json = {}): Json => {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: ISSUER, sub: ADMIN, client_id: ADMIN, token_use: 'access', scope: 'ecomflow/admin' };
    return { ...usual, iat: now, exp: now + 3600, jti: randomBytes(8).toString('hex'), ...changes };
  };
  const signed = (key: Key, changes?: Json, header?: Json) =>
    new CompactSign(Buffer.from(JSON.stringify(claims(changes))))
      .setProtectedHeader({ alg: 'RS256', kid, ...header } as CompactJWSHeaderParameters)
      .sign(key);
  const exported = await crypto.subtle.exportKey('jwk', other.publicKey);
  return {
    kid,
    claims,
    sign: (changes, header) => signed(header?.alg === 'RS512' ? rs512 : own, changes, header),
    strange: (changes, header) => signed(other.privateKey, changes, header),
    strangers: exported as JWK,
    hmac(secret) {
      const text = `${base64({ alg: 'HS256', kid })}.${base64(claims())}`;
      const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
      const key = secret === 'pem' ? pem : JSON.stringify(keys.publicKey);
      return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
    },
    encrypted: () =>
      new CompactEncrypt(Buffer.from(JSON.stringify(claims())))
        .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid })
        .encrypt(publicKey),
  };
}

export const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
