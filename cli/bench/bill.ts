import type { Spent, Usage } from './cost-run';
import { PRICES } from './prices';

/** Lambda gives a whole vCPU from this memory on, and a share of one below (Lambda developer guide, memory). */
const MEMORY_OF_A_VCPU = 1769;
const MILLION = 1e6;

/** What the bill is made out for. */
export interface Terms {
  readonly rowsPerSecond: number;
  readonly shards: number;
  /** Megabytes of the functions. */
  readonly memory: { readonly ingest: number; readonly clean: number; readonly live: number };
  /** Seconds after which a delivery stream writes an object. */
  readonly deliverySeconds: number;
}

/**
 * Bytes of log lines: ours, with their metrics, for a batch and for a chunk, as written down once; Lambda's own three an
 * invocation and the gateway's one a request are assumed.
 */
const LOG_BYTES = { invocation: 900, request: 300, batch: 610, chunk: 860 };
/** The default sampling of Lambda: one a second and 5 % of the rest. */
const TRACED_PER_SECOND = 1;
const TRACED_SHARE = 0.05;

export interface Line {
  readonly service: string;
  /** USD per million rows. */
  readonly usd: number;
}

/** What a million rows cost at list prices, service by service. */
export function bill(usage: Usage, terms: Terms): Line[] {
  const million = MILLION / usage.rows;
  const seconds = MILLION / terms.rowsPerSecond;
  const { aws, apiRequests, ingest, clean, live } = usage;
  const { kinesis, landing, raw, s3 } = aws.use;
  const tables = Object.values(aws.tables).map(({ use }) => use);
  const total = (key: 'readUnits' | 'writeUnits') => tables.reduce((sum, use) => sum + use[key], 0) * million;
  const invocations = (ingest.invocations + clean.invocations + live.invocations) * million;
  const delivered = 2 * Math.ceil(seconds / terms.deliverySeconds); // raw and landing
  const gigabyteSeconds =
    (gbSeconds(ingest, terms.memory.ingest) +
      gbSeconds(clean, terms.memory.clean) +
      gbSeconds(live, terms.memory.live)) *
    million;
  const traces = (traced(ingest, million, seconds) + traced(clean, million, seconds)) * PRICES.trace;
  const lines =
    invocations * LOG_BYTES.invocation +
    (apiRequests * LOG_BYTES.request + ingest.invocations * LOG_BYTES.batch + kinesis.records * LOG_BYTES.chunk) *
      million;
  const logs = lines * PRICES.logByte;
  return [
    { service: 'API Gateway, HTTP API', usd: apiRequests * million * PRICES.apiRequest },
    { service: 'Lambda, requests', usd: invocations * PRICES.lambdaRequest },
    { service: 'Lambda, GB-seconds (estimate)', usd: gigabyteSeconds * PRICES.lambdaGbSecond },
    {
      service: `Kinesis, ${terms.shards} shard`,
      usd: (seconds / 3600) * terms.shards * PRICES.shardHour + kinesis.payloadUnits * million * PRICES.putPayloadUnit,
    },
    { service: 'DynamoDB, writes', usd: total('writeUnits') * PRICES.writeUnit },
    { service: 'DynamoDB, reads', usd: total('readUnits') * PRICES.readUnit },
    {
      service: 'Firehose, landing as Parquet',
      usd: landing.billedBytes * million * (PRICES.firehoseByte + PRICES.firehoseConversionByte),
    },
    { service: 'Firehose, raw', usd: raw.billedBytes * million * PRICES.firehoseByte },
    { service: 'S3, PUT', usd: (s3.puts * million + delivered) * PRICES.s3Put },
    { service: 'CloudWatch Logs and X-Ray (estimate)', usd: logs + traces },
  ];
}

/** The same stream on demand, in USD per million rows: in once, out to clean and to raw. */
export function kinesisOnDemand({ rows, aws }: Usage, { rowsPerSecond }: Terms): number {
  const bytes = aws.use.kinesis.onDemandBytes * (MILLION / rows);
  const hours = MILLION / rowsPerSecond / 3600;
  return hours * PRICES.onDemandStreamHour + bytes * (PRICES.onDemandByteIn + 2 * PRICES.onDemandByteOut);
}

/** CPU at the share that the memory buys, and waiting; both are billed by the memory. */
export function gbSeconds({ cpuSeconds, waitSeconds }: Spent, memory: number): number {
  const share = Math.min(1, memory / MEMORY_OF_A_VCPU);
  return (cpuSeconds / share + waitSeconds) * (memory / 1024);
}

function traced({ invocations }: Spent, million: number, seconds: number): number {
  const all = invocations * million;
  const kept = Math.min(all, seconds * TRACED_PER_SECOND);
  return kept + (all - kept) * TRACED_SHARE;
}
