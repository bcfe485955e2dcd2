import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../../shared/adapters/local/database';
import { headOfManifest } from '../../shared/domain/bulk';
import { datasets } from '../../shared/domain/dataset';
import { attemptKey } from '../../shared/domain/lake';
import { balanceOf, type ChunkEntry } from '../../shared/domain/ledger';
import { fulfil, redriveBatch, replayBatch } from '../../shared/pipeline/redrive';
import {
  asWasBuilt,
  changeContract,
  expectConserved,
  filesBelow,
  fillRaw,
  snapshot,
  storedLines,
  withoutRules,
} from '../support/redrive';
import { click, clicks, sale, sales } from '../support/rows';
import { drain, findings, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => {
  asWasBuilt();
  world.remove();
});

const BY = { by: 'somebody' };
const DONE = { chunks: 1, replayed: 1, cleaned: 0, recounted: 0, left: [], unreadable: [] };
const ROWS = [
  sale(),
  sale({ stock: 'B', quantity: '0' }),
  sale(),
  sale({ invoice: 'C2' }),
  sale({ invoice: '3', stock: 'C', quantity: '-1', customer: '13047' }),
];

async function cleaned(rows: readonly string[] = ROWS, dataset = 'transactions'): Promise<string> {
  const id = await post(world, dataset, (dataset === 'events' ? clicks : sales)(rows));
  await fillRaw(world);
  await drain(world);
  return id;
}

/** A batch that was redriven once: of five rows three are kept, one is a duplicate, one is refused. */
async function redriven(): Promise<string> {
  const id = await cleaned();
  world.clock.pass(86_400);
  withoutRules('transactions', 'non_positive_quantity');
  await redriveBatch(id, BY, world);
  asWasBuilt();
  return id;
}

const entryOf = async (id: string): Promise<ChunkEntry> => (await world.batches.find(id))!.entries[0]!;
const balance = async (id: string) => balanceOf((await world.batches.find(id))!);

/** Does something to the tables that nobody does. */
function inTables(sql: string, ...values: string[]): void {
  const database = new Database(world.directory);
  database.run(sql, ...values);
  database.close();
}

const removed = (key: string) => rmSync(join(world.directory, key), { recursive: true });

describe('a batch that is replayed', () => {
  it.each([
    ['cleaned', cleaned],
    ['redriven', redriven],
  ])('is left as it is when nothing is lost: %s', async (_, make) => {
    const id = await make();
    const before = snapshot(world, ['watch']);
    expect(await replayBatch(id, BY, world)).toEqual({ batch_id: id, dataset: 'transactions', ...DONE });
    expect(snapshot(world, ['watch'])).toEqual(before);
    await replayBatch(id, BY, world);
    expect(snapshot(world, ['watch'])).toEqual(before);
  });

  const LOSSES: readonly [string, (id: string) => Promise<void>, object][] = [
    ['landing', async () => removed('landing'), {}],
    ['the lines of its invoices', async () => inTables('delete from invoices'), {}],
    ['its customers', async () => inTables('delete from customers'), {}],
    ['the refused rows', async () => removed('rejected'), {}],
    [
      'the entry of its chunk',
      async (id) => inTables("delete from batches where batch_id = ? and entry like 'chunk%'", id),
      { cleaned: 1 },
    ],
    [
      'all of these',
      async (id) => {
        removed('landing');
        removed('rejected');
        inTables('delete from invoices');
        inTables('delete from customers');
        inTables("delete from batches where batch_id = ? and entry like 'chunk%'", id);
      },
      { cleaned: 1 },
    ],
  ];

  it.each(LOSSES)('has again what was lost: %s', async (_, lose, also) => {
    const id = await cleaned();
    const before = snapshot(world, ['watch']);
    await lose(id);
    expect(snapshot(world, ['watch'])).not.toEqual(before);
    expect(await replayBatch(id, BY, world)).toMatchObject({ ...DONE, ...also });
    expect(snapshot(world, ['watch'])).toEqual(before);
  });

  it.each(LOSSES)('has its redrives again too: %s', async (_, lose, also) => {
    const id = await redriven();
    // The times of the entry are those of today.
    const state = async () => ({
      ...snapshot(world, ['watch', 'batches']),
      entry: { ...(await entryOf(id)), cleaned_at: '' },
    });
    const before = await state();
    await lose(id);
    expect(await replayBatch(id, BY, world)).toMatchObject({ ...DONE, ...also });
    expect(await state()).toEqual(before);
    expect(await balance(id)).toMatchObject({ kept: 3, duplicate: 1, rejected: { cancellation: 1 }, balanced: true });
    await expectConserved(world, [id]);
  });

  it('is as it was where no table claims', async () => {
    const id = await cleaned([click(), click(), click({ second: 1, price: '-1' })], 'events');
    const before = snapshot(world, ['watch']);
    removed('landing');
    expect(await replayBatch(id, BY, world)).toMatchObject(DONE);
    expect(snapshot(world, ['watch'])).toEqual(before);
  });

  it('finishes a redrive that was begun', async () => {
    const id = await cleaned();
    withoutRules('transactions', 'non_positive_quantity');
    const broken = { ...world, landing: { append: () => Promise.reject(new Error('killed')) } };
    await expect(redriveBatch(id, BY, broken)).rejects.toThrow('killed');
    expect(await replayBatch(id, BY, world)).toMatchObject(DONE);
    expect(await balance(id)).toMatchObject({ kept: 3, duplicate: 1, rejected: { cancellation: 1 } });
    await expectConserved(world, [id]);
  });

  it('is cleaned when it never was', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await fillRaw(world);
    expect(await replayBatch(id, BY, world)).toMatchObject({ ...DONE, cleaned: 1 });
    expect(await balance(id)).toMatchObject({ kept: 1, duplicate: 1, balanced: true });
    await drain(world);
    await expectConserved(world, [id]);
  });

  it('leaves no refused row of an earlier contract when its entry is lost', async () => {
    const id = await cleaned([sale(), sale({ stock: 'B', quantity: '0' })]);
    inTables("delete from batches where batch_id = ? and entry like 'chunk%'", id);
    withoutRules('transactions', 'non_positive_quantity');
    await replayBatch(id, BY, world);
    expect(await balance(id)).toMatchObject({ kept: 2, rejected: {}, balanced: true });
    await expectConserved(world, [id]);
  });

  it('changes nothing in a dry run, and says what it would', async () => {
    const id = await redriven();
    removed('landing');
    removed('rejected');
    inTables('delete from invoices');
    inTables("delete from batches where batch_id = ? and entry like 'chunk%'", id);
    const before = snapshot(world);
    expect(await replayBatch(id, { ...BY, dryRun: true }, world)).toMatchObject({ ...DONE, cleaned: 1 });
    expect(snapshot(world)).toEqual(before);
  });
});

