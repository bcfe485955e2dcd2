import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { ChunkStream, StreamRecord } from '../../pipeline/ports';
import { reach } from './errors';
import { fullJitter, grouped, type Pause, untilThrough } from './pace';

/** PutRecords takes 500 records and 5 MiB a call, partition keys included (Kinesis Data Streams, quotas and limits). */
const CALL = { count: 500, bytes: 5 * 1024 * 1024 };

const sizeOf = ({ chunk_id, data }: StreamRecord) => Buffer.byteLength(chunk_id) + data.byteLength;

/** Chunks in a Kinesis data stream. A record that the call refused alone is sent again alone. */
export function kinesisStream(
  client: Pick<KinesisClient, 'send'>,
  name: string,
  pause: Pause = fullJitter,
): ChunkStream {
  const doing = `writing to stream ${name}`;

  const put = async (records: readonly StreamRecord[]) => {
    const Records = records.map(({ chunk_id, data }) => ({ PartitionKey: chunk_id, Data: data }));
    const answer = await reach(doing, () => client.send(new PutRecordsCommand({ StreamName: name, Records })));
    const results = answer.Records ?? [];
    return {
      items: records.filter((_, i) => results[i]?.SequenceNumber === undefined),
      reason: results.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? 'no answer',
    };
  };

  return {
    async append(records) {
      for (const group of grouped(records, sizeOf, CALL)) await untilThrough(doing, group, put, pause);
    },
  };
}
