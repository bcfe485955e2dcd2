import { landingRecords } from '../../shared/adapters/aws/landing-records';
import { datasets } from '../../shared/domain/dataset';
import { balanceOf } from '../../shared/domain/ledger';
import type { KeptRow } from '../../shared/domain/outcome';
import { unpackAll } from '../../shared/domain/packing';
import { readLanded } from '../../shared/domain/parquet-reader';
import { Unavailable } from '../../shared/pipeline/ports';
import { redriveBatch, redriveFailed, replayBatch } from '../../shared/pipeline/redrive';
import { asWasBuilt, expectConserved, filesBelow, fillRaw, listed, snapshot, withoutRules } from '../support/redrive';
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

const ROWS = [sale(), sale({ stock: 'B', quantity: '0' }), sale({ stock: 'C' })];
const redriven = (ports: TestWorld = world, dryRun = false) => listed(redriveFailed({ by: 'somebody', dryRun }, ports));
const balance = async (id: string) => balanceOf((await world.batches.find(id))!);

/** A world with a defect of ours, behind the claim. */
const defective = (): TestWorld => ({
  ...world,
  customers: { ...world.customers, put: () => Promise.reject(new TypeError('undefined is not a row')) },
});

/** As the failure destination gets what the stream's consumer gave up. */
async function discarded(batches: readonly string[], asText = false): Promise<string> {
  for (const rows of batches) await post(world, 'transactions', rows);
  const busy = { ...world, invoices: { ...world.invoices, read: () => Promise.reject(new Unavailable('busy')) } };
  const [given] = await drain(world, busy, { bisectBatchOnFunctionError: false, maximumRetryAttempts: 0 });
  const key = `failed/discarded/${given!.startSequenceNumber}-${given!.endSequenceNumber}.json`;
  const payload = asText ? JSON.stringify(given!.payload) : given!.payload;
  await world.lake.put(key, JSON.stringify({ version: '1.0', ...given, payload }));
  return key;
}

describe('a chunk that a defect kept from being cleaned', () => {
  it('is cleaned once the defect is mended, and its objects go', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    expect((await balance(id)).status).toBe('failed');
    const [key] = filesBelow(world, 'failed');
    const untold = async () => (await listed(world.watch.untold())).map(({ batch_id }) => batch_id);
    for await (const batch of world.watch.untold()) await world.watch.tell(batch, { ...(await balance(id)), at: '' });
    expect(await untold()).toEqual([]);
    expect(await redriven()).toEqual([{ key, became: 'cleaned', count: 1 }]);
    expect(await untold()).toEqual([id]);
    expect(filesBelow(world, 'failed')).toEqual([]);
    expect(await balance(id)).toMatchObject({ kept: 2, rejected: { non_positive_quantity: 1 }, balanced: true });
    await expectConserved(world, [id]);
    expect(await redriven()).toEqual([]);
  });

  it('stays while the defect does, and says what it is', async () => {
    await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    const before = snapshot(world);
    expect(await redriven(defective())).toMatchObject([
      { became: 'left', count: 0, why: 'TypeError: undefined is not a row' },
    ]);
    expect(snapshot(world)).toEqual(before);
  });

  it('stays in a broken world, which is thrown', async () => {
    await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    const broken = { ...world, landing: { append: () => Promise.reject(new Unavailable('an outage')) } };
    await expect(redriven(broken)).rejects.toThrow(Unavailable);
    expect(filesBelow(world, 'failed')).toHaveLength(2);
  });

  it('leaves the other chunks of its batch to be redriven meanwhile', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    expect(await redriveBatch(id, { by: 'somebody' }, world)).toMatchObject({ tried: 0 });
  });

  it('is cleaned by the rules of today, and nothing stays of what those before refused', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await drain(world, { ...world, customers: defective().customers });
    withoutRules('transactions', 'non_positive_quantity');
    await redriven();
    expect(await balance(id)).toMatchObject({ kept: 3, rejected: {}, balanced: true });
    await expectConserved(world, [id]);
  });

  it('changes nothing in a dry run', async () => {
    await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    const before = snapshot(world);
    expect(await redriven(world, true)).toMatchObject([{ became: 'cleaned', count: 1 }]);
    expect(snapshot(world)).toEqual(before);
  });

  it('that is cleaned by the stream at the same time is cleaned once', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    await drain(world, defective());
    expect(await Promise.all([redriven(), replayOf(id)])).toHaveLength(2);
    expect(await balance(id)).toMatchObject({ kept: 2, balanced: true });
    await expectConserved(world, [id]);
  });

  async function replayOf(id: string) {
    await fillRaw(world);
    return replayBatch(id, { by: 'somebody' }, world);
  }
});

