import { insights } from '../../shared/domain/insight';
import { type OpenApi, openApi } from '../../shared/domain/openapi';
import { buildInsights } from '../../shared/pipeline/insights';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { sale, sales } from '../support/rows';
import { expectDocumented, type Json } from './document';
import { type Answer, type Api, startApi } from './gateway';

const LIST = 'GET /v1/insights';
const ONE = 'GET /v1/insights/{name}';
const document: OpenApi = openApi('test');

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

/** Asks for an insight; the answer, whatever it is, must be documented. */
async function ask(
  name: string,
  query: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await api.call(ONE, { params: { name }, query, headers });
  expectDocumented(document, ONE, answer);
  return answer;
}
async function list(): Promise<Json> {
  const answer = await api.call(LIST);
  expectDocumented(document, LIST, answer);
  return answer.body;
}
const FORMULA = '"=HYPERLINK(""http://x"")"';
const SALES = [
  sale({ invoice: '1', date: '12/1/2010 8:26', quantity: '2', price: '2.5', country: 'France' }),
  sale({ invoice: '2', date: '12/3/2010 9:00', quantity: '1', price: '10', country: FORMULA, customer: '__proto__' }),
];

describe('Before anything came', () => {
  it('there is the list of what could be asked, and no answer to any of it', async () => {
    const body = await list();
    expect(body).toMatchObject({ built_at: null, datasets: [] });
    expect(body.insights.map(({ name }: Json) => name)).toEqual([...insights.keys()]);
    expect(body.insights[0]).toMatchObject({ rows: null, built_at: null, failed_at: null });
    const asked: Record<string, string>[] = [{}, { from: '2010-01-01' }, { from: '2010-01-01', to: '2011-01-01' }];
    for (const name of insights.keys()) {
      for (const days of asked)
        expect((await ask(name, days)).body).toMatchObject({ name, rows: [], built_at: null, truncated: false });
      expect((await ask(name, { format: 'csv' })).text).toBe(`${insights.get(name)!.columns.map((c) => c.name)}\r\n`);
    }
  });
});

