import type { Context, SQSEvent } from 'aws-lambda';
import { orderIn, orders } from '../../shared/adapters/lambda/orders';
import { NotANotice } from '../../shared/adapters/lambda/queue';
import type { OpenApi } from '../../shared/domain/openapi';
import { Problem } from '../../shared/domain/problem';
import type { RedriveOrder } from '../../shared/domain/redrive';
import type { Telemetry } from '../../shared/pipeline/ports';
import { sale, sales } from '../support/rows';
import { expectDocumented } from './document';
import { type Answer, type Api, type Call, startApi } from './gateway';

const ROUTE = 'POST /v1/batches/{batch_id}/redrive';
const BODY = sales([sale(), sale({ stock: 'B', quantity: '0' }), sale({ stock: 'C', price: 'free' })]);

let api: Api;
let document: OpenApi;
let startOrders: typeof import('../../cli/dev/orders').startOrders;
beforeAll(async () => {
  api = await startApi();
  document = (await api.call('GET /v1/openapi.json')).body;
  // Loaded late: the function opens its data directory when it is loaded.
  startOrders = (await import('../../cli/dev/orders')).startOrders;
});
afterAll(() => api.stop());

/** Asks for a redrive; the answer, whatever it is, must be documented. */
async function ask(batch_id: string, body?: string | Buffer, call: Call = {}): Promise<Answer> {
  const answer = await api.call(ROUTE, { params: { batch_id }, ...(body !== undefined && { body }), ...call });
  expectDocumented(document, ROUTE, answer);
  return answer;
}
async function taken(text: string, clean = true): Promise<string> {
  const { body } = await api.call('POST /v1/transactions', { body: text, type: 'text/csv' });
  if (clean) await api.clean();
  return body.batch_id;
}
/** Takes the orders that were put, as whoever works them off does. */
function ordered(): RedriveOrder[] {
  const found: RedriveOrder[] = [];
  for (let next = api.world.orders.take(); next; next = api.world.orders.take()) {
    found.push(next.order);
    api.world.orders.done(next.id);
  }
  return found;
}

