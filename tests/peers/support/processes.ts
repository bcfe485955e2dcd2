import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PEERS_HOME } from './peer';

const MOST_OUTPUT = 64 * 1024 * 1024;

/** Runs a program to its end. Its output; a failure is thrown with what it said. */
export async function execute(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly timeout?: number } = {},
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await promisify(execFile)(program, args, { maxBuffer: MOST_OUTPUT, ...options });
  } catch (cause) {
    const { stdout = '', stderr = '', message } = cause as Error & { stdout?: string; stderr?: string };
    throw new Error(`${program} failed: ${message.split('\n')[0]}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`, {
      cause,
    });
  }
}

/** A server that runs beside the checks. */
export interface Server {
  readonly child: ChildProcess;
  /** The file with all that it said. */
  readonly log: string;
  /** Ends it and all that it started: asks first, unless the signal is SIGKILL. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** How long a server that was asked to stop may take. */
const STOP_MS = 15_000;

/**
 * Starts a server in a process group of its own; what is left of it when its peer ends, however that comes, is ended by
 * run.js.
 * @param ready asked until it says yes
 * @throws when it ends before it is ready, or is not ready in `seconds`, with the end of what it said
 */
export async function serve(
  name: string,
  program: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly seconds?: number } = {},
): Promise<Server> {
  const logs = join(PEERS_HOME, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `${name}.log`);
  const output = createWriteStream(log, { flags: 'a' });
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const ended = new Promise<void>((done) => child.once('exit', () => done()).once('error', () => done()));
  const mark = process.env.PEERS_RUNNING === undefined ? undefined : join(process.env.PEERS_RUNNING, String(child.pid));
  if (mark !== undefined && child.pid !== undefined) writeFileSync(mark, name);

  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    kill(signal);
    const late = setTimeout(() => kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(late);
    kill('SIGKILL'); // what it started and did not take along
    if (mark !== undefined) rmSync(mark, { force: true });
  };
  const why = (what: string) =>
    new Error(`${name} ${what}; ${log} ends with\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''}`, {
      cause: failure,
    });

  const deadline = Date.now() + (options.seconds ?? 60) * 1000;
  while (!(await ready().catch(() => false))) {
    if (failure || child.exitCode !== null || child.signalCode !== null) throw why('ended before it was ready');
    if (Date.now() > deadline) {
      await stop('SIGKILL');
      throw why('is not ready in time');
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  return { child, log, stop };
}

/** Asks until the answer is not undefined. @throws after `seconds` */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not in ${seconds} s`);
    await new Promise((wake) => setTimeout(wake, 250));
  }
}
