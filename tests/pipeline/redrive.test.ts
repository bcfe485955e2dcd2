import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimedEntry, entryOfChunk, headOfManifest } from '../../shared/domain/bulk';
import { datasets } from '../../shared/domain/dataset';
import { attemptKey } from '../../shared/domain/lake';
import { balanceOf } from '../../shared/domain/ledger';
import { claimantOf } from '../../shared/domain/redrive';
import { type Ports, Unavailable } from '../../shared/pipeline/ports';
import { fulfil, redriveAll, redriveBatch } from '../../shared/pipeline/redrive';
import {
  asWasBuilt,
  changeContract,
  expectConserved,
  filesBelow,
  listed,
  snapshot,
  storedLines,
  withoutRules,
} from '../support/redrive';
import { click, clicks, longText, sale, sales } from '../support/rows';
import { chunksIn, drain, findings, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => {
  asWasBuilt();
  world.remove();
});

const BY = { by: 'somebody' };
const entriesOf = async (id: string) => (await world.batches.find(id))!.entries;
const balance = async (id: string) => balanceOf((await world.batches.find(id))!);
const refusedOf = async (id: string) => {
  const { head, entries } = (await world.batches.find(id))!;
  return (await Promise.all(entries.map(({ chunk_id }) => world.rejects.read(head, chunk_id)))).flat();
};

/** Rows of which the contract refuses three: two for their quantity, one cancellation. */
const ROWS = [
  sale(),
  sale({ stock: 'B', quantity: '0' }),
  sale({ invoice: 'C2' }),
  sale({ invoice: '3', stock: 'C', quantity: '-1', customer: '13047' }),
];

/** Rows of two chunks, of which every twentieth is refused. */
const LONG = Array.from({ length: 200 }, (_, i) =>
  sale({ stock: `S${i}`, description: longText('x'), quantity: i % 20 === 9 ? '0' : '1' }),
);

async function cleaned(rows: readonly string[], dataset = 'transactions'): Promise<string> {
  const id = await post(world, dataset, (dataset === 'events' ? clicks : sales)(rows));
  await drain(world);
  return id;
}

