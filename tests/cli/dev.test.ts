import { EventEmitter } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { main as dev } from '../../cli/dev';
import type { Consumers } from '../../cli/dev/consumers';
import { onInterrupt } from '../../cli/dev/interrupts';
import { startTokenServer } from '../../cli/dev/token-server';
import { whereToLook, worthALook } from '../../cli/dev/where-to-look';
import { type LocalWorld, openWorld } from '../../shared/adapters/local';
import { LakeFolder } from '../../shared/adapters/local/lake';
import { ensureKeys, Issuer } from '../../shared/adapters/local/tokens';

const wait = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));
const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-dev-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('Ctrl-C', () => {
  it('ends in order at first, at once when it comes again, and npm passing it on is not again', async () => {
    const process = new EventEmitter();
    const calls: string[] = [];
    onInterrupt(
      process,
      () => calls.push('first'),
      () => calls.push('second'),
    );
    process.emit('SIGINT');
    process.emit('SIGINT');
    expect(calls).toEqual(['first']);
    await wait(600);
    process.emit('SIGTERM');
    expect(calls).toEqual(['first', 'second']);
  });
});

describe('npm start', () => {
  it.each([
    [join(scratch, 'nofile.csv'), 'there is no file'],
    [scratch, 'is a folder; name a file'],
  ])('looks at the file before anything else: %s', async (path, message) => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(await dev(['--data', path, '--dir', join(scratch, 'none')])).toBe(2);
    expect(error.mock.calls).toEqual([[expect.stringMatching(new RegExp(`^--data: .*${message}.*\\nSee --help\\.$`))]]);
    error.mockRestore();
    expect(() => statSync(join(scratch, 'none'))).toThrow('ENOENT');
  });
});

describe('the token server', () => {
  const directory = join(scratch, 'tokens');
  const MACHINE = 'ecomflow-local-shop';
  const TOKEN = { access_token: expect.stringMatching(/^\S+\.\S+\.\S+$/), expires_in: 3600, token_type: 'Bearer' };

  async function start() {
    mkdirSync(directory, { recursive: true });
    const keys = await ensureKeys(directory);
    const server = await startTokenServer(new Issuer(keys), directory, 3000);
    const buy = async (url: string): Promise<unknown> => {
      const authorization = `Basic ${btoa(`${MACHINE}:${keys.secrets[MACHINE]}`)}`;
      const body = new URLSearchParams({ grant_type: 'client_credentials' });
      return (await fetch(url, { method: 'POST', headers: { authorization }, body })).json();
    };
    return { ...server, buy };
  }

  it('is found at its address again after a restart', async () => {
    const first = await start();
    await first.close();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await second.buy(first.url)).toEqual(TOKEN);
    await second.close();
  });

  it('takes another port when its own is taken meanwhile, and stays there', async () => {
    const first = await start();
    await first.close();
    const other = createServer();
    await new Promise<void>((done) => other.listen(Number(new URL(first.url).port), '127.0.0.1', done));
    const second = await start();
    expect(second.url).not.toBe(first.url);
    expect(await second.buy(second.url)).toEqual(TOKEN);
    await second.close();
    await new Promise((done) => other.close(done));
    const third = await start();
    expect(third.url).toBe(second.url);
    await third.close();
  });

  it.each(['', 'x', '99999'])('starts also where its port was written down as "%s"', async (text) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'token-port'), text);
    const server = await start();
    expect(await server.buy(server.url)).toEqual(TOKEN);
    await server.close();
  });
});

