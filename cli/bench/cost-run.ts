import { dynamoBatches, dynamoChunks, dynamoFiles } from '../../shared/adapters/aws/batches';
import { systemClock } from '../../shared/adapters/aws/clock';
import { dynamoCustomers } from '../../shared/adapters/aws/customers';
import { s3Failed } from '../../shared/adapters/aws/failed';
import { dynamoInvoices } from '../../shared/adapters/aws/invoices';
import { firehoseLanding } from '../../shared/adapters/aws/landing';
import { dynamoLive } from '../../shared/adapters/aws/live';
import { s3Rejects } from '../../shared/adapters/aws/rejects';
import { kinesisStream } from '../../shared/adapters/aws/stream';
import { dynamoWatch } from '../../shared/adapters/aws/watch';
import { addCounts } from '../../shared/domain/outcome';
import { type CleanPorts, cleanRecords } from '../../shared/pipeline/clean';
import { ingest } from '../../shared/pipeline/ingest';
import { type LiveMemory, readLive } from '../../shared/pipeline/live';
import type { Clock, Ports, Telemetry } from '../../shared/pipeline/ports';
import { FakeAws } from './fake-aws';
import { apiUnits } from './units';

/** Time that a function takes, summed over its invocations. */
export interface Spent {
  invocations: number;
  cpuSeconds: number;
  waitSeconds: number;
}

/** What some rows asked of AWS. */
export interface Usage {
  readonly rows: number;
  readonly rowsPerRequest: number;
  readonly apiRequests: number;
  readonly ingest: Spent;
  readonly clean: Spent;
  /** Of the schedule that sums figures of the day; nothing where rows are of another day. */
  readonly live: Spent;
  readonly aws: FakeAws;
}

/** As serverless.yml has the stream event of clean. */
export interface EventSource {
  readonly batchSize: number;
  readonly batchWindowSeconds: number;
  readonly lanes: number;
}

/** Its lines would be between those of the report; one costs some hundredths of a millisecond. */
const MUTE: Telemetry = { log: () => undefined, measure: () => undefined, read: async () => undefined };

/** When rows were sold: as the file has it, or when they are sent, so that there are figures of the day. */
export type Sold = 'then' | 'now';

/** A time that goes with the rows that are sent. */
const OPENED = Date.parse('2026-03-02T09:00:00Z');
/** As resources/stages has `live.every`. */
const SUM_EVERY_MS = 5 * 60_000;