describe('a batch whose rule was fixed', () => {
  it('has its refused rows through as a revision: the sum stays, and every store has them', async () => {
    const id = await cleaned(ROWS);
    const before = await balance(id);
    world.clock.pass(86_400);
    withoutRules('transactions', 'non_positive_quantity');

    expect(await redriveBatch(id, BY, world)).toEqual({
      batch_id: id,
      dataset: 'transactions',
      tried: 3,
      kept: 2,
      duplicate: 0,
      rejected: { cancellation: 1 },
      left: 0,
    });
    expect(before).toMatchObject({ kept: 1, rejected: { cancellation: 1, non_positive_quantity: 2 } });
    expect(await balance(id)).toMatchObject({ kept: 3, duplicate: 0, rejected: { cancellation: 1 }, balanced: true });
    const [entry] = await entriesOf(id);
    expect(entry).toMatchObject({ revision: 1, cleaned_at: '2026-03-02T12:00:00.000Z' });
    const says = { invoice_no: 'C2', quantity: 1, invoice_date: '2010-12-01T08:26:00Z', unit_price: '2.55' };
    expect(await refusedOf(id)).toMatchObject([{ line: 4, reason: 'cancellation', text: ROWS[2], cleaned: says }]);
    expect(storedLines(world).map(({ chunk_id }) => chunk_id)).toEqual([
      entry!.chunk_id,
      claimantOf({ ...entry!, revision: 1 }),
      claimantOf({ ...entry!, revision: 1 }),
    ]);
    expect(filesBelow(world, 'landing')).toEqual([
      `landing/transactions/dt=2026-03-01/${entry!.chunk_id}.parquet`,
      `landing/transactions/dt=2026-03-02/${entry!.chunk_id}-r1.parquet`,
    ]);
    expect(await world.customers.invoices('13047', { limit: 9 })).toMatchObject([{ invoice_no: '3' }]);
    expect((await findings(world, [id])).landed).toHaveLength(3);
    await expectConserved(world, [id]);
  });

  it('is left as it is by a second run, but that people are to be told of it', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    await redriveBatch(id, BY, world);
    const after = snapshot(world, ['watch']);
    world.clock.pass(60);
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 1, kept: 0, rejected: { cancellation: 1 } });
    expect(snapshot(world, ['watch'])).toEqual(after);
  });

  it('is measured by the rows that went through, and logged with its chunk; a dry run is not', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    await redriveBatch(id, { ...BY, dryRun: true }, world);
    await redriveBatch(id, BY, world);
    const meters = (await world.telemetry.read())!.filter(({ meter }) => meter === 'RowsRedriven');
    expect(meters).toMatchObject([{ dataset: 'transactions', count: 1, sum: 2 }]);
    const lines = readFileSync(join(world.directory, 'log.ndjson'), 'utf8').trim().split('\n');
    const own = lines.map((line) => JSON.parse(line)).filter(({ message }) => message === 'a chunk is redriven');
    const { chunk_id } = (await entriesOf(id))[0]!;
    expect(own).toMatchObject([{ batch_id: id, chunk_id, revision: 1, kept: 2, duplicate: 0 }]);
  });

  it('is untold again', async () => {
    const id = await cleaned(ROWS);
    const untold = async () => (await listed(world.watch.untold())).map(({ batch_id }) => batch_id);
    for await (const one of world.watch.untold()) await world.watch.tell(one, { ...(await balance(id)), at: 'now' });
    expect(await untold()).toEqual([]);
    withoutRules('transactions', 'cancellation');
    await redriveBatch(id, BY, world);
    expect(await untold()).toEqual([id]);
  });

  it('leaves an object without rows when all go through, and no reason in the ledger', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    await redriveBatch(id, BY, world);
    expect((await entriesOf(id))[0]!.rejected).toEqual({});
    expect(await refusedOf(id)).toEqual([]);
    await expectConserved(world, [id]);
  });

  it('is not changed by rows that are refused again for the same', async () => {
    const id = await cleaned(ROWS);
    const before = snapshot(world);
    expect(await redriveBatch(id, BY, world)).toMatchObject({
      tried: 3,
      kept: 0,
      rejected: { cancellation: 1, non_positive_quantity: 2 },
    });
    expect(snapshot(world)).toEqual(before);
  });

  it('has rows under the reason of today when another rule refuses them now', async () => {
    const id = await cleaned([sale({ quantity: '0', price: '0' }), sale({ stock: 'B' })]);
    withoutRules('transactions', 'non_positive_quantity');
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 1, rejected: { non_positive_price: 1 } });
    expect((await entriesOf(id))[0]).toMatchObject({ revision: 1, kept: 1, rejected: { non_positive_price: 1 } });
    expect(await refusedOf(id)).toMatchObject([{ reason: 'non_positive_price', field: 'unit_price' }]);
  });

  it('has only rows of the reason tried that was asked for', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    expect(await redriveBatch(id, { ...BY, reason: 'cancellation' }, world)).toMatchObject({
      tried: 1,
      kept: 1,
      left: 2,
    });
    expect((await entriesOf(id))[0]!.rejected).toEqual({ non_positive_quantity: 2 });
    await expectConserved(world, [id]);
    await redriveBatch(id, BY, world);
    expect((await entriesOf(id))[0]).toMatchObject({ revision: 2, kept: 4, rejected: {} });
    await expectConserved(world, [id]);
  });

  it('counts rows as duplicates that are in its own chunk, in another batch, or twice among themselves', async () => {
    const other = await cleaned([sale({ invoice: '9', stock: 'Z' })]);
    const { contract } = datasets.get('transactions')!;
    const strict = {
      ...contract,
      reject: [{ reason: 'lower_case', column: 'country', matches: '^united' }, ...contract.reject],
    };
    changeContract('transactions', strict);
    const id = await cleaned([
      sale({ stock: 'B', country: 'Spain' }),
      sale({ country: 'united kingdom', invoice: '7' }),
      sale({ country: 'united kingdom', invoice: '7' }),
      sale({ country: 'united kingdom', invoice: '8' }),
    ]);
    const corrections = new Map([
      [
        (await entriesOf(id))[0]!.chunk_id,
        new Map([
          [3, sale({ stock: 'B', country: 'Spain' })],
          [4, sale({ invoice: '9', stock: 'Z' })],
        ]),
      ],
    ]);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toMatchObject({
      tried: 2,
      kept: 0,
      duplicate: 2,
      left: 1,
    });
    await expectConserved(world, [id, other]);
  });

  it('counts a row once that stands twice among the refused ones', async () => {
    const id = await cleaned([sale({ quantity: '0' }), sale({ quantity: '0' }), sale({ invoice: 'C2' })]);
    withoutRules('transactions', 'non_positive_quantity');
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 3, kept: 1, duplicate: 1 });
    await expectConserved(world, [id]);
  });

  it('goes the same way where no table claims', async () => {
    const id = await cleaned([click(), click({ second: 1, price: '-1' }), click({ second: 1, price: '-1' })], 'events');
    withoutRules('events', 'negative_price');
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 2, kept: 1, duplicate: 1, rejected: {} });
    expect(await balance(id)).toMatchObject({ kept: 2, duplicate: 1, balanced: true });
    expect((await findings(world, [id])).landed).toHaveLength(2);
    await expectConserved(world, [id]);
  });

  it('goes the same way in chunks, and when the contract has got a column', async () => {
    const id = await cleaned(LONG);
    expect(await entriesOf(id)).toHaveLength(2);
    const { contract } = datasets.get('transactions')!;
    const channel = { name: 'channel', type: 'string', from: [], nullable: true, maxLength: 20, description: 'where' };
    const reject = contract.reject.filter(({ reason }) => reason !== 'non_positive_quantity');
    changeContract('transactions', { ...contract, version: 2, columns: [...contract.columns, channel], reject });
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 10, kept: 10 });
    expect(await balance(id)).toMatchObject({ kept: 200, balanced: true });
    expect(
      (await world.attempts.find({ ...(await entriesOf(id))[0]!, dataset: 'transactions' }, 1))!.contract_version,
    ).toBe(2);
    await expectConserved(world, [id]);
  });
});

