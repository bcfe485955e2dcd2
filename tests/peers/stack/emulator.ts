import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { freePort, ROOT } from '../../support/processes';
import { python } from '../support/install';
import { execute, type Server, serve } from '../support/processes';

export const REGION = 'eu-central-1';

/** ministack, with its state in a folder that outlives it. It speaks HTTPS and judges every call by IAM's rules. */
export interface Emulator {
  readonly endpoint: string;
  readonly version: string;
  /** For processes that use it as AWS, with an account's root credentials. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends it as its operator would; it saves its state. */
  stop(): Promise<void>;
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
  const healthy = async () => (await fetch(`${endpoint}/_ministack/health`, { signal: AbortSignal.timeout(5000) })).ok;
  let server: Server | undefined;
  const start = async () => {
    await using _ = await hold(443);
    server = await serve('ministack', join(bin, 'ministack'), [], healthy, { env: own, cwd: folder, stopSeconds: 90 });
  };
  const stop = async () => {
    await server?.stop();
    server = undefined;
  };
  await start();
  const { stdout } = await execute(join(bin, 'pip'), ['--disable-pip-version-check', 'show', 'ministack']);
  return {
    endpoint,
    version: /^Version: (.+)$/m.exec(stdout)![1]!,
    env: {
      PATH: path,
      HOME: folder,
      TMPDIR: temporary,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      NODE_EXTRA_CA_CERTS: certificate.cert,
    },
    start,
    stop,
    async close() {
      await stop();
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

/**
 * Keeps a port from the emulator, which would listen on it beside its own: with two, it at times takes a stop for a lost
 * port, and goes on with the other.
 */
async function hold(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  const listens = await new Promise<boolean>((done) =>
    server
      .once('error', () => done(false)) // taken, or not ours to take: nor is it the emulator's
      .listen(port, '127.0.0.1', () => done(true)),
  );
  return {
    async [Symbol.asyncDispose]() {
      if (listens) await new Promise((done) => server.close(done));
    },
  };
}

/** A stage's values without what the emulator refuses: it knows no budgets and no saved queries. */
export const deployable = (values: string) =>
  values.replace(/dollarsPerDay: \d+/, 'dollarsPerDay: null').replace('savedQueries: true', 'savedQueries: false');

/** Runs the framework against the emulator. */
export const sls = (emulator: Emulator, folder: string, ...args: string[]) =>
  execute(process.execPath, [join(ROOT, 'node_modules/serverless/bin/serverless.js'), ...args], {
    cwd: folder,
    env: emulator.env,
    timeout: 300_000,
  });
