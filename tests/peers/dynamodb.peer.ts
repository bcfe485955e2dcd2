import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { sendThrough, tell } from '../../cli/bench/cost-run';
import { firstRows } from '../../cli/bench/input';
import { itemBytes } from '../../cli/bench/units';
import { dynamoCustomers } from '../../shared/adapters/aws/customers';
import { HTTP } from '../../shared/adapters/aws/http';
import { dynamoIncidents } from '../../shared/adapters/aws/incidents';
import * as deployed from '../../shared/adapters/aws/index';
import { claimedItems } from '../../shared/adapters/aws/invoice-item';
import { dynamoInvoices } from '../../shared/adapters/aws/invoices';
import { chunkItem, partItem } from '../../shared/adapters/aws/ledger-items';
import { concurrently } from '../../shared/adapters/aws/pace';
import { snsPost } from '../../shared/adapters/aws/post';
import { balanceOf, type ChunkEntry } from '../../shared/domain/ledger';
import { claim } from '../../shared/pipeline/claim';
import { type CleanPorts, cleanRecords } from '../../shared/pipeline/clean';
import type { CustomerInvoice } from '../../shared/pipeline/ports';
import { byContract, sale } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';
import { busy } from './dynamodb/busy';
import { CALLS } from './dynamodb/calls';
import { saysOf, saysOfAll } from './dynamodb/failing';
import { customerOn, headOf, invoiceOf, kept, linesOf, partOf } from './dynamodb/made';
import { meter } from './dynamodb/meter';
import { clientOf, environmentOf, type Local, startLocal } from './dynamodb/server';
import { createTables, itemsIn, putAll, type Stores, storesOn, type Tables } from './dynamodb/tables';
import { together } from './dynamodb/together';
import { realRows, whatIsTested } from './support/data';
import { jars } from './support/install';
import { peer } from './support/peer';

const facts = peer({
  name: 'DynamoDB Local (AWS)',
  proves: [
    'every call of the DynamoDB adapters answers as the embedded one does, and again as before',
    '8 writers on one invoice: every line once, every chunk its share, versions without a gap',
    'incidents that 8 hear of at the same time: one of a kind is told, none is lost; a mail is sent once',
    'batches, files, customers and invoices are found whole beyond the 1 MB of a page',
    'an invoice of 5,000 lines is stored and read in order; one item could not hold it',
    'write units as DynamoDB counts them, of a 26-line invoice and of rows in requests of 500: the benchmark is right',
    'a server that is gone or silent is a broken world; nothing is lost or counted twice when it is back',
  ],
  cannot: [
    'it never throttles and leaves nothing unprocessed: a call is split on its way here, what is left goes back for real',
    'UnprocessedKeys and cancelled transactions: no adapter of ours calls BatchGetItem or TransactWriteItems',
    'read units: it takes none for a query that finds nothing, AWS does; a refused write does not say its units',
    'rights, encryption, point-in-time recovery, and consistency between storage nodes',
  ],
});

/** Rows of the real file that are cleaned into the tables, so many to a request. */
const ROWS = 50_000;
const ROWS_PER_REQUEST = 500;
/** DynamoDB refuses an item above this, names included (developer guide, "Quotas": 400 KB). */
const MOST_ITEM_BYTES = 400 * 1024;
const PAGE_BYTES = 1024 * 1024;

let local: Local;
let client: DynamoDBClient;

beforeAll(async () => {
  local = await startLocal();
  client = clientOf(local);
  const version = readdirSync(await jars('dynamodb')).find((name) => /^DynamoDBLocal-.*\.jar$/.test(name));
  facts.version(version!.replace(/^DynamoDBLocal-|\.jar$/g, ''));
});

afterAll(() => local?.stop());

