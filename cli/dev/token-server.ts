import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Issuer } from '../../shared/adapters/local/tokens';
import { closed, listenAgain } from './listen';

const MOST_BODY = 4096;

/**
 * The token endpoint of Cognito's sign-in domain (client credentials only). It comes back to the port that the data
 * directory's last one had, where clients look for it after a restart; when that is taken, to a free one.
 */
export async function startTokenServer(
  issuer: Issuer,
  directory: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(request, response, issuer).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  const port = await listenAgain(server, join(directory, 'token-port'));
  return { url: `http://127.0.0.1:${port}/oauth2/token`, close: () => closed(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, issuer: Issuer): Promise<void> {
  const send = (status: number, body: unknown) =>
    response
      .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(body));
  if (request.method !== 'POST' || request.url !== '/oauth2/token') return void send(404, { error: 'not_found' });

  let body = '';
  for await (const piece of request) {
    body += piece;
    if (body.length > MOST_BODY) return void send(413, { error: 'invalid_request' });
  }
  const form = new URLSearchParams(body);
  if (form.get('grant_type') !== 'client_credentials') return void send(400, { error: 'unsupported_grant_type' });
  const basic = Buffer.from(/^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64').toString();
  const colon = basic.indexOf(':');
  const token = await issuer.forMachine(basic.slice(0, Math.max(colon, 0)), basic.slice(colon + 1));
  send(token ? 200 : 401, token ? { ...token, token_type: 'Bearer' } : { error: 'invalid_client' });
}
