/** An address that gives no answer; the message says it in words. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  constructor(
    readonly url: string,
    why: string,
    /** Whether trying again may help. */
    readonly passing: boolean,
    options?: ErrorOptions,
  ) {
    super(`${url}: ${why}`, options);
  }
}

/** What may pass, in words. https://nodejs.org/api/errors.html#common-system-errors */
const PASSING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'no such host is known',
  EAI_AGAIN: 'its name cannot be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it does not answer in time',
  TimeoutError: 'it does not answer in time',
};

/** What `fetch` threw, in words: it says only "fetch failed" and hides the rest in the cause. */
export function unreachable(url: string, error: unknown): Unreachable {
  const { origin } = new URL(url);
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  const code = cause?.code ?? name;
  const words = PASSING[code];
  return words === undefined
    ? new Unreachable(origin, cause?.message || message, code.startsWith('UND_ERR_'), { cause: error })
    : new Unreachable(origin, `${words} (${code})`, true, { cause: error });
}