describe('every call of an adapter', () => {
  const environment = { ...process.env };
  let world: TestWorld;
  let tables: Tables;
  let stores: Stores;

  beforeAll(async () => {
    world = testWorld();
    tables = await createTables(client, 'calls');
    // As a function gets them: made by the deployed factories from the environment alone.
    Object.assign(process.env, environmentOf(local), {
      INVOICES_TABLE: tables.invoices,
      CUSTOMERS_TABLE: tables.customers,
      BATCHES_TABLE: tables.batches,
      LIVE_TABLE: tables.live,
    });
    stores = {
      batches: deployed.batches(),
      chunks: deployed.chunks(),
      files: deployed.files(),
      invoices: deployed.invoices(),
      customers: deployed.customers(),
      arrivals: deployed.arrivals(),
      senders: deployed.senders(),
      backlog: deployed.backlog(),
      watch: deployed.watch(),
      incidents: deployed.incidents(),
      live: deployed.live(),
    };
  });

  afterAll(() => {
    process.env = environment;
    world?.remove();
  });

  const all = async () => {
    const { invoices, customers, batches } = tables;
    return [await itemsIn(client, invoices), await itemsIn(client, customers), await itemsIn(client, batches)];
  };

  it('answers as it should and as the embedded adapter does, and made again leaves the same state', async () => {
    for (const { does, call, ...expected } of CALLS) {
      const says = (answer: unknown) => ({ does, answer });
      expect(says(await call(stores))).toEqual(says(expected.answer));
      expect(says(await call(world))).toEqual(says(expected.answer));
      const before = await all();
      const again = 'again' in expected ? expected.again : expected.answer;
      expect(says(await call(stores))).toEqual(says(again));
      expect(says(await call(world))).toEqual(says(again));
      expect(says(await all())).toEqual(says(before));
    }
    // 1 head, 1 without entries, 2 chunks, 2 failures, 3 parts, 2 arrivals, 1 sender, 2 told, 2 incidents, 1 gate; A, D and
    // twelve of B; sixty and six invoices.
    expect((await all()).map((items) => items.length)).toEqual([14, 66, 17]);
  });

  it('raises the mark of a window, which is none of its sum', async () => {
    const window = { dataset: 'events', at: '2026-03-01T12' };
    for (const mark of [1, 2]) {
      await stores.live.touch(window);
      expect(await stores.live.marks({ ...window, at: '2026-03-01' })).toEqual(new Map([[window.at, mark]]));
    }
    expect(await stores.live.sums({ ...window, at: '2026-03-01' }, window.at, window.at)).toEqual(new Map());
  });

  it('learns of a refusal by its condition, and from the refusal what is stored', async () => {
    const own = clientOf(local);
    const { calls, refused } = meter(own);
    const { batches, invoices } = storesOn(own, await createTables(client, 'refusals'));
    const head = headOf('4d'.repeat(16));
    await batches.open(head);
    expect(await batches.open({ ...head, received: 99 })).toEqual(head);
    await batches.accept(head.batch_id, '2026-03-01T12:00:01.000Z');
    await batches.accept(head.batch_id, '2026-03-01T12:00:02.000Z');
    await batches.accept('5e'.repeat(16), '2026-03-01T12:00:01.000Z');
    expect(await invoices.write([partOf('1', 0, 1, [])])).toEqual([]);
    expect(await invoices.write([partOf('1', 0, 1, []), partOf('2', 0, 7, [])])).toEqual(['1', '2']);
    // No GetItem: what is stored came with the refusal.
    expect(calls).toEqual({ PutItem: 5, UpdateItem: 3 });
    expect(refused).toEqual({ ConditionalCheckFailedException: 5 });
  });
});

describe('8 who hear of incidents at the same time', () => {
  const HEARERS = 8;
  const LATER = '2999-01-01T00:00:00.000Z';
  const incident = (id: string) => ({ id, kind: 'file_refused' as const, at: '2026-03-01T12:00:00.000Z', facts: {} });
  const hear = async (batches: string, idOf: (n: number) => string) => {
    const heard = Array.from({ length: HEARERS }, (_, n) =>
      dynamoIncidents(clientOf(local), batches).keep(incident(idOf(n)), LATER),
    );
    return (await Promise.all(heard)).sort();
  };

  it('let one through of each kind, and hold the others: none is lost', async () => {
    const { batches } = await createTables(client, 'hearers');
    expect(await hear(batches, String)).toEqual([...Array(HEARERS - 1).fill('hold'), 'tell']);
    let held = 0;
    for await (const _ of dynamoIncidents(client, batches).held()) held++;
    expect(held).toBe(HEARERS - 1);
  });

  it('all have the same one to tell until one of them has', async () => {
    const { batches } = await createTables(client, 'same');
    expect(await hear(batches, () => 'a')).toEqual(Array(HEARERS).fill('tell'));
    await dynamoIncidents(client, batches).told([incident('a')]);
    expect(await hear(batches, () => 'a')).toEqual(Array(HEARERS).fill('known'));
  });

  it('send one mail', async () => {
    const { batches } = await createTables(client, 'mails');
    const published: unknown[] = [];
    const topic = { send: (async (command: unknown) => void published.push(command)) as never };
    const mail = { id: 'm', kind: 'nightly', severity: 'info', subject: 'A night', body: 'It was good.' } as const;
    const sending = Array.from({ length: HEARERS }, () =>
      snsPost(topic, 'arn:topic', clientOf(local), batches).send(mail),
    );
    const answers = await Promise.allSettled(sending);
    expect(published).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    await snsPost(topic, 'arn:topic', client, batches).send(mail);
    expect(published).toHaveLength(1);
  });
});

