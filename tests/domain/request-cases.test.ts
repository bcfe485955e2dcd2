import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ensureKeys, Issuer } from '../../shared/adapters/local/tokens';
import { ensureUploadSecret, uploadPortFile } from '../../shared/adapters/local/uploads';
import { PROBLEMS, type ProblemCode } from '../../shared/domain/problem';

/*
 * Every folder under fixtures/requests/ is a case: request.json says what is sent, as a recipe where it is large;
 * response.json says by hand what is answered. To add a case, add a folder.
 */
const folder = join(__dirname, '../fixtures/requests');

interface RequestFile {
  /** What the case shows. */
  readonly about: string;
  /** By default POST /v1/transactions. */
  readonly route?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** By default text/csv; null for none. */
  readonly content_type?: string | null;
  /** Pieces that are joined. */
  readonly body?: readonly Piece[];
  readonly compress?: 'gzip' | 'zstd';
  /** How many bytes to keep; below zero, how many to cut from the end. */
  readonly keep?: number;
  /** Text put behind the compressed bytes. */
  readonly behind?: string;
  /** By default the gateway takes text and JSON for UTF-8 text, and everything else for bytes. */
  readonly gateway?: 'base64';
  /** How often it is sent; the last answer counts. */
  readonly times?: number;
  readonly token?: 'none' | 'reader';
}
type Piece =
  | { readonly text: string }
  | { readonly base64: string }
  /** A file beside request.json. */
  | { readonly file: string }
  | { readonly repeat: string; readonly times: number }
  /** As many letters that hardly compress. */
  | { readonly noise: number };

interface ResponseFile {
  readonly status: number;
  readonly code?: ProblemCode;
  /** Members of the problem beside the usual ones. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** What the detail must say. */
  readonly says?: string;
  /** What the body of an answer must have. */
  readonly answer?: Readonly<Record<string, unknown>>;
}

const directory = mkdtempSync(join(tmpdir(), 'ecomflow-requests-'));
afterAll(() => rmSync(directory, { recursive: true }));

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<{ statusCode: number; headers: Record<string, string>; body: string }>;
let ingest: Handler;
let upload: Handler;
let tokens: Record<'shop' | 'reader', string>;

beforeAll(async () => {
  process.env.ECOMFLOW_DIR = directory;
  const issuer = new Issuer(await ensureKeys(directory));
  tokens = {
    shop: await issuer.sign({ client_id: 'ecomflow-local-shop', scopes: ['ecomflow/ingest'] }),
    reader: await issuer.sign({ client_id: 'ecomflow-local-reader', scopes: ['ecomflow/read'] }),
  };
  ensureUploadSecret(directory);
  writeFileSync(uploadPortFile(directory), '3001'); // nobody goes there
  ingest = (await import('../../functions/ingest/handler')).handler as unknown as Handler;
  upload = (await import('../../functions/upload/handler')).handler as unknown as Handler;
});

function noise(length: number): Buffer {
  const parts: Buffer[] = [];
  for (let n = 0, i = 0; n < length; i++) {
    const part = Buffer.from(createHash('sha512').update(String(i)).digest('base64url'));
    parts.push(part);
    n += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function pieceOf(piece: Piece, name: string): Buffer {
  if ('text' in piece) return Buffer.from(piece.text);
  if ('base64' in piece) return Buffer.from(piece.base64, 'base64');
  if ('file' in piece) return readFileSync(join(folder, name, piece.file));
  if ('noise' in piece) return noise(piece.noise);
  const once = Buffer.from(piece.repeat);
  return Buffer.alloc(once.length * piece.times, once);
}

function bytesOf({ body = [], compress, keep, behind = '' }: RequestFile, name: string): Buffer {
  const plain = Buffer.concat(body.map((piece) => pieceOf(piece, name)));
  const packed = compress === 'gzip' ? gzipSync(plain) : compress === 'zstd' ? zstdCompressSync(plain) : plain;
  return Buffer.concat([packed.subarray(0, keep), Buffer.from(behind)]);
}

/** What the HTTP API makes of a request. */
function eventOf(request: RequestFile, name: string): APIGatewayProxyEventV2 {
  const { route = 'POST /v1/transactions', params, query, content_type = 'text/csv', gateway, token } = request;
  const bytes = bytesOf(request, name);
  const isBase64Encoded = gateway === 'base64' || !/^(text\/|application\/json)/i.test(content_type ?? '');
  const path = route.replace('POST ', '').replace(/\{(\w+)\}/g, (_, key: string) => params?.[key] ?? '');
  return {
    version: '2.0',
    routeKey: route,
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      ...(content_type !== null && { 'content-type': content_type }),
      ...(token !== 'none' && { authorization: `Bearer ${tokens[token ?? 'shop']}` }),
    },
    ...(query && { queryStringParameters: query }),
    ...(params && { pathParameters: params }),
    ...(request.body && { body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
    requestContext: { requestId: name, http: { method: 'POST', path } },
  } as APIGatewayProxyEventV2;
}

const read = <T>(name: string, file: string): T => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));

describe('a request is answered as its case says:', () => {
  test.each(readdirSync(folder))('%s', async (name) => {
    const request = read<RequestFile>(name, 'request.json');
    const expected = read<ResponseFile>(name, 'response.json');
    const event = eventOf(request, name);
    const handler = request.route === 'POST /v1/uploads' ? upload : ingest;
    for (let n = 1; n < (request.times ?? 1); n++) await handler(event, {} as Context);
    const { statusCode, headers, body } = await handler(event, {} as Context);
    const answer = JSON.parse(body);

    expect({ status: statusCode, code: answer.code }).toEqual({ status: expected.status, code: expected.code });
    if (expected.code === undefined) {
      expect(headers['content-type']).toBe('application/json');
      expect(answer).toMatchObject(expected.answer!);
      return;
    }
    expect(headers['content-type']).toBe('application/problem+json');
    expect(answer).toMatchObject({
      type: `urn:ecomflow:problem:${expected.code}`,
      ...PROBLEMS[expected.code],
      instance: event.rawPath,
      ...expected.facts,
    });
    expect(answer.detail).toContain(expected.says ?? '');
    expect(body.length).toBeLessThan(2000); // whatever was sent, a refusal is short
  });
});