describe('what Lambda gave up', () => {
  it.each([
    ['an object', false],
    ['a text', true],
  ])('is cleaned, its event being %s', async (_, asText) => {
    const key = await discarded([sales(ROWS), sales([sale(), sale({ invoice: '8' })])], asText);
    expect(await redriven()).toEqual([{ key, became: 'cleaned', count: 2 }]);
    expect(filesBelow(world, 'failed')).toEqual([]);
    const ids = (await listed(world.history.batches())).map(({ head }) => head.batch_id);
    expect(ids).toHaveLength(2);
    for (const id of ids) expect((await balance(id)).balanced).toBe(true);
    await expectConserved(world, ids);
  });

  it('stays whole when one of its records is none of ours, and the others are through', async () => {
    const id = await post(world, 'transactions', sales(ROWS));
    const { data } = world.log.read('reader', 1)[0]!;
    const records = [data, Buffer.from('no chunk')].map((bytes) => ({
      kinesis: { data: Buffer.from(bytes).toString('base64') },
    }));
    await world.lake.put('failed/discarded/1-2.json', JSON.stringify({ payload: { Records: records } }));
    const left = [
      { key: 'failed/discarded/1-2.json', became: 'left', count: 1, why: expect.stringContaining('NotAChunk') },
    ];
    expect(await redriven()).toEqual(left);
    expect((await balance(id)).balanced).toBe(true);
    expect(await redriven()).toEqual(left);
    await expectConserved(world, [id]);
  });

  it('lies elsewhere on AWS', async () => {
    const failures = {
      ...world.failures,
      async *list() {
        yield { key: 'aws/lambda/mapping/shardId-0/2026/03/01/x', bytes: 3 };
      },
      read: async () => Buffer.from('{"payload":"{}"}'),
    };
    expect(await redriven({ ...world, failures })).toMatchObject([
      { became: 'left', why: 'it has no records of a stream' },
    ]);
  });
});

/** As Firehose writes it: the schema of its errors in the developer guide. */
const document = (data: Uint8Array, fields: object = {}) =>
  JSON.stringify({
    attemptsMade: 1,
    arrivalTimestamp: Date.parse('2026-03-01T23:59:59.500Z'),
    errorCode: 'DataFormatConversion.MalformedData',
    errorMessage: 'Data does not match the schema.',
    attemptEndingTimestamp: Date.parse('2026-03-02T00:01:00Z'),
    rawData: Buffer.from(data).toString('base64'),
    sequenceNumber: '496640000000',
    subSequenceNumber: 0,
    dataCatalogTable: { databaseName: 'ecomflow_dev', tableName: 'transactions', versionId: 'LATEST' },
    ...fields,
  });

