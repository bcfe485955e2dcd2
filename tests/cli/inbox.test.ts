import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  promises,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type InboxWatch, type OnSettled, outcomeOf } from '../../cli/dev/inbox';
import { openWorld } from '../../shared/adapters/local';
import { versionOf } from '../../shared/adapters/local/inbox';
import type { Arrival } from '../../shared/domain/arrival';
import type { Balance } from '../../shared/domain/ledger';
import { CLEAN, drain, TestClock, type TestWorld } from '../support/world';

const HEADER = 'invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country\n';
const row = (invoice: string) => `${invoice},85123A,LANTERN,6,12/1/2010 8:26,2.55,17850,United Kingdom\n`;
jest.setTimeout(20_000);
const EVERY = { poll: 40, quiet: 600 };

let directory: string;
let world: TestWorld;
let watch: InboxWatch | undefined;
let settled: { arrival: Arrival; balance: Balance | undefined }[];
let said: jest.SpyInstance;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecomflow-inbox-'));
  const opened = openWorld(directory);
  world = { ...opened, directory, clock: new TestClock(), remove: () => opened.close() };
  settled = [];
  said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  await watch?.stop();
  watch = undefined;
  said.mockRestore();
  world.remove();
  rmSync(directory, { recursive: true });
});

/** Starts as a new process would: the functions open the data directory when they are loaded. */
async function start(): Promise<void> {
  process.env.ECOMFLOW_DIR = directory;
  jest.resetModules();
  const { startInbox } = await import('../../cli/dev/inbox');
  const onSettled: OnSettled = (arrival, balance) => void settled.push({ arrival, balance });
  watch = startInbox(directory, onSettled, EVERY);
}

/** Waits until so many files are settled, their rows cleaned meanwhile. */
async function until(files: number): Promise<void> {
  for (let i = 0; i < 150 && settled.length < files; i++) {
    if (world.log.backlog(CLEAN) > 0) await drain(world);
    await sleep(40);
  }
  expect(settled.map(({ arrival }) => arrival.key)).toHaveLength(files);
}
/** Long enough for what is wrongly taken to show. */
const aWhile = () => sleep(EVERY.quiet + 5 * EVERY.poll);

const pathOf = (name: string) => join(directory, 'inbox/transactions', name);
function drop(name: string, text: string): string {
  mkdirSync(dirname(pathOf(name)), { recursive: true });
  writeFileSync(pathOf(name), text);
  return versionOf(statSync(pathOf(name)));
}
const outcomes = () =>
  settled.map(({ arrival, balance }) => [arrival.key.split('/').at(-1), arrival.state, balance?.received]);

test('a file is taken once it has stopped growing, and told of once its rows are clean', async () => {
  await start();
  drop('a b+ü.csv', HEADER);
  for (let i = 0; i < 18; i++) {
    appendFileSync(pathOf('a b+ü.csv'), row(`${i}`));
    await sleep(50);
    expect(await world.arrivals.of('inbox/transactions/a b+ü.csv')).toEqual([]);
  }
  await until(1);
  expect(settled[0]!.balance).toMatchObject({ received: 18, kept: 18, balanced: true });
  expect(settled[0]!.arrival).toMatchObject({ sent_by: 'inbox', engine: 'stream' });
});

test('hidden files, files in hidden folders, folders and links are not taken; links are told of once', async () => {
  drop('.a.csv', HEADER + row('1'));
  drop('.part/b.csv', HEADER + row('2'));
  writeFileSync(join(directory, 'secret.csv'), HEADER + row('3'));
  symlinkSync(join(directory, 'secret.csv'), pathOf('link.csv'));
  await start();
  drop('deeper/c.csv', HEADER + row('4'));
  await until(1);
  await aWhile();
  expect(outcomes()).toEqual([['c.csv', 'done', 1]]);
  expect(said.mock.calls).toEqual([
    [expect.stringContaining('inbox/transactions/link.csv is passed over: it is a link')],
  ]);
});

test('a file that is put again is no new rows, one that has changed is, and one that is removed is nothing', async () => {
  await start();
  drop('a.csv', HEADER + row('1'));
  await until(1);
  utimesSync(pathOf('a.csv'), 1, 1);
  await until(2);
  expect(await world.arrivals.of('inbox/transactions/a.csv')).toHaveLength(2);
  expect(settled[1]!.arrival.file).toBe(settled[0]!.arrival.file);
  drop('a.csv', HEADER + row('1') + row('2'));
  await until(3);
  expect(settled[2]!.balance).toMatchObject({ received: 2, kept: 1, duplicate: 1 });
  rmSync(pathOf('a.csv'));
  rmSync(join(directory, 'inbox'), { recursive: true });
  await aWhile();
  drop('b.csv', HEADER + row('3'));
  await until(4);
  expect(said).not.toHaveBeenCalled();
});

