import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { Api, Refused } from '../../cli/client/api';
import type { FileOptions } from '../../cli/client/parts';
import { upload, type Watcher } from '../../cli/client/upload';

const ROWS = Array.from({ length: 90 }, (_, i) => `row ${i}`);
const folder = mkdtempSync(join(tmpdir(), 'ecomflow-upload-'));
const FILE: FileOptions = { path: join(folder, 'rows.csv'), charset: 'utf-8', partBytes: 100 };
const QUIET: Watcher = { surveyed: () => undefined, sent: () => undefined };

/** An API that keeps what it accepts, and misbehaves as it is told. */
class Stage {
  readonly accepted = new Map<number, string>();
  readonly posts: number[] = [];
  tokens = 0;
  mostAtOnce = 0;
  misbehave: (response: ServerResponse, part: number) => boolean = () => false;
  private atOnce = 0;
  private total = 0;

  readonly server: Server = createServer((request, response) => void this.answer(request, response));

  private async answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url!, 'http://stage');
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

    if (url.pathname === '/oauth2/token')
      return json(200, { access_token: `token-${++this.tokens}`, expires_in: 3600 });
    if (request.method === 'GET') {
      if (this.accepted.size === 0) return json(404, { code: 'not_found', detail: 'unknown' });
      return json(200, { parts: { total: this.total, accepted: [...this.accepted.keys()] } });
    }
    const part = Number(url.searchParams.get('part'));
    this.total = Number(url.searchParams.get('parts'));
    this.posts.push(part);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await new Promise((wake) => setTimeout(wake, 5));
    this.atOnce--;
    if (this.misbehave(response, part)) return undefined;
    this.accepted.set(part, zstdDecompressSync(Buffer.concat(pieces)).toString());
    return json(202, { batch_id: 'b' });
  }

  rows(): string[] {
    return [...this.accepted].sort(([a], [b]) => a - b).flatMap(([, text]) => text.trim().split('\n').slice(1));
  }
}

describe('an upload', () => {
  let stage: Stage;
  let url: string;
  let api: Api;

  beforeAll(() => writeFileSync(FILE.path, `header\n${ROWS.join('\n')}\n`));
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    stage = new Stage();
    await new Promise<void>((done) => stage.server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(stage.server.address() as AddressInfo).port}`;
    api = new Api(url, { tokenUrl: `${url}/oauth2/token`, id: 'shop', secret: 's' });
  });
  afterEach(async () => {
    stage.server.closeAllConnections();
    await new Promise((done) => stage.server.close(done));
  });

  it('sends every row once, two parts at a time at most, with one token', async () => {
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.rows()).toEqual(ROWS);
    expect(stage.mostAtOnce).toBe(2);
    expect(stage.tokens).toBe(1);
  });

  it('sends a part again when the connection breaks, or the stage is busy', async () => {
    const broken = new Set([2, 5]);
    stage.misbehave = (response, part) => {
      if (!broken.delete(part)) return false;
      if (part === 2) response.socket!.destroy();
      else response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"code":"try_later"}');
      return true;
    };
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.rows()).toEqual(ROWS);
    expect(stage.posts.filter((part) => part === 2)).toHaveLength(2);
  });

  it('goes on where it was when it is run again, and sends nothing when all was sent', async () => {
    stage.misbehave = (response, part) => {
      if (part < 6) return false;
      response
        .writeHead(400, { 'content-type': 'application/problem+json' })
        .end('{"code":"unknown_column","detail":"no such column"}');
      return true;
    };
    await expect(upload(api, 'transactions', FILE, QUIET)).rejects.toThrow('no such column');
    const before = new Set(stage.accepted.keys());
    expect(before.size).toBeGreaterThanOrEqual(4);

    stage.misbehave = () => false;
    stage.posts.length = 0;
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.posts.some((part) => before.has(part))).toBe(false);
    expect(stage.rows()).toEqual(ROWS);

    stage.posts.length = 0;
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.posts).toEqual([]);
  });

  it('asks for a new token when the old one is refused, once', async () => {
    let refused = 0;
    stage.misbehave = (response) => {
      if (refused++ > 0) return false;
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Unauthorized"}');
      return true;
    };
    await upload(api, 'transactions', FILE, QUIET);
    expect(stage.tokens).toBe(2);
    expect(stage.rows()).toEqual(ROWS);
  });

  it('does not repeat what is refused for good', async () => {
    stage.misbehave = (response) => {
      response
        .writeHead(403, { 'content-type': 'application/problem+json' })
        .end('{"code":"forbidden","detail":"needs a scope"}');
      return true;
    };
    await expect(upload(api, 'transactions', FILE, QUIET)).rejects.toThrow(Refused);
    expect(stage.posts.length).toBeLessThanOrEqual(2);
  });
});
