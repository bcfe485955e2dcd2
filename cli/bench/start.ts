import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { claimPort } from '../dev/server';
import { type Input, partOf } from './input';
import { canMeasure, type Peak, watchMemory } from './processes';
import { number, type Report } from './report';

/** Stages of a run in order; each ends with a line on stderr. */
const STAGES = [
  { name: 'start of the API', ends: /^Loading / },
  { name: 'survey of the file', ends: /^Sending\s+0 of / },
  { name: 'sending', ends: /^Sending\s+(\d+) of \1 / },
  { name: 'cleaning what is left', ends: /^Cleaning\s+(\d+) of \1 / },
  { name: 'stop', ends: undefined },
] as const;

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly peak: Peak;
  /** Seconds by stage; a stage without a line of its own is in the next one. */
  readonly stages: Readonly<Record<string, number>>;
}

/** `npm start -- --data FILE --exit` as a user runs it, on a quarter, a half and all of the rows. */
export async function start(root: string, scratch: string, input: Input): Promise<Report> {
  await measure(root, scratch, partOf(input.path, 1000, join(scratch, 'warm.csv'))); // files into the page cache
  const runs: Measured[] = [];
  for (const parts of [4, 2, 1]) {
    console.error(`start: ${parts === 1 ? 'all' : `1/${parts}`} of the rows`);
    const path = parts === 1 ? input.path : partOf(input.path, input.rows / parts, join(scratch, `part-${parts}.csv`));
    runs.push(await measure(root, scratch, path));
  }

  const whole = runs.at(-1)!;
  const memory = ({ peak }: Measured) => (canMeasure ? `${number(peak.bytes / 1e6)} MB` : 'not measured');
  const rate = ({ rows, seconds }: Measured) => number(rows / seconds);
  return {
    title: '`npm start -- --data FILE --exit`, end to end',
    limits: [
      { what: 'whole file', measured: whole.seconds, unit: 's', bound: 'at most', limit: 20 },
      ...(canMeasure
        ? [
            {
              what: 'memory, all processes',
              measured: whole.peak.bytes / 1e6,
              unit: 'MB',
              bound: 'at most',
              limit: 700,
            } as const,
          ]
        : []),
    ],
    tables: [
      {
        title: 'Growth with the rows',
        head: ['rows', 'seconds', 'rows/s', 'peak memory', 'processes at the peak (MB)'],
        rows: runs.map((run) => [
          number(run.rows),
          run.seconds.toFixed(1),
          rate(run),
          memory(run),
          run.peak.shares.map(({ name, bytes }) => `${name} ${Math.round(bytes / 1e6)}`).join(', '),
        ]),
      },
      {
        title: 'Where the time goes (seconds)',
        head: ['rows', ...Object.keys(whole.stages)],
        rows: runs.map((run) => [
          number(run.rows),
          ...Object.keys(whole.stages).map((s) => run.stages[s]?.toFixed(1) ?? ''),
        ]),
      },
    ],
    notes: [
      'Installed before, with a data directory that does not exist. Memory is the sum of resident memory of npm and all its descendants, sampled every 50 ms; pages that they share count in each, so the true figure is lower.',
      'Cleaning goes on while rows are sent: only what is left then is counted as cleaning.',
    ],
    figures: { runs: runs.map(({ peak, ...run }) => ({ ...run, peak_bytes: peak.bytes, processes: peak.shares })) },
  };
}

async function measure(root: string, scratch: string, path: string): Promise<Measured> {
  const directory = join(scratch, 'data');
  rmSync(directory, { recursive: true, force: true });
  const port = String(await claimPort());
  const args = ['start', '--silent', '--', '--data', path, '--dir', directory, '--port', port, '--exit'];
  const started = performance.now();
  const child = spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const memory = watchMemory(child.pid!);

  const stages: Record<string, number> = {};
  const said: string[] = [];
  let last = started;
  const finish = (at: number) => {
    const now = performance.now();
    stages[STAGES[at]!.name] = (now - last) / 1000;
    last = now;
  };
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    const at = STAGES.findIndex(({ ends }) => ends?.test(line));
    if (at !== -1) finish(at);
  });
  let answer = '';
  child.stdout.on('data', (piece) => (answer += piece));
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  memory.stop();
  finish(STAGES.length - 1);
  if (code !== 0) throw new Error(`npm start ended with code ${code}:\n${said.join('\n')}`);
  rmSync(directory, { recursive: true });

  const { received } = JSON.parse(answer.trim().split('\n').at(-1)!) as { received: number };
  return { rows: received, seconds: (last - started) / 1000, peak: memory.peak, stages };
}