describe('rows that Firehose could not write', () => {
  const KEY = 'failed/landing/transactions/format-conversion-failed/dt=2026-03-02/stream-1-2026-03-02-00-01-00-x';

  it('are in landing, of each batch, with every value as it was', async () => {
    const transactions = datasets.get('transactions')!;
    const clean = transactions.cleaner(
      'csv',
      transactions.contract.columns.map(({ name }) => name),
    );
    const rows = (texts: readonly string[]) => texts.map((text) => clean(text) as { kind: 'kept' } & KeptRow);
    const [a, b] = [
      rows([
        sale({ description: '"a ""quoted"", thing"' }),
        sale({ date: '2010-12-01T08:26:00.25Z', description: '' }),
      ]),
      rows([sale({ price: '0.0001', quantity: '7' })]),
    ];
    const [one, two] = ['a'.repeat(32), 'b'.repeat(32)] as [string, string];
    const lines = [landingRecords(transactions, one, a!), landingRecords(transactions, two, b!)].flat();
    await world.lake.put(KEY, `${lines.map((line) => document(line)).join('\n')}\n`);
    world.clock.pass(86_400);

    expect(await redriven(world, true)).toMatchObject([{ became: 'landed', count: 3 }]);
    expect(filesBelow(world, 'landing')).toEqual([]);
    expect(await redriven()).toEqual([{ key: KEY, became: 'landed', count: 3 }]);
    expect(filesBelow(world, 'failed')).toEqual([]);
    const found = [];
    for (const key of filesBelow(world, 'landing')) {
      expect(key).toMatch(/^landing\/transactions\/dt=2026-03-02\/(a{32}|b{32})-f[0-9a-f]{12}\.parquet$/);
      const bytes = new Uint8Array((await world.lake.get(key))!);
      for await (const some of readLanded(bytes.buffer, transactions)) found.push(...some);
    }
    const expected = [...a!.map((row) => ({ ...row, batch_id: one })), ...b!.map((row) => ({ ...row, batch_id: two }))];
    expect(found).toEqual(expected.map(({ kind: _, ...row }) => row));
  });

  it.each([
    ['no JSON', 'x', 'it is not JSON'],
    ['nothing', '', 'it is empty'],
    [
      'rows that are none',
      document(Buffer.from('{"invoice_no":"1"}')),
      'a row does not say what row of what batch it is',
    ],
    ['no data', document(Buffer.alloc(0)), 'a record has no data'],
  ])('stay when the object is %s', async (_, text, why) => {
    await world.lake.put(KEY, text);
    expect(await redriven()).toEqual([{ key: KEY, became: 'left', count: 0, why }]);
    expect(filesBelow(world, 'failed')).toEqual([KEY]);
    expect(filesBelow(world, 'landing')).toEqual([]);
  });

  it('stay when they cannot be written, and what comes behind them is brought back', async () => {
    const transactions = datasets.get('transactions')!;
    const clean = transactions.cleaner(
      'csv',
      transactions.contract.columns.map(({ name }) => name),
    );
    const [lines] = landingRecords(transactions, 'a'.repeat(32), [clean(sale()) as { kind: 'kept' } & KeptRow]);
    const spoilt = lines!.toString().replace(/"unit_price":"[^"]*"/, '"unit_price":"much"');
    await world.lake.put(KEY, document(Buffer.from(spoilt)));
    await world.lake.put(`${KEY}-2`, document(lines!));
    expect(await redriven()).toMatchObject([
      { key: KEY, became: 'left', why: expect.stringMatching(/^\w*Error: /) },
      { key: `${KEY}-2`, became: 'landed', count: 1 },
    ]);
  });

  it('stay when nobody knows their data set', async () => {
    await world.lake.put('failed/landing/returns/x/y', document(Buffer.from('{}')));
    expect(await redriven()).toMatchObject([{ became: 'left', why: 'there is no data set returns' }]);
  });
});

describe('records that Firehose could not keep in raw/', () => {
  const KEY = 'failed/raw/processing-failed/dt=2026-03-02/x';

  it('are there, so that their batch can be replayed', async () => {
    const id = await post(world, 'events', clicks([click(), click({ second: 1 })]));
    const { data } = world.log.read('reader', 1)[0]!;
    await world.lake.put(
      KEY,
      `${document(data)}\n${document(data, { arrivalTimestamp: Date.parse('2026-03-02T00:00:01Z') })}`,
    );
    expect(await redriven()).toEqual([{ key: KEY, became: 'kept', count: 2 }]);
    const [key] = filesBelow(world, 'raw');
    expect(key).toMatch(/^raw\/dt=2026-03-02\/redriven-[0-9a-f]{12}\.ecf$/);
    expect([...unpackAll((await world.lake.get(key!))!)].map(({ batch_id }) => batch_id)).toEqual([id, id]);
    expect(await replayBatch(id, { by: 'somebody' }, world)).toMatchObject({ cleaned: 1, left: [] });
    expect((await findings(world, [id])).kept).toBe(2);
  });

  it('stay when they are none of ours', async () => {
    await world.lake.put(KEY, document(Buffer.from('no chunk')));
    expect(await redriven()).toMatchObject([{ became: 'left', why: expect.stringContaining('start like a record') }]);
    expect(filesBelow(world, 'raw')).toEqual([]);
  });
});

describe('anything else below failed/', () => {
  it('stays and is told', async () => {
    await world.lake.put('failed/notes.txt', 'x');
    await world.lake.put('failed/unreadable-7.chunk', 'no chunk');
    await world.lake.put('failed/unreadable-7.error.json', '{}');
    expect(await redriven()).toMatchObject([
      { key: 'failed/notes.txt', became: 'left', why: 'it is nothing that is known to fail' },
      { key: 'failed/unreadable-7.chunk', became: 'left', why: expect.stringContaining('NotAChunk') },
    ]);
    expect(filesBelow(world, 'failed')).toHaveLength(3);
  });

  it('stays when it is larger than anything of ours, and is passed over when it has gone', async () => {
    const failures = {
      ...world.failures,
      async *list() {
        yield { key: 'failed/huge.chunk', bytes: 2 ** 40 };
        yield { key: 'failed/gone.chunk', bytes: 1 };
        yield { key: 'failed/gone.error.json', bytes: 1 };
      },
    };
    expect(await redriven({ ...world, failures })).toEqual([
      { key: 'failed/huge.chunk', became: 'left', count: 0, why: 'it is too large' },
    ]);
  });
});