describe('a batch that Spark cleaned', () => {
  it('is redriven behind the revision that its claim made, and corrected', async () => {
    const chunk_id = `${'a'.repeat(32)}-s00001`;
    const columns = datasets.get('transactions')!.contract.columns.map(({ name }) => name);
    const manifest = {
      batch_id: 'a'.repeat(32),
      dataset: 'transactions',
      contract_version: 1,
      key: 'inbox/transactions/large.csv',
      version: 'v1',
      sent_by: 'test',
      received_at: '2026-03-01T10:00:00.000Z',
      format: 'csv' as const,
      columns,
      received: 3,
      chunks: [{ number: 1, chunk_id, rows: 3, kept: 1, duplicate: 0, rejected: { non_positive_quantity: 2 } }],
    };
    const { batch_id: id } = manifest;
    await world.batches.open(headOfManifest(manifest, '2026-03-01T11:00:00.000Z'));
    const first = entryOfChunk(id, manifest.chunks[0]!, true, '2026-03-01T11:00:00.000Z');
    await world.chunks.record(first);
    await world.chunks.revise(claimedEntry(first, 0, '2026-03-01T11:30:00.000Z'));
    const refused = ['B', 'C'].map((stock, i) => ({
      line: 7 + i,
      reason: 'non_positive_quantity',
      field: 'quantity',
      text: sale({ stock, quantity: '0' }),
    }));
    await world.rejects.put({ ...manifest, chunk_id }, refused);

    const corrections = new Map([[chunk_id, new Map([[7, sale({ stock: 'B' })]])]]);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toMatchObject({ tried: 1, kept: 1, left: 1 });
    withoutRules('transactions', 'non_positive_quantity');
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 1, kept: 1, left: 0 });
    expect((await entriesOf(id))[0]).toMatchObject({ revision: 3, kept: 2, duplicate: 1, rejected: {} });
    await expectConserved(world, [id]);
  });
});