describe('A redrive that is asked for', () => {
  test('is ordered from whoever has time, and says where to look', async () => {
    const batch_id = await taken(BODY);
    const { status, body, headers } = await ask(batch_id);
    expect([status, headers.location]).toEqual([202, `/v1/batches/${batch_id}`]);
    expect(body).toEqual({ batch_id, rows: 2, replay: false, status: `/v1/batches/${batch_id}` });
    expect((await ask(batch_id, '{"reason": "unparseable"}')).body.rows).toBe(1);
    expect((await ask(batch_id, Buffer.from('{"replay": true}'))).body).toMatchObject({ rows: 3, replay: true });
    expect(ordered()).toEqual([
      { batch_id, by: 'ecomflow-local-admin' },
      { batch_id, reason: 'unparseable', by: 'ecomflow-local-admin' },
      { batch_id, replay: true, by: 'ecomflow-local-admin' },
    ]);
  });

  test('where there is nothing to do is answered 200, and nothing is ordered', async () => {
    const refused = await taken(BODY);
    const good = await taken(sales([sale({ stock: 'good' })]));
    for (const answer of [
      await ask(good),
      await ask(refused, '{"reason": "missing"}'),
      await ask(refused, '{"reason": "constructor"}'),
    ])
      expect([answer.status, answer.body.rows]).toEqual([200, 0]);
    expect(ordered()).toEqual([]);
  });

  test.each([
    ['unknown', 'f'.repeat(32)],
    ['no id at all', 'x'],
    ['an object’s own', '__proto__'],
  ])('of a batch that is %s is answered 404', async (_, batch_id) => {
    expect((await ask(batch_id)).status).toBe(404);
  });

  test('of a batch that is open, or being cleaned, or was read by Spark, is answered 409', async () => {
    const cleaning = await taken(sales([sale({ stock: 'late', quantity: '0' })]), false);
    const { head } = (await api.world.batches.find(cleaning))!;
    const { accepted_at, ...open } = head;
    const [unsent, spark, claiming] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string];
    await api.world.batches.open({ ...open, batch_id: unsent });
    const origin = { key: 'inbox/transactions/large.csv', version: 'v' };
    const slices = [{ start: 0, end: 0, first_line: 0, rows: 1 }];
    for (const batch_id of [spark, claiming]) {
      await api.world.batches.open({ ...head, batch_id, accepted_at: accepted_at!, origin, slices });
      const counts = { kept: 0, duplicate: 0, rejected: { missing: 1 } };
      const entry = {
        batch_id,
        number: 1,
        chunk_id: `${batch_id}-1`,
        revision: 0,
        cleaned_at: accepted_at!,
        ...counts,
      };
      await api.world.chunks.record({ ...entry, ...(batch_id === claiming && { provisional: true as const }) });
    }
    for (const batch_id of [unsent, claiming]) {
      for (const body of ['', '{"replay": true}']) expect((await ask(batch_id, body)).status).toBe(409);
    }
    expect((await ask(cleaning)).status).toBe(409);
    const answer = await ask(spark, '{"replay": true}');
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining(origin.key)]);
    expect(ordered()).toEqual([]);
    expect((await ask(spark)).status).toBe(202);
    ordered();
    await api.clean();
  });

  test('as a replay is taken while chunks are being cleaned: one may have been lost', async () => {
    const cleaning = await taken(sales([sale({ stock: 'lost' })]), false);
    expect((await ask(cleaning, '{"replay": true}')).body).toMatchObject({ rows: 1, replay: true });
    ordered();
    await api.clean();
  });

  test('with a body that is none is answered 400, 413 when it is large', async () => {
    const batch_id = await taken(BODY);
    for (const body of ['x', '[]', '{"all": true}', '{"reason": 7}'])
      expect([(await ask(batch_id, body)).status, body]).toEqual([400, body]);
    expect((await ask(batch_id, ' '.repeat(5000))).status).toBe(413);
    expect(ordered()).toEqual([]);
  });

  test('by anybody but an administrator is answered 403', async () => {
    const batch_id = await taken(BODY);
    for (const scopes of [['ecomflow/ingest', 'ecomflow/read'], []]) {
      const token = await api.sign({ client_id: 'ecomflow-local-shop', scopes });
      expect((await ask(batch_id, '', { token })).status).toBe(403);
    }
    expect(ordered()).toEqual([]);
  });
});

const context = { getRemainingTimeInMillis: () => 1234 } as Context;
const event = (...bodies: string[]) =>
  ({ Records: bodies.map((body, i) => ({ messageId: `m${i}`, body })) }) as SQSEvent;

describe('The queue of redrives', () => {
  const order = { batch_id: 'a'.repeat(32), by: 'somebody' };
  let lines: Parameters<Telemetry['log']>[];
  beforeEach(() => {
    lines = [];
  });
  const log: Telemetry['log'] = (...line) => void lines.push(line);

  test('hands over what was ordered as it was, with the time that is left', async () => {
    const seen: unknown[] = [];
    const more = { ...order, reason: 'missing', replay: false, from: 7 };
    await orders({ log }, async (said, timeLeft) => void seen.push(said, timeLeft()))(
      event(JSON.stringify(order), JSON.stringify(more)),
      context,
    );
    expect([seen, lines]).toEqual([[order, 1234, more, 1234], []]);
  });

  test('ends what can never be done, and says why; others go on', async () => {
    const seen: string[] = [];
    const work = async ({ batch_id, by }: RedriveOrder) => {
      if (by === 'nobody') throw new Problem('not_found', 'There is no such batch.');
      seen.push(batch_id);
    };
    await orders({ log }, work)(event(JSON.stringify({ ...order, by: 'nobody' }), JSON.stringify(order)), context);
    expect(seen).toEqual([order.batch_id]);
    expect(lines).toEqual([
      [
        'warn',
        'a redrive cannot be done',
        expect.objectContaining({ batch_id: order.batch_id, error: expect.any(Problem) }),
      ],
    ]);
  });

  test('lets what else is thrown reach the platform, which brings the message again', async () => {
    const error = new Error('broken');
    const reject = () => Promise.reject(error);
    await expect(orders({ log }, reject)(event(JSON.stringify(order)), context)).rejects.toBe(error);
    expect(lines).toEqual([['warn', 'a redrive is to be tried again', expect.objectContaining({ ...order, error })]]);
    await expect(orders({ log }, reject)(event('{}'), context)).rejects.toThrow(NotANotice);
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"batch_id":"x"}',
    '{"by":"x"}',
    '{"batch_id":7,"by":"x"}',
    '{"batch_id":"x","by":"x","reason":7}',
    '{"batch_id":"x","by":"x","replay":"yes"}',
  ])('takes no message that orders nothing: %s', (body) => {
    expect(() => orderIn(body)).toThrow(NotANotice);
  });
});

