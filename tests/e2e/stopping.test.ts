import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connectionFile } from '../../cli/client/connect';
import { simulate } from '../../cli/simulator';
import { freePort, run, shell } from '../support/processes';

const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-stopping-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const rowsIn = (name: string, dataset: 'transactions' | 'events', rows: number): string => {
  const path = join(scratch, name);
  writeFileSync(path, [...simulate({ dataset, rows, seed: 11, dirty: 0.01 })].join(''));
  return path;
};
const start = async (...args: string[]) => run('dev', '--port', String(await freePort()), ...args);
const lastLine = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)!);

describe('npm start', () => {
  it('ends a load within seconds of Ctrl-C, and the next start ends what was begun', async () => {
    const csv = rowsIn('large.csv', 'transactions', 60_000);
    const directory = join(scratch, 'interrupted');
    const first = await start('--data', csv, '--dir', directory);
    await first.said('Sending');
    const interrupted = performance.now();
    first.child.kill('SIGINT');
    const { code, stderr } = await first.ended;
    expect(performance.now() - interrupted).toBeLessThan(5500);
    expect(code).toBe(130);
    expect(stderr).not.toContain('balanced');
    expect(stderr).not.toMatch(/\n {4}at /); // no stack
    expect(existsSync(join(directory, 'connection.json'))).toBe(false);

    const second = await (await start('--data', csv, '--dir', directory, '--exit')).ended;
    expect(second.stderr).toContain('balanced: every row is accounted for');
    expect(lastLine(second.stdout).received).toBe(60_000);
    expect(second.code).toBe(0);
  }, 90_000);

  it('is interrupted while it starts, too', async () => {
    const begun = await start('--dir', join(scratch, 'early'));
    const log = join(scratch, 'early', 'server.log');
    while (!existsSync(log) && begun.child.exitCode === null) await new Promise((wake) => setTimeout(wake, 20));
    begun.child.kill('SIGINT');
    const { code, stderr } = await begun.ended;
    expect(code).toBe(130);
    expect(stderr.trim()).toBe('Stopping ... (Ctrl-C again ends it at once)');
  }, 30_000);

  it('goes on while raw/ cannot be written, and says so', async () => {
    const directory = join(scratch, 'no-raw');
    mkdirSync(directory);
    writeFileSync(join(directory, 'raw'), 'a file where a folder belongs');
    const csv = rowsIn('small.csv', 'transactions', 1000);
    const { code, stderr } = await (await start('--data', csv, '--dir', directory, '--exit')).ended;
    expect(stderr).toMatch(/^raw: the lake cannot be written at raw\/.*; trying again in 0\.25 s$/m);
    expect(stderr).toContain('balanced: every row is accounted for');
    expect(code).toBe(0);
  }, 30_000);
});

describe('npm start with an API that hangs or dies', () => {
  const serverOf = async ({ child }: ReturnType<typeof run>) =>
    Number((await shell(`ps -A -o pid=,ppid= | awk '$2 == ${child.pid} { print $1 }'`)).stdout);

  it('ends at once on a second Ctrl-C', async () => {
    const started = await start('--dir', join(scratch, 'hangs'), '--dataset', 'events');
    await started.said('Ctrl-C stops it');
    process.kill(await serverOf(started), 'SIGSTOP');
    started.child.kill('SIGINT');
    await new Promise((wake) => setTimeout(wake, 1000));
    expect(started.child.exitCode).toBe(null);
    const again = performance.now();
    started.child.kill('SIGINT');
    expect((await started.ended).code).toBe(130);
    expect(performance.now() - again).toBeLessThan(1500);
  }, 30_000);

  it('leaves nobody on its port when it is killed alone, and the next start sweeps up', async () => {
    const directory = join(scratch, 'killed');
    const port = await freePort();
    const args = ['--dir', directory, '--port', String(port), '--dataset', 'events'];
    const started = run('dev', ...args);
    await started.said('Ctrl-C stops it');
    const server = await serverOf(started);
    try {
      started.child.kill('SIGKILL');
      await started.ended;
      await untilFree(port);
    } finally {
      await shell(`kill -9 ${server}`); // it has ended, or nobody else ends it
    }
    const unfinished = join(directory, 'landing', '.unfinished.parquet.1.tmp');
    writeFileSync(unfinished, '');
    const { code, stdout } = await run('dev', ...args, '--exit').ended;
    expect(lastLine(stdout)).toMatchObject({ received: 10_000, kept: expect.any(Number) });
    expect(code).toBe(0);
    expect(existsSync(unfinished)).toBe(false);
  }, 60_000);

  /** Waits until nobody takes connections on a port; asks nothing, which may end who does. @throws after ten seconds */
  async function untilFree(port: number): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const taken = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (!taken) return;
      if (performance.now() > deadline) throw new Error(`somebody still listens on port ${port}`);
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  it('ends with the reason in one line and exit code 1', async () => {
    const directory = join(scratch, 'dies');
    const started = await start('--dir', directory, '--dataset', 'events');
    await started.said('Ctrl-C stops it');
    process.kill(await serverOf(started), 'SIGKILL');
    const { code, stderr } = await started.ended;
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `The API stopped by itself; ${join(directory, 'server.log')} says why.`,
    );
  }, 30_000);
});

