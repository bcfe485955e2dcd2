import { createHash } from 'node:crypto';
import { brotliDecompressSync, gzipSync } from 'node:zlib';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { SignIn, Telemetry } from '../../pipeline/ports';

/** A file of a web page: its media type, and its bytes compressed with Brotli, in base64. */
export interface PageFile {
  readonly type: string;
  readonly brotli: string;
}

type Answer = APIGatewayProxyStructuredResultV2;
type Encoding = 'br' | 'gzip' | 'identity';

const YEAR = 365 * 24 * 3600;
/** Assets are named by their content; the page names them, so it alone has to be asked for again. */
const FOR_EVER = `public, max-age=${YEAR}, immutable`;
const ASK_AGAIN = 'no-cache';

/** A function's answers to a browser: the files of a page by their path, and `/config.json`, which says where to sign in. */
export function page(telemetry: Pick<Telemetry, 'log'>, files: Readonly<Record<string, PageFile>>, signIn: SignIn) {
  const headers = securityHeaders(new URL(signIn.token).origin);
  const config = JSON.stringify(signIn);
  const made = new Map<string, Buffer>();
  /** Made once: it is most of an answer's work, and anybody may ask. */
  const bytesOf = (path: string, file: PageFile, encoding: Encoding): Buffer => {
    const name = `${encoding} ${path}`;
    const bytes = made.get(name) ?? encoded(file.brotli, encoding);
    made.set(name, bytes);
    return bytes;
  };
  return middy<APIGatewayProxyEventV2, Answer>()
    .onError((request) => {
      const { requestContext, routeKey } = request.event;
      telemetry.log('error', 'a page failed', {
        request_id: requestContext.requestId,
        route: routeKey,
        error: request.error,
      });
      request.response = text(500, 'The fault is logged.', headers);
    })
    .handler(async ({ rawPath, headers: sent }) => {
      if (rawPath === '/config.json') return known(sent, headers, 'application/json', config);
      const file = files[rawPath];
      if (file === undefined) return text(404, 'There is no such page.', headers);
      const encoding = encodingFor(sent['accept-encoding'] ?? '');
      return known(sent, headers, file.type, bytesOf(rawPath, file, encoding), encoding, rawPath !== '/');
    });
}

/**
 * What a browser is held to: scripts and styles of this address and none within the page, no frame, no form, requests to
 * this address and to where people sign in. Strings are no scripts either (trusted types). HTTPS from the first visit on,
 * which browsers pass over where there is none.
 */
const securityHeaders = (signInOrigin: string): Readonly<Record<string, string>> => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${signInOrigin}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'strict-transport-security': `max-age=${YEAR}`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
});

const text = (statusCode: number, body: string, headers: Readonly<Record<string, string>>): Answer => ({
  statusCode,
  headers: { ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body,
});

/** A 200, or a 304 for a browser that has it. */
function known(
  sent: APIGatewayProxyEventV2['headers'],
  security: Readonly<Record<string, string>>,
  type: string,
  body: string | Buffer,
  encoding: Encoding = 'identity',
  forEver = false,
): Answer {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = {
    ...security,
    'cache-control': forEver ? FOR_EVER : ASK_AGAIN,
    vary: 'accept-encoding',
    etag,
  };
  const has = sent['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  if (has) return { statusCode: 304, headers };
  const content = { 'content-type': type, ...(encoding !== 'identity' && { 'content-encoding': encoding }) };
  return {
    statusCode: 200,
    headers: { ...headers, ...content },
    ...(Buffer.isBuffer(body) ? { body: body.toString('base64'), isBase64Encoded: true } : { body }),
  };
}

/** The best that a client takes of what there is (RFC 9110, 12.5.3). */
function encodingFor(accepted: string): Encoding {
  const takes = new Set(
    accepted
      .split(',')
      .map((one) => /^\s*([\w*-]+)\s*(?:;\s*q=([\d.]+)\s*)?$/.exec(one.toLowerCase()))
      .filter((match) => match !== null && Number(match[2] ?? 1) > 0)
      .map((match) => match![1]),
  );
  return takes.has('br') ? 'br' : takes.has('gzip') ? 'gzip' : 'identity';
}

const encoded = (brotli: string, encoding: Encoding): Buffer => {
  const bytes = Buffer.from(brotli, 'base64');
  if (encoding === 'br') return bytes;
  const plain = brotliDecompressSync(bytes);
  return encoding === 'gzip' ? gzipSync(plain) : plain;
};
