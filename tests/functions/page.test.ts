import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { page } from '../../shared/adapters/lambda/page';
import { PAGES } from '../../shared/domain/api';
import { everyRoute, type Handler } from './gateway';

/** Bytes of the whole page as they are sent. */
const MOST_SENT = 120 * 1024;

const directory = mkdtempSync(join(tmpdir(), 'ecomflow-page-'));
let handler: Handler;
beforeAll(async () => {
  process.env.ECOMFLOW_DIR = directory;
  writeFileSync(join(directory, 'token-port'), '4711');
  handler = (await import('../../functions/page/handler')).handler;
});
afterAll(() => rmSync(directory, { recursive: true }));

async function get(path: string, headers: Readonly<Record<string, string>> = {}, by = handler) {
  const event = { rawPath: path, routeKey: `GET ${path}`, headers, requestContext: { requestId: 'r' } };
  const answer = await by(event as unknown as APIGatewayProxyEventV2, {} as Context);
  const bytes = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8');
  const encoding = answer.headers?.['content-encoding'];
  const plain = encoding === 'br' ? brotliDecompressSync(bytes) : encoding === 'gzip' ? gunzipSync(bytes) : bytes;
  return {
    status: answer.statusCode,
    headers: answer.headers as Record<string, string>,
    bytes,
    text: plain.toString(),
  };
}
const BROTLI = { 'accept-encoding': 'gzip, deflate, br, zstd' };

/** Every asset that is reached from the page: those that it names, and those that they import. */
async function assets(): Promise<string[]> {
  const found = new Set<string>();
  const named = [...(await get('/')).text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  for (const next = [...named]; next.length > 0; ) {
    const path = next.pop()!;
    if (found.has(path)) continue;
    found.add(path);
    for (const [, name] of (await get(path)).text.matchAll(/"\.\/([\w.-]+\.js)"/g)) next.push(`/assets/${name}`);
  }
  return [...found];
}

describe('The dashboard', () => {
  test('is served by the routes that serverless.yml sends to it, without a token', () => {
    const routes = everyRoute().filter(({ function: name }) => name === 'page');
    expect(routes.map(({ route }) => route)).toEqual(PAGES);
    expect(routes.map(({ authorizer }) => authorizer)).toEqual(PAGES.map(() => undefined));
  });

  test('is one page that names assets by their content: they are kept for ever, it is asked for again', async () => {
    const { status, headers, text } = await get('/');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ]);
    expect(text).toMatch(/<link rel="stylesheet" href="\/assets\/page-\w{8}\.css">/);
    expect(text).toMatch(/<script type="module" src="\/assets\/main-\w{8}\.js"><\/script>/);
    const paths = await assets();
    expect(paths.length).toBeGreaterThanOrEqual(3);
    for (const path of paths) {
      const asset = await get(path);
      expect(path).toMatch(/^\/assets\/\w+-\w{8}\.(js|css)$/);
      expect([asset.status, asset.headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
      expect(asset.headers['content-type']).toBe(
        path.endsWith('.js') ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
      );
    }
  });

  test(`weighs at most ${MOST_SENT / 1024} KB in all as it is sent`, async () => {
    const sent = await Promise.all(['/', '/config.json', ...(await assets())].map((path) => get(path, BROTLI)));
    expect(sent.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(MOST_SENT);
  });

  test.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=1.0, gzip;q=0.8', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.5, br;q=0', 'gzip'],
    ['br;q=0.0', undefined],
    ['identity', undefined],
    ['brotli', undefined],
    ['', undefined],
  ])('comes to a client that accepts "%s" in encoding %s', async (accepted, encoding) => {
    const plain = await get('/');
    const answer = await get('/', { 'accept-encoding': accepted });
    expect([answer.headers['content-encoding'], answer.headers.vary]).toEqual([encoding, 'accept-encoding']);
    expect(answer.text).toBe(plain.text);
  });

  test('is compressed once, however many ask', async () => {
    let read = 0;
    const brotli = brotliCompressSync('hello').toString('base64');
    const file = {
      type: 'text/plain',
      get brotli() {
        read++;
        return brotli;
      },
    };
    const place = { authorize: '', token: 'https://sign-in.example/', logout: '', client_id: '', scope: '' };
    const ours = page({ log: () => undefined }, { '/': file }, place);
    for (const accepted of ['gzip', 'gzip', 'br', 'br', '', 'gzip'])
      expect((await get('/', { 'accept-encoding': accepted }, ours)).text).toBe('hello');
    expect(read).toBe(3);
  });

  test('is not sent again to a browser that has it', async () => {
    for (const path of ['/', '/config.json']) {
      const { etag } = (await get(path, BROTLI)).headers;
      const again = await get(path, { ...BROTLI, 'if-none-match': `"other", W/${etag}` });
      expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, etag]);
      expect((await get(path, { ...BROTLI, 'if-none-match': '"other"' })).status).toBe(200);
    }
  });

  test('has no script and no style within the page, and names no other host', async () => {
    const { text } = await get('/');
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
    expect([...text.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, inside]) => inside)).toEqual(['']);
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const path of (await assets()).filter((each) => each.endsWith('.css')))
      expect((await get(path)).text).not.toMatch(/url\(|@import/);
  });

  test('carries the licence of the library that it brings along', async () => {
    const texts = await Promise.all((await assets()).map(async (path) => (await get(path)).text));
    expect(texts.filter((text) => text.includes('Released under the MIT License'))).not.toEqual([]);
  });
});

