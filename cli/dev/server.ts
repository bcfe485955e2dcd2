import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port that somebody else listens on. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/** An HTTP API that did not start, or stopped by itself; its log says why. */
export class ApiDown extends Error {
  override readonly name = 'ApiDown';
}

/** A TCP port of this machine: the one asked for, or a free one. @throws PortTaken */
export async function claimPort(port = 0): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(port, '127.0.0.1', resolve));
  } catch (cause) {
    throw new PortTaken(`Port ${port} is in use. Stop what listens there, or give another one with --port.`, { cause });
  }
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : port;
}

/** serverless-offline as a child process, its output in a log file. */
export interface ApiServer {
  readonly url: string;
  /** Resolves when the process ends, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Large bodies leave much to collect: a young generation left to itself grows to hundreds of megabytes. */
const SMALL_HEAP = ['--max-semi-space-size=4', '--max-old-space-size=768'];

const START_MS = 60_000;
const STOP_MS = 5_000;

/** Starts the HTTP API on stage local and waits until it answers. @throws ApiDown, or the signal's reason when it says stop */
export async function startApi(
  root: string,
  directory: string,
  port: number,
  issuer: string,
  signal: AbortSignal,
): Promise<ApiServer> {
  const logFile = join(directory, 'server.log');
  const log = createWriteStream(logFile);
  const lambdaPort = await claimPort();
  const child = spawn(
    process.execPath,
    [
      ...SMALL_HEAP,
      `--require=${join(root, 'cli', 'dev', 'end-with-parent.js')}`,
      join(root, 'node_modules', 'serverless', 'bin', 'serverless.js'),
      ...['offline', 'start', '--stage', 'local', '--host', '127.0.0.1'],
      // One process for all requests, with our environment: workers would cost a heap for each request at a time.
      ...['--useInProcess', '--localEnvironment', '--noSponsor'],
      ...['--httpPort', String(port), '--lambdaPort', String(lambdaPort)],
    ],
    {
      cwd: root,
      env: {
        ...process.env,
        ECOMFLOW_DIR: directory,
        ECOMFLOW_ISSUER: issuer,
        SLS_TELEMETRY_DISABLED: '1',
        SLS_NOTIFICATIONS_MODE: 'off',
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // the channel breaks when this process ends, however it ends
      detached: true, // Ctrl-C reaches this process only, which then stops the child when the work in hand is done
    },
  );
  for (const output of [child.stdout!, child.stderr!]) output.pipe(log, { end: false }); // the first to end must not close it
  child.once('close', () => log.end());
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const server = { url, ended, stop: () => stop(child, ended) };
  process.once('exit', () => child.kill('SIGKILL'));

  const deadline = Date.now() + START_MS;
  while (!(await isUp(url))) {
    if (signal.aborted) await server.stop();
    signal.throwIfAborted();
    if (child.exitCode !== null || Date.now() > deadline) {
      await server.stop();
      throw new ApiDown(`The API did not start; ${logFile} says why.`);
    }
    await sleep(100);
  }
  return server;
}

async function isUp(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(5000) });
    // serverless-offline answers 200 for a function that cannot be loaded, too
    return ((await response.json()) as { status?: string }).status === 'ok';
  } catch {
    return false; // not listening yet
  }
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(late);
}