describe('8 writers on one invoice', () => {
  const WRITERS = 8;
  const LINES = 400;
  const STEP = 10;
  const ROWS_PER_CHUNK = 3 * STEP; // every line comes in three chunks, neighbours of which are claimed at a time

  it('claim every line once, each chunk its share, under versions that grow by one', async () => {
    const tables = await createTables(client, 'writers');
    const lines = kept(
      Array.from({ length: LINES }, (_, i) =>
        sale({ invoice: '536365', stock: `S${i}`, description: 'x'.repeat(500) }),
      ),
    );
    const chunks = Array.from({ length: LINES / STEP }, (_, n) => ({
      chunk_id: `${'6f'.repeat(16)}-${n}-0123456789ab`,
      rows: Array.from({ length: ROWS_PER_CHUNK }, (_, i) => lines[(n * STEP + i) % LINES]!),
    }));
    const clients = Array.from({ length: WRITERS }, () => clientOf(local));
    const meters = clients.map(meter);
    const writers = together(clients.map((own) => dynamoInvoices(own, tables.invoices)));

    const claims = new Map<string, Awaited<ReturnType<typeof claim>>>();
    await Promise.all(
      writers.map(async (invoices, w) => {
        for (let n = w; n < chunks.length; n += WRITERS) {
          const { chunk_id, rows } = chunks[n]!;
          claims.set(chunk_id, await claim(chunk_id, rows, invoiceOf, invoices));
        }
      }),
    );

    const { read } = dynamoInvoices(client, tables.invoices);
    const parts = (await read(['536365'])).get('536365')!;
    const stored = parts.flatMap((part) => part.lines);
    expect(stored.map(({ line_id }) => line_id).sort()).toEqual(lines.map(({ line_id }) => line_id).sort());

    for (const { chunk_id, rows } of chunks) {
      const { claimed, duplicates } = claims.get(chunk_id)!;
      const own = new Set(stored.filter((line) => line.chunk_id === chunk_id).map(({ line_id }) => line_id));
      expect(claimed).toEqual(rows.filter(({ line_id }) => own.has(line_id)));
      expect(claimed.length).toBe(own.size);
      expect(claimed.length + duplicates).toBe(ROWS_PER_CHUNK);
    }

    // Of those who read together one won, and each part was written as 1, 2, 3 ... up to what is stored.
    const refusals = meters.reduce((sum, { refused }) => sum + (refused.ConditionalCheckFailedException ?? 0), 0);
    expect(refusals).toBeGreaterThanOrEqual(WRITERS - 1);
    expect(parts.length).toBeGreaterThan(2);
    const puts = meters.flatMap(({ put }) => put);
    for (const { part, version } of parts) {
      const versions = puts.filter((item) => item!.part!.N === String(part)).map((item) => Number(item!.version!.N));
      expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
    }
    facts.figure('8 writers, 40 chunks of one invoice', `${puts.length} writes, ${refusals} refused by version`);

    // A second try of every chunk counts what the first one counted, and writes nothing.
    const again = clientOf(local);
    const { calls } = meter(again);
    for (const { chunk_id, rows } of chunks)
      expect(await claim(chunk_id, rows, invoiceOf, dynamoInvoices(again, tables.invoices))).toEqual(
        claims.get(chunk_id),
      );
    expect(calls.PutItem).toBeUndefined();
  });
});

