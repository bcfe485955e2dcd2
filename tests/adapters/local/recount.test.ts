import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../../shared/adapters/local/database';
import type { InvoicePart } from '../../../shared/domain/invoice';
import { rejectedKey } from '../../../shared/domain/lake';
import { loadWarehouse } from '../../../shared/pipeline/warehouse';
import { click, clicks, sale, sales } from '../../support/rows';
import { drain, post, type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the ledger from end to end', () => {
  test('has every batch once, those that came at a time or later, and no file', async () => {
    const file = { hash: 'f'.repeat(64), part: 1, parts: 2 };
    const first = await post(world, 'transactions', sales([sale()]), file);
    world.clock.pass(60);
    const since = world.clock.now().toISOString();
    const second = await post(world, 'events', clicks([click()]));
    await drain(world);
    const batches = await all(world.history.batches());
    expect(batches.map(({ head }) => head.batch_id).sort()).toEqual([first, second].sort());
    for (const batch of batches) expect(batch).toEqual(await world.batches.find(batch.head.batch_id));
    expect((await all(world.history.batches(since))).map(({ head }) => head.batch_id)).toEqual([second]);
  });

  test('goes on behind each page', async () => {
    const body = JSON.stringify({ received_at: '2026-03-01T12:00:00.000Z', slices: [] });
    for (let i = 0; i < 1001; i++)
      (world.inspect() as Database).run("insert into batches values (?, 'head', ?)", `${i}`, body);
    expect(await all(world.history.batches())).toHaveLength(1001);
  });
});

describe('the invoices from end to end', () => {
  test('have the parts of each behind each other, page by page', async () => {
    const part = (invoice: number, n: number): InvoicePart => ({
      invoice_no: `${invoice}`,
      part: n,
      version: 1,
      lines: [],
    });
    for (let i = 0; i < 400; i++) await world.invoices.write([0, 1, 2].map((n) => part(i, n)));
    const found = await all(world.lines.all());
    expect(found).toHaveLength(1200);
    for (let at = 0; at < found.length; at += 3) {
      const [one] = found.slice(at, at + 3);
      expect(found.slice(at, at + 3)).toEqual([0, 1, 2].map((n) => part(Number(one!.invoice_no), n)));
    }
  });
});

describe('the refused rows of all chunks', () => {
  test('are an object a chunk, those that came on a day or later', async () => {
    expect(await all(world.refusals.list('events'))).toEqual([]);
    const batch_id = await post(world, 'events', clicks([click({ type: 'jump' })]));
    await post(world, 'transactions', sales([sale({ quantity: '0' })]));
    await drain(world);
    const { head, entries } = (await world.batches.find(batch_id))!;
    const { chunk_id } = entries[0]!;
    const folder = join(world.directory, 'rejected/events/dt=2026-03-01');
    writeFileSync(join(folder, `.${chunk_id}.ndjson.gz.7.tmp`), ''); // being written
    mkdirSync(join(world.directory, 'rejected/events/notes'));
    const object = { key: rejectedKey(head, chunk_id), chunk_id };
    expect(await all(world.refusals.list('events', '2026-03-01'))).toEqual([object]);
    expect(await all(world.refusals.list('events', '2026-03-02'))).toEqual([]);
    expect(await world.refusals.read(object.key)).toEqual(await world.rejects.read(head, chunk_id));
    rmSync(join(folder, `${chunk_id}.ndjson.gz`));
    expect(await world.refusals.read(object.key)).toEqual([]);
  });
});

describe('what the warehouse has', () => {
  test('is nothing that could be told where there is none', async () => {
    expect(await world.recount.byBatch('events', '2000')).toBeUndefined();
  });

  test('is counted by batch, with the time of the last load', async () => {
    const one = await post(world, 'events', clicks([click({ second: 1 }), click({ second: 2 })]));
    await drain(world);
    const two = await post(world, 'events', clicks([click({ second: 2 }), click({ second: 3 })]));
    await drain(world);
    await loadWarehouse({}, world);
    const { loaded_at, batches, ...counts } = (await world.recount.byBatch('events', '2000'))!;
    expect(counts).toEqual({ rows: 3, distinct: 3 });
    expect([...batches.values()].map(({ rows }) => rows).sort()).toEqual([1, 2]);
    expect([...batches.keys()].sort()).toEqual([one, two].sort());
    expect(loaded_at).toMatch(/^20\d\d-\d\d-\d\dT/);
    expect(await world.recount.byBatch('transactions', '2000')).toEqual({
      rows: 0,
      distinct: 0,
      loaded_at: undefined,
      batches: new Map(),
    });
    await world.recount.keep('events', '2000', { rows: 9, distinct: 9, loaded_at, batches });
    expect((await world.recount.byBatch('events', '2000'))!.rows).toBe(3);
  });
});
