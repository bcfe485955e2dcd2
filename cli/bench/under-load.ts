import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Connection, connectionFile } from '../client/connect';
import { claimPort } from '../dev/server';
import { type Loaded, load } from './load';
import { number, type Report } from './report';

const REQUESTS = { posts: 500, invoices: 2000, gets: 5000 };
const CONNECTIONS = 8;
const START_MS = 120_000;

/** `npm start` under load: requests over HTTP on the loopback, as its clients send them. */
export async function underLoad(root: string, scratch: string): Promise<Report> {
  const directory = join(scratch, 'load');
  const child = await started(root, directory);
  try {
    const { url, ...credentials } = JSON.parse(readFileSync(connectionFile(directory), 'utf8')) as Connection;
    return reportOf(await load({ url, credentials, requests: REQUESTS, connections: CONNECTIONS }, 1));
  } finally {
    const closed = child.exitCode === null ? once(child, 'close') : undefined;
    child.kill('SIGTERM');
    await closed;
  }
}

/** Starts it, and waits until it is up and has loaded its sample. */
export async function started(root: string, directory: string): Promise<ChildProcess> {
  const options = ['--dir', directory, '--port', String(await claimPort()), '--dataset', 'transactions'];
  const memory = ['--max-semi-space-size=4', '--max-old-space-size=192']; // as npm start has it
  const child = spawn(process.execPath, [...memory, join(root, 'cli/run.js'), 'dev', ...options], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line);
    if (!line.startsWith('Ctrl-C stops it')) continue;
    clearTimeout(late);
    return child;
  }
  throw new Error(`npm start ended before it was up:\n${said.join('\n')}`);
}

function reportOf({ fired, taken, received, accountedFor }: Loaded): Report {
  return {
    title: '`npm start` under load',
    limits: [
      {
        what: 'requests that failed',
        measured: fired.reduce((n, { errors }) => n + errors, 0),
        unit: '',
        bound: 'at most',
        limit: 0,
      },
      { what: 'rows taken that have no outcome', measured: taken - accountedFor, unit: '', bound: 'at most', limit: 0 },
    ],
    tables: [
      {
        title: `Requests over ${CONNECTIONS} connections`,
        head: ['request', 'sent', 'per second', 'p50 (ms)', 'p99 (ms)'],
        rows: fired.map(({ what, requests, perSecond, p50, p99 }) => [
          what,
          number(requests),
          number(perSecond),
          number(p50),
          number(p99),
        ]),
      },
    ],
    notes: [
      `Client and server share the machine's cores. ${number(received)} rows were taken, cleaned and accounted for meanwhile.`,
    ],
    figures: { fired, taken, received, accounted_for: accountedFor },
  };
}
