import type { InvoicePart } from '../../../shared/domain/invoice';
import type { BatchHead, ChunkEntry } from '../../../shared/domain/ledger';
import { claim } from '../../../shared/pipeline/claim';
import type { Ports } from '../../../shared/pipeline/ports';
import { type TestWorld, testWorld } from '../../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const row = (stock_code: string) => ({ line_id: stock_code.padEnd(32, '0'), row: { invoice_no: '1', stock_code } });
const part = (invoice_no: string, number: number, version: number, ...stocks: string[]): InvoicePart => ({
  invoice_no,
  part: number,
  version,
  lines: stocks.map((stock) => ({ ...row(stock), chunk_id: 'a-chunk' })),
});

const stored = async (invoice_no: string) => (await world.invoices.read([invoice_no])).get(invoice_no);

describe('the embedded Invoices table', () => {
  it('names the second of two writers that read the same version, and keeps what the first one wrote', async () => {
    expect(await world.invoices.write([part('1', 0, 1, 'A')])).toEqual([]);
    expect(await world.invoices.write([part('1', 0, 2, 'A', 'B')])).toEqual([]);
    expect(await world.invoices.write([part('1', 0, 2, 'A', 'C')])).toEqual(['1']);
    expect(await stored('1')).toEqual([part('1', 0, 2, 'A', 'B')]);
  });

  it('names the second of two writers of a new invoice', async () => {
    expect(await world.invoices.write([part('1', 0, 1, 'A')])).toEqual([]);
    expect(await world.invoices.write([part('1', 0, 1, 'B')])).toEqual(['1']);
    expect(await stored('1')).toEqual([part('1', 0, 1, 'A')]);
  });

  it('does not take a version whose predecessor was never written', async () => {
    expect(await world.invoices.write([part('1', 0, 2, 'A')])).toEqual(['1']);
    await world.invoices.write([part('1', 0, 1, 'A')]);
    expect(await world.invoices.write([part('1', 0, 3, 'B')])).toEqual(['1']);
    expect(await stored('1')).toEqual([part('1', 0, 1, 'A')]);
  });

  it('ends an invoice at its first conflict, what came before it written, and goes on with the others', async () => {
    await world.invoices.write([part('1', 0, 1, 'A'), part('1', 1, 1, 'X')]);
    const conflicts = await world.invoices.write([
      part('1', 0, 2, 'A', 'B'),
      part('2', 0, 1, 'K'),
      part('1', 1, 1, 'C'),
      part('1', 2, 1, 'D'),
      part('2', 1, 1, 'L'),
    ]);
    expect(conflicts).toEqual(['1']);
    expect(await stored('1')).toEqual([part('1', 0, 2, 'A', 'B'), part('1', 1, 1, 'X')]);
    expect(await stored('2')).toEqual([part('2', 0, 1, 'K'), part('2', 1, 1, 'L')]);
  });

  it('reads parts by number and not by the order of writing, and knows none of an unknown invoice', async () => {
    const parts = Array.from({ length: 12 }, (_, i) => part('1', i, 1, `S${i}`));
    await world.invoices.write([...parts].reverse());
    expect(await world.invoices.read(['1', '2'])).toEqual(
      new Map([
        ['1', parts],
        ['2', []],
      ]),
    );
  });

  it('loses nothing to a chunk that claims between the read and the write of another', async () => {
    await world.invoices.write([part('1', 0, 1, 'A')]);
    const claimOf = (chunk: string, stocks: string[], invoices: Ports['invoices']) =>
      claim(chunk, stocks.map(row), () => '1', invoices);
    let between: ReturnType<typeof claim> | undefined;
    const slow: Ports['invoices'] = {
      read: (invoice_nos) => world.invoices.read(invoice_nos),
      async write(parts) {
        between ??= claimOf('fast', ['B', 'C'], world.invoices);
        await between;
        return world.invoices.write(parts);
      },
    };
    expect(await claimOf('slow', ['C', 'D'], slow)).toEqual({ claimed: [row('D')], duplicates: 1, opening: new Set() });
    expect(await between).toEqual({ claimed: [row('B'), row('C')], duplicates: 0, opening: new Set() });
    expect((await stored('1'))!.flatMap(({ lines }) => lines.map(({ row: { stock_code } }) => stock_code))).toEqual([
      'A',
      'B',
      'C',
      'D',
    ]);
  });
});

describe('the embedded Customers table', () => {
  const entry = (invoice_no: string, customer_id = '17850') => ({
    customer_id,
    invoice_no,
    invoice_date: '2010-12-01T08:26:00Z',
    country: 'France',
  });

  it('has an invoice of a customer once however often it is put, and pages by number', async () => {
    await world.customers.put([entry('3'), entry('1'), entry('2', '13047'), entry('1')]);
    await world.customers.put([entry('2'), entry('3')]);
    expect(await world.customers.invoices('17850', { limit: 2 })).toEqual([entry('1'), entry('2')]);
    expect(await world.customers.invoices('17850', { limit: 2, after: '2' })).toEqual([entry('3')]);
    expect(await world.customers.invoices('1', { limit: 2 })).toEqual([]);
  });
});

describe('the embedded ledger', () => {
  const head: BatchHead = {
    batch_id: 'a'.repeat(32),
    dataset: 'transactions',
    contract_version: 1,
    format: 'csv',
    columns: ['invoice_no'],
    received: 1,
    slices: [{ start: 0, end: 1, first_line: 2, rows: 1 }],
    received_at: '2026-03-01T12:00:00.000Z',
    sent_by: 'test',
  };
  const entry: ChunkEntry = {
    batch_id: head.batch_id,
    number: 1,
    chunk_id: 'a-chunk',
    revision: 0,
    kept: 1,
    duplicate: 0,
    rejected: {},
    cleaned_at: '2026-03-01T12:00:01.000Z',
  };

  it('keeps the first head of a batch and when it was first accepted', async () => {
    expect(await world.batches.open(head)).toEqual(head);
    await world.batches.accept(head.batch_id, '2026-03-01T12:00:02.000Z');
    await world.batches.accept(head.batch_id, '2026-03-02T12:00:02.000Z');
    const accepted = { ...head, accepted_at: '2026-03-01T12:00:02.000Z' };
    expect(await world.batches.open({ ...head, received_at: '2026-03-02T12:00:00.000Z' })).toEqual(accepted);
    expect((await world.batches.find(head.batch_id))!.head).toEqual(accepted);
  });

  it('keeps the first entry of a chunk, and has entries by number', async () => {
    await world.batches.open(head);
    for (const number of [11, 2]) await world.chunks.record({ ...entry, number });
    expect(await world.chunks.record(entry)).toBe(entry); // the very one: it was written
    expect(await world.chunks.record(entry)).not.toBe(entry);
    expect(await world.chunks.record({ ...entry, kept: 0, duplicate: 1 })).toEqual(entry);
    expect(await world.chunks.find(head.batch_id, 1)).toEqual(entry);
    expect((await world.batches.find(head.batch_id))!.entries.map(({ number }) => number)).toEqual([1, 2, 11]);
  });

  it('knows nothing of a batch without a head', async () => {
    await world.chunks.record(entry);
    expect(await world.batches.find(head.batch_id)).toBeUndefined();
    expect(await world.chunks.find(head.batch_id, 2)).toBeUndefined();
  });
});
