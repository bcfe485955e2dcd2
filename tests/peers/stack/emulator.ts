import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { freePort, ROOT } from '../../support/processes';
import { python } from '../support/install';
import { execute, type Server, serve } from '../support/processes';

/**
 * Resource types of serverless.yml that the emulator refuses; they are left out of what is deployed to it. It has
 * learned the last of them, so this is empty: the stack that is deployed is the stack.
 */
export const REFUSED: readonly string[] = [];

export const REGION = 'eu-central-1';

/** ministack, with its state in a folder that outlives it. It speaks HTTPS and judges every call by IAM's rules. */
export interface Emulator {
  readonly endpoint: string;
  readonly version: string;
  /** For processes that use it as AWS, with an account's root credentials. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: string;
  /** Ends it as its operator would, or as a power cut does. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again, on what it saved. */
  start(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
}

/** Starts ministack on a folder of its own. */
export async function emulator(folder: string): Promise<Emulator> {
  const bin = await python('ministack');
  const certificate = await selfSigned(folder);
  // From now on this process trusts it, too; those that it starts are told by env.
  const pem = readFileSync(certificate.cert, 'utf8');
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), pem]);

  const port = await freePort();
  const endpoint = `https://127.0.0.1:${port}`;
  const keys = await keyProxy(port, pem);
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const path = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`; // functions run on our Node 24
  const own = {
    PATH: path,
    HOME: folder,
    TMPDIR: temporary,
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    USE_SSL: '1',
    MINISTACK_SSL_CERT: certificate.cert,
    MINISTACK_SSL_KEY: certificate.key,
    NODE_EXTRA_CA_CERTS: certificate.cert,
    MINISTACK_REGION: REGION,
    AUTH: 'true',
    IOT_MTLS_ENABLED: '0',
    PERSIST_STATE: '1',
    STATE_DIR: join(folder, 'state'),
    S3_PERSIST: '1',
    S3_DATA_DIR: join(folder, 's3'),
    http_proxy: `http://127.0.0.1:${(keys.address() as AddressInfo).port}`,
  };
  const healthy = async () => (await fetch(`${endpoint}/_ministack/health`)).ok;
  let server: Server | undefined;
  const start = async () => {
    server = await serve('ministack', join(bin, 'ministack'), [], healthy, { env: own, cwd: folder });
  };
  await start();
  const { stdout } = await execute(join(bin, 'pip'), ['--disable-pip-version-check', 'show', 'ministack']);
  return {
    endpoint,
    version: /^Version: (.+)$/m.exec(stdout)![1]!,
    env: {
      PATH: path,
      HOME: folder,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      NODE_EXTRA_CA_CERTS: certificate.cert,
    },
    log: server!.log,
    start,
    async stop(signal) {
      await server?.stop(signal);
      server = undefined;
    },
    async close() {
      await server?.stop();
      await new Promise((done) => keys.close(done));
    },
  };
}

async function selfSigned(folder: string): Promise<{ cert: string; key: string }> {
  mkdirSync(folder, { recursive: true });
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  if (existsSync(cert)) return { cert, key };
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  await execute('openssl', ['req', ...kind, ...names]);
  return { cert, key };
}

/**
 * The emulator's gateway asks for its own user pool's keys by plain HTTP, also when it speaks HTTPS only. As its proxy
 * for HTTP, this asks once more in its stead.
 */
async function keyProxy(port: number, ca: string): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!);
    get({ host: '127.0.0.1', port, path: pathname, ca }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    }).on('error', () => response.writeHead(502).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

/** Runs the framework against the emulator. */
export const sls = (emulator: Emulator, folder: string, ...args: string[]) =>
  execute(process.execPath, [join(ROOT, 'node_modules/serverless/bin/serverless.js'), ...args], {
    cwd: folder,
    env: emulator.env,
    timeout: 300_000,
  });