describe('corrected rows', () => {
  const corrected = async (id: string, texts: [number, string][]) =>
    new Map([[(await entriesOf(id))[0]!.chunk_id, new Map(texts)]]);

  it('go through as the same rows, and no others; twice changes nothing', async () => {
    const id = await cleaned(ROWS);
    const corrections = await corrected(id, [
      [3, `${sale({ stock: 'B', quantity: '2' })}\r\n`],
      [5, sale({ invoice: 'C3' })],
    ]);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toMatchObject({
      tried: 2,
      kept: 1,
      rejected: { cancellation: 1 },
      left: 1,
    });
    expect((await entriesOf(id))[0]).toMatchObject({ revision: 1, kept: 2, rejected: { cancellation: 2 } });
    expect(await refusedOf(id)).toMatchObject([
      { line: 4, text: ROWS[2] },
      { line: 5, reason: 'cancellation', field: 'invoice_no', text: sale({ invoice: 'C3' }) },
    ]);
    const after = snapshot(world, ['watch']);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toMatchObject({ tried: 1, kept: 0, left: 1 });
    expect(snapshot(world, ['watch'])).toEqual(after);
    await expectConserved(world, [id]);
  });

  it('of NDJSON are objects', async () => {
    const row = {
      InvoiceNo: '1',
      StockCode: 'A',
      Quantity: 1,
      InvoiceDate: '2010-12-01 08:26:00',
      UnitPrice: 2.5,
      Country: 'Spain',
    };
    const body = {
      bytes: Buffer.from(JSON.stringify({ ...row, Quantity: 'x' })),
      asText: false,
      contentType: 'application/octet-stream',
      type: 'ndjson',
    };
    const { ingest } = await import('../../shared/pipeline/ingest');
    const { batch_id } = await ingest({ dataset: 'transactions', body, sent_by: 'test' }, world);
    await drain(world);
    const [entry] = await entriesOf(batch_id);
    const texts = (text: string) => new Map([[entry!.chunk_id, new Map([[1, text]])]]);
    await expect(
      redriveBatch(batch_id, { ...BY, corrections: texts(JSON.stringify(row, null, 2)) }, world),
    ).rejects.toThrow('not one row');
    await redriveBatch(batch_id, { ...BY, corrections: texts(JSON.stringify(row)) }, world);
    expect(await balance(batch_id)).toMatchObject({ kept: 1, rejected: {} });
  });

  it.each<[string, [number, string][], string]>([
    ['a row that was kept', [[2, sale()]], 'Line 2 of chunk .* it was never refused'],
    [
      'a line that is not there',
      [
        [3, sale({ stock: 'B' })],
        [99, sale()],
      ],
      'Line 99 .* it was never refused',
    ],
    ['two rows', [[3, `${sale()}\n${sale()}`]], 'Line 3 .* its text is not one row'],
    ['no row', [[3, ' \n'.trim()]], 'its text is not one row'],
    ['a quote that is never closed', [[3, '"']], 'its text is not one row'],
    ['more than a row may have', [[3, 'x'.repeat(2 * 1024 * 1024 + 1)]], 'its text is not one row'],
  ])('are refused all together, and nothing is done: %s', async (_, texts, why) => {
    const id = await cleaned(ROWS);
    const before = snapshot(world);
    const corrections = await corrected(id, texts);
    await expect(redriveBatch(id, { ...BY, corrections }, world)).rejects.toMatchObject({
      code: 'invalid_parameter',
      detail: expect.stringMatching(why),
    });
    expect(snapshot(world)).toEqual(before);
  });

  it('are refused for a chunk that is not of the batch', async () => {
    const id = await cleaned(ROWS);
    const corrections = new Map([
      [
        'another',
        new Map([
          [3, sale()],
          [4, sale()],
        ]),
      ],
    ]);
    await expect(redriveBatch(id, { ...BY, corrections }, world)).rejects.toThrow(
      'the chunk is none of this batch (and 1 more rows)',
    );
  });

  it('are refused for a row that went through with another text', async () => {
    const id = await cleaned(ROWS);
    const how = async (stock: string) => ({ ...BY, corrections: await corrected(id, [[3, sale({ stock })]]) });
    await redriveBatch(id, await how('B'), world);
    await expect(redriveBatch(id, await how('C'), world)).rejects.toThrow('it went through with another text');
    expect(await balance(id)).toMatchObject({ kept: 2 });
  });

  it('may hold a line end within quotes', async () => {
    const id = await cleaned(ROWS);
    const corrections = await corrected(id, [[3, sale({ stock: 'B', description: '"two\nlines"' })]]);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toMatchObject({ kept: 1 });
  });
});