describe('batches that share rows', () => {
  it('change who has a row when all lines are lost and the later one is replayed first: the sums stay', async () => {
    const a = await cleaned([sale(), sale({ stock: 'B' })]);
    const b = await cleaned([sale({ stock: 'B' }), sale({ stock: 'C' }), sale({ stock: 'D', quantity: '0' })]);
    expect([await balance(a), await balance(b)]).toMatchObject([
      { kept: 2, duplicate: 0 },
      { kept: 1, duplicate: 1 },
    ]);
    inTables('delete from invoices');
    expect(await replayBatch(b, BY, world)).toMatchObject({ ...DONE, recounted: 1 });
    expect(await replayBatch(a, BY, world)).toMatchObject({ ...DONE, recounted: 1 });
    expect([await balance(a), await balance(b)]).toMatchObject([
      { kept: 1, duplicate: 1, balanced: true },
      { kept: 2, duplicate: 0, balanced: true },
    ]);
    expect(await entryOf(b)).toMatchObject({ revision: 1, rejected: { non_positive_quantity: 1 } });
    await expectConserved(world, [a, b]);
    expect((await findings(world, [a, b])).landed).toHaveLength(3);
    const after = snapshot(world, ['watch']);
    expect([await replayBatch(a, BY, world), await replayBatch(b, BY, world)]).toMatchObject([DONE, DONE]);
    expect(snapshot(world, ['watch'])).toEqual(after);

    withoutRules('transactions', 'non_positive_quantity');
    await redriveBatch(b, BY, world);
    expect(await entryOf(b)).toMatchObject({ revision: 2, kept: 3, duplicate: 0, rejected: {} });
    await expectConserved(world, [a, b]);
  });

  it('leave no row in landing that is another batch’s now', async () => {
    const a = await cleaned([sale()]);
    const b = await cleaned([sale(), sale({ stock: 'C', quantity: '0' })]);
    inTables('delete from invoices');
    await replayBatch(b, BY, world);
    await replayBatch(a, BY, world);
    expect((await entryOf(a)).kept).toBe(0);
    removed(filesBelow(world, 'landing').find((key) => key.includes(b))!);
    expect((await findings(world, [a, b])).landed).toEqual([]);
  });
});

