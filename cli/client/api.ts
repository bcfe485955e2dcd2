import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An answer that says no, with the API's own words. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly status: number,
    readonly problem: { readonly code?: string; readonly detail?: string; readonly message?: string },
  ) {
    super(problem.detail ?? problem.message ?? `the API answered ${status}`);
  }
}

/** How a client proves who it is: a token at hand, or a machine's id and secret. */
export type Credentials =
  | { readonly token: string }
  | { readonly tokenUrl: string; readonly id: string; readonly secret: string };

interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** What a command says when it has no credentials. */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials';
  constructor() {
    super(
      'No credentials. Set ECOMFLOW_TOKEN, or ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET ' +
        '(a machine client of the stage; the stack outputs name the token URL and the client id).',
    );
  }
}

/** What `npm start` leaves in its data directory, so that other commands find it. */
export interface Connection {
  readonly url: string;
  readonly tokenUrl: string;
  readonly id: string;
  readonly secret: string;
}

export const connectionFile = (directory: string) => join(directory, 'connection.json');

/** Credentials from the environment, or of the `npm start` that listens at this URL. @throws NoCredentials */
export function credentialsFor(url: string, directory: string, env: NodeJS.ProcessEnv): Credentials {
  const {
    ECOMFLOW_TOKEN: token,
    ECOMFLOW_TOKEN_URL: tokenUrl,
    ECOMFLOW_CLIENT_ID: id,
    ECOMFLOW_CLIENT_SECRET: secret,
  } = env;
  if (token) return { token };
  if (tokenUrl && id && secret) return { tokenUrl, id, secret };
  const local = localConnection(directory);
  if (local?.url === url) return local;
  throw new NoCredentials();
}

/** Where the `npm start` of a data directory listens, undefined when none has. */
export function localConnection(directory: string): Connection | undefined {
  const file = connectionFile(directory);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

const TIMEOUT_MS = 60_000;
/** Pauses between tries, about two minutes in all: a deploy or a broken line is waited out. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

/** A client of one stage's API. Broken connections, 429 and 5xx are tried again; other refusals are thrown. */
export class Api {
  /** One for all requests under way. */
  private token: Promise<Token> | undefined;

  constructor(
    readonly url: string,
    private readonly credentials: Credentials,
    private readonly onRetry: (why: string) => void = () => undefined,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.send<T>('GET', path);
  }

  post<T>(path: string, body: Uint8Array, contentType: string): Promise<T> {
    return this.send<T>('POST', path, body, contentType);
  }

  /** @throws Refused */
  private async send<T>(method: string, path: string, body?: Uint8Array, contentType?: string): Promise<T> {
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return (await this.attempt(method, path, body, contentType)) as T;
      } catch (error) {
        if (error instanceof Refused && error.status === 401 && !renewed && 'id' in this.credentials) {
          renewed = true;
          this.token = undefined;
        } else if (!isPassing(error) || attempt >= PAUSES_MS.length) throw error;
        else {
          this.onRetry((error as Error).message);
          await sleep(PAUSES_MS[attempt]! * (0.5 + Math.random() / 2));
        }
      }
    }
  }

  private async attempt(method: string, path: string, body?: Uint8Array, contentType?: string): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.bearer()}`, ...(contentType && { 'content-type': contentType }) },
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return answerOf(response);
  }

  private async bearer(): Promise<string> {
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
      const response = await fetch(tokenUrl, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const { access_token, expires_in } = (await answerOf(response)) as { access_token: string; expires_in: number };
      return { value: access_token, until: Date.now() + Math.max(expires_in - 60, 1) * 1000 };
    } catch (error) {
      this.token = undefined;
      throw error;
    }
  }
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = parse(text);
  if (response.ok && body !== undefined) return body;
  throw new Refused(
    response.status,
    (body as Refused['problem'] | undefined) ?? { message: `${response.status}: ${text.slice(0, 200)}` },
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page: the caller quotes it
  }
}

const isPassing = (error: unknown) => !(error instanceof Refused) || error.status === 429 || error.status >= 500;