/** Sends rows through ingest and clean, so many to a request, in their order, at a steady rate. */
export async function sendThrough(
  { header, rows }: { header: string; rows: readonly string[] },
  rowsPerRequest: number,
  rowsPerSecond: number,
  source: EventSource,
  sold: Sold = 'then',
): Promise<Usage> {
  const aws = new FakeAws();
  let passed = 0; // milliseconds, where rows are sold now
  const clock: Clock = sold === 'then' ? systemClock : { now: () => new Date(OPENED + passed) };
  const batches = dynamoBatches(aws.dynamodb, 'batches');
  const files = dynamoFiles(aws.dynamodb, 'batches');
  const ports = { clock, batches, files, stream: kinesisStream(aws.kinesis, 'chunks'), telemetry: MUTE };
  const live = dynamoLive(aws.dynamodb, 'live', clock);
  const cleanPorts: CleanPorts = {
    clock,
    live,
    chunks: dynamoChunks(aws.dynamodb, 'batches'),
    invoices: dynamoInvoices(aws.dynamodb, 'invoices'),
    customers: dynamoCustomers(aws.dynamodb, 'customers'),
    landing: firehoseLanding(aws.firehose, 'landing'),
    rejects: s3Rejects(aws.s3, 'lake'),
    failed: s3Failed(aws.s3, 'lake'),
    telemetry: MUTE,
  };
  const ingesting: Spent = { invocations: 0, cpuSeconds: 0, waitSeconds: 0 };
  const cleaning: Spent = { invocations: 0, cpuSeconds: 0, waitSeconds: 0 };
  const summing: Spent = { invocations: 0, cpuSeconds: 0, waitSeconds: 0 };
  const memory: LiveMemory = new Map();
  const sum = () => readLive({ clock, live }, () => 1, memory);
  if (sold === 'now') await sum(); // the days before, which have no rows
  const idle = { ...aws.tables.live.use };
  const perBatch = recordsPerBatch(rowsPerSecond / rowsPerRequest, source);
  const taken = new Set<string>();
  let apiRequests = 0;

  const clean = () => {
    const records = aws.stream.splice(0, perBatch);
    return spend(aws, cleaning, async () => {
      let trouble: unknown;
      await cleanRecords(records, cleanPorts, (error) => (trouble = error));
      if (trouble) throw trouble;
    });
  };
  for (let at = 0; at < rows.length; at += rowsPerRequest) {
    const some = rows.slice(at, at + rowsPerRequest);
    const bytes = Buffer.from(header + (sold === 'then' ? some : some.map((row) => dated(row, clock))).join(''));
    apiRequests += apiUnits(bytes.length);
    const body = { bytes, asText: true, contentType: 'text/csv' };
    const accepted = await spend(aws, ingesting, () =>
      ingest({ dataset: 'transactions', body, sent_by: 'bench' }, ports),
    );
    taken.add(accepted.batch_id);
    if (aws.stream.length >= perBatch) await clean();
    const before = passed;
    passed += (some.length / rowsPerSecond) * 1000;
    const isDue = Math.floor(passed / SUM_EVERY_MS) > Math.floor(before / SUM_EVERY_MS);
    if (sold === 'now' && isDue) await spend(aws, summing, sum);
    if (ingesting.invocations % 1000 === 0) console.error(`cost: ${rowsPerRequest} rows a request, ${at} rows`);
  }
  while (aws.stream.length > 0) await clean();
  for (const batch_id of taken) await tell(batch_id, { batches, watch: dynamoWatch(aws.dynamodb, 'batches') });
  if (sold === 'now') {
    passed += SUM_EVERY_MS;
    await spend(aws, summing, sum);
  }
  for (const key of ['reads', 'readUnits', 'writes', 'writeUnits'] as const) aws.tables.live.use[key] -= idle[key];
  return { rows: rows.length, rowsPerRequest, apiRequests, ingest: ingesting, clean: cleaning, live: summing, aws };
}

/** The file's times are of years ago. */
const dated = (row: string, clock: Clock): string =>
  row.replace(/\d+\/\d+\/\d{4} \d+:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, () =>
    clock.now().toISOString().slice(0, 16).concat(':00').replace('T', ' '),
  );

/** Asks of the ledger what a digest does for a batch of which it tells. */
export async function tell(batch_id: string, { batches, watch }: Pick<Ports, 'batches' | 'watch'>): Promise<void> {
  const { head, entries } = (await batches.find(batch_id))!;
  await watch.told(batch_id);
  const told = { at: systemClock.now().toISOString(), ...addCounts(entries) };
  await watch.tell({ batch_id, received_at: head.received_at, mark: head.received_at }, told);
}

/** Records that gather in a lane while its window is open: Lambda invokes clean with these. */
export function recordsPerBatch(
  recordsPerSecond: number,
  { batchSize, batchWindowSeconds, lanes }: EventSource,
): number {
  const gathered = Math.floor((recordsPerSecond / lanes) * batchWindowSeconds);
  return Math.min(batchSize, Math.max(1, gathered));
}

/** Runs one invocation; its CPU is the process's without that of the fakes. */
async function spend<T>(aws: FakeAws, spent: Spent, work: () => Promise<T>): Promise<T> {
  const waited = aws.waited;
  const own = aws.ownCpu;
  const before = process.cpuUsage();
  const answer = await work();
  const { user, system } = process.cpuUsage(before);
  spent.invocations++;
  spent.cpuSeconds += Math.max(0, user + system - (aws.ownCpu - own)) / 1e6;
  spent.waitSeconds += (aws.waited - waited) / 1000;
  return answer;
}
