import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { main } from '../../cli/insights';
import { listInWords, tableOf } from '../../cli/insights/words';
import { loadWarehouse } from '../../shared/pipeline/warehouse';
import { sale, sales } from '../support/rows';
import { drain, post, testWorld } from '../support/world';

const ANSWER = {
  question: 'What sells?',
  from: '2011-01-01',
  to: '2011-01-31',
  built_at: '2026-03-01T02:00:00.000Z',
  failed_at: null,
  columns: [
    { name: 'what', type: 'text', description: 'What was sold' },
    { name: 'revenue', type: 'decimal', description: 'For how much' },
  ],
  rows: [
    { what: 'JAM', revenue: '12.50' },
    { what: 'a\u001b[2J\nb', revenue: null },
  ],
  truncated: true,
  cannot: ['Whether it tastes.'],
};

describe('an answer in words', () => {
  it('is a table, numbers to the right, with its columns in words, in which nothing moves the cursor', () => {
    expect(tableOf(ANSWER).split('\n')).toEqual([
      'What sells?',
      'From 2011-01-01 to 2011-01-31, as of 2026-03-01T02:00:00.000Z.',
      '',
      'what     revenue',
      '-------  -------',
      'JAM        12.50',
      'a [2J b',
      '... and more: --limit, or --csv',
      '',
      'what     What was sold',
      'revenue  For how much',
      '',
      'Whether it tastes.',
    ]);
  });

  it('says that there is nothing, that the build failed, and no more than there is to say', () => {
    expect(tableOf({ ...ANSWER, rows: [] })).toBe('What sells?\n\nNothing, from 2011-01-01 to 2011-01-31.');
    expect(tableOf({ ...ANSWER, rows: [], from: null, to: null })).toBe('What sells?\n\nThere are no rows yet.');
    const failed = tableOf({ ...ANSWER, failed_at: '2026-03-02T02:00:00.000Z', truncated: false, cannot: [] });
    expect(failed).toContain('The build of 2026-03-02T02:00:00.000Z failed at it.');
    expect(failed.endsWith('revenue  For how much')).toBe(true);
  });

  it('is a list without a name', () => {
    const state = { rows: 1, built_at: 'then', failed_at: null };
    const insights = [
      { name: 'a', question: 'Who?', ...state },
      { name: 'longer', question: 'What?', ...state, failed_at: 'later' },
    ];
    expect(listInWords({ built_at: null, datasets: [], insights }).split('\n')).toEqual([
      'a       Who?',
      'longer  What? (the build of later failed at it)',
      '',
      'Nothing is built yet.',
    ]);
    const of = { rows: 7000, first_day: '2011-01-01', last_day: '2011-01-31' };
    const datasets = [
      { dataset: 'transactions', ...of },
      { dataset: 'events', rows: 0, first_day: null, last_day: null },
    ];
    const listed = listInWords({ built_at: 'then', datasets: datasets as never, insights });
    expect(listed.split('\n').slice(-3)).toEqual([
      'transactions: 7,000 rows of 2011-01-01 to 2011-01-31',
      'events: no rows yet',
      'Built at then.',
    ]);
  });
});

describe('npm run insights', () => {
  let server: Server;
  let url: string;
  const asked: string[] = [];
  const said: string[] = [];
  beforeAll(async () => {
    process.env.ECOMFLOW_TOKEN = 'a.b.c';
    server = createServer((request, response) => {
      asked.push(request.url!);
      const { pathname, searchParams } = new URL(request.url!, 'http://x');
      const json = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (pathname === '/v1/insights')
        return json(200, {
          built_at: null,
          datasets: [],
          insights: [{ name: 'a', question: 'Who?', failed_at: null }],
        });
      if (pathname !== '/v1/insights/a') return json(404, { code: 'not_found', detail: 'There is no such insight.' });
      if (searchParams.get('from') === 'x') return json(400, { code: 'invalid_parameter', detail: 'from is a day.' });
      if (searchParams.get('from') === '0001-01-01')
        return json(422, { code: 'too_much', detail: 'Narrow the range.' });
      if (searchParams.get('format') === 'csv')
        return response.writeHead(200, { 'content-type': 'text/csv' }).end('what\r\nJAM\r\n');
      return json(200, ANSWER);
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    delete process.env.ECOMFLOW_TOKEN;
    server.close();
  });
  beforeEach(() => {
    asked.length = 0;
    said.length = 0;
    const say = (text: unknown) => void said.push(String(text));
    jest.spyOn(console, 'log').mockImplementation(say);
    jest.spyOn(console, 'error').mockImplementation(say);
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      say(text);
      return true;
    });
  });
  afterEach(() => jest.restoreAllMocks());
  const run = (...args: string[]) => main([...args, '--url', url]);

  it('names what can be asked', async () => {
    expect(await run()).toBe(0);
    expect(said.join()).toContain('a  Who?');
  });

  it('asks for the days and the rows that are wanted', async () => {
    expect(await run('a', '--from', '2011-01-01', '--to', '2011-01-31', '--limit', '5')).toBe(0);
    expect(asked).toEqual(['/v1/insights/a?from=2011-01-01&to=2011-01-31&limit=5']);
    expect(said.join()).toContain('JAM');
  });

  it('prints CSV as it came', async () => {
    expect(await run('a', '--csv')).toBe(0);
    expect([asked, said]).toEqual([['/v1/insights/a?format=csv'], ['what\r\nJAM\r\n']]);
  });

  it.each<[number, string, string[]]>([
    [1, 'There is no insight b; npm run insights names them.', ['b']],
    [1, 'There is no insight ../health; npm run insights names them.', ['../health']],
    [1, 'Narrow the range.', ['a', '--from', '0001-01-01']],
    [2, 'from is a day.\nSee --help.', ['a', '--from', 'x']],
    [2, 'from is a day.\nSee --help.', ['a', '--from', 'x', '--csv']],
    [2, '"b" is one name too many\nSee --help.', ['a', 'b']],
    [2, 'name an insight\nSee --help.', ['--limit', '5']],
    [2, '--build builds all of them, and goes with --dir only\nSee --help.', ['--build']],
  ])('ends with %i and says %j for %j', async (code, words, args) => {
    expect(await run(...args)).toBe(code);
    expect(said).toEqual([words]);
  });

  it('builds what is in a data directory', async () => {
    const world = testWorld();
    try {
      expect(await main(['--build', '--dir', `${world.directory}/none`])).toBe(1);
      await post(world, 'transactions', sales([sale()]));
      await drain(world);
      await loadWarehouse({}, world);
      expect(await main(['--build', '--dir', world.directory])).toBe(0);
      expect(said[1]).toMatch(/^\d+ insights are built, and the profiles of 1 customers\.$/);
      expect(await world.built.find('sales_by_day')).toContain('"2010-12-01"');
    } finally {
      world.remove();
    }
  });
});
