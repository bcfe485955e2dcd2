import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from '../client/api';
import { type Connection, connectionFile } from '../client/connect';
import { keepOpen } from '../simulator/open';
import { median, number, type Report } from './report';
import { started } from './under-load';

const MARKERS = 60;
const LOOK_MS = 20;
const MOST_MS = 60_000;
/** Rows a second that come meanwhile. */
const RATE = 20;

/** How long a row takes from its POST until GET /v1/live has it, on `npm start`, while its shop is open. */
export async function liveDelay(root: string, scratch: string): Promise<Report> {
  const directory = join(scratch, 'live');
  const child = await started(root, directory);
  const closing = new AbortController();
  try {
    const { url, ...credentials } = JSON.parse(readFileSync(connectionFile(directory), 'utf8')) as Connection;
    const connect = (signal?: AbortSignal) =>
      new Api(url, credentials, { onRetry: () => undefined, ...(signal && { signal }) });
    const shop = keepOpen(connect(closing.signal), RATE);
    const api = connect();
    const delays: number[] = [];
    for (let i = 0; i < MARKERS; i++) {
      delays.push(await Promise.race([delayOf(api, i), shop.then(() => Promise.reject(new Error('the shop closed')))]));
      await sleep(Math.random() * 1000); // at no certain time of the window that clean gathers for
    }
    closing.abort();
    await shop;
    return reportOf(delays);
  } finally {
    closing.abort();
    const closed = child.exitCode === null ? once(child, 'close') : undefined;
    child.kill('SIGTERM');
    await closed;
  }
}

/** Sends one row, which is worth more than all before, and looks until it is the first of the day. Milliseconds. */
async function delayOf(api: Api, i: number): Promise<number> {
  const marker = `MARKER-${i}`;
  const time = new Date().toISOString();
  const body = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n${marker},${marker},,1,${time},${1_000_000 + i},,Utopia\n`;
  const began = performance.now();
  await api.post('/v1/transactions', Buffer.from(body), 'text/csv');
  for (;;) {
    const { transactions } = await api.get<{ transactions: { top_products: { stock_code: string }[] } }>('/v1/live');
    const passed = performance.now() - began;
    if (transactions.top_products[0]?.stock_code === marker) return passed;
    if (passed > MOST_MS) throw new Error(`a row is not in GET /v1/live after ${MOST_MS / 1000} s`);
    await sleep(LOOK_MS);
  }
}

function reportOf(delays: readonly number[]): Report {
  const sorted = delays.toSorted((a, b) => a - b);
  const [p50, p99] = [median(sorted), sorted[Math.ceil(sorted.length * 0.99) - 1]!];
  return {
    title: 'Live figures',
    limits: [
      {
        what: 'from POST to GET /v1/live, p99',
        measured: p99 / 1000,
        unit: 's',
        bound: 'at most',
        limit: 10,
      },
    ],
    tables: [
      {
        title: 'Milliseconds from the POST of a row until GET /v1/live has it',
        head: ['rows', 'p50', 'p99', 'longest'],
        rows: [[number(sorted.length), number(p50), number(p99), number(sorted.at(-1)!)]],
      },
    ],
    notes: [
      `On \`npm start\`, one row at a time, while ${RATE} rows a second come from a simulated shop; looked for every ${LOOK_MS} ms. Clean gathers for a second, as on AWS.`,
    ],
    figures: { delays_ms: sorted.map(Math.round), p50_ms: p50, p99_ms: p99 },
  };
}
