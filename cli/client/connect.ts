import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../command';
import { Api } from './api';
import { type Credentials, credentialsIn, NoCredentials } from './credentials';

/** What `npm start` leaves in its data directory while it runs, so that other commands find it. */
export interface Connection {
  readonly url: string;
  readonly tokenUrl: string;
  readonly id: string;
  readonly secret: string;
}

/** Where a data directory's Connection is. */
export const connectionFile = (directory: string) => join(directory, 'connection.json');

export interface Target {
  /** As given with --url, undefined for the `npm start` of `dir`. */
  readonly url: string | undefined;
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  /** How often one request is tried at most. */
  readonly tries?: number;
  /** Ends requests and pauses. */
  readonly signal?: AbortSignal;
}

/** A client of a stage, or of the `npm start` of a data directory; says its retries. @throws UsageError, NoCredentials */
export function connect({ url, dir, env, tries, signal }: Target): Api {
  const local = localConnection(dir);
  const api = url === undefined ? local?.url : addressOf(url, '--url');
  if (api === undefined) throw new UsageError(`give --url: no npm start runs in ${dir}`);
  const onRetry = (why: string) => console.error(why);
  const options = { onRetry, ...(tries !== undefined && { tries }), ...(signal && { signal }) };
  return new Api(api, credentialsFor(api, local, env), options);
}

/** @throws NoCredentials, UsageError */
function credentialsFor(url: string, local: Connection | undefined, env: NodeJS.ProcessEnv): Credentials {
  const named = credentialsIn(env);
  if (named) {
    if ('tokenUrl' in named) addressOf(named.tokenUrl, 'ECOMFLOW_TOKEN_URL');
    return named;
  }
  if (local && sameMachine(local.url) === sameMachine(url)) return local;
  throw new NoCredentials();
}

/** An address of an API without what people paste along: a last slash, `/v1`. @throws UsageError */
function addressOf(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError(`${name}: "${text}" is no address that begins with http:// or https://`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`;
}

/** `localhost` is where our own start listens, too. */
const sameMachine = (url: string) => url.replace('//localhost', '//127.0.0.1');

function localConnection(directory: string): Connection | undefined {
  const file = connectionFile(directory);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