describe('what cannot be replayed', () => {
  it('is a batch that is not there, or open', async () => {
    await expect(replayBatch('f'.repeat(32), BY, world)).rejects.toMatchObject({ code: 'not_found' });
    const stream = { append: () => Promise.reject(new Error('killed')) };
    await expect(post({ ...world, stream }, 'transactions', sales(ROWS))).rejects.toThrow('killed');
    const [open] = world.inspect().all<{ batch_id: string }>('select batch_id from batches');
    await expect(replayBatch(open!.batch_id, BY, world)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is a batch of Spark: its file is named', async () => {
    const chunk = { number: 1, chunk_id: 'x', rows: 1, kept: 1, duplicate: 0, rejected: {} };
    const manifest = {
      batch_id: 'a'.repeat(32),
      dataset: 'transactions',
      contract_version: 1,
      key: 'inbox/transactions/large.csv',
      version: 'v1',
      sent_by: 'test',
      received_at: '2026-03-01T10:00:00.000Z',
      format: 'csv',
      columns: ['invoice_no'],
      received: 1,
      chunks: [chunk],
    } as const;
    await world.batches.open(headOfManifest(manifest, '2026-03-01T10:00:00.000Z'));
    await expect(replayBatch(manifest.batch_id, BY, world)).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('inbox/transactions/large.csv'),
    });
  });

  it('is a chunk that raw/ does not have', async () => {
    const id = await cleaned();
    removed('raw');
    expect(await replayBatch(id, BY, world)).toMatchObject({
      ...DONE,
      replayed: 0,
      left: [{ number: 1, why: 'it is not in raw/' }],
    });
  });

  it('is found in an object of the day before, which has the day of its oldest record', async () => {
    const id = await cleaned();
    const [key] = filesBelow(world, 'raw') as [string];
    await world.raw.keep('dt=2026-02-28/x', (await world.raw.read(key))!);
    rmSync(join(world.directory, key));
    expect(await replayBatch(id, BY, world)).toMatchObject(DONE);
  });

  it('is not looked for in what came weeks later, and an order says so in the log', async () => {
    const id = await cleaned();
    removed('raw');
    for (const day of ['2026-03-09', '2026-03-10']) await world.raw.keep(`dt=${day}/x.ecf`, Buffer.from('rubbish'));
    const read: string[] = [];
    const raw = { ...world.raw, list: world.raw.list, read: async (key: string) => void read.push(key) };
    await fulfil({ batch_id: id, ...BY, replay: true }, { ...world, raw: raw as never });
    expect(read).toEqual(['raw/dt=2026-03-09/x.ecf']);
    const lines = readFileSync(join(world.directory, 'log.ndjson'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 'WARN', batch_id: id, chunks: 1, first: 1 }),
    );
  });

  it('is what stands behind a broken place of an object of raw/', async () => {
    const id = await cleaned();
    const other = await cleaned([sale({ invoice: '55' })]);
    const [first, second] = filesBelow(world, 'raw') as [string, string];
    appendFileSync(join(world.directory, first), 'rubbish');
    await world.raw.keep('dt=2026-03-01/000.ecf', Buffer.from('rubbish'));
    expect(second).toBeDefined();
    const broken = ['raw/dt=2026-03-01/000.ecf', first];
    expect(await replayBatch(id, BY, world)).toMatchObject({ ...DONE, unreadable: broken.slice(0, 1) });
    expect(await replayBatch(other, BY, world)).toMatchObject({ ...DONE, unreadable: broken });
  });

  it.each<[string, (id: string) => Promise<void>, string]>([
    [
      'the refused rows are lost and the rules are others',
      async () => {
        removed('rejected');
        withoutRules('transactions', 'non_positive_quantity');
      },
      'its refused rows are lost, and the contract of today refuses others',
    ],
    [
      'a rule refuses now what was kept',
      async () => {
        const { contract } = datasets.get('transactions')!;
        const rule = { reason: 'no_a', column: 'stock_code', startsWith: 'A' };
        changeContract('transactions', { ...contract, reject: [rule, ...contract.reject] });
      },
      'the contract of today refuses 2 rows that were kept',
    ],
    [
      'refused rows are of other lines',
      async (id) => {
        const { head, entries } = (await world.batches.find(id))!;
        const [{ chunk_id }] = entries as [ChunkEntry];
        const rows = await world.rejects.read(head, chunk_id);
        await world.rejects.put(
          { ...head, chunk_id },
          rows.map((row) => ({ ...row, line: row.line + 90 })),
        );
      },
      'its refused rows are not all of this chunk',
    ],
    [
      'a redrive is lost',
      async (id) => {
        withoutRules('transactions', 'non_positive_quantity');
        await redriveBatch(id, BY, world);
        removed(attemptKey({ dataset: 'transactions', chunk_id: (await entryOf(id)).chunk_id }, 1));
      },
      'its redrive 1 is lost',
    ],
    [
      'a redrive is damaged',
      async (id) => {
        const { chunk_id } = await entryOf(id);
        await world.lake.put(attemptKey({ dataset: 'transactions', chunk_id }, 1), 'damaged');
      },
      'NotAnAttempt: it cannot be read',
    ],
    [
      'the ledger counts other rows',
      async (id) =>
        inTables(
          "update batches set body = json_set(body, '$.duplicate', 7) where batch_id = ? and entry like 'chunk%'",
          id,
        ),
      'the ledger counts 11 rows, and there are 5',
    ],
    [
      'the ledger has another chunk',
      async (id) =>
        inTables(
          "update batches set body = json_set(body, '$.chunk_id', 'other') where batch_id = ? and entry like 'chunk%'",
          id,
        ),
      "the ledger's chunk is other",
    ],
    [
      'a defect of ours meets it again',
      async (id) => {
        inTables("delete from batches where batch_id = ? and entry like 'chunk%'", id);
        Object.assign(world, {
          customers: { ...world.customers, put: () => Promise.reject(new TypeError('undefined is not a row')) },
        });
      },
      'TypeError: undefined is not a row',
    ],
  ])('is a chunk of which %s: it stays as it is', async (_, spoil, why) => {
    const id = await cleaned();
    await spoil(id);
    const lines = storedLines(world);
    const entry = await entryOf(id);
    expect(await replayBatch(id, BY, world)).toMatchObject({ ...DONE, replayed: 0, left: [{ number: 1, why }] });
    expect(storedLines(world)).toEqual(lines);
    expect(await entryOf(id)).toEqual(entry);
  });
});

