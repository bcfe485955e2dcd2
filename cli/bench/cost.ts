import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { bill, gbSeconds, kinesisOnDemand, type Line, type Terms } from './bill';
import { type EventSource, type Sold, sendThrough, type Usage } from './cost-run';
import { LATENCY_MS } from './fake-aws';
import { firstRows, type Input, textOf } from './input';
import { PRICES } from './prices';
import { number, type Report, usd } from './report';

const ROWS_PER_SECOND = 100;
/** Rows to a request, and how many rows of the file are enough to measure with. */
const RUNS = [
  { perRequest: 500, rows: Number.POSITIVE_INFINITY },
  { perRequest: 10, rows: 60_000 },
  { perRequest: 1, rows: 20_000 },
];
/** The same for rows of today, which have figures of the day; a minute's sum wants some minutes. */
const TODAY = [
  { perRequest: 500, rows: 60_000 },
  { perRequest: 10, rows: 60_000 },
  { perRequest: 1, rows: 20_000 },
];
/** What a million rows of today may cost, as others may. */
const MOST_USD = 0.3;

/** What ingest and clean ask of AWS for a file's rows, and what that costs at list prices. */
export async function cost(root: string, input: Input): Promise<Report> {
  const { terms, source } = settings(root);
  const measure = async (runs: typeof RUNS, sold: Sold) => {
    const measured: Usage[] = [];
    for (const { perRequest, rows } of runs) {
      console.error(`cost: ${perRequest} rows a request, sold ${sold}`);
      measured.push(await sendThrough(firstRows(textOf(input.path), rows), perRequest, ROWS_PER_SECOND, source, sold));
    }
    return measured;
  };
  const usages = await measure(RUNS, 'then');
  const bills = usages.map((usage) => bill(usage, terms));
  const totals = bills.map(totalOf);
  const today = await measure(TODAY, 'now');
  const todays = today.map((usage) => totalOf(bill(usage, terms)));
  const writes = usages.map((usage) => perMillion(usage, writeUnitsOf(usage)));
  const cells = (row: (usage: Usage) => number) => usages.map((usage) => number(row(usage)));

  return {
    title: 'Write units and cost',
    limits: [
      {
        what: 'per million rows, 500 to a request',
        measured: totals[0]!,
        unit: 'USD',
        bound: 'at most',
        limit: MOST_USD,
      },
      {
        what: 'the same of rows of today',
        measured: todays[0]!,
        unit: 'USD',
        bound: 'at most',
        limit: MOST_USD,
      },
    ],
    tables: [
      {
        title: 'Asked of AWS per million rows',
        head: ['rows to a request', ...usages.map(({ rowsPerRequest }) => String(rowsPerRequest))],
        rows: [
          ['rows measured', ...cells(({ rows }) => rows)],
          ['DynamoDB write units', ...writes.map(number)],
          ...(['invoices', 'customers', 'batches'] as const).map((table) => [
            `of these ${table}`,
            ...cells((usage) => perMillion(usage, usage.aws.tables[table].use.writeUnits)),
          ]),
          ['DynamoDB read units', ...cells((usage) => perMillion(usage, readUnitsOf(usage)))],
          ['Kinesis PUT payload units', ...cells((usage) => perMillion(usage, usage.aws.use.kinesis.payloadUnits))],
          ['MB into Kinesis', ...cells((usage) => perMillion(usage, usage.aws.use.kinesis.bytes) / 1e6)],
          [
            'MB billed by Firehose, landing',
            ...cells((usage) => perMillion(usage, usage.aws.use.landing.billedBytes) / 1e6),
          ],
          ['MB billed by Firehose, raw', ...cells((usage) => perMillion(usage, usage.aws.use.raw.billedBytes) / 1e6)],
          ['S3 PUT by clean', ...cells((usage) => perMillion(usage, usage.aws.use.s3.puts))],
          ['invocations of clean', ...cells((usage) => perMillion(usage, usage.clean.invocations))],
          [
            'GB-seconds of ingest',
            ...cells((usage) => perMillion(usage, gbSeconds(usage.ingest, terms.memory.ingest))),
          ],
          ['GB-seconds of clean', ...cells((usage) => perMillion(usage, gbSeconds(usage.clean, terms.memory.clean)))],
        ],
      },
      {
        title: `USD per million rows at ${ROWS_PER_SECOND} rows/s, us-east-1`,
        head: ['rows to a request', ...usages.map(({ rowsPerRequest }) => String(rowsPerRequest))],
        rows: [
          ...bills[0]!.map(({ service }, i) => [service, ...bills.map((lines) => usd(lines[i]!.usd))]),
          ['**all**', ...totals.map((total) => `**${total.toFixed(2)}**`)],
        ],
      },
      {
        title: 'Figures of the day, per million rows of today',
        head: ['rows to a request', ...today.map(({ rowsPerRequest }) => String(rowsPerRequest))],
        rows: [
          ['rows measured', ...today.map(({ rows }) => number(rows))],
          [
            'write units of live',
            ...today.map((usage) => number(perMillion(usage, usage.aws.tables.live.use.writeUnits))),
          ],
          [
            'read units of live',
            ...today.map((usage) => number(perMillion(usage, usage.aws.tables.live.use.readUnits))),
          ],
          [
            'USD of both',
            ...today.map((usage) => {
              const { writeUnits, readUnits } = usage.aws.tables.live.use;
              return usd(perMillion(usage, writeUnits * PRICES.writeUnit + readUnits * PRICES.readUnit));
            }),
          ],
          ['**all of a million rows**', ...todays.map((total) => `**${total.toFixed(2)}**`)],
        ],
      },
    ],
    notes: notes(usages, terms),
    figures: {
      today: today.map((usage, i) => ({
        rows: usage.rows,
        rows_per_request: usage.rowsPerRequest,
        usd_per_million: todays[i],
        live: usage.aws.tables.live.use,
        summing: usage.live,
      })),
      runs: usages.map((usage, i) => ({
        rows: usage.rows,
        rows_per_request: usage.rowsPerRequest,
        write_units_per_million: writes[i],
        read_units_per_million: perMillion(usage, readUnitsOf(usage)),
        usd_per_million: totals[i],
        bill: bills[i],
        ingest: usage.ingest,
        clean: usage.clean,
        use: usage.aws.use,
        tables: Object.fromEntries(Object.entries(usage.aws.tables).map(([name, { use }]) => [name, use])),
      })),
    },
  };
}