describe('answers of several pages', () => {
  let tables: Tables;
  let stores: Stores;

  beforeAll(async () => {
    tables = await createTables(client, 'pages');
    stores = storesOn(client, tables);
  });

  /** Bytes under a partition key, as DynamoDB counts them. */
  const bytesUnder = async (table: string, name: string, key: string) =>
    (await itemsIn(client, table))
      .filter((item) => item[name]!.S === key)
      .reduce((sum, item) => sum + itemBytes(item), 0);

  it('of a batch hold the head and the entries of all its chunks', async () => {
    const head = headOf('7a'.repeat(16), 4000);
    const reasons = [
      'missing',
      'unparseable',
      'cancellation',
      'bad_debt',
      'non_positive_quantity',
      'non_positive_price',
    ];
    const entries = head.slices.map<ChunkEntry>((_, i) => ({
      batch_id: head.batch_id,
      number: i + 1,
      chunk_id: `${head.batch_id}-${i + 1}-0123456789ab`,
      revision: 0,
      kept: i,
      duplicate: i % 7,
      rejected: Object.fromEntries(reasons.map((reason, n) => [reason, i + n])),
      cleaned_at: '2026-03-01T12:00:05.000Z',
    }));
    await stores.batches.open(head);
    const failures = [7, 3900].map((number) => ({
      batch_id: head.batch_id,
      number,
      chunk_id: entries[number - 1]!.chunk_id,
      failed_at: '2026-03-01T12:00:06.000Z',
    }));
    await putAll(client, tables.batches, entries.map(chunkItem));
    for (const failure of failures) await stores.chunks.fail(failure);
    expect(await bytesUnder(tables.batches, 'batch_id', head.batch_id)).toBeGreaterThan(PAGE_BYTES);
    const found = await stores.batches.find(head.batch_id);
    expect(found!.head).toEqual(head);
    expect(found!.entries).toEqual(entries);
    expect(found!.failures).toEqual(failures);
  });

  it('of a file hold all its parts', async () => {
    const hash = 'f1'.repeat(32);
    const parts = 8000;
    const idOf = (part: number) => `9c${String(part).padStart(30, '0')}`;
    const numbers = Array.from({ length: parts }, (_, i) => i + 1);
    const claims = numbers.map((part) => partItem({ hash, part, parts }, idOf(part)));
    await putAll(client, tables.batches, claims);
    // Parts that were never opened are none: with these the question finds its way to both ends and between.
    const opened = numbers.filter((part) => part === 1 || part === parts || part % 500 === 0);
    for (const part of opened) await stores.batches.open({ ...headOf(idOf(part)), file: { hash, part, parts } });
    expect(await bytesUnder(tables.batches, 'batch_id', `file#${hash}`)).toBeGreaterThan(PAGE_BYTES);
    const found = await stores.files.batches(hash);
    expect(found.map(({ head }) => head.file!.part)).toEqual(opened);
    expect(found.map(({ head }) => head.batch_id)).toEqual(opened.map(idOf));
  });

  it('of an invoice, and of many at once, hold all parts', async () => {
    const long = Array.from({ length: 24 }, (_, i) => partOf('long', i, 1, linesOf('long', i, 15)));
    const many = Array.from({ length: 300 }, (_, i) => partOf(`N${i}`, 0, 1, linesOf(`N${i}`, 0, 15)));
    expect(await stores.invoices.write([...long, ...many])).toEqual([]);
    expect(await bytesUnder(tables.invoices, 'invoice_no', 'long')).toBeGreaterThan(PAGE_BYTES);
    const found = await stores.invoices.read(['long', ...many.map(({ invoice_no }) => invoice_no)]);
    expect(found.get('long')).toEqual(long);
    expect(found.size).toBe(301);
    for (const part of many) expect(found.get(part.invoice_no)).toEqual([part]);
    // More than the 16 MB that DynamoDB answers any call with.
    const items = await itemsIn(client, tables.invoices);
    expect(items.reduce((sum, item) => sum + itemBytes(item), 0)).toBeGreaterThan(16 * PAGE_BYTES);
  });

  it('of a customer are the pages that the query asks for, also of the longest entries', async () => {
    const customer_id = '🛒'.repeat(64);
    const entries = Array.from(
      { length: 2500 },
      (_, i): CustomerInvoice => ({
        customer_id,
        invoice_no: `${'🧾'.repeat(27)}${String(i).padStart(5, '0')}`,
        invoice_date: '2011-01-01T00:00:00.000001Z',
        country: '🇬🇧'.repeat(32),
      }),
    );
    await stores.customers.put(entries);
    expect(await bytesUnder(tables.customers, 'customer_id', customer_id)).toBeGreaterThan(PAGE_BYTES);
    const found: CustomerInvoice[] = [];
    const sizes: number[] = [];
    for (let page = await next(); page.length > 0; page = await next()) {
      sizes.push(page.length);
      found.push(...page);
    }
    expect(found).toEqual(entries);
    expect(sizes).toEqual([1001, 1001, 498]); // the API asks for a thousand at most, and for one more

    function next() {
      const after = found.at(-1)?.invoice_no;
      return stores.customers.invoices(customer_id, { limit: 1001, ...(after !== undefined && { after }) });
    }
  });
});

