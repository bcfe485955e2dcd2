import { createHash } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { Problem } from '../../domain/problem';
import { Csv, List } from '../../pipeline/pages';
import { type Telemetry, Unavailable } from '../../pipeline/ports';

/** A request as the HTTP API hands it over, in our words. */
export interface HttpRequest {
  /** `GET /v1/batches/{batch_id}` */
  readonly route: string;
  /** The path as sent. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** The gateway decoded the body as UTF-8 text. */
  readonly asText: boolean;
}

/** An answer; its body is sent as JSON, but for CSV. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const RETRY_AFTER_SECONDS = '5';
const SECURITY_HEADERS = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' };

/** Makes a Lambda handler of a function from request to answer. Refusals become problem details, faults are logged. */
export function http(telemetry: Pick<Telemetry, 'log'>, answer: (request: HttpRequest) => Promise<HttpAnswer>) {
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .onError((request) => {
      request.response = toProblem(request.error, request.event, telemetry);
    })
    .handler(async (event) => {
      const request = fromGateway(event);
      const { status, body, headers } = await answer(request);
      return event.requestContext.http.method === 'GET' && status === 200
        ? tagged(body, headers, request.headers['if-none-match'])
        : json(status, body, headers);
    });
}

/** A 200 with what was found. A list is sent as an array; a Link header (RFC 8288) leads to its next page. */
export function ok(found: unknown, path: string): HttpAnswer {
  if (found instanceof Csv) return { status: 200, body: found, headers: csvHeaders(found) };
  if (!(found instanceof List)) return { status: 200, body: found };
  const { rows, next_cursor } = found;
  return {
    status: 200,
    body: rows,
    ...(next_cursor && { headers: { link: `<${path}?cursor=${next_cursor}>; rel="next"` } }),
  };
}

const csvHeaders = ({ name, truncated }: Csv) => ({
  'content-type': 'text/csv; charset=utf-8',
  'content-disposition': `attachment; filename="${name}"`,
  'ecomflow-truncated': String(truncated),
});

function fromGateway(event: APIGatewayProxyEventV2): HttpRequest {
  return {
    route: event.routeKey,
    path: event.rawPath,
    params: cleaned(event.pathParameters),
    query: event.queryStringParameters ?? {},
    headers: event.headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    asText: !event.isBase64Encoded,
  };
}

const cleaned = (params: Record<string, string | undefined> | null | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name, value ?? '']));

/** A 200 with its ETag, or a 304 for a client that has it. */
function tagged(
  body: unknown,
  headers: HttpAnswer['headers'],
  known: string | undefined,
): APIGatewayProxyStructuredResultV2 {
  const answer = json(200, body, headers);
  const etag = `"${createHash('sha256').update(answer.body!).digest('base64url').slice(0, 22)}"`;
  const tags = { ...answer.headers, 'cache-control': 'private, no-cache', etag };
  const matches = known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
  return matches
    ? { statusCode: 304, headers: { etag, 'cache-control': tags['cache-control'] } }
    : { ...answer, headers: tags };
}

function json(status: number, body: unknown, headers: HttpAnswer['headers'] = {}): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...SECURITY_HEADERS, ...headers },
    body: body instanceof Csv ? body.text : JSON.stringify(body),
  };
}

/** What the client hears of an error; of ours, only where to look it up. */
function toProblem(
  error: unknown,
  event: APIGatewayProxyEventV2,
  telemetry: Pick<Telemetry, 'log'>,
): APIGatewayProxyStructuredResultV2 {
  const problem = error instanceof Problem ? error : broken(error, event, telemetry);
  const headers = {
    ...(problem.code === 'try_later' && { 'retry-after': RETRY_AFTER_SECONDS }),
    ...(problem.code === 'unauthorized' && { 'www-authenticate': 'Bearer' }),
  };
  return json(
    problem.status,
    { ...problem.toJSON(), instance: event.rawPath },
    { 'content-type': 'application/problem+json', ...headers },
  );
}

/** A fault that is not the client's: logged whole, answered without a word of its own. */
function broken(error: unknown, event: APIGatewayProxyEventV2, telemetry: Pick<Telemetry, 'log'>): Problem {
  const request_id = event.requestContext.requestId;
  const { batch_id } = event.pathParameters ?? {};
  telemetry.log('error', 'a request failed', { request_id, route: event.routeKey, batch_id, error });
  return error instanceof Unavailable
    ? new Problem('try_later', 'Nothing is wrong with the request. Send it again in a few seconds.', { request_id })
    : new Problem('internal', 'The fault is logged. Say the request id when you ask about it.', { request_id });
}
