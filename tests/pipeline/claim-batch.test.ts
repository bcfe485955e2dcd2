import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { simulate } from '../../cli/simulator';
import { readBody } from '../../shared/domain/body';
import { type BulkChunk, readManifest } from '../../shared/domain/bulk';
import { datasets } from '../../shared/domain/dataset';
import { bodyOf } from '../../shared/domain/file';
import { landingKey, manifestKey } from '../../shared/domain/lake';
import { balanceOf } from '../../shared/domain/ledger';
import type { KeptRow } from '../../shared/domain/outcome';
import { toParquet } from '../../shared/domain/parquet';
import { readLanded } from '../../shared/domain/parquet-reader';
import { claimBatch, giveUp } from '../../shared/pipeline/claim-batch';
import { fakeSpark, put, take } from '../support/inbox';
import { drain, post, type TestWorld, testWorld } from '../support/world';

const BATCH = 'b'.repeat(32);
const RECEIVED_AT = '2026-03-01T10:00:00.000Z';
const LINES = [...simulate({ dataset: 'transactions', rows: 300, seed: 9 })].join('').trim().split('\n');
const [HEADER, ...ALL] = LINES as [string, ...string[]];
const ROWS = ALL.slice(0, 300);
const transactions = datasets.get('transactions')!;
const SHIFT = { holder: 'h', timeLeft: () => 900_000 };

/** What the contract keeps of rows, each identity once. */
function kept(rows: readonly string[]): KeptRow[] {
  const body = readBody(bodyOf({ text: `${HEADER}\n${rows[0]}` }, 'csv'), transactions);
  const clean = transactions.cleaner('csv', body.columns);
  const found = new Map<string, KeptRow>();
  for (const row of rows) {
    const verdict = clean(row);
    if (verdict.kind === 'kept') found.set(verdict.line_id, { line_id: verdict.line_id, row: verdict.row });
  }
  return [...found.values()];
}

const refOf = (number: number) => ({
  dataset: 'transactions',
  batch_id: BATCH,
  received_at: RECEIVED_AT,
  chunk_id: `${BATCH}-s${String(number).padStart(5, '0')}`,
});

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

/** Leaves in the lake what Spark would: landing, and the manifest last. */
async function spark(chunks: readonly (readonly string[])[], also: object = {}): Promise<void> {
  const counted: BulkChunk[] = [];
  for (const [i, rows] of chunks.entries()) {
    const number = i + 1;
    const own = kept(rows);
    await world.lake.put(landingKey(refOf(number)), toParquet(transactions, BATCH, own));
    const { chunk_id } = refOf(number);
    counted.push({
      number,
      chunk_id,
      rows: rows.length + 2,
      kept: own.length,
      duplicate: rows.length - own.length,
      rejected: { missing: 2 },
    });
  }
  const manifest = {
    batch_id: BATCH,
    dataset: 'transactions',
    contract_version: 1,
    key: 'inbox/transactions/large.csv',
    version: 'v1',
    sent_by: 'test',
    received_at: RECEIVED_AT,
    format: 'csv',
    columns: ['invoice_no'],
    received: counted.reduce((sum, { rows }) => sum + rows, 0),
    chunks: counted,
    ...also,
  };
  await world.lake.put(manifestKey(manifest), JSON.stringify(manifest));
}

const batch = { dataset: 'transactions', batch_id: BATCH };
const balance = async () => balanceOf((await world.batches.find(BATCH))!);
async function landed(number: number): Promise<string[]> {
  const bytes = (await world.lake.get(landingKey(refOf(number))))!;
  const ids: string[] = [];
  for await (const rows of readLanded(new Uint8Array(bytes).buffer, transactions))
    ids.push(...rows.map(({ line_id }) => line_id));
  return ids;
}

/** Sums of what was measured of rows. */
const measured = async () =>
  Object.fromEntries(
    (await world.telemetry.read())!
      .filter(({ meter }) => meter.startsWith('Rows'))
      .map(({ meter, sum }): [string, number] => [meter, sum]),
  );

