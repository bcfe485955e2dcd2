import type { Context } from 'aws-lambda';
import { openApi } from '../../shared/domain/openapi';
import { expectDocumented } from './document';
import { type Api, startApi } from './gateway';

/** Only the date stands still: no day ends between a row and the question. */
const TIMERS = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
] as const;
const doNotFake = [...TIMERS, 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const;

let api: Api;
beforeAll(async () => {
  jest.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z'), doNotFake: [...doNotFake] });
  api = await startApi();
});
afterAll(() => {
  jest.useRealTimers();
  api.stop();
});

const now = () => new Date().toISOString();
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

async function live() {
  const answer = await api.call('GET /v1/live');
  expectDocumented(openApi('1'), 'GET /v1/live', answer);
  expect(answer.status).toBe(200);
  return answer.body;
}

test('the figures of today have what was cleaned a moment ago, and are as documented', async () => {
  expect((await live()).transactions).toMatchObject({ revenue: '0', orders: 0 });
  const body = `${HEADER}\nL1,A,A thing,2,${now()},2.55,,France\nL1,B,,1,${now()},1,,France`;
  await api.call('POST /v1/transactions', { body, type: 'text/csv' });
  await api.clean();
  const { transactions, behind, day } = await live();
  expect(behind).toBe(false);
  expect(day).toBe(now().slice(0, 10));
  expect(transactions).toMatchObject({ revenue: '6.1', orders: 1, lines: 2, pieces: 3 });
  expect(transactions.top_products[0]).toEqual({
    stock_code: 'A',
    description: 'A thing',
    revenue: '5.1',
    pieces: 2,
  });
});

test('the schedule has what is over summed, and is answered nothing', async () => {
  const handler = api.handlers.live as unknown as (event: unknown, context: Partial<Context>) => Promise<unknown>;
  const kept = () => api.world.inspect().all('select at from live_sums where figures is not null');
  expect(await handler({ task: 'sum' }, { getRemainingTimeInMillis: () => 60_000 })).toBeUndefined();
  expect(kept().length).toBeGreaterThanOrEqual(2 * 2); // two days of two data sets
});
