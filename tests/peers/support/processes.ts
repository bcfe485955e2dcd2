import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS_HOME } from './peer';

/** Nothing that is run to its end takes longer, installations included. */
const LONGEST_MS = 540_000;

/** Another Unix user than whose process this is, by number. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Runs a program to its end. Its output; a failure is thrown with what it said: any exit code but those of `codes`. */
export async function execute(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly timeout?: number;
    readonly as?: User;
    readonly codes?: readonly number[];
  } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { cwd, env, timeout = LONGEST_MS, codes = [0] } = options;
  const child = spawn(program, args, { cwd, env, ...options.as, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const group = groupOf(child);
  const late = setTimeout(() => group.kill('SIGKILL'), timeout);
  const ended = await new Promise<number | string>((done) => {
    child.once('error', ({ message, code }: NodeJS.ErrnoException) =>
      done(
        code === 'ENOENT' ? 'it is not on this machine (npm run test:peers -- --help says what has to be)' : message,
      ),
    );
    child.once('close', (code, signal) => done(code ?? `it ended with ${signal}`));
  });
  clearTimeout(late);
  group.over();
  if (typeof ended === 'number' && codes.includes(ended)) return { code: ended, stdout, stderr };
  const why = typeof ended === 'number' ? `it ended with code ${ended}` : ended;
  throw new Error(`${program} failed, ${why}:\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
}

/** A child's process group. While it lives, a file named after it tells run.js to end it when all else is over. */
function groupOf({ pid }: ChildProcess) {
  const folder = process.env.PEERS_RUNNING;
  const mark = folder === undefined || pid === undefined ? undefined : join(folder, String(pid));
  if (mark !== undefined) writeFileSync(mark, '');
  return {
    kill(signal: NodeJS.Signals) {
      try {
        if (pid !== undefined) process.kill(-pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
    over() {
      if (mark !== undefined) rmSync(mark, { force: true });
    },
  };
}

/** A server that runs beside the checks. */
export interface Server {
  readonly child: ChildProcess;
  /** The file with all that it said. */
  readonly log: string;
  /** Ends it and all that it started: asks first, unless the signal is SIGKILL. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Logs of this peer's servers: one that starts again goes on in its own, another run's is overwritten. */
const begun = new Set<string>();

/** How long a server that is asked to stop may take, unless it needs more. */
const STOP_S = 15;

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
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** How long it may take to be ready. */
    readonly seconds?: number;
    readonly stopSeconds?: number;
    readonly as?: User;
  } = {},
): Promise<Server> {
  const logs = join(PEERS_HOME, 'logs');
  mkdirSync(logs, { recursive: true });
  const log = join(logs, `${name}.log`);
  const output = createWriteStream(log, { flags: begun.has(log) ? 'a' : 'w' });
  begun.add(log);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    ...options.as,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const ended = new Promise<void>((done) => child.once('exit', () => done()).once('error', () => done()));
  const group = groupOf(child);

  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    group.kill(signal);
    const late = setTimeout(() => group.kill('SIGKILL'), (options.stopSeconds ?? STOP_S) * 1000);
    await ended;
    clearTimeout(late);
    group.kill('SIGKILL'); // what it started and did not take along
    group.over();
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
