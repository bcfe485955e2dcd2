import {
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  type Shard,
} from '@aws-sdk/client-kinesis';
import type { KinesisStreamEvent } from 'aws-lambda';
import { ACCOUNT } from './server';

/** A record as the stream holds it. */
export interface Held {
  readonly shard: string;
  readonly sequence: string;
  readonly key: string;
  readonly data: Buffer;
  readonly arrived: Date;
}

/** What one GetRecords brings, as an event source asks for it: few at a time, since they are large. */
const MOST_RECORDS = 4;
const ROUND_MS = 100;
const MOST_ROUNDS = 600;

/** A shard that is being read; `next` is absent once it is closed and read to its end. */
interface Open {
  readonly shard: string;
  next: string | undefined;
}

/**
 * Reads a stream as Lambda's event source does: each shard from its oldest record on, a shard's children once their
 * parents are read to the end. Ends after a round that began when `flowing` said no and found nothing more.
 */
export async function* follow(
  client: KinesisClient,
  stream: string,
  flowing: () => boolean = () => false,
): AsyncGenerator<Held[]> {
  const reading = new Map<string, Open>();
  const startable = (shards: readonly Shard[]) => {
    const unread = new Set(shards.map(({ ShardId }) => ShardId!));
    for (const { shard, next } of reading.values()) if (next === undefined) unread.delete(shard);
    return shards.filter(
      ({ ShardId, ParentShardId = '', AdjacentParentShardId = '' }) =>
        !reading.has(ShardId!) && !unread.has(ParentShardId) && !unread.has(AdjacentParentShardId),
    );
  };

  for (let round = 0; round < MOST_ROUNDS; round++) {
    let quiet = !flowing();
    for (const { ShardId } of startable(await shardsOf(client, stream))) {
      quiet = false;
      reading.set(ShardId!, { shard: ShardId!, next: await iterator(client, stream, ShardId!) });
    }
    for (const open of reading.values()) {
      if (open.next === undefined) continue;
      const answer = await client.send(new GetRecordsCommand({ ShardIterator: open.next, Limit: MOST_RECORDS }));
      const records = answer.Records ?? [];
      open.next = answer.NextShardIterator;
      if (records.length > 0 || open.next === undefined || answer.MillisBehindLatest !== 0) quiet = false;
      if (records.length > 0) yield records.map((record) => held(open.shard, record));
    }
    if (quiet) return;
    await new Promise((wake) => setTimeout(wake, ROUND_MS));
  }
  throw new Error(`stream ${stream} is not read to its end in ${MOST_ROUNDS} rounds`);
}

/** All that a stream holds, in the order in which it may be read. */
export async function readAll(client: KinesisClient, stream: string): Promise<Held[]> {
  const all: Held[] = [];
  for await (const records of follow(client, stream)) all.push(...records);
  return all;
}

/** The records of a shard from this one on, itself included: where Lambda delivers again. */
export async function readFrom(client: KinesisClient, stream: string, { shard, sequence }: Held): Promise<Held[]> {
  const all: Held[] = [];
  let next: string | undefined = await iterator(client, stream, shard, sequence);
  for (let behind = 1; next !== undefined && behind > 0; ) {
    const answer: GetRecordsCommandOutput = await client.send(
      new GetRecordsCommand({ ShardIterator: next, Limit: MOST_RECORDS }),
    );
    all.push(...(answer.Records ?? []).map((record) => held(shard, record)));
    next = answer.NextShardIterator;
    behind = answer.MillisBehindLatest ?? 0;
  }
  return all;
}

/** Every shard of a stream, closed ones too. */
export async function shardsOf(client: KinesisClient, stream: string): Promise<Shard[]> {
  const { Shards = [], NextToken } = await client.send(new ListShardsCommand({ StreamName: stream }));
  if (NextToken !== undefined) throw new Error('more shards than one answer holds');
  return Shards;
}

/** Records of one shard as Lambda hands them to a function. The shape: AWS, "Using AWS Lambda with Kinesis". */
export function lambdaEvent(stream: string, records: readonly Held[]): KinesisStreamEvent {
  return {
    Records: records.map(({ shard, sequence, key, data, arrived }) => ({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: key,
        sequenceNumber: sequence,
        data: data.toString('base64'),
        approximateArrivalTimestamp: arrived.getTime() / 1000,
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `${shard}:${sequence}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'arn:aws:iam::000000000000:role/clean',
      awsRegion: ACCOUNT.AWS_REGION,
      eventSourceARN: `arn:aws:kinesis:${ACCOUNT.AWS_REGION}:000000000000:stream/${stream}`,
    })),
  };
}

async function iterator(client: KinesisClient, stream: string, shard: string, from?: string): Promise<string> {
  const answer = await client.send(
    new GetShardIteratorCommand({
      StreamName: stream,
      ShardId: shard,
      ShardIteratorType: from === undefined ? 'TRIM_HORIZON' : 'AT_SEQUENCE_NUMBER',
      StartingSequenceNumber: from,
    }),
  );
  return answer.ShardIterator!;
}

const held = (
  shard: string,
  record: { SequenceNumber?: string; PartitionKey?: string; Data?: Uint8Array; ApproximateArrivalTimestamp?: Date },
): Held => ({
  shard,
  sequence: record.SequenceNumber!,
  key: record.PartitionKey!,
  data: Buffer.from(record.Data!),
  arrived: record.ApproximateArrivalTimestamp!,
});