it('sends again what a call left unprocessed, until all of it is stored', async () => {
  const { customers } = await createTables(client, 'unprocessed');
  const own = clientOf(local);
  const sizes = busy(own, customers);
  const entries = Array.from({ length: 25 }, (_, i) => customerOn('17850', String(536_365 + i)));
  await dynamoCustomers(own, customers, async () => undefined).put(entries);
  expect(sizes).toEqual([25, 16, 10, 6, 4, 2, 1]);
  expect(await dynamoCustomers(client, customers).invoices('17850', { limit: 100 })).toEqual(entries);
});

describe('the 400 KB of an item', () => {
  it('are a limit here too', async () => {
    const { invoices: TableName } = await createTables(client, 'limit');
    const put = (bytes: number) => {
      const others = 'invoice_no'.length + '1'.length + 'part'.length + 2 + 'text'.length; // 2: the number 1
      const Item = { invoice_no: { S: '1' }, part: { N: '1' }, text: { S: 'x'.repeat(bytes - others) } };
      return client.send(new PutItemCommand({ TableName, Item }));
    };
    await put(MOST_ITEM_BYTES);
    await expect(put(MOST_ITEM_BYTES + 1)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('Item size has exceeded the maximum allowed size'),
    });
  });

  it('are no limit for an invoice of 5,000 lines, which comes back whole and in order', async () => {
    const tables = await createTables(client, 'large');
    const { invoices } = storesOn(client, tables);
    const rows = kept(
      Array.from({ length: 5000 }, (_, i) =>
        sale({
          invoice: '536365',
          stock: `${10_000 + ((i * 7919) % 5000)}`, // in no order of its own
          description: `RED WOOLLY HOTTIE NUMBER ${i % 97} WITH A NAME AS LONG AS SOME`,
          quantity: String(1 + (i % 12)),
          price: `${1 + (i % 9)}.${10 + (i % 90)}`,
        }),
      ),
    );
    const chunk_id = `${'8b'.repeat(16)}-2-0123456789ab`;
    const lines = rows.map((row) => ({ ...row, chunk_id }));
    expect(lines).toHaveLength(5000);

    const inOne = invoices.write([{ invoice_no: '536365', part: 0, version: 1, lines }]);
    await expect(inOne).rejects.toMatchObject({ name: 'ValidationException' });
    expect(await itemsIn(client, tables.invoices)).toEqual([]);

    expect(await claim(chunk_id, rows, invoiceOf, invoices)).toEqual({
      claimed: rows,
      duplicates: 0,
      opening: new Set([rows[0]!.line_id]),
    });
    const parts = (await invoices.read(['536365'])).get('536365')!;
    expect(parts.flatMap((part) => part.lines)).toEqual(lines);
    expect(parts.map(({ part, version }) => [part, version])).toEqual(parts.map((_, i) => [i, 1]));
    const sizes = (await itemsIn(client, tables.invoices)).map(itemBytes);
    facts.figure('an invoice of 5,000 lines', `${parts.length} items, the largest of ${Math.max(...sizes)} bytes`);

    // Half of them in another order, and one more, from another chunk.
    const more = kept([sale({ invoice: '536365', stock: 'NEW' })]);
    const others = await claim(`${chunk_id}0`, [...rows.slice(2500).reverse(), ...more], invoiceOf, invoices);
    expect(others).toEqual({ claimed: more, duplicates: 2500, opening: new Set() });
    const after = (await invoices.read(['536365'])).get('536365')!.flatMap((part) => part.lines);
    expect(after).toEqual([...lines, { ...more[0], chunk_id: `${chunk_id}0` }]);
  });
});

