import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Issuer, tokenPortFile } from '../../shared/adapters/local/tokens';
import type { Clock } from '../../shared/pipeline/ports';
import { closed, listenAgain } from './listen';
import { SignIn, SignInRefused } from './sign-in';
import { pageHeaders, refusalPage, signInPage } from './sign-in-page';

const MOST_BODY = 4096;

/**
 * Cognito's sign-in domain: the token endpoint (client credentials of machines, authorization codes of people), and the
 * page that people sign in on. It comes back to the port that the data directory's last one had, where clients look for
 * it after a restart; when that is taken, to a free one.
 * @param port of the HTTP API, whose dashboard people are sent back to
 */
export async function startTokenServer(
  issuer: Issuer,
  directory: string,
  port: number,
  clock: Clock = { now: () => new Date() },
): Promise<{ url: string; close(): Promise<void> }> {
  const addresses = ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${port}/`);
  const door = new Door(issuer, new SignIn(issuer, addresses, clock));
  const server = createServer((request, response) => {
    door.answer(request, response).catch((error) => {
      if (!request.readableAborted) console.error(error); // who left does not wait for an answer
      response.destroy();
    });
  });
  const own = await listenAgain(server, tokenPortFile(directory));
  return { url: `http://127.0.0.1:${own}/oauth2/token`, close: () => closed(server) };
}

class Door {
  constructor(
    private readonly issuer: Issuer,
    private readonly people: SignIn,
  ) {}

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(`http://host${request.url?.startsWith('/') ? request.url : '/'}`);
    if (pathname === '/oauth2/token') return this.token(request, response);
    try {
      await this.page(`${request.method} ${pathname}`, searchParams, request, response);
    } catch (error) {
      if (!(error instanceof SignInRefused)) throw error;
      this.show(response, error.status, refusalPage(error.message));
    }
  }

  private async page(route: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    if (route === 'GET /oauth2/authorize') {
      ownHost(request);
      this.people.requested(query);
      return this.show(response, 200, signInPage(false));
    }
    if (route === 'POST /oauth2/authorize') {
      // A form of another page would have its own origin here; browsers always say it.
      if (request.headers.origin !== `http://${ownHost(request)}`)
        throw new SignInRefused(403, 'The form is not of this page.');
      const asked = this.people.requested(query);
      const form = await formOf(request);
      if (form === undefined) throw new SignInRefused(413, 'That is too long for a name and a password.');
      const entered = this.people.enter(asked, form.get('username') ?? '', form.get('password') ?? '');
      return entered === undefined
        ? this.show(response, 401, signInPage(true))
        : void response.writeHead(303, { location: entered, ...pageHeaders(this.people.addresses) }).end();
    }
    if (route === 'GET /logout') {
      return void response.writeHead(302, { location: this.people.left(query), 'cache-control': 'no-store' }).end();
    }
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not_found"}');
  }

  private show(response: ServerResponse, status: number, html: string): void {
    response.writeHead(status, pageHeaders(this.people.addresses)).end(html);
  }

  private async token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = request.headers;
    const known = this.people.addresses.some((address) => new URL(address).origin === origin);
    const send = (status: number, body: unknown) =>
      void response
        .writeHead(status, {
          'content-type': 'application/json',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          vary: 'Origin',
          ...(known && { 'access-control-allow-origin': origin }),
        })
        .end(JSON.stringify(body));
    if (request.method !== 'POST') return send(404, { error: 'not_found' });
    // What a page of somebody else's asks for is not answered, whether its browser would let it read it or not.
    if (origin !== undefined && !known) return send(403, { error: 'invalid_request' });

    const form = await formOf(request);
    if (form === undefined) return send(413, { error: 'invalid_request' });
    if (form.get('grant_type') === 'authorization_code') {
      const tokens = await this.people.exchange(form);
      return send(tokens ? 200 : 400, tokens ? { ...tokens, token_type: 'Bearer' } : { error: 'invalid_grant' });
    }
    if (form.get('grant_type') !== 'client_credentials') return send(400, { error: 'unsupported_grant_type' });
    const { authorization = '' } = request.headers;
    const basic = Buffer.from(/^Basic (\S+)$/i.exec(authorization)?.[1] ?? '', 'base64').toString();
    const colon = basic.indexOf(':');
    const token = await this.issuer.forMachine(basic.slice(0, Math.max(colon, 0)), basic.slice(colon + 1));
    send(token ? 200 : 401, token ? { ...token, token_type: 'Bearer' } : { error: 'invalid_client' });
  }
}

/** The host that a browser believes to talk to: another name than ours is one that somebody led here. @throws SignInRefused */
function ownHost({ headers: { host = '' }, socket: { localPort } }: IncomingMessage): string {
  if (host !== `127.0.0.1:${localPort}` && host !== `localhost:${localPort}`)
    throw new SignInRefused(421, 'This is not the address of the sign-in page.');
  return host;
}

/** A form's fields; undefined when it is too long. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let body = '';
  // The request outlives its reader: its sender is to hear why.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    body += piece;
    if (body.length > MOST_BODY) return undefined;
  }
  return new URLSearchParams(body);
}