describe('Behind a build', () => {
  beforeAll(async () => {
    await api.call('POST /v1/transactions', { body: sales(SALES), type: 'text/csv' });
    await api.clean();
    await loadWarehouse({}, api.world);
    await buildInsights({}, api.world);
  });

  it('the list tells what there is', async () => {
    const body = await list();
    expect(body.datasets[0]).toMatchObject({
      dataset: 'transactions',
      first_day: '2010-12-01',
      rows: 2,
      received: 2,
      kept: 2,
    });
    expect(body.insights.find(({ name }: Json) => name === 'sales_by_day')).toMatchObject({ rows: 2, failed_at: null });
  });

  it('an insight is about all days, or those that are asked for', async () => {
    const { body: all } = await ask('sales_by_day');
    expect(all).toMatchObject({ from: '2010-12-01', to: '2010-12-03', truncated: false });
    expect(all.rows).toEqual([
      { day: '2010-12-01', revenue: '5.0000', orders: 1, lines: 1, pieces: 2, average_order: '5.00' },
      { day: '2010-12-03', revenue: '10.0000', orders: 1, lines: 1, pieces: 1, average_order: '10.00' },
    ]);
    expect(all.columns[1]).toEqual({
      name: 'revenue',
      type: 'decimal',
      unit: 'currency',
      description: 'Quantity times unit price, summed',
    });
    const asked = (query: Record<string, string>) =>
      ask('sales_by_day', query).then(({ body }) => [body.from, body.to, body.rows.map(({ day }: Json) => day)]);
    expect(await asked({ from: '2010-12-02', to: '2010-12-31' })).toEqual(['2010-12-02', '2010-12-31', ['2010-12-03']]);
    expect(await asked({ from: '2010-12-02' })).toEqual(['2010-12-02', '2010-12-03', ['2010-12-03']]);
    expect(await asked({ to: '2010-12-02' })).toEqual(['2010-12-01', '2010-12-02', ['2010-12-01']]);
    expect(await asked({ from: '2010-12-03', to: '2010-12-03' })).toEqual(['2010-12-03', '2010-12-03', ['2010-12-03']]);
    expect(await asked({ from: '2030-01-01' })).toEqual(['2030-01-01', '2030-01-01', []]);
    expect(await asked({ to: '1999-01-01' })).toEqual(['1999-01-01', '1999-01-01', []]);
    expect(await asked({ from: '0001-01-01', to: '9999-12-31' })).toEqual([
      '0001-01-01',
      '9999-12-31',
      ['2010-12-01', '2010-12-03'],
    ]);
  });

  it('is answered from what was built, also where the engine is gone, and from the engine for other days', async () => {
    const { body } = await ask('sales_by_day', { from: '2010-12-01', to: '2010-12-03' });
    expect(body.built_at).toBe((await list()).insights.find(({ name }: Json) => name === 'sales_by_day').built_at);
    const { body: other } = await ask('sales_by_day', { from: '2010-12-01', to: '2010-12-02' });
    expect(other.built_at > body.built_at).toBe(true);
  });

  it('has as many rows as are asked for, and says that there are more', async () => {
    const asked: Record<string, string>[] = [{}, { to: '2010-12-30' }];
    for (const days of asked) {
      expect((await ask('sales_by_day', { ...days, limit: '1' })).body).toMatchObject({
        rows: [{ day: '2010-12-01' }],
        truncated: true,
      });
      expect((await ask('sales_by_day', { ...days, limit: '2' })).body).toMatchObject({ truncated: false });
    }
    expect((await ask('sales_by_day', { limit: '1', format: 'csv' })).headers['ecomflow-truncated']).toBe('true');
  });

  it('is CSV for those who say so, without formulas', async () => {
    const csv = await ask('revenue_by_country', { format: 'csv' });
    expect(csv.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="revenue_by_country.csv"',
      'ecomflow-truncated': 'false',
      etag: expect.any(String),
    });
    expect(csv.text.split('\r\n')[0]).toBe(
      insights
        .get('revenue_by_country')!
        .columns.map(({ name }) => name)
        .join(','),
    );
    expect(csv.text).toContain(`"'=HYPERLINK(""http://x"")",`);
    const { body } = await ask('revenue_by_country');
    expect(body.rows.map(({ country }: Json) => country)).toContain('=HYPERLINK("http://x")');
    expect((await ask('revenue_by_country', {}, { accept: 'text/html, text/csv;q=0.9' })).text).toBe(csv.text);
    expect((await ask('revenue_by_country', { format: 'json' }, { accept: 'text/csv' })).body).toEqual(body);
    expect((await ask('sales_by_day', { format: 'csv', limit: '10000' })).status).toBe(200);
    const tag = { 'if-none-match': csv.headers.etag! };
    expect((await ask('revenue_by_country', { format: 'csv' }, tag)).status).toBe(304);
  });

  it('tells a customer who they are to the shop, whatever they are called', async () => {
    const profile = async (customer_id: string) =>
      (await api.call('GET /v1/customers/{customer_id}', { params: { customer_id } })).body.profile;
    expect(await profile('17850')).toMatchObject({ customer_id: '17850', monetary: '5.0000', frequency: 1 });
    expect(await profile('__proto__')).toMatchObject({ customer_id: '__proto__', monetary: '10.0000' });
  });
});

describe('What is no question', () => {
  const SQL = [
    "2010-12-01' or '1'='1",
    "'; drop table ecomflow.transactions; --",
    '2010-12-01 union select 1',
    '1) or (1=1',
  ];
  it.each<[string, Record<string, string>]>([
    ...[
      '2026-02-30',
      '2010-13-01',
      '2011-02-29',
      '0000-01-01',
      '99999-01-01',
      '2010-1-1',
      '2010-12-01T00:00:00Z',
      '',
      ' 2010-12-01',
      '２０１０-12-01',
      ...SQL,
    ].flatMap((day): [string, Record<string, string>][] => [
      ['from', { from: day }],
      ['to', { to: day, from: '2010-12-01' }],
    ]),
    ['from', { from: '2010-12-02', to: '2010-12-01' }],
    ...['0', '-1', '1.5', '1001', '99999999999999999999', '1e3', 'all', '', ...SQL].map(
      (limit): [string, Record<string, string>] => ['limit', { limit }],
    ),
    ['limit', { limit: '10001', format: 'csv' }],
    ...['xml', 'CSV', '', ...SQL].map((format): [string, Record<string, string>] => ['format', { format }]),
  ])('is refused for its %s: %j', async (parameter, query) => {
    expect(await ask('sales_by_day', query)).toMatchObject({
      status: 400,
      body: { code: 'invalid_parameter', parameter },
    });
  });

  it.each([
    'nothing',
    'Sales_by_day',
    'sales_by_day ',
    '__proto__',
    'constructor',
    'overview',
    'building',
    '../overview',
    'customers/00',
    '',
    ...SQL,
  ])('there is no insight %j', async (name) => {
    expect(await ask(name)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await ask(name, { from: 'x' })).toMatchObject({ status: 404 });
  });
});
