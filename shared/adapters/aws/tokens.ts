import { CognitoJwtVerifier } from 'aws-jwt-verify';
import { FetchError, JwksValidationError, JwtBaseError, WaitPeriodNotYetEndedJwkError } from 'aws-jwt-verify/error';
import { SimpleJwksCache } from 'aws-jwt-verify/jwk';
import { type Claims, type Tokens, Unavailable } from '../../pipeline/ports';
import { isBrokenWorld } from './errors';
import { HTTP } from './http';

/** What is asked of aws-jwt-verify. */
export interface Verifier {
  verify(token: string): Promise<Payload>;
}

interface Payload {
  readonly sub: string;
  readonly client_id: string;
  readonly exp?: number;
  readonly scope?: string;
  readonly 'cognito:groups'?: readonly string[];
}

/**
 * Checks access tokens of a Cognito user pool: signature, issuer, client, use and time.
 * @param endpoint an emulator, which has the pool's keys; that the tokens name Cognito as their issuer stays as it is
 */
export function cognitoVerifier(userPoolId: string, clientIds: string, endpoint = process.env.AWS_ENDPOINT_URL) {
  const clientId = clientIds.split(',').map((id) => id.trim());
  return CognitoJwtVerifier.create(
    { userPoolId, tokenUse: 'access', clientId: clientId.filter(Boolean) },
    { jwksCache: endpoint ? keysOf(endpoint) : new SimpleJwksCache() },
  );
}

/** The keys at an emulator's address: the library's own fetcher speaks HTTPS only. */
const keysOf = (endpoint: string) =>
  new SimpleJwksCache({
    fetcher: {
      async fetch(uri) {
        const url = new URL(new URL(uri).pathname, endpoint);
        const answer = await fetch(url, { signal: AbortSignal.timeout(HTTP.requestTimeout) }).catch((cause) => {
          throw new FetchError(url.href, cause);
        });
        if (!answer.ok) throw new FetchError(url.href, `status ${answer.status}`);
        return answer.arrayBuffer();
      },
    },
  });

/** Access tokens of Cognito. A token that is not right is a value; keys that cannot be had are a broken world. */
export function cognitoTokens(verifier: Verifier): Tokens {
  return {
    async verify(token) {
      try {
        const payload = await verifier.verify(token);
        return typeof payload.exp === 'number' ? claimsOf(payload) : undefined; // aws-jwt-verify lets one without pass
      } catch (error) {
        if (isKeyTrouble(error)) throw new Unavailable('the keys of the user pool cannot be had', { cause: error });
        if (error instanceof JwtBaseError) return undefined;
        throw error;
      }
    },
  };
}

function claimsOf(payload: Payload): Claims {
  return {
    sub: payload.sub,
    client_id: payload.client_id,
    groups: payload['cognito:groups'] ?? [],
    scopes: payload.scope?.split(' ').filter(Boolean) ?? [],
  };
}

/**
 * The wait comes after a token whose key the pool does not have, a forged one mostly; it says nothing of the tokens
 * that come meanwhile unless their key is not known yet either, which passes.
 */
const isKeyTrouble = (error: unknown) =>
  error instanceof FetchError ||
  error instanceof JwksValidationError ||
  error instanceof WaitPeriodNotYetEndedJwkError ||
  isBrokenWorld(error);