describe('a dry run', () => {
  it('changes nothing at all, and tells what would come of it', async () => {
    const other = await cleaned([sale({ stock: 'B', quantity: '1' })]);
    const id = await cleaned([...ROWS, sale({ stock: 'B', quantity: '0' })]);
    const { chunk_id } = (await entriesOf(id))[0]!;
    const corrections = new Map([
      [
        chunk_id,
        new Map([
          [3, sale({ stock: 'B' })],
          [5, sale({ stock: 'N' })],
          [6, sale({ stock: 'N' })],
        ]),
      ],
    ]);
    const before = snapshot(world);
    const told = await redriveBatch(id, { ...BY, corrections, dryRun: true }, world);
    expect(told).toMatchObject({ tried: 3, kept: 1, duplicate: 2, left: 1 });
    expect(snapshot(world)).toEqual(before);
    expect(await redriveBatch(id, { ...BY, corrections }, world)).toEqual(told);
    await expectConserved(world, [id, other]);
  });

  it('sees a redrive that was begun and not finished', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    const broken = { ...world, rejects: { ...world.rejects, put: () => Promise.reject(new Error('killed')) } };
    await expect(redriveBatch(id, BY, broken)).rejects.toThrow('killed');
    const before = snapshot(world);
    expect(await redriveBatch(id, { ...BY, dryRun: true }, world)).toMatchObject({ tried: 3, kept: 2 });
    expect(snapshot(world)).toEqual(before);
  });
});

describe('what cannot be redriven', () => {
  it.each([['f'.repeat(32)], ['nonsense']])('is a batch that is not there: %s', async (id) => {
    await expect(redriveBatch(id, BY, world)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is an open batch', async () => {
    const stream = { append: () => Promise.reject(new Error('killed')) };
    await expect(post({ ...world, stream }, 'transactions', sales(ROWS))).rejects.toThrow('killed');
    const [{ batch_id }] = world.inspect().all<{ batch_id: string }>('select batch_id from batches') as [
      { batch_id: string },
    ];
    await expect(redriveBatch(batch_id, BY, world)).rejects.toMatchObject({
      code: 'conflict',
      facts: { batch_status: 'open' },
    });
  });

  it('is a batch that is being cleaned', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await expect(redriveBatch(id, BY, world)).rejects.toMatchObject({
      code: 'conflict',
      facts: { batch_status: 'accepted' },
    });
  });

  it('is a batch whose rows Spark is still claiming', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    const { chunk_id } = chunksIn(world)[0]!;
    const counts = { number: 1, chunk_id, rows: 4, kept: 1, duplicate: 0, rejected: { missing: 3 } };
    await world.chunks.record(entryOfChunk(id, counts, true, '2026-03-01T12:00:00.000Z'));
    await expect(redriveBatch(id, BY, world)).rejects.toMatchObject({
      code: 'conflict',
      facts: { batch_status: 'provisional' },
    });
  });

  it('is a batch whose refused rows are not those of the ledger', async () => {
    const id = await cleaned(ROWS);
    const { head, entries } = (await world.batches.find(id))!;
    await world.rejects.put({ ...head, chunk_id: entries[0]!.chunk_id }, (await refusedOf(id)).slice(1));
    withoutRules('transactions', 'non_positive_quantity');
    const before = snapshot(world);
    await expect(redriveBatch(id, BY, world)).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringMatching('2 of 3 are there. Replay the batch'),
    });
    expect(snapshot(world)).toEqual(before);
  });
});

