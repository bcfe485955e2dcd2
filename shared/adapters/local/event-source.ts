/*
 * Lambda's event source mapping for a Kinesis stream, for one shard: what AWS documents, as one function reads it.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
 * https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
 * https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
 */
import type { KinesisStreamEvent } from 'aws-lambda';
import type { LoggedRecord } from './stream';

/** The settings of an event source mapping, with AWS's defaults where they say -1: no limit. */
export interface EventSourceSettings {
  /** Records of one invocation at most; 6 MB of event at most, whatever this says. */
  readonly batchSize: number;
  /** How long records are gathered when there are fewer than that. */
  readonly batchWindowSeconds: number;
  /** ReportBatchItemFailures: without it every answer that is no error is a success. */
  readonly reportBatchItemFailures: boolean;
  readonly bisectBatchOnFunctionError: boolean;
  readonly maximumRetryAttempts: number;
  readonly maximumRecordAgeInSeconds: number;
}

/** Where records come from, and where the mapping remembers how far it got. */
export interface ShardReader {
  read(consumer: string, most: number, after?: number): LoggedRecord[];
  commit(consumer: string, sequence: number): void;
}

/** What the failure destination gets: the reason, and, as on S3, the whole event. */
export interface Discarded {
  readonly condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded';
  readonly approximateInvokeCount: number;
  readonly startSequenceNumber: string;
  readonly endSequenceNumber: string;
  readonly batchSize: number;
  readonly payload: KinesisStreamEvent;
}

export interface EventSource {
  readonly name: string;
  readonly settings: EventSourceSettings;
  readonly shard: ShardReader;
  /** Calls the function; what it throws counts as a function error. */
  readonly invoke: (event: KinesisStreamEvent) => Promise<unknown>;
  readonly discard: (batch: Discarded) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly clock: { now(): Date };
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const POLL_MS = 50;
const MOST_EVENT_BYTES = 6_000_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 60_000;

/** Delivers records until the signal says stop; the batch in hand is finished or left for the next start. */
export async function runEventSource(source: EventSource, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const batch = await gather(source, signal);
    if (batch.length > 0) await deliver(batch, source, signal);
  }
}

/** Waits for records, then for more of them until the batch or the window is full. */
async function gather(
  { name, settings, shard, clock, sleep }: EventSource,
  signal: AbortSignal,
): Promise<LoggedRecord[]> {
  let opened: number | undefined;
  for (;;) {
    const records = shard.read(name, settings.batchSize);
    if (records.length > 0) {
      opened ??= clock.now().getTime();
      const fitting = takeFitting(records);
      const full = fitting.length === settings.batchSize || fitting.length < records.length;
      if (full || signal.aborted || clock.now().getTime() - opened >= settings.batchWindowSeconds * 1000)
        return fitting;
    }
    if (signal.aborted) return [];
    await sleep(POLL_MS);
  }
}

/** As many records as one invocation takes. */
function takeFitting(records: LoggedRecord[]): LoggedRecord[] {
  let bytes = 0;
  const end = records.findIndex(({ data }, i) => {
    bytes += (data.length * 4) / 3 + 500;
    return i > 0 && bytes > MOST_EVENT_BYTES;
  });
  return end === -1 ? records : records.slice(0, end);
}

/** Records that are tried together, and how often the first of them was tried again. */
interface Attempt {
  readonly records: readonly LoggedRecord[];
  readonly retries: number;
}

