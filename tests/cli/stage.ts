import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { zstdDecompressSync } from 'node:zlib';
import { Api, type ApiOptions } from '../../cli/client/api';
import { batchId } from '../../shared/domain/identity';

/** An API that keeps what it accepts, and misbehaves as it is told. */
export class Stage {
  /** Text of parts by number. */
  readonly accepted = new Map<number, string>();
  readonly posts: number[] = [];
  /** Requests for reports. */
  asked = 0;
  tokens = 0;
  mostAtOnce = 0;
  misbehave: (response: ServerResponse, part: number) => boolean = () => false;
  tokenAnswer: { status: number; body: unknown } | undefined;
  /** Overrides what a report says. */
  report: Readonly<Record<string, unknown>> = {};
  url = '';
  /** What the client said of its retries. */
  readonly said: string[] = [];
  private atOnce = 0;
  private total = 0;
  private file = '';
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  api(options: Partial<ApiOptions> = {}): Api {
    const credentials = { tokenUrl: `${this.url}/oauth2/token`, id: 'shop', secret: 's' };
    return new Api(this.url, credentials, { onRetry: (why) => this.said.push(why), ...options });
  }

  rows(): string[] {
    return [...this.accepted].sort(([a], [b]) => a - b).flatMap(([, text]) => text.trim().split('\n').slice(1));
  }

  private async answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url!, 'http://stage');
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

    if (url.pathname === '/oauth2/token') {
      this.tokens++;
      if (this.tokenAnswer) return json(this.tokenAnswer.status, this.tokenAnswer.body);
      return json(200, { access_token: `token-${this.tokens}`, expires_in: 3600 });
    }
    if (request.method === 'GET') {
      this.asked++;
      if (this.misbehave(response, 0)) return undefined;
      if (this.accepted.size === 0) return json(404, { code: 'not_found', detail: 'unknown' });
      return json(200, this.reported());
    }
    const part = Number(url.searchParams.get('part'));
    this.total = Number(url.searchParams.get('parts'));
    this.file = url.searchParams.get('file')!;
    this.posts.push(part);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await new Promise((wake) => setTimeout(wake, 5));
    this.atOnce--;
    if (this.misbehave(response, part)) return undefined;
    this.accepted.set(part, zstdDecompressSync(Buffer.concat(pieces)).toString());
    return json(202, { batch_id: 'b' });
  }

  private reported() {
    const whole = this.accepted.size === this.total;
    return {
      dataset: 'transactions',
      status: whole ? 'complete' : 'open',
      received: this.rows().length,
      kept: this.rows().length,
      duplicate: 0,
      rejected: {},
      pending: 0,
      balanced: whole,
      parts: { total: this.total, accepted: [...this.accepted.keys()] },
      batches: [...this.accepted].map(([part, text]) =>
        batchId({ dataset: 'transactions', format: 'csv', text, file: { hash: this.file, part } }),
      ),
      ...this.report,
    };
  }
}