it('a replay that was ordered goes on where its time ran out', async () => {
  const id = await cleaned();
  removed('landing');
  await fulfil({ batch_id: id, ...BY, replay: true }, world, () => 0);
  expect(filesBelow(world, 'landing')).toHaveLength(1);
  expect(world.orders.take()!.order).toEqual({ batch_id: id, ...BY, replay: true, done: [1] });
  removed('landing');
  await fulfil(world.orders.take()!.order, world);
  expect(filesBelow(world, 'landing')).toEqual([]);
});

it('a replay that was ordered reads no object of raw/ again when its time runs out before its chunk is found', async () => {
  const other = await cleaned([sale({ invoice: '3' })]);
  const id = await cleaned();
  const [first, second] = filesBelow(world, 'raw') as [string, string];
  removed('landing');
  const read: string[] = [];
  const raw = {
    ...world.raw,
    read(key: string) {
      read.push(key);
      return world.raw.read(key);
    },
  };
  await fulfil({ batch_id: id, ...BY, replay: true }, { ...world, raw }, () => 0);
  const { id: number, order } = world.orders.take()!;
  expect(order).toEqual({ batch_id: id, ...BY, replay: true, done: [], after: first });
  world.orders.done(number);
  await fulfil(order, { ...world, raw });
  expect(read).toEqual([first, second]);
  expect(filesBelow(world, 'landing')).toHaveLength(1);
  expect(world.orders.take()).toBeUndefined();
  await expectConserved(world, [other, id]);
});

it('a replay beside a redrive of the same chunk counts nothing twice', async () => {
  const id = await cleaned();
  const other = await cleaned([sale({ invoice: '3', stock: 'C' })]);
  inTables('delete from invoices');
  await replayBatch(other, BY, world);
  withoutRules('transactions', 'non_positive_quantity');
  // While the replay counts, all of the redrive happens.
  let during: Promise<unknown> | undefined;
  const landing = {
    append: async (...args: Parameters<TestWorld['landing']['append']>) => {
      during ??= redriveBatch(id, { by: 'other' }, world);
      await during;
      await world.landing.append(...args);
    },
  };
  const told = await replayBatch(id, BY, { ...world, landing });
  expect(told.left).toMatchObject([]);
  expect(await balance(id)).toMatchObject({ kept: 3, duplicate: 1, rejected: { cancellation: 1 } });
  await expectConserved(world, [id, other]);
});

it('a replay that meets redrives while it finishes one says so, and leaves their refused rows in place', async () => {
  const id = await cleaned();
  withoutRules('transactions', 'non_positive_quantity');
  const broken = { ...world, customers: { ...world.customers, put: () => Promise.reject(new Error('killed')) } };
  await expect(redriveBatch(id, BY, broken)).rejects.toThrow('killed');
  let during: Promise<unknown> | undefined;
  const rejects = {
    ...world.rejects,
    put: async (...args: Parameters<TestWorld['rejects']['put']>) => {
      withoutRules('transactions', 'non_positive_quantity', 'cancellation');
      during ??= redriveBatch(id, { by: 'other' }, world);
      await during;
      await world.rejects.put(...args);
    },
  };
  expect(await replayBatch(id, BY, { ...world, rejects })).toMatchObject({
    replayed: 0,
    left: [{ number: 1, why: expect.stringContaining('replay the batch again') }],
  });
  expect(await entryOf(id)).toMatchObject({ revision: 2, kept: 4, duplicate: 1, rejected: {} });
  await expectConserved(world, [id]);
  expect(await replayBatch(id, BY, world)).toMatchObject(DONE);
  expect(await entryOf(id)).toMatchObject({ revision: 2, kept: 4 });
});
