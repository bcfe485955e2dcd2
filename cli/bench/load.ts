import autocannon from 'autocannon';
import { Api } from '../client/api';
import type { Credentials } from '../client/credentials';
import { simulate } from '../simulator';
import { firstRows } from './input';

/** Where a load goes, and how much of it. */
export interface LoadTarget {
  readonly url: string;
  readonly credentials: Credentials;
  /** Requests of each kind. */
  readonly requests: { readonly posts: number; readonly invoices: number; readonly gets: number };
  readonly connections: number;
}

/** What one kind of request did. */
export interface Fired {
  readonly what: string;
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were not 2xx or not what was asked for, timeouts and broken connections. */
  readonly errors: number;
}

/** What a load did, and what became of its rows. */
export interface Loaded {
  readonly fired: readonly Fired[];
  /** Rows that were answered with 202. */
  readonly taken: number;
  /** Rows of these batches that the ledger has, and those that have their outcome there. */
  readonly received: number;
  readonly accountedFor: number;
}

const ROWS_PER_POST = 500;
const LINES_PER_INVOICE = 20;
const CUSTOMERS = 50;
const TIMEOUT_S = 30;
/** No kind takes longer than this, whatever is left of it. */
const MOST_SECONDS = 300;
/** How long the last rows may take to their outcome. */
const CLEANED_MS = 300_000;

/**
 * Sends four kinds of requests one after the other, each bounded in number and time, and asks the ledger for every row.
 * @param run rows of one run are another's only when this is the same
 */
export async function load(target: LoadTarget, run: number): Promise<Loaded> {
  const api = new Api(target.url, target.credentials, { onRetry: (why) => console.error(why) });
  const authorization = `Bearer ${await api.bearer()}`;
  const fire = (what: string, amount: number, kind: Kind) => send(target, authorization, what, amount, kind);
  const { posts, invoices, gets } = target.requests;
  const taken = new Map<string, number>();
  /** `sent` gets the numbers of the bodies that were answered with 202. */
  const post = (body: (n: number) => string, sent: number[]): Kind => ({
    method: 'POST',
    path: () => '/v1/transactions',
    body,
    isRight(answer, n) {
      const { batch_id, rows } = JSON.parse(answer) as { batch_id: string; rows: number };
      taken.set(batch_id, rows);
      sent.push(n);
      return true;
    },
  });
  const sent: number[] = [];
  const shop = rowsInPosts(posts + target.connections, run);

  const fired = [
    await fire(
      `POST of ${ROWS_PER_POST} rows`,
      posts,
      post((n) => shop[n % shop.length]!, []),
    ),
    await fire(
      'POST of one invoice',
      invoices,
      post((n) => invoiceBody(run, n), sent),
    ),
  ];
  const counts = await account(api, taken);
  fired.push(
    await fire('GET invoice', gets, {
      method: 'GET',
      path: (n) => `/v1/invoices/${invoiceNo(run, one(sent, n))}`,
      isRight(answer, n) {
        const { invoice_no, line_count } = JSON.parse(answer) as { invoice_no: string; line_count: number };
        return invoice_no === invoiceNo(run, one(sent, n)) && line_count === LINES_PER_INVOICE;
      },
    }),
    await fire('GET customer page', gets, {
      method: 'GET',
      path: (n) => `/v1/customers/${customerId(run, one(sent, n))}/invoices`,
      isRight(answer, n) {
        const { customer_id, invoices } = JSON.parse(answer) as { customer_id: string; invoices: unknown[] };
        return customer_id === customerId(run, one(sent, n)) && invoices.length > 0;
      },
    }),
  );
  return { fired, ...counts };
}

interface Kind {
  readonly method: 'GET' | 'POST';
  readonly path: (n: number) => string;
  readonly body?: (n: number) => string;
  /** Judges an answer to request n that is 2xx. */
  readonly isRight: (answer: string, n: number) => boolean;
}

async function send(
  { url, connections }: LoadTarget,
  authorization: string,
  what: string,
  amount: number,
  { method, path, body, isRight }: Kind,
): Promise<Fired> {
  const base = new URL(url).pathname.replace(/\/$/, '');
  let n = 0;
  let wrong = 0;
  const started = performance.now();
  let ended = started; // autocannon's own clock goes by the second
  const running = autocannon({
    url,
    connections,
    amount,
    timeout: TIMEOUT_S,
    requests: [
      {
        method,
        headers: { authorization, 'content-type': 'text/csv' },
        setupRequest(request, context) {
          const number = n++;
          Object.assign(context, { number });
          return { ...request, path: base + path(number), ...(body && { body: body(number) }) };
        },
        onResponse(status, answer, context) {
          ended = performance.now();
          if (status < 300 && !isRight(answer, (context as { number: number }).number)) wrong++;
        },
      },
    ],
  });
  const late = setTimeout(() => (running as unknown as { stop(): void }).stop(), MOST_SECONDS * 1000);
  const result = await running;
  clearTimeout(late);
  return {
    what,
    requests: result.requests.total,
    perSecond: (result.requests.total / (ended - started)) * 1000,
    p50: result.latency.p50,
    p99: result.latency.p99,
    errors: result.non2xx + result.errors + wrong,
  };
}

/** What the ledger says of batches once every row has its outcome, or time is up. */
async function account(api: Api, taken: ReadonlyMap<string, number>): Promise<Omit<Loaded, 'fired'>> {
  const deadline = Date.now() + CLEANED_MS;
  let received = 0;
  let accountedFor = 0;
  for (const id of taken.keys()) {
    for (;;) {
      const batch = await api.get<{ received: number; pending: number; balanced: boolean }>(`/v1/batches/${id}`);
      if (!batch.balanced && Date.now() < deadline) {
        await api.pause(200);
        continue;
      }
      received += batch.received;
      accountedFor += batch.received - batch.pending;
      break;
    }
  }
  return { taken: [...taken.values()].reduce((sum, rows) => sum + rows, 0), received, accountedFor };
}

/** Bodies of a simulated shop's rows. */
function rowsInPosts(bodies: number, run: number): string[] {
  const text = [...simulate({ dataset: 'transactions', rows: bodies * ROWS_PER_POST, seed: run })].join('');
  const { header, rows } = firstRows(text);
  return Array.from({ length: bodies }, (_, n) =>
    [header, ...rows.slice(n * ROWS_PER_POST, (n + 1) * ROWS_PER_POST)].join(''),
  );
}

/** Goes round a list. */
const one = (list: readonly number[], n: number) => list[n % list.length]!;

const invoiceNo = (run: number, n: number) => `L${run}-${n}`;
const customerId = (run: number, n: number) => `L${run}-${n % CUSTOMERS}`;

function invoiceBody(run: number, n: number): string {
  const line = (i: number) =>
    `${invoiceNo(run, n)},S${i},A thing of the load,${i + 1},2026-01-01 10:00:00,${i + 1}.25,${customerId(run, n)},Utopia\n`;
  const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
  return header + Array.from({ length: LINES_PER_INVOICE }, (_, i) => line(i)).join('');
}
