import { Unavailable } from '../../pipeline/ports';

/*
 * What AWS says, divided by one question: may the same call go through later? Then the world is busy or broken, and
 * the stream delivers again. What repeats on the same input (ValidationException, ItemCollectionSizeLimitExceeded, a
 * record too large, a failed condition) is left as it is.
 */
const BROKEN_WORLD: ReadonlySet<string> = /* @__PURE__ */ new Set([
  // Throttles that come with status 400
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'ThrottledException',
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'TransactionConflictException',
  'KMSThrottlingException',
  // Timeouts, network
  'AbortError',
  'NetworkingError',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  // Rights, credentials, clocks: nothing about the chunk, and an operator mends them
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'KMSAccessDeniedException',
  'KMSDisabledException',
  'KMSInvalidStateException',
  'KMSNotFoundException',
  'KMSOptInRequired',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
  // A store that is missing or being changed is a deployment's fault, not the chunk's
  'NoSuchBucket',
  'ResourceInUseException',
  'ResourceNotFoundException',
]);

const NETWORK: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'EMFILE',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

const STATUSES: ReadonlySet<number> = /* @__PURE__ */ new Set([401, 403, 408, 429]);

/** What SDK errors carry beside a name. */
interface Fault {
  readonly name?: string;
  readonly code?: string;
  readonly $fault?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** True when the same call may go through later. */
export function isBrokenWorld(error: unknown): boolean {
  if (error instanceof Unavailable) return true;
  if (!(error instanceof Error)) return false;
  const { name, code, $fault, $metadata } = error as Error & Fault;
  const status = $metadata?.httpStatusCode ?? 0;
  return (
    BROKEN_WORLD.has(name) ||
    (typeof code === 'string' && NETWORK.has(code)) ||
    $fault === 'server' ||
    status >= 500 ||
    STATUSES.has(status)
  );
}

/**
 * Calls AWS and turns a busy or broken world into Unavailable, with its cause. `doing` says what was tried.
 * @throws Unavailable, or the error as it is
 */
export async function reach<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isBrokenWorld(error) || error instanceof Unavailable) throw error;
    throw new Unavailable(`${doing}: ${(error as Error).name}: ${(error as Error).message}`, { cause: error });
  }
}

/** True for an SDK error of this name. */
export const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;
