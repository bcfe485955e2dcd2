import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Database } from '../../shared/adapters/local/database';
import { writeRaw } from '../../shared/adapters/local/raw';
import { datasets } from '../../shared/domain/dataset';
import type { InvoiceLine } from '../../shared/domain/invoice';
import { decodeRejected, encodeRejected, rejectedKey } from '../../shared/domain/lake';
import type { ChunkEntry } from '../../shared/domain/ledger';
import { toParquet } from '../../shared/domain/parquet';
import { readLanded } from '../../shared/domain/parquet-reader';
import { claimantOf } from '../../shared/domain/redrive';
import {
  type ReconcileReport,
  type ReconcileRequest,
  reconcile,
  reconcileDaily,
} from '../../shared/pipeline/reconcile';
import { redriveBatch, replayBatch } from '../../shared/pipeline/redrive';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { click, clicks, longText, sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

const DAY = 24 * 60 * 60;
/** Fewer than DuckDB's clock says, whenever that is. */
const LONG_AGO = -20 * 365 * DAY;

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
  world.clock.pass(LONG_AGO);
});
afterEach(() => world.remove());

/**
 * Two chunks: the first has three rows that are refused, for two reasons, and 161 of 4,060 characters, more than which do
 * not go into the 655,360 that a chunk has at most.
 */
const LONG = sales([
  ...['0', '-1'].map((quantity) => sale({ stock: `Q${quantity}`, quantity })),
  sale({ stock: 'P', price: '0' }),
  ...Array.from({ length: 197 }, (_, i) =>
    sale({ invoice: i < 100 ? '1' : '2', stock: `S${i}`, description: longText('x') }),
  ),
]);
const SHORT = sales([
  sale({ invoice: '3' }),
  sale({ invoice: '3' }),
  sale({ invoice: '1', stock: 'S1', description: longText('x') }),
]);
const CLICKS = clicks([click({ second: 1 }), click({ second: 2 }), click({ second: 2 }), click({ type: 'jump' })]);
const MORE_CLICKS = clicks([click({ second: 2 }), click({ second: 3 })]);

async function through(): Promise<void> {
  await drain(world);
  while ((await writeRaw(world.log, world.lake)) > 0);
  world.clock.pass(1);
}

/** A world where all of that came, in this order. */
async function filled() {
  const ids = {
    long: await post(world, 'transactions', LONG),
    short: await post(world, 'transactions', SHORT),
    clicks: await post(world, 'events', CLICKS),
    more: await post(world, 'events', MORE_CLICKS),
  };
  await through();
  return ids;
}
type Ids = Awaited<ReturnType<typeof filled>>;

const recount = (request: Partial<ReconcileRequest> = {}): Promise<ReconcileReport> =>
  reconcile({ id: 'r', settleSeconds: 0, ...request }, world);

/** What differs, a line each; chunks are called by their numbers. */
async function found(ids: Ids, request?: Partial<ReconcileRequest>): Promise<string[]> {
  const names = new Map<string | null, string>(Object.entries(ids).map(([name, id]) => [id, name]));
  const { differences, differences_total } = await recount(request);
  expect(differences_total).toBe(differences.length);
  return differences
    .map(({ batch_id, store, kind, expected, found: have, detail = '' }) => {
      const where = detail.replace(/^\S{32}-(\d+)-\S{12}/, 'at $1');
      return `${names.get(batch_id) ?? batch_id} ${store} ${kind} ${expected} ${have} ${where}`.trim();
    })
    .sort();
}