describe('a batch that Spark has cleaned', () => {
  it('is no batch before Spark says so', async () => {
    expect(await claimBatch(batch, world, SHIFT)).toEqual({ kind: 'absent' });
    expect(await world.batches.find(BATCH)).toBeUndefined();
  });

  it('gets its rows into the invoices and to the customers, and balances', async () => {
    await spark([ROWS.slice(0, 200), ROWS.slice(200)]);
    expect(await claimBatch(batch, world, SHIFT)).toEqual({ kind: 'done' });
    expect(await balance()).toMatchObject({
      status: 'complete',
      received: 304,
      rejected: { missing: 4 },
      balanced: true,
    });
    for (const { line_id, row } of kept(ROWS)) {
      const [part] = (await world.invoices.read([String(row.invoice_no)])).get(String(row.invoice_no))!;
      expect(part!.lines.map((line) => line.line_id)).toContain(line_id);
    }
    const customer = kept(ROWS).find(({ row }) => row.customer_id !== 'Unknown')!.row;
    expect(await world.customers.invoices(String(customer.customer_id), { limit: 100 })).not.toEqual([]);
  });

  it('has rows of earlier batches moved from kept to duplicate and out of landing; the sum stays', async () => {
    await post(world, 'transactions', `${HEADER}\n${ROWS.slice(0, 120).join('\n')}`);
    await drain(world);
    await spark([ROWS.slice(0, 200), ROWS.slice(200)]);
    await claimBatch(batch, world, SHIFT);

    const before = new Set(kept(ROWS.slice(0, 120)).map(({ line_id }) => line_id));
    const first = kept(ROWS.slice(0, 200)).filter(({ line_id }) => !before.has(line_id));
    const { entries } = (await world.batches.find(BATCH))!;
    expect(entries).toMatchObject([
      { number: 1, revision: 1, kept: first.length, duplicate: 200 - first.length, rejected: { missing: 2 } },
      { number: 2, revision: 1 },
    ]);
    expect(await balance()).toMatchObject({ received: 304, balanced: true });
    expect(await landed(1)).toEqual(first.map(({ line_id }) => line_id));
    expect((await landed(2)).length).toBe(entries[1]!.kept);
  });

  it('is provisional until its last chunk is claimed, and gone on with by another invocation', async () => {
    await spark([ROWS.slice(0, 200), ROWS.slice(200)]);
    let left = 2;
    const short = { holder: 'h', timeLeft: () => (--left > 0 ? 900_000 : 0) };
    expect(await claimBatch(batch, world, short)).toEqual({ kind: 'continued' });
    expect(await balance()).toMatchObject({ status: 'provisional', pending: 0, balanced: false });
    expect(world.later.due()).toEqual([batch]);
    expect(await claimBatch(batch, world, SHIFT)).toEqual({ kind: 'done' });
    expect((await world.batches.find(BATCH))!.entries.map(({ revision }) => revision)).toEqual([1, 1]);
  });

  it('is measured as the ledger has it, once, its rows kept when they are claimed', async () => {
    await spark([ROWS.slice(0, 200), ROWS.slice(200)]);
    let left = 1;
    await claimBatch(batch, world, { holder: 'h', timeLeft: () => (--left > 0 ? 900_000 : 0) });
    const own = kept(ROWS.slice(0, 200)).length + kept(ROWS.slice(200)).length;
    const provisional = { RowsReceived: 304, RowsKept: 0, RowsDuplicate: 300 - own, RowsRejected: 4 };
    expect(await measured()).toEqual(provisional);
    await claimBatch(batch, world, SHIFT);
    await claimBatch(batch, world, SHIFT);
    const { kept: claimed, duplicate } = await balance();
    expect(await measured()).toEqual({ ...provisional, RowsKept: claimed, RowsDuplicate: duplicate });
    expect(claimed + duplicate).toBe(300);
  });

  it('comes to the same, whichever write it is killed behind', async () => {
    const through = async () => {
      await post(world, 'transactions', `${HEADER}\n${ROWS.slice(0, 120).join('\n')}`);
      await drain(world);
      await spark([ROWS.slice(0, 200), ROWS.slice(200)]);
    };
    await through();
    await claimBatch(batch, world, SHIFT);
    const whole = { balance: await balance(), landed: [await landed(1), await landed(2)] };
    const once = await measured();

    for (let deadly = 1; deadly < 30; deadly++) {
      world.remove();
      world = testWorld();
      await through();
      let writes = 0;
      const mortal = <T extends object>(port: T): T =>
        new Proxy(port, {
          get:
            (target, name) =>
            (...args: unknown[]) => {
              const result = (target as Record<string | symbol, (...args: unknown[]) => unknown>)[name]!(...args);
              const isWrite = ['open', 'record', 'revise', 'write', 'put', 'replace', 'note'].includes(String(name));
              if (!isWrite || ++writes !== deadly) return result;
              return Promise.resolve(result).then(() => {
                throw new Error('killed');
              });
            },
        });
      const dying = {
        ...world,
        batches: mortal(world.batches),
        chunks: mortal(world.chunks),
        customers: mortal(world.customers),
        invoices: mortal(world.invoices),
        bulkOutput: mortal(world.bulkOutput),
      };
      const died = await claimBatch(batch, dying, SHIFT).then(
        () => false,
        () => true,
      );
      await claimBatch(batch, world, SHIFT);
      expect({ balance: await balance(), landed: [await landed(1), await landed(2)] }).toEqual(whole);
      for (const [meter, sum] of Object.entries(await measured())) expect(sum).toBeLessThanOrEqual(once[meter]!);
      if (!died) return expect(deadly).toBeGreaterThan(8);
    }
    throw new Error('there were more writes than thought');
  });

  it('counts a row once, however it meets the stream', async () => {
    await spark([ROWS.slice(0, 200)]);
    const text = `${HEADER}\n${ROWS.slice(100).join('\n')}`;
    await post(world, 'transactions', text);
    await Promise.all([claimBatch(batch, world, SHIFT), drain(world)]);
    const { kept: bulk } = await balance();
    const streamed = world
      .inspect()
      .all<{ body: string }>("select body from batches where entry like 'chunk#%' and batch_id <> ?", BATCH);
    const other = streamed.reduce((sum, { body }) => sum + (JSON.parse(body) as { kept: number }).kept, 0);
    expect(bulk + other).toBe(kept(ROWS).length);
  });

  it.each([{ batch_id: 'c'.repeat(32) }, { dataset: 'events' }])(
    'is a fault with the manifest of %o',
    async (other) => {
      await spark([ROWS.slice(0, 200)]);
      const text = (await world.lake.get(manifestKey(batch)))!.toString();
      await world.lake.put(manifestKey(batch), JSON.stringify({ ...JSON.parse(text), ...other }));
      await expect(claimBatch(batch, world, SHIFT)).rejects.toThrow('it is that of');
    },
  );

  it('is a fault, and no batch of duplicates, when its landing is gone', async () => {
    await spark([ROWS.slice(0, 200)]);
    await world.lake.put(landingKey({ ...refOf(1), chunk_id: 'else' }), '');
    const without = {
      ...world,
      bulkOutput: {
        ...world.bulkOutput,
        manifest: world.bulkOutput.manifest,
        read: () => world.bulkOutput.read({ ...refOf(1), chunk_id: 'gone' }),
      },
    };
    await expect(claimBatch(batch, without, SHIFT)).rejects.toThrow('is not there');
    expect(await balance()).toMatchObject({ status: 'provisional' });
  });
});