describe('two redrives of a chunk at the same time', () => {
  /** Ports of which a call waits until it is let go. */
  function halting<P extends keyof Ports>(port: P, method: keyof Ports[P]) {
    let letGo: () => void = () => undefined;
    let reached: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const isThere = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const own = world[port as keyof TestWorld] as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const wrapped = new Proxy(own, {
      get: (target, name) =>
        name !== method
          ? Reflect.get(target, name)
          : async (...args: unknown[]) => {
              reached();
              await gate;
              return target[name as string]!(...args);
            },
    });
    return { ports: { ...world, [port]: wrapped } as unknown as TestWorld, letGo, isThere };
  }

  it.each<[keyof Ports, string]>([
    ['attempts', 'begin'],
    ['invoices', 'read'],
    ['landing', 'append'],
    ['rejects', 'put'],
    ['chunks', 'revise'],
    ['watch', 'again'],
  ])('count each row once, also when the first one sleeps before %s.%s until others are done', async (port, method) => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    const slow = halting(port, method as never);
    const first = redriveBatch(id, { by: 'slow' }, slow.ports);
    await slow.isThere;
    await redriveBatch(id, { by: 'fast' }, world);
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    await redriveBatch(id, { by: 'fast' }, world);
    slow.letGo();
    await first;
    expect(await balance(id)).toMatchObject({ kept: 4, duplicate: 0, rejected: {}, balanced: true });
    expect((await entriesOf(id))[0]!.revision).toBe(2);
    await expectConserved(world, [id]);
    const measured = (await world.telemetry.read())!.find(({ meter }) => meter === 'RowsRedriven');
    expect(measured).toMatchObject({ sum: 3 });
  });

  it('leave older refused rows when the slower one dies, which the next one mends', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    const slow = halting('rejects', 'put');
    const dying = { ...slow.ports, chunks: { ...world.chunks, revise: () => Promise.reject(new Error('killed')) } };
    const first = redriveBatch(id, { by: 'slow' }, dying);
    await slow.isThere;
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    await redriveBatch(id, { by: 'fast' }, world);
    slow.letGo();
    await expect(first).rejects.toThrow('killed');
    expect(await refusedOf(id)).toHaveLength(1);
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 0, left: 0 });
    await expectConserved(world, [id]);
  });

  it('leave the refused rows of the last one, also when one that has nothing to do is slower', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    await redriveBatch(id, BY, world);
    const slow = halting('rejects', 'read');
    const idle = redriveBatch(id, { by: 'idle' }, slow.ports);
    await slow.isThere;
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    await redriveBatch(id, { by: 'fast' }, world);
    slow.letGo();
    expect(await idle).toMatchObject({ tried: 1, kept: 0, rejected: { cancellation: 1 } });
    await expectConserved(world, [id]);
  });

  it('do both what they were asked for when the faster one was asked for less', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity', 'cancellation');
    const slow = halting('attempts', 'begin');
    const first = redriveBatch(id, { by: 'slow' }, slow.ports);
    await slow.isThere;
    await redriveBatch(id, { by: 'fast', reason: 'cancellation' }, world);
    slow.letGo();
    await first;
    expect((await entriesOf(id))[0]).toMatchObject({ revision: 2, kept: 4, rejected: {} });
    await expectConserved(world, [id]);
  });

  it('carry out what was begun under another contract as it was begun', async () => {
    const id = await cleaned(ROWS);
    withoutRules('transactions', 'non_positive_quantity');
    const broken = { ...world, invoices: { ...world.invoices, read: () => Promise.reject(new Error('killed')) } };
    await expect(redriveBatch(id, BY, broken)).rejects.toThrow('killed');
    asWasBuilt();
    expect(await redriveBatch(id, BY, world)).toMatchObject({ tried: 3, kept: 2, rejected: { cancellation: 1 } });
    expect(await balance(id)).toMatchObject({ kept: 3, rejected: { cancellation: 1 } });
    await expectConserved(world, [id]);
  });

  it('say so when another text of a corrected row was faster', async () => {
    const id = await cleaned(ROWS);
    const texts = async (stock: string) =>
      new Map([[(await entriesOf(id))[0]!.chunk_id, new Map([[3, sale({ stock })]])]]);
    const slow = halting('attempts', 'begin');
    const first = redriveBatch(id, { by: 'slow', corrections: await texts('S') }, slow.ports);
    await slow.isThere;
    await redriveBatch(id, { by: 'fast', corrections: await texts('F') }, world);
    slow.letGo();
    await expect(first).rejects.toThrow('it went through with another text');
    await expectConserved(world, [id]);
  });
});