function notes(usages: readonly Usage[], terms: Terms): string[] {
  const onDemand = usages.map((usage) => usd(kinesisOnDemand(usage, terms))).join(', ');
  const latencies = Object.entries(LATENCY_MS)
    .map(([service, ms]) => `${service} ${ms} ms`)
    .join(', ');
  return [
    "Measured with the SDK's own clients and the deployed adapters, the network replaced by a count in memory; item sizes, rounding and list prices (cli/bench/prices.ts) as AWS publishes them, without free tiers. 10 and 1 rows to a request are measured on the first rows of the file.",
    `GB-seconds are an estimate: CPU time of ingest and clean on this machine, at the share of a vCPU that ${terms.memory.ingest} and ${terms.memory.clean} MB buy, and waiting for AWS at assumed times (${latencies}). Decoding the event, the token check and cold starts are not in it.`,
    `Kinesis on demand in the place of a shard: ${onDemand} USD per million rows.`,
    'In: taking rows in, cleaning, the ledger and the digest that tells of it, both tables, landing, raw, logs, traces. Not in: the query API, storage, reading the lake (Athena, Glue, the daily recount), the warehouse, what data costs that leaves AWS, monthly fixed prices (metrics, alarms, the dashboard).',
    'Rows of today have figures of the day: a write for each chunk, and sums every five minutes; a row of any other day costs nothing of it. Polling GET /v1/live is not in it.',
    'Rows that come one by one rewrite their invoice with every row: that, and 5 KB as the least that Firehose bills, is what the right column shows.',
  ];
}

const totalOf = (lines: readonly Line[]): number => lines.reduce((sum, line) => sum + line.usd, 0);
const perMillion = ({ rows }: Usage, value: number) => (value * 1e6) / rows;
const writeUnitsOf = ({ aws }: Usage) => Object.values(aws.tables).reduce((sum, { use }) => sum + use.writeUnits, 0);
const readUnitsOf = ({ aws }: Usage) => Object.values(aws.tables).reduce((sum, { use }) => sum + use.readUnits, 0);

/** Stage dev's values, and the stream event of clean. */
function settings(root: string): { terms: Terms; source: EventSource } {
  const stage = parse(readFileSync(join(root, 'resources/stages/dev.yml'), 'utf8'));
  const { functions } = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'), { logLevel: 'error' });
  const { stream } = functions.clean.events.find((event: { stream?: unknown }) => event.stream);
  return {
    terms: {
      rowsPerSecond: ROWS_PER_SECOND,
      shards: stage.stream.shards ?? 1,
      memory: stage.memory,
      deliverySeconds: stage.delivery.seconds,
    },
    source: {
      batchSize: stream.batchSize,
      batchWindowSeconds: stream.batchWindow,
      lanes: (stage.stream.shards ?? 1) * (stream.parallelizationFactor ?? 1),
    },
  };
}