const filesBelow = (folder: string, batch_id: string) =>
  readdirSync(join(world.directory, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes(`${batch_id}-`))
    .sort()
    .map((name) => join(world.directory, folder, name));

const run = (sql: string, ...values: string[]) => (world.inspect() as Database).run(sql, ...values);

/** Writes an invoice's lines anew. */
function editLines(invoice_no: string, edit: (lines: InvoiceLine[]) => InvoiceLine[]): void {
  const row = world
    .inspect()
    .get<{ lines: string }>('select lines from invoices where invoice_no = ? and part = 0', invoice_no);
  run(
    'update invoices set lines = ? where invoice_no = ? and part = 0',
    JSON.stringify(edit(JSON.parse(row!.lines))),
    invoice_no,
  );
}

/** Writes a landed file anew. */
async function editLanded(file: string, edit: <T>(rows: T[]) => T[]): Promise<void> {
  const bytes = readFileSync(file);
  const name = file.includes('/transactions/') ? 'transactions' : 'events';
  const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  for await (const rows of readLanded(content, datasets.get(name)!))
    writeFileSync(file, toParquet(datasets.get(name)!, rows[0]!.batch_id, edit(rows)));
}

async function inWarehouse(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(world.directory, 'warehouse.duckdb'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

describe('a recount finds no difference', () => {
  it('where nothing came', async () => {
    expect(await recount()).toMatchObject({ judged: 0, differences_total: 0, unreadable_total: 0 });
  });

  it('where all is well, and says how much it looked at; the report is kept', async () => {
    await filled();
    await loadWarehouse({}, world);
    const report = await recount({ since: undefined });
    expect(report).toMatchObject({
      kind: 'reconcile',
      since: null,
      judged: 4,
      young: 0,
      unbalanced: 0,
      // 197 and 1 sales, 2 + 2 clicks; 6 different ones but for one that came twice; 3 sales and a click refused.
      rows: { invoices: 198, landing: 202, rejected: 4, raw: 200 + 3 + 4 + 2, warehouse: 198 + 3 },
      raw_again: 0,
      differences: [],
      differences_total: 0,
    });
    const key = `reports/reconcile/dt=${report.began_at.slice(0, 10)}/r.json`;
    expect(JSON.parse(readFileSync(join(world.directory, key), 'utf8'))).toEqual(report);
  });

  it('where batches came twice, and the stream brought chunks again', async () => {
    const ids = await filled();
    run("update checkpoints set sequence = 0 where consumer in ('clean', 'raw')");
    for (const file of readdirSync(join(world.directory, 'raw'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ecf'),
    ))
      copyFileSync(
        join(world.directory, 'raw', file),
        join(world.directory, 'raw', file.replace(/(\d+)\.ecf/, 'b$1.ecf')),
      );
    await post(world, 'transactions', SHORT);
    await through();
    expect(await found(ids)).toEqual([]);
    expect((await recount()).raw_again).toBeGreaterThan(0);
  });

  it('where a refused row was redriven, as a line of its own claimant that landed on a later day', async () => {
    const ids = await filled();
    world.clock.pass(3 * DAY);
    const { head, entries } = (await world.batches.find(ids.long))!;
    const [entry] = entries as [ChunkEntry];
    const [refused, ...rest] = await world.rejects.read(head, entry.chunk_id);
    const chunk_id = claimantOf({ chunk_id: entry.chunk_id, revision: 1 });
    const clean = datasets.get('transactions')!.cleaner('csv', head.columns);
    const kept = [clean(refused!.text.replace(',0,', ',1,')) as never];
    editLines('1', (lines) => [...lines, { ...(kept[0] as InvoiceLine), chunk_id }]);
    const received_at = world.clock.now().toISOString();
    const chunk = { ...head, ...entry, first_line: 2, rows: 1, text: '' };
    await world.landing.append({ ...chunk, chunk_id, received_at }, kept);
    await world.rejects.put({ ...chunk, chunk_id: entry.chunk_id }, rest);
    await world.chunks.revise({
      ...entry,
      revision: 1,
      kept: entry.kept + 1,
      rejected: { ...entry.rejected, non_positive_quantity: 1 },
      cleaned_at: received_at,
    });
    world.clock.pass(1);
    await loadWarehouse({}, world);
    expect(await found(ids)).toEqual([]);
    expect(await found(ids, { since: head.received_at })).toEqual([]);
    expect(await found(ids, { since: received_at })).toEqual([]); // it is older, and known
    editLines('1', (lines) => lines.slice(0, -1));
    expect(await found(ids)).toEqual(['long invoices missing 162 161 at 2']);
  });

  it('where refused rows were corrected and redriven, on a later day', async () => {
    const ids = await filled();
    world.clock.pass(3 * DAY);
    for (const [batch_id, text] of [
      [ids.long, sale({ stock: 'Q0' })],
      [ids.clicks, click({ second: 9 })],
    ] as const) {
      const { head, entries } = (await world.batches.find(batch_id))!;
      const { chunk_id } = entries[0]!;
      const [row] = await world.rejects.read(head, chunk_id);
      const corrections = new Map([[chunk_id, new Map([[row!.line, text]])]]);
      expect((await redriveBatch(batch_id, { by: 'test', corrections }, world)).kept).toBe(1);
    }
    world.clock.pass(1);
    await loadWarehouse({}, world);
    expect(await found(ids)).toEqual([]);
    expect((await recount()).rows).toMatchObject({ invoices: 199, landing: 204, rejected: 2, warehouse: 199 + 4 });
  });

  it('where a replay brought back what was missing', async () => {
    const ids = await filled();
    for (const zone of ['landing', 'rejected']) rmSync(filesBelow(zone, ids.long)[0]!);
    editLines('2', (lines) => lines.slice(1));
    expect(await found(ids)).toHaveLength(4);
    await replayBatch(ids.long, { by: 'test' }, world);
    expect(await found(ids)).toEqual([]);
  });

  it('where clicks repeat one of another chunk of their batch', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => click({ second: i % 60, user: `${i}` }));
    const batch = await post(world, 'events', clicks([...rows, ...rows.slice(0, 5)]));
    await through();
    await loadWarehouse({}, world);
    expect((await world.batches.find(batch))!.entries.length).toBeGreaterThan(1);
    expect(await recount()).toMatchObject({ judged: 1, rows: { landing: 10_005, warehouse: 10_000 }, differences: [] });
  });
});

describe('a recount finds', () => {
  it.each<[string, (ids: Ids) => unknown, string[]]>([
    [
      'a landed file that is gone',
      ({ short }) => rmSync(filesBelow('landing', short)[0]!),
      ['short landing missing 1 0'],
    ],
    [
      'a landed file that is there twice',
      ({ clicks: id }) => copyFileSync(filesBelow('landing', id)[0]!, `${filesBelow('landing', id)[0]}.2`),
      ['clicks landing doubled 2 4'],
    ],
    [
      'a row that is gone from a landed file',
      ({ long }) => editLanded(filesBelow('landing', long)[1]!, (rows) => rows.slice(1)),
      ['long landing missing 197 196'],
    ],
    [
      'a row that is twice in a landed file',
      ({ long }) => editLanded(filesBelow('landing', long)[0]!, (rows) => [...rows, rows[0]!]),
      ['long landing doubled 197 198'],
    ],
    [
      'a row that is gone from a landed file while another is there twice',
      ({ more }) => editLanded(filesBelow('landing', more)[0]!, ([row]) => [row!, row!]),
      ['more landing doubled 1 2', 'more landing missing 2 1'],
    ],
    [
      'an invoice that is gone',
      () => run("delete from invoices where invoice_no = '3'"),
      ['short invoices missing 1 0 at 2'],
    ],
    [
      'a line that is gone from an invoice',
      () => editLines('2', (lines) => lines.slice(1)),
      ['long invoices missing 161 160 at 2'],
    ],
    [
      'a line that is twice on an invoice',
      () => editLines('3', (lines) => [...lines, ...lines]),
      ['short invoices doubled 1 2 at 2'],
    ],
    [
      'a line that is on another invoice, too',
      () =>
        editLines('3', ([line]) => {
          editLines('2', (lines) => [...lines, line!]);
          return [line!];
        }),
      ['short invoices unknown 1 2 at 2'],
    ],
    [
      'a line of a chunk that the ledger does not have',
      ({ short }) =>
        editLines('3', ([line]) => [line!, { ...line!, line_id: 'f'.repeat(32), chunk_id: `${short}-9-0123456789ab` }]),
      ['short invoices unknown 0 1 at 9'],
    ],
    [
      'refused rows that are gone',
      ({ clicks: id }) => rmSync(filesBelow('rejected', id)[0]!),
      ['clicks rejected missing 1 0 at 2 unknown_event_type'],
    ],
    [
      'a refused row that is gone, and one that is there twice',
      ({ long }) => {
        const [file] = filesBelow('rejected', long) as [string];
        const rows = decodeRejected(readFileSync(file));
        const chunk = { batch_id: long, chunk_id: 'c', contract_version: 1 };
        writeFileSync(file, encodeRejected(chunk, [rows[0]!, rows[2]!, rows[2]!]));
      },
      ['long rejected doubled 1 2 at 2 non_positive_price', 'long rejected missing 2 1 at 2 non_positive_quantity'],
    ],
    [
      'refused rows of a chunk that had none',
      async ({ more }) => {
        const { head, entries } = (await world.batches.find(more))!;
        const row = { line: 2, reason: 'missing', field: 'price', text: 'x' };
        await world.lake.put(
          rejectedKey(head, entries[0]!.chunk_id),
          encodeRejected({ ...head, ...entries[0]! }, [row]),
        );
      },
      ['more rejected unknown 0 1 at 2 missing'],
    ],
  ])('%s, and nothing else', async (_, plant, lines) => {
    const ids = await filled();
    await loadWarehouse({}, world);
    await plant(ids);
    expect(await found(ids)).toEqual(lines);
  });

  it.each<[string, string, string[]]>([
    [
      'a sale that is gone from the warehouse',
      "delete from ecomflow.transactions where invoice_no = '3'",
      ['short warehouse missing 1 0'],
    ],
    [
      'a sale that is twice in the warehouse',
      "insert into ecomflow.transactions from ecomflow.transactions where invoice_no = '3'",
      ['short warehouse doubled 1 2'],
    ],
    [
      'a sale in the warehouse that nobody kept',
      "insert into ecomflow.transactions select uuid() as line_id, * exclude line_id from ecomflow.transactions where invoice_no = '3'",
      ['short warehouse unknown 1 2'],
    ],
    [
      'a click that is gone from the warehouse',
      "delete from ecomflow.events where event_time = '2019-10-01 00:00:03Z'",
      ['null warehouse missing 3 2'],
    ],
    [
      'a click that is twice in the warehouse',
      "insert into ecomflow.events from ecomflow.events where event_time = '2019-10-01 00:00:03Z'",
      ['more warehouse doubled 1 2'],
    ],
    [
      'a click that is in the warehouse for two batches',
      `insert into ecomflow.events select * replace ('${'e'.repeat(32)}' as batch_id) from ecomflow.events where event_time = '2019-10-01 00:00:03Z'`,
      [`${'e'.repeat(32)} warehouse unknown 0 1`, 'null warehouse doubled 3 4'],
    ],
  ])('%s, and nothing else', async (_, sql, lines) => {
    const ids = await filled();
    await loadWarehouse({}, world);
    await inWarehouse(sql);
    expect(await found(ids)).toEqual(lines);
  });

  it('chunks that are gone from raw, by their number, and names an object that is damaged', async () => {
    const ids = await filled();
    const [object] = readdirSync(join(world.directory, 'raw'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ecf'),
    );
    const file = join(world.directory, 'raw', object!);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length - 1)); // the last chunk is cut short
    const report = await recount();
    expect(report.differences).toMatchObject([
      { batch_id: ids.more, store: 'raw', kind: 'missing', expected: 1, found: 0 },
    ]);
    expect(report.differences[0]!.detail).toMatch(/number 1$/);
    expect(report).toMatchObject({
      unreadable_total: 1,
      unreadable: [{ reason: 'NotAChunk: the record is cut short' }],
    });
    rmSync(file);
    expect((await recount()).differences.map(({ store, kind }) => `${store} ${kind}`)).toEqual(
      Array(5).fill('raw missing'),
    );
  });

  it('a batch that the ledger has lost, in every store', async () => {
    const ids = await filled();
    await loadWarehouse({}, world);
    run('delete from batches where batch_id = ?', ids.long);
    const everywhere = [
      'invoices unknown 0 197',
      'landing unknown 0 197',
      'raw unknown 0 2',
      'rejected unknown 0 3',
      'warehouse unknown 0 197',
    ];
    expect(await found(ids)).toEqual(everywhere.map((line) => `long ${line}`));
    const { received_at } = (await world.batches.find(ids.short))!.head;
    // Invoices and the warehouse do not say when a line came.
    expect(await found(ids, { since: received_at })).toEqual(everywhere.slice(1, 4).map((line) => `long ${line}`));
  });
});

describe('a recount judges', () => {
  it('no batch that is not balanced, and names it', async () => {
    const ids = await filled();
    run("delete from batches where batch_id = ? and entry = 'chunk#00002'", ids.long);
    expect(await recount()).toMatchObject({
      judged: 3,
      unbalanced: 1,
      unbalanced_batches: [ids.long],
      differences: [],
    });
  });

  it('no batch of which the ledger heard too short a time ago', async () => {
    const ids = await filled();
    rmSync(filesBelow('landing', ids.short)[0]!);
    world.clock.pass(60);
    expect(await recount({ settleSeconds: 600 })).toMatchObject({
      judged: 0,
      young: 4,
      unbalanced: 0,
      differences: [],
    });
    world.clock.pass(600);
    expect(await recount({ settleSeconds: 600 })).toMatchObject({ judged: 4, young: 0, differences_total: 1 });
  });

  it('no batch that changes while it is at work', async () => {
    const ids = await filled();
    rmSync(filesBelow('landing', ids.short)[0]!);
    const [entry] = (await world.batches.find(ids.short))!.entries;
    const refusals: TestWorld['refusals'] = {
      ...world.refusals,
      list(dataset) {
        void world.chunks.revise({ ...entry!, revision: 1 });
        return world.refusals.list(dataset);
      },
    };
    expect(await reconcile({ id: 'r', settleSeconds: 0 }, { ...world, refusals })).toMatchObject({
      judged: 3,
      young: 1,
      differences: [],
      differences_total: 0,
    });
  });

  it('in a window what came in it, and knows what came before', async () => {
    const ids = await filled();
    world.clock.pass(10 * DAY);
    const since = world.clock.now().toISOString();
    const late = await post(world, 'transactions', sales([sale({ invoice: '9' })]));
    await through();
    rmSync(filesBelow('landing', ids.short)[0]!);
    expect(await recount({ since })).toMatchObject({ since, judged: 1, differences: [], rows: { landing: 1, raw: 1 } });
    rmSync(filesBelow('landing', late)[0]!);
    expect(await recount({ since })).toMatchObject({ differences: [{ batch_id: late }] });
    const daily = { id: 'd', settleSeconds: 0, began_at: world.clock.now().toISOString(), days: 11 };
    expect((await reconcileDaily({ ...daily, asked: {} }, world)).judged).toBe(5);
    expect((await reconcileDaily({ ...daily, days: 1, asked: {} }, world)).judged).toBe(1);
    expect((await reconcileDaily({ ...daily, asked: { since } }, world)).judged).toBe(1);
    expect((await reconcileDaily({ ...daily, days: 1, asked: { all: true } }, world)).judged).toBe(5);
  });

  it('nothing in a zone that keeps objects no longer', async () => {
    const ids = await filled();
    world.clock.pass(14 * DAY);
    for (const zone of ['raw', 'rejected']) rmSync(join(world.directory, zone), { recursive: true });
    const report = await recount({ keptDays: { raw: 14, rejected: 14, landing: 90 } });
    expect(report).toMatchObject({ judged: 4, differences: [], passed_over: { raw: 4, rejected: 4, landing: 0 } });
    expect(await found(ids, { keptDays: { raw: 16, rejected: 14 } })).toHaveLength(5);
  });

  it('nothing in the warehouse that came after it was loaded last', async () => {
    await filled();
    await loadWarehouse({}, world);
    world.clock.pass(-LONG_AGO * 10); // later than DuckDB's clock says
    await post(world, 'transactions', sales([sale({ invoice: '9' })]));
    await through();
    expect(await recount()).toMatchObject({ judged: 5, differences: [], passed_over: { warehouse: 1 } });
  });

  it('nothing of a batch of Spark in raw, where it never was', async () => {
    const ids = await filled();
    const { head } = (await world.batches.find(ids.more))!;
    const slices = [{ start: 0, end: 0, first_line: 0, rows: 2 }];
    run(
      "update batches set body = ? where batch_id = ? and entry = 'head'",
      JSON.stringify({ ...head, slices }),
      ids.more,
    );
    rmSync(join(world.directory, 'raw'), { recursive: true });
    expect((await found(ids)).filter((line) => line.startsWith('more'))).toEqual([]);
  });
});

it('a recount keeps the first thousand differences, and counts them all', async () => {
  const lines = Array.from({ length: 1001 }, (_, i) => ({
    line_id: `${i}`,
    row: {},
    chunk_id: `${String(i).padStart(32, '0')}-2-x`,
  }));
  run("insert into invoices values ('1', 0, 1, ?)", JSON.stringify(lines));
  const report = await recount();
  expect([report.differences.length, report.differences_total]).toEqual([1000, 1001]);
  const asked = { id: 'd', settleSeconds: 0, days: 1, began_at: report.began_at, asked: { all: true } } as const;
  expect((await reconcileDaily(asked, world)).differences).toHaveLength(100);
});

it('a recount that has no time left says what to do, and keeps no report', async () => {
  await filled();
  await expect(reconcile({ id: 'r', settleSeconds: 0 }, world, () => 0)).rejects.toThrow(
    'The recount of everything takes longer than it may: narrow the window with --since.',
  );
  expect(readdirSync(world.directory)).not.toContain('reports');
});

it('a recount takes no window that is no time', async () => {
  await expect(recount({ since: 'yesterday' })).rejects.toThrow('yesterday');
});
