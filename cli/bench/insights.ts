import { join } from 'node:path';
import { insights as all, type Insight, statementOf } from '../../shared/domain/insight';
import { MOST_ROWS } from '../../shared/domain/overview';
import { contracts, tableOf } from '../../shared/domain/warehouse';
import { simulate } from '../simulator';
import { type Input, textOf } from './input';
import { median, number, type Report } from './report';
import { athenaUsd, scannedFrom } from './scanned';
import { openShop, type Shop } from './shop';

const ROUNDS = 3;
const THOUSAND = 1000;
const NIGHTS = 30;

/** Every insight over a whole shop on DuckDB, one after the other, and what Athena would read and take for each. */
export async function insights(scratch: string, input: Input): Promise<Report> {
  console.error('insights: loading');
  const events = [...simulate({ dataset: 'events', rows: input.rows, seed: 1 })].join('');
  const shop = await openShop(join(scratch, 'shop'), { transactions: textOf(input.path), events });
  try {
    const names = [...all.values()];
    const rounds: Round[] = [];
    for (let n = 0; n < ROUNDS; n++) rounds.push(await round(shop, names));
    const scanned = await scannedFrom(shop);
    const found = [];
    for (const [i, insight] of names.entries()) {
      const bytes = await scanned(insight);
      found.push({
        name: insight.name,
        rows: rounds[0]!.runs[i]!.rows,
        ms: median(rounds.map(({ runs }) => runs[i]!.ms)),
        scanned_bytes: bytes,
        usd: athenaUsd(bytes),
      });
    }
    const seconds = median(rounds.map((each) => each.seconds));
    const processor = median(rounds.map((each) => each.processorSeconds));
    const scan = median(rounds.map((each) => each.scanSeconds));
    const night = found.reduce((sum, { usd }) => sum + usd, 0);
    return {
      title: 'Insights',
      limits: [
        { what: `all ${names.length} insights on DuckDB`, measured: seconds, unit: 's', bound: 'at most', limit: 5 },
      ],
      tables: [
        {
          title: `Over ${number(input.rows)} rows of transactions and as many simulated events (median of ${ROUNDS} rounds)`,
          head: ['insight', 'rows', 'ms', 'MB that Athena reads', 'USD per 1,000 times on Athena'],
          rows: [
            ...found.map(({ name, rows, ms, scanned_bytes, usd }) => [
              name,
              rows > MOST_ROWS ? `over ${number(MOST_ROWS)}` : number(rows),
              number(ms),
              (scanned_bytes / 1e6).toFixed(1),
              (usd * THOUSAND).toFixed(3),
            ]),
            [
              '**all**',
              '',
              `**${number(seconds * 1000)}**`,
              (found.reduce((sum, { scanned_bytes }) => sum + scanned_bytes, 0) / 1e6).toFixed(1),
              `**${(night * THOUSAND).toFixed(3)}**`,
            ],
          ],
        },
      ],
      notes: [
        `The statements that a night builds, each over the whole span of its rows and with at most ${number(MOST_ROWS)} of its own, one after the other on a DuckDB file with the bounds of npm start (2 threads, 512 MB). To look once at every value of both tables takes ${number(scan * 1000)} ms there: all insights are ${number(seconds / scan)} times that, and ${number(processor)} s of a processor, whatever else it does. Loading is not in.`,
        'What Athena reads is an estimate: the compressed bytes of the columns that a statement reads, each time that it reads them, of Parquet (zstd) in a folder for each day, as DuckDB writes it; refused rows as one packed file. Footers, manifests and requests to S3 are not in.',
        `Athena takes 5 USD for a terabyte, and of each query at least 10 MB: below that size, what an insight reads makes no difference. All of them every night are ${(night * NIGHTS).toFixed(3)} USD in ${NIGHTS} nights.`,
      ],
      figures: {
        seconds,
        processor_seconds: processor,
        scan_seconds: scan,
        rounds: rounds.map((each) => each.seconds),
        insights: found,
      },
    };
  } finally {
    shop.close();
  }
}

interface Round {
  readonly seconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
  readonly runs: readonly { readonly rows: number; readonly ms: number }[];
  /** Of a look at every value. */
  readonly scanSeconds: number;
}

async function round({ connection, period, tables }: Shop, asked: readonly Insight[]): Promise<Round> {
  const timed = async (sql: string) => {
    const started = performance.now();
    const { currentRowCount: rows } = await connection.runAndReadAll(sql);
    return { rows, ms: performance.now() - started };
  };
  let scanSeconds = 0;
  for (const { name, columns } of contracts()) {
    const largest = columns.map((column) => `max("${column.name}")`).join(', ');
    scanSeconds += (await timed(`select ${largest} from ${tableOf(name)}`)).ms / 1000;
  }
  const runs = [];
  const before = process.cpuUsage();
  for (const insight of asked) runs.push(await timed(statementOf(insight, period, tables, MOST_ROWS + 1)));
  const { user, system } = process.cpuUsage(before);
  const seconds = runs.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  return { seconds, processorSeconds: (user + system) / 1e6, runs, scanSeconds };
}
