import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Context, KinesisStreamBatchResponse } from 'aws-lambda';
import { kinesisStream } from '../../../shared/adapters/aws/stream';
import { stream } from '../../../shared/adapters/lambda/stream';
import { type CleanPorts, cleanRecords } from '../../../shared/pipeline/clean';
import type { ChunkStream, StreamRecord } from '../../../shared/pipeline/ports';
import { type TestWorld, testWorld } from '../../support/world';
import { follow, type Held, lambdaEvent } from './reading';

/** The embedded world with a Kinesis stream instead of its own. */
export interface Wired extends TestWorld {
  /** The records that ingest made, as it gave them to the adapter. */
  readonly made: readonly StreamRecord[];
}

/** A world of its own whose stream is our adapter's; whoever asks for it removes it. */
export function wired(client: Pick<KinesisClient, 'send'>, name: string): Wired {
  const adapter = kinesisStream(client, name);
  const made: StreamRecord[] = [];
  const chunks: ChunkStream = {
    async append(records) {
      made.push(...records);
      await adapter.append(records);
    },
  };
  return { ...testWorld(), stream: chunks, made };
}

/** Hands records of one shard to the function's handler, as Lambda does. What it answers. */
export async function invoke(ports: CleanPorts, name: string, records: readonly Held[]): Promise<string[]> {
  const handler = stream((delivered) => cleanRecords(delivered, ports, () => undefined));
  const answer: KinesisStreamBatchResponse = await handler(lambdaEvent(name, records), {} as Context);
  return answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

/** Cleans all that a stream holds, and what comes while it flows. The records in the order in which they were read. */
export async function cleanAll(
  client: KinesisClient,
  name: string,
  world: TestWorld,
  flowing?: () => boolean,
): Promise<Held[]> {
  const read: Held[] = [];
  for await (const records of follow(client, name, flowing)) {
    read.push(...records);
    const failed = await invoke(world, name, records);
    if (failed.length > 0) throw new Error(`${failed} did not go through`);
  }
  return read;
}
