import { setTimeout as sleep } from 'node:timers/promises';
import { type Credentials, TokenRefused } from './credentials';
import { Unreachable, unreachable } from './unreachable';

/** An answer that says no, with the API's own words. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly status: number,
    readonly problem: { readonly code?: string; readonly detail?: string; readonly message?: string },
  ) {
    super(problem.detail ?? `the API answered ${status}${problem.message === undefined ? '' : `: ${problem.message}`}`);
  }
}

interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface ApiOptions {
  /** Hears of every failure that is tried again. */
  readonly onRetry: (why: string) => void;
  /** How often one request is tried at most; by default for about two minutes. */
  readonly tries?: number;
  /** Ends requests and pauses. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 60_000;
/** Pauses between tries, about two minutes in all: a deploy or a broken line is waited out. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

/** A client of one stage's API. Broken connections, 429 and 5xx are tried again; other refusals are thrown. */
export class Api {
  readonly signal: AbortSignal;
  /** One for all requests under way. */
  private token: Promise<Token> | undefined;
  private readonly retries: number;

  constructor(
    readonly url: string,
    private readonly credentials: Credentials,
    private readonly options: ApiOptions,
  ) {
    this.signal = options.signal ?? new AbortController().signal;
    this.retries = Math.min((options.tries ?? Number.POSITIVE_INFINITY) - 1, PAUSES_MS.length);
  }

  /** @throws Refused, Unreachable, TokenRefused, the signal's reason */
  get<T>(path: string): Promise<T> {
    return this.send<T>('GET', path);
  }

  /** An answer that is no JSON. @throws Refused, Unreachable, TokenRefused, the signal's reason */
  text(path: string): Promise<string> {
    return this.send<string>('GET', path, undefined, undefined, textOf);
  }

  /** @throws Refused, Unreachable, TokenRefused, the signal's reason */
  post<T>(path: string, body: Uint8Array, contentType: string): Promise<T> {
    return this.send<T>('POST', path, body, contentType);
  }

  /** Waits, unless the signal says stop, which is thrown. */
  pause(milliseconds: number): Promise<void> {
    return sleep(milliseconds, undefined, { signal: this.signal });
  }

  private async send<T>(
    method: string,
    path: string,
    body?: Uint8Array,
    contentType?: string,
    read: Reading = answerOf,
  ): Promise<T> {
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      this.signal.throwIfAborted();
      try {
        return (await this.attempt(method, path, body, contentType, read)) as T;
      } catch (error) {
        this.signal.throwIfAborted();
        if (error instanceof Refused && error.status === 401 && !renewed && 'id' in this.credentials) {
          renewed = true;
          this.token = undefined;
        } else if (!isPassing(error) || attempt >= this.retries) throw error;
        else {
          const milliseconds = PAUSES_MS[attempt]! * (0.5 + Math.random() / 2);
          const why = error instanceof Unreachable ? error.message : `${this.url}: ${(error as Error).message}`;
          this.options.onRetry(`${why}; trying again in ${(milliseconds / 1000).toFixed(1)} s`);
          await this.pause(milliseconds);
        }
      }
    }
  }

  private async attempt(
    method: string,
    path: string,
    body: Uint8Array | undefined,
    contentType: string | undefined,
    read: Reading,
  ): Promise<unknown> {
    const headers = {
      authorization: `Bearer ${await this.bearer()}`,
      ...(contentType && { 'content-type': contentType }),
    };
    const init = { method, headers, ...(body && { body: body as Uint8Array<ArrayBuffer> }) };
    return this.request(`${this.url}${path}`, init, read);
  }

  /** The answer as it is read. @throws Refused, Unreachable */
  private async request(url: string, init: RequestInit, read: Reading = answerOf): Promise<unknown> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      return await read(await fetch(url, { ...init, signal }));
    } catch (error) {
      throw error instanceof Refused ? error : unreachable(url, error);
    }
  }

  /** An access token that is good for a minute at least. @throws Unreachable, TokenRefused */
  async bearer(): Promise<string> {
    if ('token' in this.credentials) return this.credentials.token;
    this.token ??= this.fetchToken(this.credentials);
    const token = this.token;
    const { value, until } = await token;
    if (until > Date.now()) return value;
    if (this.token === token) this.token = undefined;
    return this.bearer();
  }

  private async fetchToken({ tokenUrl, id, secret }: Exclude<Credentials, { token: string }>): Promise<Token> {
    try {
      const answer = await this.request(tokenUrl, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      });
      const { access_token, expires_in } = answer as { access_token?: unknown; expires_in?: unknown };
      if (typeof access_token !== 'string') throw new TokenRefused(tokenUrl, id, 'its answer holds none');
      return { value: access_token, until: Date.now() + Math.max(Number(expires_in) - 60 || 0, 1) * 1000 };
    } catch (error) {
      this.token = undefined;
      if (!(error instanceof Refused) || isPassing(error)) throw error;
      const { error: word } = error.problem as { error?: unknown };
      throw new TokenRefused(tokenUrl, id, `it answers ${error.status}${word ? ` ${word}` : ''}`, { cause: error });
    }
  }
}

type Reading = (response: Response) => Promise<unknown>;

const textOf: Reading = (response) => (response.ok ? response.text() : answerOf(response));

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = parse(text);
  if (response.ok && typeof body === 'object' && body !== null) return body;
  throw new Refused(
    response.status,
    typeof body === 'object' && body !== null ? body : { message: text.slice(0, 200).replace(/\s+/g, ' ').trim() },
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page: the caller quotes it
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable
    ? error.passing
    : error instanceof Refused && (error.status === 429 || error.status >= 500);
