import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Papa from 'papaparse';
import type { Answer, Live, Overview } from '../../../dashboard/answers';
import { freePort, npmStart, ROOT } from '../../support/processes';
import { realRows } from '../support/data';
import { ask, connect, faultIn } from '../support/embedded';
import { PEERS_HOME } from '../support/peer';
import { serve, until } from '../support/processes';

/** `npm start` with the simulated shop, a year more and hostile rows, and what its API says to a machine. */
export interface Shop {
  readonly url: string;
  /** Where people sign in: another origin. */
  readonly issuer: string;
  /** Of the person `analyst`, as `npm start` says it. */
  readonly password: string;
  overview(): Promise<Overview>;
  insight(name: string, query?: Readonly<Record<string, string>>): Promise<Answer>;
  csv(name: string, query: Readonly<Record<string, string>>): Promise<Buffer>;
  live(): Promise<Live>;
  post(dataset: string, csv: string): Promise<void>;
  /** The first fault in what it said, by its stack. */
  fault(): string | undefined;
  stop(): Promise<void>;
}

const START_SECONDS = 120;
const BUILT_SECONDS = 60;

/** Lines of the real file, of which every so many is taken: a year in a file that is cleaned in a second. */
const REAL_ROWS = 541_909;
const EVERY = 25;
/** So that the year ends where the simulated shop's begins. */
const MOVED: Readonly<Record<string, string>> = { 2010: '2023', 2011: '2024', 2025: '2024' };

/** Texts that somebody may have put into a shop's data. */
export const HOSTILE = [
  '<script>document.title = "owned"</script>',
  '"><img src=x onerror="document.title = \'owned\'">',
  '=HYPERLINK("http://127.0.0.1:9/","sure")',
  `UNBREAKABLE${'X'.repeat(300)}`,
  'שלום עולם \u202eESREVER',
  '🧦👩‍👩‍👧‍👦 SOCKS & "QUOTES" \'N\' <b>MORE</b>',
] as const;

export const SALES = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
export const CLICKS = 'event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session';
export const csvLine = (fields: readonly (string | number)[]): string => `${Papa.unparse([[...fields]])}\n`;

/** Not in the middle of a sign. */
const cut = (text: string, signs: number) => [...text].slice(0, signs).join('');

/** Hostile texts in every column that takes a text, of products that sell best, to customers who came twice and left. */
const hostileSales = HOSTILE.flatMap((text, index) =>
  ['2024-02-10 10:00:00', '2024-03-10 10:00:00'].map((time, order) => {
    const product = [`770${index}${order}`, `H${index}`, text, 5 - (index % 3)];
    return csvLine([...product, time, 99_000 - index, cut(text, 60), cut(text, 60)]);
  }),
).join('');
const hostileClicks = HOSTILE.map((text, index) => {
  const product = [
    '2025-01-03 10:00:00 UTC',
    'purchase',
    `9${index}`,
    `8${index}`,
    cut(text, 250),
    cut(text, 250),
    9000 - index,
  ];
  return csvLine([...product, `66${index}`, `hostile-${index}`]);
}).join('');

async function year(): Promise<string> {
  const [, ...lines] = (await realRows(REAL_ROWS)).split('\n');
  const thinned = lines.filter((_, index) => index % EVERY === 0).join('\n');
  return `${thinned.replace(/(2010|2011)(?= \d+:\d\d,)|2025(?=-\d\d-\d\d)/g, (found) => MOVED[found]!)}\n`;
}

/** Starts it, and waits until the insights are built over all that is in it. */
export async function openShop(): Promise<Shop> {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-page-'));
  const directory = join(scratch, 'data');
  const port = await freePort();
  const log = join(PEERS_HOME, 'logs/page.log');
  const told = () =>
    new RegExp(`Dashboard: (http://127.0.0.1:${port})/ +sign in as analyst, password (\\S+)`).exec(
      readFileSync(log, 'utf8'),
    );
  const args = [...npmStart(), '--dir', directory, '--port', String(port)];
  const ready = async () => told() !== null;
  const server = await serve('page', process.execPath, args, ready, { cwd: ROOT, seconds: START_SECONDS });
  const [, url, password] = told()!;
  const { token } = (await connect(directory))!;

  const get = async (path: string): Promise<Response> => {
    const answer = await ask(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const json = async <T>(path: string) => (await get(path)).json() as Promise<T>;
  const place = await json<{ authorize: string }>('/config.json');
  const shop: Shop = {
    url: url!,
    issuer: new URL(place.authorize).origin,
    password: password!,
    overview: () => json('/v1/insights'),
    insight: (name, query = {}) => json(`/v1/insights/${name}?${new URLSearchParams({ limit: '1000', ...query })}`),
    csv: async (name, query) => {
      const path = `/v1/insights/${name}?${new URLSearchParams({ ...query, format: 'csv' })}`;
      return Buffer.from(await (await get(path)).arrayBuffer());
    },
    live: () => json('/v1/live'),
    async post(dataset, body) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv' };
      const answer = await ask(`${url}/v1/${dataset}`, { method: 'POST', headers, body });
      if (answer.status !== 202) throw new Error(`${dataset}: ${answer.status} ${await answer.text()}`);
    },
    fault: () => [log, join(directory, 'server.log')].map((file) => faultIn(readFileSync(file, 'utf8'))).find(Boolean),
    async stop() {
      await server.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  try {
    await fill(shop, directory);
  } catch (error) {
    await shop.stop();
    throw error;
  }
  return shop;
}

/** Puts files into the inbox, and waits for the insights that know both. */
async function fill(shop: Shop, directory: string): Promise<void> {
  const files = { transactions: `${SALES}\n${await year()}${hostileSales}`, events: `${CLICKS}\n${hostileClicks}` };
  for (const [dataset, text] of Object.entries(files)) {
    const file = join(directory, `${dataset}.csv`);
    writeFileSync(file, text);
    renameSync(file, join(directory, 'inbox', dataset, 'more.csv')); // whole or not at all
  }
  await until('insights over what was put into the inbox', BUILT_SECONDS, async () => {
    const [sold, seen] = [await shop.insight('top_products_by_revenue'), await shop.insight('revenue_by_brand')];
    const known = sold.rows[0]?.stock_code === 'H0' && seen.rows.some(({ brand }) => brand === HOSTILE[0]);
    const { built_at } = await shop.overview(); // set behind the last insight
    return known && [sold, seen].every((insight) => insight.built_at! <= built_at!) ? true : undefined;
  });
}
