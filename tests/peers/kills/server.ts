import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/processes';

/** A command of ours as its own processes, in a process group of its own. */
export interface Started {
  readonly child: ChildProcess;
  /** Resolves with the exit code when it ends; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** What it said on stderr, and then on stdout. */
  said(): string;
  /** Whether it is still there. */
  alive(): boolean;
}

/** Where a server lives: the same over all its restarts. */
export interface Place {
  readonly directory: string;
  readonly port: number;
  /** The small file that it loads by itself, of a data set that the checks do not look at. */
  readonly own: string;
}

/** What runs now; nobody may leave it behind. */
const running = new Set<Started>();

function start(program: string, args: readonly string[]): Started {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece) => (stdout += piece));
  child.stderr.on('data', (piece) => (stderr += piece));
  const alive = () => child.exitCode === null && child.signalCode === null;
  const started: Started = {
    child,
    said: () => stderr + stdout,
    alive,
    ended: new Promise((done, fail) => child.once('error', fail).once('close', done)),
  };
  running.add(started);
  const unmark = mark([child.pid!]);
  const over = () => {
    running.delete(started);
    unmark();
  };
  started.ended.then(over, over);
  return started;
}

/** `npm start` in a place, with the options for Node that package.json gives it. */
export function startServer({ directory, port, own }: Place): Started {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [, ...args] = (scripts.start as string).split(' '); // without its "node": this one is the right one
  const options = ['--data', own, '--dataset', 'events', '--dir', directory, '--port', String(port)];
  return start(process.execPath, [...args, ...options]);
}

/** `npm run ingest -- FILE` against the server of a place. */
export function startClient(file: string, { directory, port }: Place): Started {
  const url = `http://127.0.0.1:${port}`;
  const options = ['--dir', directory, '--url', url, '--timeout', '150'];
  return start(process.execPath, ['cli/run.js', 'ingest', file, ...options]);
}

const START_MS = 60_000;
const END_MS = 120_000;

/** Waits until a server has written where it listens, which it does last. @throws when it ends, or takes a minute */
export async function untilReady({ directory }: Place, server: Started, since: number): Promise<void> {
  const deadline = Date.now() + START_MS;
  const connection = join(directory, 'connection.json');
  // One that was killed leaves its file behind: it must be of this start.
  while ((statSync(connection, { throwIfNoEntry: false })?.mtimeMs ?? 0) < since) {
    if (!server.alive()) throw new Error(`the server did not start again:\n${server.said()}`);
    if (Date.now() > deadline) throw new Error(`the server is not up in time:\n${server.said()}`);
    await pause(20);
  }
  const unmark = mark(treeOf(server.child.pid!));
  server.ended.then(unmark, unmark);
}

/** Stops all processes of a command where they are, as a snapshot of a machine would. */
export function freeze({ child }: Started): number[] {
  let frozen: number[] = [];
  for (;;) {
    const tree = treeOf(child.pid!);
    for (const pid of tree) signal(pid, 'SIGSTOP');
    if (tree.length === frozen.length) return tree; // none was born meanwhile, and what stands still has no children
    frozen = tree;
  }
}

/** SIGKILL to all processes of a command at once: not even the parent of the others learns of it. */
export async function killAll(started: Started): Promise<void> {
  if (!started.alive()) return;
  for (const pid of freeze(started)) signal(pid, 'SIGKILL');
  await started.ended;
}

/** Kills whatever was started here and still runs; the kills are sent before it returns. */
export async function killEverything(): Promise<void> {
  await Promise.all([...running].map(killAll));
}

/** Waits for a command to end by itself, in order. @throws when it fails, or takes longer than two minutes */
export async function untilEnded(name: string, started: Started, stopping?: AbortSignal): Promise<void> {
  const deadline = Date.now() + END_MS;
  while (started.alive()) {
    stopping?.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`the ${name} does not end:\n${started.said()}`);
    await pause(50);
  }
  const code = await started.ended;
  if (code !== 0) throw new Error(`the ${name} ended with code ${code}:\n${started.said()}`);
}

/** A process and all its descendants: the API of `npm start` is in a process group of its own. */
function treeOf(root: number): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const tree = [root];
  for (const parent of tree) tree.push(...all.filter(([, ppid]) => ppid === parent).map(([pid]) => pid));
  return tree;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself
  }
}

/** Says which process groups run.js is to end if this process cannot, until they have ended. */
function mark(pids: readonly number[]): () => void {
  const folder = process.env.PEERS_RUNNING;
  if (folder === undefined) return () => undefined;
  const files = pids.map((pid) => join(folder, String(pid)));
  for (const file of files) writeFileSync(file, 'npm start');
  return () => {
    for (const file of files) rmSync(file, { force: true });
  };
}

export const pause = (milliseconds: number): Promise<void> => new Promise((wake) => setTimeout(wake, milliseconds));
