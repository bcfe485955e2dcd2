import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { WAREHOUSE_FILE } from '../../shared/adapters/local/duckdb';
import { duckdbEngine } from '../../shared/adapters/local/engine';
import { insights, statementOf } from '../../shared/domain/insight';
import { MOST_ROWS } from '../../shared/domain/overview';
import { contracts, SCHEMA, tableMigration, tableOf } from '../../shared/domain/warehouse';
import { TooMuch } from '../../shared/pipeline/ports';

/** What became of the questions about one customer with very many rows. */
export interface Whale {
  readonly answered: number;
  /** Those that the engine gave up with a clear word. */
  readonly tooMuch: readonly string[];
  readonly slowest: { readonly name: string; readonly seconds: number };
  /** Bytes that this process held at most while it was asked. */
  readonly peak: number;
  /** Of all days together, in units of 1/10000; by the answer. */
  readonly revenue: bigint;
  readonly customers: number;
}

/** The price of every line, and the same in units of 1/10000. */
const PRICE = '1.5';
export const PRICE_UNITS = 15_000n;
const PERIOD = { first_day: '2026-01-01', last_day: '2026-12-31' };
const LOOK_MS = 20;

/** Every insight over so many invoices of one customer, and events of one visitor in one session, as npm start would ask. */
export async function askOfWhale(directory: string, lines: number, say: (text: string) => void): Promise<Whale> {
  mkdirSync(directory);
  await fill(join(directory, WAREHOUSE_FILE), lines);
  say(`${lines.toLocaleString('en')} rows of one customer are there, and as many of one visitor`);
  const engine = duckdbEngine(directory);
  const tables = await engine.tables();
  const memory = watchMemory();
  const tooMuch: string[] = [];
  let slowest = { name: '', seconds: 0 };
  let [revenue, customers] = [0n, 0];
  for (const insight of insights.values()) {
    const { name } = insight;
    const began = performance.now();
    try {
      const { rows, columns } = await engine.query(statementOf(insight, PERIOD, tables, MOST_ROWS));
      const at = columns.indexOf('revenue');
      if (name === 'sales_by_day') for (const row of rows) revenue += BigInt(row[at]!.replace('.', ''));
      if (name === 'customer_profiles') customers = rows.length;
    } catch (error) {
      if (!(error instanceof TooMuch)) throw error;
      tooMuch.push(name);
    }
    const seconds = (performance.now() - began) / 1000;
    if (seconds > slowest.seconds) slowest = { name, seconds };
  }
  const answered = insights.size - tooMuch.length;
  return { answered, tooMuch, slowest, peak: memory.stop(), revenue, customers };
}

async function fill(file: string, lines: number): Promise<void> {
  const instance = await DuckDBInstance.create(file, { memory_limit: '1GB', threads: '2' });
  const connection = await instance.connect();
  await connection.run(`set TimeZone = 'UTC'; create schema ${SCHEMA}`);
  for (const contract of contracts()) for (const sql of tableMigration(contract, [])) await connection.run(sql);
  // Second by second through a year, and from its start again.
  const at = `timestamptz '2026-01-01 00:00:00+00' + to_seconds(i % 31536000)`;
  await connection.run(
    `insert into ${tableOf('transactions')} by name
     select uuid() as line_id, 'whale' as batch_id, cast(i as varchar) as invoice_no, 'A' as stock_code,
       'APPLE' as description, 1 as quantity, ${at} as invoice_date, ${PRICE} as unit_price, '17850' as customer_id,
       'France' as country from range(${lines}) as r(i)`,
  );
  await connection.run(
    `insert into ${tableOf('events')} by name
     select uuid() as line_id, 'whale' as batch_id, ${at} as event_time,
       case i % 4 when 0 then 'view' when 1 then 'cart' when 2 then 'remove_from_cart' else 'purchase' end as event_type,
       cast(i % 1000 as varchar) as product_id, '1' as category_id, null as category_code, null as brand,
       ${PRICE} as price, '17850' as user_id, 'session' as user_session from range(${lines}) as r(i)`,
  );
  connection.closeSync();
  instance.closeSync();
}

/** The most that this process holds from now on. */
function watchMemory(): { stop(): number } {
  const stopping = new AbortController();
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const looking = async () => {
    for await (const _ of setInterval(LOOK_MS, undefined, { signal: stopping.signal })) look();
  };
  looking().catch(() => undefined); // told to stop
  return {
    stop() {
      stopping.abort();
      look();
      return peak;
    },
  };
}