describe('the file of such a batch', () => {
  const large = async () => {
    const file = put(world, 'transactions/large.csv', LINES.join('\n'));
    await take(world, file, { bulk: fakeSpark(10) });
    return file;
  };

  it('is done with it', async () => {
    const { key, version } = await large();
    await spark([ROWS], { key, version });
    await claimBatch(batch, world, SHIFT);
    expect(await world.arrivals.of(key)).toMatchObject([{ state: 'done', batch_id: BATCH, engine: 'spark' }]);
    expect((await world.batches.find(BATCH))!.head.origin).toEqual({ key, version });
  });

  it('is kept with the reason when Spark refuses it', async () => {
    const { key, version } = await large();
    await spark([], { key, version, refused: { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.', offset: 7 } });
    expect(await claimBatch(batch, world, SHIFT)).toEqual({ kind: 'refused' });
    const { state, refusal, kept_as } = (await world.arrivals.of(key))[0]!;
    expect({ state, refusal }).toEqual({
      state: 'refused',
      refusal: { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.', facts: { offset: 7 } },
    });
    expect(readFileSync(join(world.directory, kept_as!), 'utf8')).toBe(LINES.join('\n'));
    expect(await world.batches.find(BATCH)).toBeUndefined();
  });

  it('is refused with nothing kept when it went meanwhile, and is no work for ever', async () => {
    const { key, version } = await large();
    await spark([], { key, version, refused: { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.' } });
    rmSync(join(world.directory, key));
    await claimBatch(batch, world, SHIFT);
    const [arrival] = await world.arrivals.of(key);
    expect(arrival).toMatchObject({ state: 'refused', refusal: { code: 'not_in_charset' } });
    expect(arrival!.kept_as).toBeUndefined();
    expect(await world.backlog.unfinished()).toEqual([]);
  });

  it.each([
    ['done', {}],
    ['refused', { refused: { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.' } }],
  ])('is %s together with those of the same content under other keys', async (state, also) => {
    const bulk = fakeSpark(10);
    const [one, two] = ['one', 'two'].map((name) => put(world, `transactions/${name}.csv`, LINES.join('\n')));
    const other = put(world, 'transactions/other.csv', `${LINES.join('\n')}\n`);
    for (const file of [one!, two!, other]) await take(world, file, { bulk });
    const { batch_id } = bulk.jobs[0]!;
    await spark([], { ...one!, batch_id, ...also });
    await claimBatch({ ...batch, batch_id }, world, SHIFT);
    expect(await world.arrivals.of(one!.key)).toMatchObject([{ state }]);
    expect(await world.arrivals.of(two!.key)).toMatchObject([{ state }]);
    expect(await world.backlog.unfinished()).toMatchObject([{ key: other.key, state: 'running' }]);
  });

  it('is refused at once when Spark refused the same content before', async () => {
    const bulk = fakeSpark(10);
    const text = LINES.join('\n');
    const first = await take(world, put(world, 'transactions/large.csv', text), { bulk });
    const { batch_id, key, version } = (first as { arrival: { batch_id: string; key: string; version: string } })
      .arrival;
    const refused = { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.' };
    await spark([], { batch_id, key, version, refused });
    await claimBatch({ dataset: 'transactions', batch_id }, world, SHIFT);
    const again = await take(world, put(world, 'transactions/again.csv', text), { bulk });
    expect(again).toMatchObject({ kind: 'refused', arrival: { refusal: { code: 'not_in_charset' } } });
    expect(bulk.jobs).toHaveLength(1);
  });

  it('says where it breaks off', async () => {
    const { key, version } = await large();
    await spark([ROWS], { key, version, broken: { code: 'broken_compression', detail: 'It ends too soon.' } });
    await claimBatch(batch, world, SHIFT);
    expect(await world.arrivals.of(key)).toMatchObject([{ state: 'done', broken: { detail: 'It ends too soon.' } }]);
  });

  it('has failed when Spark gave up, and is tried again when it is put again', async () => {
    const { key } = await large();
    await giveUp({ run_id: 'another', reason: 'no' }, world);
    expect(await world.arrivals.of(key)).toMatchObject([{ state: 'running' }]);
    await giveUp({ run_id: 'run-1', reason: 'FAILED: out of memory' }, world);
    expect(await world.arrivals.of(key)).toMatchObject([
      { state: 'failed', refusal: { detail: expect.stringContaining('out of memory') } },
    ]);
    expect(
      await take(world, put(world, 'transactions/large.csv', LINES.join('\n')), { bulk: fakeSpark(10) }),
    ).toMatchObject({ kind: 'running' });
  });
});

describe('a manifest', () => {
  it.each([
    ['no JSON', 'nothing'],
    [
      'a chunk that does not add up',
      '{"batch_id":"b","received":3,"chunks":[{"number":1,"rows":3,"kept":1,"duplicate":1,"rejected":{}}]}',
    ],
    [
      'chunks that are not all there',
      '{"batch_id":"b","received":2,"chunks":[{"number":2,"rows":2,"kept":1,"duplicate":1,"rejected":{}}]}',
    ],
    [
      'rows that are in no chunk',
      '{"batch_id":"b","received":3,"chunks":[{"number":1,"rows":2,"kept":1,"duplicate":1,"rejected":{}}]}',
    ],
    ['a problem that there is not', '{"batch_id":"b","refused":{"code":"nothing","detail":"x"}}'],
  ])('is none with %s', (_, text) => {
    expect(() => readManifest(text)).toThrow(expect.objectContaining({ name: 'NotAManifest' }));
  });
});