test('The settings say where to sign in, and hold no secret', async () => {
  const { headers, text } = await get('/config.json');
  expect(headers['content-type']).toBe('application/json');
  expect(JSON.parse(text)).toEqual({
    authorize: 'http://127.0.0.1:4711/oauth2/authorize',
    token: 'http://127.0.0.1:4711/oauth2/token',
    logout: 'http://127.0.0.1:4711/logout',
    client_id: 'ecomflow-local-people',
    scope: 'openid email',
  });
});

describe('Every answer holds the browser to the strictest', () => {
  const POLICY = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self' data:",
    'connect-src': "'self' http://127.0.0.1:4711",
    'form-action': "'none'",
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
    'require-trusted-types-for': "'script'",
    'trusted-types': "'none'",
  };
  const expectStrict = (headers: Readonly<Record<string, string>>) => {
    const directives = headers['content-security-policy']!.split('; ').map((one) => {
      const space = one.indexOf(' ');
      return [one.slice(0, space), one.slice(space + 1)];
    });
    expect(Object.fromEntries(directives)).toEqual(POLICY);
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'permissions-policy': expect.stringContaining('geolocation=()'),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  };

  test('with the page, its assets and its settings', async () => {
    for (const path of ['/', '/config.json', ...(await assets())]) expectStrict((await get(path)).headers);
    const { etag } = (await get('/')).headers;
    expectStrict((await get('/', { 'if-none-match': etag! })).headers);
  });

  test.each(['/assets/none.js', '/assets/__proto__', '/constructor', '/assets/../config.json', '/assets/'])(
    'with what is not there: %s',
    async (path) => {
      const { status, headers, text } = await get(path);
      expect([status, text, headers['cache-control']]).toEqual([404, 'There is no such page.', 'no-store']);
      expectStrict(headers);
    },
  );

  test('with a fault of its own, of which it says nothing but to its log', async () => {
    const logged: unknown[] = [];
    const signIn = JSON.parse((await get('/config.json')).text);
    const broken = { '/': { type: 'text/html', brotli: 'bm8gYnJvdGxp' } };
    const { status, headers, text } = await get('/', {}, page({ log: (...line) => logged.push(line) }, broken, signIn));
    expect([status, text]).toEqual([500, 'The fault is logged.']);
    expectStrict(headers);
    expect(logged).toEqual([
      [
        'error',
        'a page failed',
        { request_id: 'r', route: 'GET /', error: expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }) },
      ],
    ]);
  });
});