/** Brings every record of a batch to its end, in order: through, or to the failure destination. */
async function deliver(batch: readonly LoggedRecord[], source: EventSource, signal: AbortSignal): Promise<void> {
  const { settings } = source;
  const open: Attempt[] = [{ records: batch, retries: 0 }];
  let backoff = FIRST_BACKOFF_MS;
  for (let attempt = open.shift(); attempt; attempt = open.shift()) {
    const young = await discardOld(attempt, source);
    if (young.length === 0) continue;
    const failedAt = await tryOnce(young, source);
    if (failedAt > 0) commitUpTo(young[failedAt - 1]!, source);
    if (failedAt === young.length) {
      backoff = FIRST_BACKOFF_MS;
      continue;
    }
    if (signal.aborted) return;

    const rest = young.slice(failedAt);
    if (failedAt > 0) open.unshift({ records: rest, retries: 1 });
    else if (settings.bisectBatchOnFunctionError && rest.length > 1) {
      // Splitting does not use up a retry.
      const half = Math.ceil(rest.length / 2);
      open.unshift(
        { records: rest.slice(0, half), retries: attempt.retries },
        { records: rest.slice(half), retries: attempt.retries },
      );
    } else if (isOver(settings.maximumRetryAttempts, attempt.retries + 1)) {
      await discard(rest, 'RetryAttemptsExhausted', attempt.retries + 1, source);
      continue;
    } else open.unshift({ records: rest, retries: attempt.retries + 1 });

    await source.sleep(backoff);
    backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
  }
}

/** The records that are still young enough to be tried; the others go to the destination. */
async function discardOld({ records, retries }: Attempt, source: EventSource): Promise<readonly LoggedRecord[]> {
  const { settings, clock } = source;
  const old = records.findIndex(
    ({ arrived_at }) => !isOver(settings.maximumRecordAgeInSeconds, (clock.now().getTime() - arrived_at) / 1000),
  );
  const count = old === -1 ? records.length : old;
  if (count > 0) await discard(records.slice(0, count), 'RecordAgeExceeded', retries, source);
  return records.slice(count);
}

const isOver = (limit: number, value: number) => limit !== -1 && value > limit;

/** Calls the function once. The index of the first record that did not go through; their number if all did. */
async function tryOnce(records: readonly LoggedRecord[], source: EventSource): Promise<number> {
  let answer: unknown;
  try {
    answer = await source.invoke(toEvent(records));
  } catch (error) {
    source.onError(error);
    return 0;
  }
  if (!source.settings.reportBatchItemFailures) return records.length;
  const failures = (answer as { batchItemFailures?: { itemIdentifier?: unknown }[] | null } | null)?.batchItemFailures;
  if (!failures || failures.length === 0) return records.length;
  const indices = failures.map(({ itemIdentifier }) =>
    records.findIndex(({ sequence }) => String(sequence) === itemIdentifier),
  );
  // An identifier that is empty or not of this batch makes the whole batch a failure.
  return indices.includes(-1) ? 0 : Math.min(...indices);
}

async function discard(
  records: readonly LoggedRecord[],
  condition: Discarded['condition'],
  invocations: number,
  source: EventSource,
) {
  await source.discard({
    condition,
    approximateInvokeCount: invocations,
    startSequenceNumber: String(records[0]!.sequence),
    endSequenceNumber: String(records.at(-1)!.sequence),
    batchSize: records.length,
    payload: toEvent(records),
  });
  commitUpTo(records.at(-1)!, source);
}

function commitUpTo({ sequence }: LoggedRecord, { name, shard }: EventSource): void {
  shard.commit(name, sequence);
}

/** The event that Lambda makes of records. */
export function toEvent(records: readonly LoggedRecord[]): KinesisStreamEvent {
  return {
    Records: records.map(({ sequence, partition_key, arrived_at, data }) => ({
      awsRegion: 'local',
      eventID: `shardId-000000000000:${sequence}`,
      eventName: 'aws:kinesis:record',
      eventSource: 'aws:kinesis',
      eventSourceARN: 'arn:aws:kinesis:local:000000000000:stream/ecomflow-local',
      eventVersion: '1.0',
      invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
      kinesis: {
        approximateArrivalTimestamp: arrived_at / 1000,
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
        kinesisSchemaVersion: '1.0',
        partitionKey: partition_key,
        sequenceNumber: String(sequence),
      },
    })),
  };
}