describe('What is ordered', () => {
  let errors: jest.SpyInstance;
  beforeEach(() => {
    errors = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });
  afterEach(() => errors.mockRestore());
  const told = () => errors.mock.calls.flat().map(String).join('\n');
  const EVERY = { poll: 5, pause: 5 };
  async function until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise((wake) => setTimeout(wake, 5));
  }
  const isDone = () => api.world.orders.take() === undefined;

  test('is done by the function, in the order of asking, and what became of the batch is told', async () => {
    const batch_id = await taken(sales([sale({ stock: 'S1' }), sale({ stock: 'S2', quantity: '0' })]));
    const [entry] = (await api.world.batches.find(batch_id))!.entries;
    const { head } = (await api.world.batches.find(batch_id))!;
    // As if the rule had been another one then: the text of the refused row is one that is good today.
    const text = sale({ stock: 'S2' });
    await api.world.rejects.put({ ...head, chunk_id: entry!.chunk_id }, [
      { line: 3, reason: 'non_positive_quantity', field: 'quantity', text },
    ]);
    await ask(batch_id);
    await api.world.orders.put({ batch_id: 'e'.repeat(32), by: 'somebody' });
    const work = startOrders(api.world, undefined, EVERY);
    await until(isDone);
    await work.stop();
    const { body } = await api.call('GET /v1/batches/{batch_id}', { params: { batch_id } });
    expect(body).toMatchObject({ received: 2, kept: 2, duplicate: 0, rejected: {}, balanced: true });
    expect(body.chunks).toEqual({ total: 1, cleaned: 1, revised: 1 });
    expect(told()).toContain(`redrive: ${batch_id} has 2 rows kept, 0 duplicate, 0 rejected`);
    expect(told()).toContain(`redrive: there is no batch ${'e'.repeat(32)}`);
    const { body: invoice } = await api.call('GET /v1/invoices/{invoice_no}', { params: { invoice_no: '1' } });
    expect(invoice.lines.map(({ stock_code }: { stock_code: string }) => stock_code)).toContain('S2');
  });

  test('is tried again when it goes wrong, and given up in the end', async () => {
    await api.world.orders.put({ batch_id: 'e'.repeat(32), by: 'somebody' });
    let tries = 0;
    const broken = async () => {
      tries++;
      throw new Error('a defect');
    };
    const work = startOrders(api.world, broken as never, EVERY);
    await until(isDone);
    await work.stop();
    expect(tries).toBe(10);
    expect(told()).toContain('is given up after 10 tries');
  });

  test('waits for a broken world as long as it takes', async () => {
    const { Unavailable } = await import('../../shared/pipeline/ports');
    await api.world.orders.put({ batch_id: 'e'.repeat(32), by: 'somebody' });
    let tries = 0;
    const busy = async () => {
      if (++tries < 15) throw new Unavailable('the disk is full');
    };
    const work = startOrders(api.world, busy as never, EVERY);
    await until(isDone);
    await work.stop();
    expect(tries).toBe(15);
    expect(told()).toContain('redrive: the disk is full');
  });
});
