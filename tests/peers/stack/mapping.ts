import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { eventSourceOf } from '../../../cli/dev/settings';
import { type Discarded, runEventSource } from '../../../shared/adapters/local/event-source';
import type { LoggedRecord } from '../../../shared/adapters/local/stream';
import { ROOT } from '../../support/processes';
import { REGION } from './emulator';

/** Delivers a stream to a deployed function, in the place of the emulator's mapping. */
export interface Mapping {
  readonly discarded: readonly Discarded[];
  /** How often an invocation failed, wholly or in part, and was done again. */
  failures(): number;
  stop(): Promise<void>;
}

const PAUSE_MS = 200;
/** A platform that is away for longer than this has not been stopped by a check. */
const MOST_AWAY_MS = 120_000;
/** An answer that never comes counts as a failure, as a function that runs out of its time does. */
const TIMES = { connectionTimeout: 2_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

/**
 * The emulator's mapping drops records on which a function fails. So the deployed function is invoked as Lambda's own
 * mapping would invoke it, by the embedded default's event source with the settings of serverless.yml, from now on.
 */
export async function mapByHand(StreamName: string, FunctionName: string): Promise<Mapping> {
  const stopping = new AbortController();
  const discarded: Discarded[] = [];
  const records: LoggedRecord[] = [];
  let committed = 0;
  let failures = 0;
  const lambda = new LambdaClient({ region: REGION, maxAttempts: 1, requestHandler: new NodeHttpHandler(TIMES) });
  const reading = await follow(StreamName, stopping.signal, ({ data, key }) => {
    records.push({ sequence: records.length + 1, partition_key: key, data, arrived_at: Date.now() });
  });
  const running = runEventSource(
    {
      name: FunctionName,
      settings: eventSourceOf(ROOT, 'clean'),
      shard: {
        read: (_, most, after = committed) => records.slice(after, after + most),
        commit: (_, sequence) => {
          committed = sequence;
        },
      },
      clock: { now: () => new Date() },
      sleep: (milliseconds) => new Promise((wake) => setTimeout(wake, Math.min(milliseconds, 2000))),
      async invoke(event) {
        const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
        const text = Buffer.from(answer.Payload!).toString();
        if (answer.FunctionError) throw new Error(`${FunctionName}: ${text}`);
        const { batchItemFailures = [] } = JSON.parse(text) as { batchItemFailures?: unknown[] };
        failures += batchItemFailures.length;
        return JSON.parse(text);
      },
      async discard(batch) {
        discarded.push(batch);
      },
      onError: () => failures++,
    },
    stopping.signal,
  );
  return {
    discarded,
    failures: () => failures,
    async stop() {
      stopping.abort();
      await Promise.all([reading.ended, running]);
    },
  };
}

/** Reads the stream's one shard from its present end, also over stops of the platform. Resolves once it does. */
async function follow(
  StreamName: string,
  signal: AbortSignal,
  onRecord: (record: { data: Buffer; key: string }) => void,
): Promise<{ ended: Promise<void> }> {
  // HTTP/1.1: the SDK's default for Kinesis is HTTP/2, on which the emulator's answers end.
  const kinesis = new KinesisClient({ region: REGION, maxAttempts: 1, requestHandler: new NodeHttpHandler(TIMES) });
  let iterator: string | undefined = await iteratorAt(kinesis, StreamName, undefined);
  const run = async () => {
    let last: string | undefined;
    let heard = Date.now();
    while (!signal.aborted) {
      try {
        iterator ??= await iteratorAt(kinesis, StreamName, last);
        const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
        for (const { Data, PartitionKey, SequenceNumber } of page.Records ?? []) {
          onRecord({ data: Buffer.from(Data!), key: PartitionKey! });
          last = SequenceNumber;
        }
        iterator = page.NextShardIterator;
        heard = Date.now();
      } catch (error) {
        if (Date.now() - heard > MOST_AWAY_MS) throw error;
        iterator = undefined; // the platform is away: after the last record, once it is back
      }
      await new Promise((wake) => setTimeout(wake, PAUSE_MS));
    }
  };
  const ended = run();
  ended.catch(() => undefined); // thrown to who stops it
  return { ended };
}

async function iteratorAt(kinesis: KinesisClient, StreamName: string, after: string | undefined): Promise<string> {
  const { Shards } = await kinesis.send(new ListShardsCommand({ StreamName }));
  if (Shards?.length !== 1) throw new Error(`the stream has ${Shards?.length} shards, this reads one`);
  const from =
    after === undefined
      ? ({ ShardIteratorType: 'LATEST' } as const)
      : ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: after } as const);
  const asked = new GetShardIteratorCommand({ StreamName, ShardId: Shards[0]!.ShardId, ...from });
  return (await kinesis.send(asked)).ShardIterator!;
}