test('a name that is not UTF-8, and what was not taken and lies there again, are told of', async () => {
  mkdirSync(dirname(pathOf('a')), { recursive: true });
  writeFileSync(
    Buffer.concat([Buffer.from(`${dirname(pathOf('a'))}/ums`), Buffer.from([0xe4]), Buffer.from('.csv')]),
    '',
  );
  drop('none.csv', '');
  await start();
  await until(1);
  const told = () => said.mock.calls.flat().filter((text) => String(text).includes('is passed over'));
  renameSync(join(directory, settled[0]!.arrival.kept_as!), pathOf('none.csv'));
  await sleep(2 * EVERY.quiet);
  await watch!.stop();
  await start();
  await sleep(2 * EVERY.quiet);
  expect(told()).toEqual([
    'inbox: inbox/transactions/ums\ufffd.csv is passed over: it has a name that is not UTF-8: rename it.',
    'inbox: inbox/transactions/ums\ufffd.csv is passed over: it has a name that is not UTF-8: rename it.',
    'inbox: inbox/transactions/none.csv is passed over: it is as it was when it was not taken: touch it to have it tried again.',
  ]);
  expect(existsSync(pathOf('none.csv'))).toBe(true);
});

test('a folder that cannot be read keeps no other file out', async () => {
  drop('closed/a.csv', HEADER + row('1'));
  drop('open/b.csv', HEADER + row('2'));
  const { readdir } = promises;
  const closed = jest
    .spyOn(promises, 'readdir')
    .mockImplementation(((path: string, options: object) =>
      path.endsWith('closed') ? Promise.reject(new Error('EACCES')) : readdir(path, options)) as never); // root may all
  try {
    await start();
    await until(1);
    expect(outcomes()).toEqual([['b.csv', 'done', 1]]);
    expect(said).toHaveBeenCalledWith(expect.stringContaining('inbox/transactions/closed is passed over'));
  } finally {
    closed.mockRestore();
  }
});

test('many files at once are each taken and told of once', async () => {
  await start();
  for (let i = 0; i < 5; i++) drop(`${i}.csv`, HEADER + row(`${i}`));
  await until(5);
  await sleep(1200); // what has to wait its turn comes again after a second
  expect(outcomes().sort()).toEqual(Array.from({ length: 5 }, (_, i) => [`${i}.csv`, 'done', 1]));
});

test('what is no file of rows is told of with its reason, and keeps no other from being taken', async () => {
  await start();
  drop('empty.csv', '');
  drop('good.csv', HEADER + row('1'));
  await until(2);
  const refused = settled.find(({ arrival }) => arrival.state === 'refused')!;
  expect(existsSync(pathOf('empty.csv'))).toBe(false);
  expect(readFileSync(join(directory, refused.arrival.kept_as!), 'utf8')).toBe('');
  expect(outcomeOf(refused.arrival, refused.balance)).toBe(
    `inbox/transactions/empty.csv: not taken (empty_body): The file is empty. Kept as ${refused.arrival.kept_as}.`,
  );
  const good = settled.find(({ arrival }) => arrival.state === 'done')!;
  expect(outcomeOf(good.arrival, good.balance)).toBe(
    'inbox/transactions/good.csv: 1 row: 1 kept, 0 duplicate, 0 rejected',
  );
});

test('what an earlier start left is gone on with, what it finished is not begun again, and what is gone is given up', async () => {
  await start();
  drop('done.csv', HEADER + row('1'));
  await until(1);
  await watch!.stop();
  settled = [];
  const left = (name: string, version: string, state: Arrival['state']): Arrival => ({
    key: `inbox/transactions/${name}`,
    version,
    checksum: 'c',
    bytes: 1,
    arrived_at: '2026-03-01T11:00:00.000Z',
    state,
    sent_by: 'shop',
    lease: { holder: `inbox/transactions/${name}\n${version}`, until: '2999-01-01T00:00:00.000Z' },
  });
  await world.arrivals.note(left('killed.csv', drop('killed.csv', HEADER + row('2')), 'reading'));
  await world.arrivals.note(left('gone.csv', '1-1', 'waiting'));
  await start();
  await until(2);
  await aWhile();
  expect(outcomes().sort()).toEqual([
    ['gone.csv', 'failed', undefined],
    ['killed.csv', 'done', 1],
  ]);
  expect(settled.find(({ arrival }) => arrival.state === 'done')!.arrival.sent_by).toBe('shop');
  expect(await world.backlog.unfinished()).toEqual([]);
});

test('runs of Spark that ended with an earlier start are begun again, all of them', async () => {
  for (const name of ['a.csv', 'b.csv']) {
    await world.arrivals.note({
      key: `inbox/transactions/${name}`,
      version: drop(name, HEADER + row(name)),
      checksum: 'c',
      bytes: 1,
      arrived_at: '2026-03-01T11:00:00.000Z',
      state: 'running',
      sent_by: 'shop',
      lease: { holder: 'dead', until: '2026-03-01T11:16:00.000Z' },
      dataset: 'transactions',
      engine: 'spark',
      batch_id: name.charAt(0).repeat(32),
      run_id: name.charAt(0).repeat(32),
    });
  }
  await start();
  await until(2); // small as they are, they go through the stream now
  expect(outcomes().sort()).toEqual([
    ['a.csv', 'done', 1],
    ['b.csv', 'done', 1],
  ]);
});