describe('write units', () => {
  let input: ReturnType<typeof firstRows>;

  beforeAll(async () => {
    input = firstRows(await realRows(ROWS), ROWS);
    expect(input.rows).toHaveLength(ROWS);
  });

  it('are 4 at most for an invoice of 26 lines', async () => {
    const own = clientOf(local);
    const { use } = meter(own);
    const tables = await createTables(client, 'lines26');
    const invoices = dynamoInvoices(own, tables.invoices);
    const byInvoice = [...Map.groupBy(kept(input.rows), ({ row }) => invoiceOf(row)).values()];
    const some = byInvoice
      .map((rows) => [...new Map(rows.map((row) => [row.line_id, row])).values()].slice(0, 26))
      .filter((rows) => rows.length === 26)
      .slice(0, 200);
    expect(some).toHaveLength(200);
    const units: number[] = [];
    for (const [n, rows] of some.entries()) {
      const before = use[tables.invoices]?.writeUnits ?? 0;
      await claim(`${'ab'.repeat(16)}-${n}-0123456789ab`, rows, invoiceOf, invoices);
      units.push(use[tables.invoices]!.writeUnits - before);
    }
    expect(await itemsIn(client, tables.invoices)).toHaveLength(200);
    expect(Math.min(...units)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...units)).toBeLessThanOrEqual(4);
    const mean = units.reduce((sum, n) => sum + n) / units.length;
    facts.figure(
      'write units of an invoice of 26 lines',
      `${mean.toFixed(2)} on average, ${Math.max(...units)} at most`,
    );
  });

  it('of rows in requests of 500 are those that the benchmark counts', async () => {
    const own = clientOf(local);
    const { use } = meter(own);
    const tables = await createTables(client, 'rows');
    const world = testWorld();
    try {
      const ports = { ...world, ...storesOn(own, tables) };
      const batches: string[] = [];
      for (let at = 0; at < ROWS; at += ROWS_PER_REQUEST)
        batches.push(
          await post(ports, 'transactions', input.header + input.rows.slice(at, at + ROWS_PER_REQUEST).join('')),
        );
      await drain(world, ports);

      // All of it is there: every row has its outcome, and the lines stored are those kept.
      const balances = (await concurrently(8, batches, (id) => ports.batches.find(id))).map((one) => balanceOf(one!));
      expect(balances.every(({ balanced }) => balanced)).toBe(true);
      expect(balances.reduce((sum, { received }) => sum + received, 0)).toBe(ROWS);
      const stored = (await itemsIn(client, tables.invoices)).flatMap((item) => claimedItems().decode(item).lines);
      const { kept: lines } = byContract(input.rows).stores;
      expect(balances.reduce((sum, balance) => sum + balance.kept, 0)).toBe(lines);
      expect(new Set(stored.map(({ line_id }) => line_id)).size).toBe(lines);
      expect(stored).toHaveLength(lines);
      for (const id of batches) await tell(id, ports);
    } finally {
      world.remove();
    }

    const { aws } = await sendThrough(input, ROWS_PER_REQUEST, 100, { batchSize: 1, batchWindowSeconds: 0, lanes: 1 });
    const TABLES = ['invoices', 'customers', 'batches', 'live'] as const;
    const measured = { invoices: 0, customers: 0, batches: 0, live: 0 };
    const counted = { ...measured };
    for (const table of TABLES) {
      measured[table] = use[tables[table]]?.writeUnits ?? 0; // rows of other days have no figures of the day
      counted[table] = aws.tables[table].use.writeUnits;
    }
    const sum = (units: typeof measured) => TABLES.reduce((all, table) => all + units[table], 0);
    const perMillion = (units: number) => Math.round((units * 1e6) / ROWS).toLocaleString('en');
    facts.figure('measured with', `${whatIsTested(ROWS)}, ${ROWS_PER_REQUEST} to a request`);
    for (const table of TABLES) facts.figure(`write units per million rows, ${table}`, perMillion(measured[table]));
    facts.figure(
      'write units per million rows',
      `${perMillion(sum(measured))} (benchmark: ${perMillion(sum(counted))})`,
    );

    expect(counted).toEqual(measured);
  });
});

