import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';

export const ROOT = resolve(__dirname, '../..');

/** What a process said, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm start` (or another command) as its own processes. */
export function run(
  name: string,
  ...args: string[]
): { child: ChildProcess; ended: Promise<Ended>; said(text: string): Promise<string> } {
  const child = spawn(process.execPath, [join(ROOT, 'cli/run.js'), name, ...args], { cwd: ROOT });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece) => (stdout += piece));
  child.stderr.on('data', (piece) => (stderr += piece));
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  const said = async (text: string) => {
    while (!stderr.includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended before it said "${text}":\n${stderr}`);
      await new Promise((wake) => setTimeout(wake, 50));
    }
    return stderr;
  };
  return { child, ended, said };
}

/** A TCP port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return (address as { port: number }).port;
}

/** A line of bash. */
export function shell(command: string): Promise<Ended> {
  const child = spawn('bash', ['-c', command]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece) => (stdout += piece));
  child.stderr.on('data', (piece) => (stderr += piece));
  return new Promise((done) => child.once('close', (code) => done({ code, stdout, stderr })));
}

/** The arguments with which package.json has Node run `npm start`, before its own options. */
export function npmStart(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [node, ...args] = scripts.start.split(' ');
  if (node !== 'node') throw new Error(`npm start is not run by node: ${scripts.start}`);
  return args.map((arg) => (arg.startsWith('cli/') ? join(ROOT, arg) : arg));
}
