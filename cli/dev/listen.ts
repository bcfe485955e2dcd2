import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Listens on the port that the file names, where clients look for a server after a restart; when it is taken, on a free
 * one. The port, which the file names from now on.
 */
export async function listenAgain(server: Server, file: string): Promise<number> {
  const former = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  await listen(server, former).catch(() => listen(server, 0));
  const { port } = server.address() as AddressInfo;
  writeFileSync(file, String(port));
  return port;
}

/** Port 0 is any free one. */
const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));

/** Ends a server and what is open at it. */
export const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