describe('a server that is gone', () => {
  let folder: string;
  let server: Local;
  let world: TestWorld;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ecomflow-dynamodb-'));
    server = await startLocal(folder);
    world = testWorld();
  });

  afterAll(async () => {
    await server?.stop();
    world?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is a broken world to clean: the stream delivers again, and nothing is lost or counted twice', async () => {
    const own = clientOf(server);
    const tables = await createTables(own, 'gone');
    const stores = storesOn(own, tables);
    const { header, rows } = firstRows(await realRows(2000), 2000);
    const ids: string[] = [];
    for (let at = 0; at < rows.length; at += 100)
      ids.push(await post({ ...world, ...stores }, 'transactions', header + rows.slice(at, at + 100).join('')));

    // It is killed between a chunk's claim and its landing, and between the reading and the writing of invoices.
    let landed = 0;
    let written = 0;
    const failed: string[] = [];
    const ports: CleanPorts = {
      ...world,
      ...stores,
      landing: {
        async append(...args) {
          if (++landed === 6) await server.stop('SIGKILL');
          return world.landing.append(...args);
        },
      },
      invoices: {
        read: stores.invoices.read,
        async write(parts) {
          if (++written === 13) await server.stop('SIGKILL');
          return stores.invoices.write(parts);
        },
      },
      failed: { put: async (id) => void failed.push(id) },
    };
    const records = world.log.read('reader', 1000).map(({ data }, i) => ({ sequence: String(i), data }));
    expect(records).toHaveLength(20);
    const troubles: string[] = [];
    let from = 0;
    for (let tries = 0; tries < 10 && from < records.length; tries++) {
      const lowest = await cleanRecords(records.slice(from), ports, (error) => void troubles.push(saysOf(error)));
      if (lowest === undefined) from = records.length;
      else {
        from = Number(lowest);
        server = await startLocal(folder, server.port);
      }
    }
    expect(troubles).toEqual([
      expect.stringMatching(/^Unavailable: writing gone-(customers|batches): .*ECONNREFUSED/),
      expect.stringMatching(/^Unavailable: writing gone-invoices: .*ECONNREFUSED/),
    ]);
    expect(failed).toEqual([]);

    const { stores: expected, rejected, duplicates } = byContract(rows);
    const { decode } = claimedItems();
    const lines = (await itemsIn(own, tables.invoices)).map(decode).flatMap((part) => part.lines);
    expect(lines.map(({ line_id, row }) => `${invoiceOf(row)} ${line_id}`).sort()).toEqual(expected.lines);
    const customers = (await itemsIn(own, tables.customers)).map(
      (item) => `${item.customer_id!.S} ${item.invoice_no!.S}`,
    );
    expect(customers.sort()).toEqual(expected.customers.map((one) => `${one.customer_id} ${one.invoice_no}`));
    const balances = await Promise.all(ids.map(async (id) => balanceOf((await stores.batches.find(id))!)));
    expect(balances.every(({ balanced }) => balanced)).toBe(true);
    const total = (of: (balance: (typeof balances)[number]) => number) =>
      balances.reduce((sum, one) => sum + of(one), 0);
    expect(total((balance) => balance.kept)).toBe(expected.kept);
    expect(total((balance) => balance.duplicate)).toBe(duplicates);
    expect(total((balance) => balance.received - balance.kept - balance.duplicate)).toBe(rejected);
  });

  it('is Unavailable to every call; a missing table too; what is never taken is not', async () => {
    const none = storesOn(clientOf(server), { invoices: 'none', customers: 'none', batches: 'none', live: 'none' });
    expect(await saysOfAll(none)).toEqual(Array(10).fill(expect.stringMatching(/^Unavailable: .*ResourceNotFound/)));

    const { write } = storesOn(clientOf(server), await createTables(clientOf(server), 'defect')).invoices;
    const tooLarge = partOf('1', 0, 1, linesOf('1', 0, 120));
    await expect(write([tooLarge])).rejects.toMatchObject({ name: 'ValidationException' });

    await server.stop();
    expect(await saysOfAll(none)).toEqual(Array(10).fill(expect.stringMatching(/^Unavailable: .*ECONNREFUSED/)));
  });

  it('is Unavailable also when it takes calls and never answers', async () => {
    server = await startLocal(folder, server.port);
    // The functions wait longer for each of their four tries.
    const hasty = clientOf(server, { ...HTTP, requestTimeout: 500 });
    const tables = await createTables(clientOf(server), 'silent');
    const { batches } = storesOn(clientOf(server), tables);
    await batches.open(headOf('de'.repeat(16)));
    process.kill(server.child.pid!, 'SIGSTOP');
    try {
      const answers = await saysOfAll(storesOn(hasty, tables));
      expect(answers).toEqual(Array(10).fill(expect.stringMatching(/^Unavailable: .*TimeoutError/)));
    } finally {
      process.kill(server.child.pid!, 'SIGCONT');
    }
    expect((await batches.find('de'.repeat(16)))!.head).toEqual(headOf('de'.repeat(16)));
  });
});