describe('every batch', () => {
  it('is redriven that has rows refused for the reason; one that cannot be is told', async () => {
    const a = await cleaned(ROWS);
    world.clock.pass(3600);
    const b = await cleaned([sale({ invoice: 'C9' }), sale({ stock: 'Q' })]);
    const c = await post(world, 'transactions', sales([sale({ invoice: '77' })]));
    withoutRules('transactions', 'cancellation', 'non_positive_quantity');
    const all = async (which: object, how: object = {}) => listed(redriveAll(which, { ...BY, ...how }, world));
    expect(await all({}, { dryRun: true })).toHaveLength(2);
    expect(await all({ since: '2026-03-01T12:30:00Z' })).toMatchObject([{ batch_id: b, kept: 1 }]);
    const { head, entries } = (await world.batches.find(a))!;
    const refused = await refusedOf(a);
    await world.rejects.put({ ...head, chunk_id: entries[0]!.chunk_id }, []);
    expect(await all({ reason: 'cancellation' })).toMatchObject([
      { batch_id: a, tried: 0, problem: expect.stringContaining('Replay the batch') },
    ]);
    await world.rejects.put({ ...head, chunk_id: entries[0]!.chunk_id }, refused);
    expect(await all({ reason: 'cancellation' })).toMatchObject([{ batch_id: a, tried: 1, left: 2 }]);
    expect(await all({ reason: 'cancellation' })).toEqual([]);
    expect((await world.batches.find(c))!.entries).toEqual([]);
  });

  it('is tried, also when a damaged object or a defect stops one of them; a broken world stops all', async () => {
    const ids = [await cleaned(ROWS), await cleaned([sale({ invoice: 'C9' })])];
    withoutRules('transactions', 'cancellation');
    const { chunk_id } = (await entriesOf(ids[0]!))[0]!;
    await world.lake.put(attemptKey({ dataset: 'transactions', chunk_id }, 1), 'damaged');
    expect(await listed(redriveAll({}, BY, world))).toMatchObject([
      { batch_id: ids[0], tried: 0, problem: 'NotAnAttempt: it cannot be read' },
      { batch_id: ids[1], kept: 1 },
    ]);
    expect(await listed(redriveAll({ reason: 'constructor' }, BY, world))).toEqual([]);
    const broken = { ...world, attempts: { ...world.attempts, find: () => Promise.reject(new Unavailable('away')) } };
    await expect(listed(redriveAll({}, BY, broken))).rejects.toThrow('away');
  });
});

describe('an order', () => {
  it('is done, and gone on with when time runs out', async () => {
    const id = await cleaned(LONG);
    withoutRules('transactions', 'non_positive_quantity');
    await world.orders.put({ batch_id: id, ...BY });
    for (const revisions of [
      [1, 0],
      [1, 1],
    ]) {
      const { id: number, order } = world.orders.take()!;
      await fulfil(order, world, () => 1000);
      world.orders.done(number);
      expect((await entriesOf(id)).map(({ revision }) => revision)).toEqual(revisions);
    }
    expect(world.orders.take()!.order).toEqual({ batch_id: id, ...BY, done: [1, 2] });
    await fulfil(world.orders.take()!.order, world);
  });

  it('of what can never be done is a problem', async () => {
    await expect(fulfil({ batch_id: 'f'.repeat(32), ...BY }, world)).rejects.toMatchObject({ code: 'not_found' });
    await expect(fulfil({ batch_id: 'f'.repeat(32), ...BY, replay: true }, world)).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