describe('the lines to paste', () => {
  const report = { file: 'f'.repeat(64), batches: ['b1', 'b2'] } as unknown as Parameters<typeof worthALook>[1];
  const withCustomer = (row: unknown) =>
    ({ inspect: () => ({ get: () => row, all: () => [] }) }) as Pick<LocalWorld, 'inspect'>;

  it('are of an invoice, a customer and a batch, quoted for a shell', () => {
    const paths = worthALook(withCustomer({ invoice_no: "5'3$(x)", customer_id: '17850' }), report);
    expect(paths).toEqual(['/invoices/5%273%24%28x%29', '/customers/17850', '/batches/b1']);
  });

  it('are three others when there is no invoice', () => {
    const paths = worthALook(withCustomer(undefined), report);
    expect(paths).toEqual(['/batches/b1', '/batches/b1/rejected', `/files/${'f'.repeat(64)}`]);
    const text = whereToLook({ url: 'http://u', tokenUrl: 'http://t', id: 'i', secret: 's' }, '/d', paths);
    expect(text.split('\n').filter((line) => line.startsWith('  curl '))).toHaveLength(3);
  });

  it('buy a token once, on a line before them', () => {
    const connection = { url: 'http://127.0.0.1:3000', tokenUrl: 'http://t', id: 'i', secret: 's' };
    const lines = whereToLook(connection, '/d', ['/x']).split('\n');
    const at = lines.findIndex((line) => line.startsWith('  TOKEN=$(curl -s -u i:s '));
    expect(lines[at + 1]).toBe('  curl -s -H "Authorization: Bearer $TOKEN" http://127.0.0.1:3000/v1/x');
  });

  it('come before the dashboard and who may sign in there, which a terminal shows last', () => {
    const connection = { url: 'http://127.0.0.1:3000', tokenUrl: 'http://t', id: 'i', secret: 's' };
    const end = (directory: string) => whereToLook(connection, directory, [], [], 'opensesame').split('\n').slice(-4);
    expect(end('/d')).toEqual([
      'Dashboard: http://127.0.0.1:3000/  sign in as analyst, password opensesame',
      "  To see today move, in another terminal: npm run simulate -- --live --dir '/d'",
      '',
      'Ctrl-C stops it; the next npm start finds its data again.',
    ]);
    expect(end(resolve('.ecomflow'))[1]).toBe('  To see today move, in another terminal: npm run simulate -- --live');
  });
});

describe('consumers of the stream', () => {
  const SETTINGS = {
    batchSize: 10,
    batchWindowSeconds: 0,
    reportBatchItemFailures: true,
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 0,
    maximumRecordAgeInSeconds: -1,
  };
  const record = { chunk_id: 'no chunk', data: Buffer.from('no chunk') };
  let world: LocalWorld;
  let consumers: Consumers;
  let said: string[];

  async function start(name: string, change: (world: LocalWorld) => Partial<LocalWorld>): Promise<void> {
    process.env.ECOMFLOW_DIR = join(scratch, 'clean'); // what the function itself opens
    const { startConsumers } = await import('../../cli/dev/consumers');
    world = openWorld(join(scratch, name));
    await world.stream.append([record]);
    consumers = startConsumers({ ...world, ...change(world) }, SETTINGS);
  }
  beforeEach(() => {
    said = [];
    jest.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)));
  });
  afterEach(() => {
    world.close();
    jest.restoreAllMocks();
  });

  it('wait for a broken world, say so in one line, and go on when it is back', async () => {
    const raw = join(scratch, 'waits', 'raw');
    await start('waits', () => {
      writeFileSync(raw, 'a file where a folder belongs');
      return {};
    });
    let broken = false;
    consumers.broken.catch(() => (broken = true));
    while (!said.some((line) => line.startsWith('raw: '))) await wait(20);
    expect(said.find((line) => line.startsWith('raw: '))).toMatch(
      /^raw: the lake cannot be written at raw\/\S+ \([^\n]+\); trying again in 0\.25 s$/,
    );
    rmSync(raw);
    while (world.log.backlog('raw') > 0) await wait(20);
    await consumers.stop();
    expect(broken).toBe(false);
    expect(statSync(raw).isDirectory()).toBe(true);
  });

  it('break with the error when it is a defect, and can be stopped all the same', async () => {
    class Defective extends LakeFolder {
      override put(): Promise<void> {
        return Promise.reject(new TypeError('a defect'));
      }
    }
    await start('breaks', () => ({ lake: new Defective(join(scratch, 'breaks')) }));
    await expect(consumers.broken).rejects.toThrow('a defect');
    await consumers.stop();
  });
});