describe('npm start with events alone', () => {
  it('loads only that data set of the simulated shop', async () => {
    const directory = join(scratch, 'events');
    const { code, stdout } = await (await start('--dataset', 'events', '--dir', directory, '--exit')).ended;
    expect(lastLine(stdout)).toMatchObject({ dataset: 'events', received: 10_000 });
    expect(readdirSync(join(directory, 'simulated'))).toEqual(['events.csv']);
    expect(code).toBe(0);
  }, 30_000);

  /** Asks what would become of events, through HTTP as anybody does. */
  async function validated({ url, tokenUrl, id, secret }: Connection, body: string) {
    const bought = await fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token } = (await bought.json()) as { access_token: string };
    const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/events/validate`, { method: 'POST', headers, body });
    return { status: answer.status, problem: (await answer.json()) as unknown };
  }

  it('gives three lines to paste that work, without an invoice', async () => {
    const csv = rowsIn('events.csv', 'events', 500);
    const directory = join(scratch, 'pasted');
    const started = await start('--data', csv, '--dataset', 'events', '--dir', directory);
    const said = await started.said('Ctrl-C stops it');
    const [, token] = /^ {2}(TOKEN=.*)$/m.exec(said)!;
    const lines = said.split('\n').filter((line) => line.startsWith('  curl '));
    expect(lines).toHaveLength(3);
    const pasted = lines.map(async (line) => JSON.parse((await shell(`${token}\n${line.trim()}`)).stdout));
    const answers = await Promise.all(pasted);
    expect(answers).toEqual([
      expect.objectContaining({ dataset: 'events', received: 500 }),
      expect.objectContaining({ rows: expect.any(Array), batch_id: answers[0].batch_id }),
      expect.objectContaining({ file: expect.any(String), received: 500 }),
    ]);

    const connection: Connection = JSON.parse(readFileSync(connectionFile(directory), 'utf8'));
    for (const body of ['false', '0', 'null', '""']) {
      const refusal = { status: 400, problem: { code: 'broken_json' } };
      expect({ body, ...(await validated(connection, body)) }).toMatchObject({ body, ...refusal });
    }

    const { port } = new URL(connection.url);
    const asked = await run('status', csv, '--url', `http://localhost:${port}`, '--dir', directory).ended;
    expect(asked.stdout).toContain('balanced: every row is accounted for');
    started.child.kill('SIGINT');
    setTimeout(() => started.child.kill('SIGINT'), 100); // as npm does, which passes on what its terminal sent to all
    expect((await started.ended).code).toBe(0);
  }, 30_000);
});

describe('a command', () => {
  it('that does not exist is answered with those that do, in one line', async () => {
    const { code, stderr } = await run('nosuch').ended;
    expect(code).toBe(2);
    expect(stderr).toBe(
      'There is no command "nosuch": bench, contracts, dev, docs, ingest, insights, nightly, reconcile, redrive, simulate, smoke, status.\n',
    );
  });
});
