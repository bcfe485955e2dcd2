import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { parse } from 'yaml';
import type { LocalWorld } from '../../shared/adapters/local';
import { ensureKeys, Issuer, type Keys, type TokenOptions } from '../../shared/adapters/local/tokens';
import { PAGES, ROUTES, type Route } from '../../shared/domain/api';

export const ROOT = resolve(__dirname, '../..');
export const ALL_ROUTES = Object.keys(ROUTES) as Route[];
export const GUARDED_ROUTES = ALL_ROUTES.filter((route) => ROUTES[route] !== 'public');

/** A route of serverless.yml, and the function that it goes to. */
export interface Declared {
  readonly route: string;
  readonly function: string;
  readonly authorizer: string | undefined;
}

interface Serverless {
  readonly functions: Record<
    string,
    { events?: { httpApi?: { method: string; path: string; authorizer?: { name: string } } }[] }
  >;
}

/** The HTTP events of serverless.yml that are the API's. */
export const declaredRoutes = (): Declared[] => everyRoute().filter(({ route }) => !PAGES.includes(route));

/** Every HTTP event of serverless.yml, the dashboard's among them. */
export function everyRoute(): Declared[] {
  const file = parse(readFileSync(join(ROOT, 'serverless.yml'), 'utf8'), { logLevel: 'error' }) as Serverless;
  return Object.entries(file.functions).flatMap(([name, { events = [] }]) =>
    events.flatMap(({ httpApi }) =>
      httpApi
        ? [{ route: `${httpApi.method} ${httpApi.path}`, function: name, authorizer: httpApi.authorizer?.name }]
        : [],
    ),
  );
}

/** What a client sends. */
export interface Call {
  /** Those that the route's path names are sent. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as the gateway passes text on; bytes as it passes bytes on. */
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly token?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body's JSON, undefined when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer has any shape; the document says which
  readonly body: any;
  readonly text: string;
}

export type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

/** Calls a handler as the HTTP API does for one of its routes. */
export async function send(handler: Handler, route: string, call: Call = {}): Promise<Answer> {
  const { params = {}, query = {}, body, type, token } = call;
  const [method, path] = route.split(' ') as [string, string];
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const pathParameters = Object.fromEntries(names.map((name) => [name, params[name]!]));
  const rawPath = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(pathParameters[name]!));
  const bytes = Buffer.isBuffer(body);
  const answer = await handler(
    {
      version: '2.0',
      routeKey: route,
      rawPath,
      rawQueryString: new URLSearchParams(query).toString(),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(type !== undefined && { 'content-type': type }),
        ...call.headers,
      },
      queryStringParameters: { ...query },
      pathParameters,
      requestContext: {
        accountId: '000000000000',
        apiId: 'local',
        domainName: 'localhost',
        domainPrefix: 'localhost',
        http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'jest' },
        requestId: 'request-1',
        routeKey: route,
        stage: '$default',
        time: '01/Mar/2026:12:00:00 +0000',
        timeEpoch: 1772366400000,
      },
      ...(body !== undefined && { body: bytes ? body.toString('base64') : body }),
      isBase64Encoded: bytes,
    },
    {} as Context,
  );
  const text = answer.body ?? '';
  return {
    status: answer.statusCode!,
    headers: answer.headers as Record<string, string>,
    body: text === '' ? undefined : isJson(answer) ? JSON.parse(text) : text,
    text,
  };
}

const isJson = ({ headers }: APIGatewayProxyStructuredResultV2) => /json/.test(String(headers?.['content-type']));

/** The functions behind the gateway, on an embedded world of their own. */
export interface Api {
  readonly keys: Keys;
  readonly world: LocalWorld;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Calls the function that serverless.yml names for the route; as an administrator's machine unless said otherwise. */
  call(route: Route, call?: Call): Promise<Answer>;
  sign(options: TokenOptions): Promise<string>;
  /** Lets clean take what is in the stream. */
  clean(): Promise<void>;
  stop(): void;
}

/** Starts the functions; before they are loaded, the environment names their world. */
export async function startApi(): Promise<Api> {
  const directory = mkdtempSync(join(tmpdir(), 'ecomflow-api-'));
  Object.assign(process.env, { ECOMFLOW_DIR: directory, ECOMFLOW_VERSION: '9.9.9', ECOMFLOW_COMMIT: 'abc' });
  const keys = await ensureKeys(directory);
  const issuer = new Issuer(keys);
  const { openWorld } = await import('../../shared/adapters/local');
  const { toEvent } = await import('../../shared/adapters/local/event-source');
  const { handler: ingest } = await import('../../functions/ingest/handler');
  const { handler: upload } = await import('../../functions/upload/handler');
  const { handler: clean } = await import('../../functions/clean/handler');
  const { handler: query } = await import('../../functions/query/handler');
  const { handler: insights } = await import('../../functions/insights/handler');
  const { handler: live } = await import('../../functions/live/handler');
  const { handler: admin } = await import('../../functions/admin/handler');
  const world = openWorld(directory);
  const handlers: Record<string, Handler> = { ingest, upload, query, live: live as Handler, insights, admin };
  const functionOf = new Map(declaredRoutes().map((declared) => [declared.route, declared.function]));
  const administrator = await issuer.sign({ client_id: 'ecomflow-local-admin', scopes: ['ecomflow/admin'] });
  return {
    keys,
    world,
    handlers,
    call: (route, call = {}) =>
      send(handlers[functionOf.get(route)!]!, route, { ...call, token: 'token' in call ? call.token : administrator }),
    sign: (options) => issuer.sign(options),
    async clean() {
      const records = world.log.read('clean', 1000);
      if (records.length === 0) return;
      expect(await clean(toEvent(records), {} as Context)).toEqual({ batchItemFailures: [] });
      world.log.commit('clean', records.at(-1)!.sequence);
    },
    stop() {
      world.close();
      rmSync(directory, { recursive: true });
    },
  };
}
