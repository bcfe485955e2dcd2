import { insights } from '../../shared/domain/insight';
import { nothingBuilt } from '../../shared/domain/overview';
import { insight } from '../../shared/pipeline/insight-questions';
import { buildInsights } from '../../shared/pipeline/insights';
import { Csv } from '../../shared/pipeline/pages';
import { StillRunning, TooMuch, Unavailable } from '../../shared/pipeline/ports';
import { type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

const DAYS = { from: '2010-12-01', to: '2010-12-31' };
const failing = (error: Error) => ({ ...world, engine: { ...world.engine, query: async () => Promise.reject(error) } });

describe('a question that the engine cannot answer', () => {
  it('is worth another try while the answer is on its way', async () => {
    const asked = insight({ name: 'sales_by_day', ...DAYS }, failing(new StillRunning('not yet')));
    await expect(asked).rejects.toMatchObject({ code: 'try_later', detail: expect.stringContaining('on its way') });
  });

  it('is too much, and says what to do', async () => {
    const asked = insight({ name: 'sales_by_day', ...DAYS }, failing(new TooMuch('SECRET')));
    await expect(asked).rejects.toMatchObject({
      code: 'too_much',
      detail: expect.stringContaining('Narrow the range'),
    });
    await expect(asked).rejects.not.toThrow('SECRET');
  });

  it('throws what is broken, or a defect', async () => {
    for (const error of [new Unavailable('gone'), new TypeError('no')])
      await expect(insight({ name: 'sales_by_day', ...DAYS }, failing(error))).rejects.toBe(error);
  });

  it('is not asked at all when something is wrong with it', async () => {
    const asked = insight({ name: 'sales_by_day', from: '2010-12-01', to: "2010-12-31'" }, failing(new Error('asked')));
    await expect(asked).rejects.toMatchObject({ code: 'invalid_parameter' });
  });
});

describe('what reaches the engine', () => {
  it('is the same for the same question, and of a client only its days and its limit', async () => {
    const statements: string[] = [];
    const engine = {
      ...world.engine,
      async query(statement: string) {
        statements.push(statement);
        return { columns: [], rows: [] };
      },
    };
    await insight({ name: 'sales_by_day', ...DAYS, limit: '7' }, { ...world, engine });
    await insight({ name: 'sales_by_day', ...DAYS, limit: '007', accept: "'; drop" }, { ...world, engine });
    expect(statements[0]).toBe(statements[1]);
    expect(statements[0]).toContain("select date '2010-12-01' as first_day, date '2010-12-31' as last_day");
    expect(statements[0]).toMatch(/order by day limit 8$/);
  });
});

describe('a client that says nothing of the format', () => {
  it.each([
    ['text/csv', true],
    ['TEXT/CSV; charset=utf-8', true],
    ['text/csv, application/json', true],
    ['text/csv, */*;q=0.1', true],
    ['text/html, text/csv;q=0.9', true],
    ['application/json;q=0.5, text/csv;q=0.8', true],
    ['application/json, text/csv;q=0.1', false],
    ['text/csv;q=0.1, */*', false],
    ['text/csv;q=0.1, application/*;q=0.2', false],
    ['text/csv;q=0', false],
    ['text/csv;q=much', false],
    ['text/*', false],
    ['*/*', false],
    ['', false],
    [undefined, false],
  ])('and accepts %j gets CSV: %j', async (accept, isCsv) => {
    expect((await insight({ name: 'sales_by_day', accept }, world)) instanceof Csv).toBe(isCsv);
  });
});

describe('what was built', () => {
  it('by a version with other columns is no answer', async () => {
    const before = {
      ...nothingBuilt(insights.get('sales_by_day')!),
      columns: ['day', 'money'],
      rows: [['2010-12-01', '1']],
    };
    await world.built.keep('sales_by_day', JSON.stringify(before));
    expect(await insight({ name: 'sales_by_day' }, world)).toMatchObject({ rows: [], built_at: null });
    await buildInsights({}, world);
    expect(await insight({ name: 'sales_by_day' }, world)).toMatchObject({ rows: [], built_at: null });
  });

  it('ends where an answer would be more than a function may send', async () => {
    const long = 'x'.repeat(10_000);
    const insightBuilt = {
      ...nothingBuilt(insights.get('revenue_by_country')!),
      period: { first_day: '2010-12-01', last_day: '2010-12-31' },
      built_at: '2026-03-01T12:00:00.000Z',
      rows: Array.from({ length: 1000 }, () => insights.get('revenue_by_country')!.columns.map(() => long)),
    };
    await world.built.keep('revenue_by_country', JSON.stringify(insightBuilt));
    const answer = (await insight({ name: 'revenue_by_country', limit: '1000' }, world)) as {
      rows: unknown[];
      truncated: boolean;
    };
    expect(JSON.stringify(answer).length).toBeLessThan(5_000_000);
    expect(answer.truncated).toBe(true);
  });
});
