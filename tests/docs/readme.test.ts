import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asShown, blocksOf, documentNamed, type Example, examplesOf, isAsShown, ROOT } from './markdown';

/*
 * The examples of the documents below are run as they stand, in order, in one shell beside one ecomflow, and what they
 * print is compared with what is shown behind them. `…` stands for anything. An example that only asks is asked again
 * for a while: rows take seconds to be cleaned.
 */
const RUN = ['README.md', 'docs/data-directory.md'];
const examples = RUN.flatMap((document) =>
  examplesOf(documentNamed(document)).map((example) => ({
    ...example,
    name: `${document}, line ${example.line}: ${example.command.split('\n').at(-1)}`,
  })),
);

const PATIENCE_MS = 8000;
const PAUSE_MS = 300;
/** Commands that change something are run once. */
const changes = ({ command }: Example) => /-d |--data|npm run|cat >|TOKEN=/.test(command);

const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-docs-'));
/** `npm run NAME -- ARGS` without npm: the command itself, in the reader's folder. */
const NPM = `npm() { [ "$1" = run ] && shift; local name=$1; shift; [ "$1" = -- ] && shift; '${process.execPath}' '${ROOT}/cli/run.js' "$name" "$@"; }`;

/** A shell that runs one command after the other and says what each printed. */
class Shell {
  private readonly child: ChildProcess;
  private output = '';
  private commands = 0;

  constructor() {
    this.child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: scratch,
      env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (piece) => (this.output += piece));
    this.child.stdin!.write(`${NPM}\n`);
  }

  async run(command: string): Promise<{ code: number; stdout: string }> {
    this.output = '';
    const end = `end of command ${++this.commands}`;
    this.child.stdin!.write(`${command}\nprintf '\\n%s %d\\n' '${end}' $?\n`);
    for (;;) {
      const found = new RegExp(`^([^]*)\\n${end} (\\d+)\\n$`).exec(this.output);
      if (found) return { stdout: found[1]!.replace(/\n$/, ''), code: Number(found[2]) };
      await sleep(20);
    }
  }

  stop(): void {
    this.child.kill();
  }
}

const sleep = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

let ecomflow: ChildProcess;
let said = '';
let shell: Shell;

beforeAll(async () => {
  const port = await freePort();
  ecomflow = spawn(process.execPath, [join(ROOT, 'cli/run.js'), 'dev', '--port', String(port)], { cwd: scratch });
  ecomflow.stderr!.on('data', (piece) => (said += piece));
  while (!said.includes('Ctrl-C stops it')) {
    if (ecomflow.exitCode !== null) throw new Error(said);
    await sleep(50);
  }
  await sleep(100); // the rest of that line
  shell = new Shell();
}, 60_000);

afterAll(async () => {
  shell?.stop();
  if (ecomflow?.exitCode === null) {
    const ended = new Promise((done) => ecomflow.once('close', done));
    ecomflow.kill('SIGINT');
    await ended;
  }
  rmSync(scratch, { recursive: true, force: true });
}, 30_000);

it('npm start says what the README shows', () => {
  const shown = blocksOf(documentNamed('README.md')).find(({ info }) => info === 'text npm-start')!.text;
  if (!isAsShown(said.trim(), `…${shown}…`)) expect(said).toBe(shown);
});

it.each(examples)(
  '$name',
  async (example) => {
    const { command, answer } = example;
    const read = (stdout: string) => (answer?.info === 'json' ? parse(stdout) : stdout);
    const shown = answer && read(answer.text);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { code, stdout } = await shell.run(command);
      const actual = shown === undefined ? undefined : asShown(read(stdout), shown);
      const right = code === 0 && JSON.stringify(sorted(actual)) === JSON.stringify(sorted(shown));
      if (!right && !changes(example) && Date.now() < deadline) await sleep(PAUSE_MS);
      else {
        expect({ code, answer: actual }).toEqual({ code: 0, answer: shown });
        return;
      }
    }
  },
  20_000,
);

/** Keys in alphabetical order, for comparing. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === 'object'
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // compared as it is, and shown by the failure
  }
}
