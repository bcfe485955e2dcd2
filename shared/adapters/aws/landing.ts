import { type FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Dataset, datasets } from '../../domain/dataset';
import { landingKey } from '../../domain/lake';
import { NotAChunk } from '../../domain/packing';
import { toParquet } from '../../domain/parquet';
import type { Landing } from '../../pipeline/ports';
import { reach } from './errors';
import { landingRecords } from './landing-records';
import { putObject } from './objects';
import { fullJitter, grouped, type Pause, untilThrough } from './pace';

/** PutRecordBatch takes 500 records and 4 MiB a call (Amazon Data Firehose quota). */
const CALL = { count: 500, bytes: 4 * 1024 * 1024 };

function datasetNamed(name: string): Dataset {
  const dataset = datasets.get(name);
  if (!dataset) throw new NotAChunk(`there is no data set ${name}`);
  return dataset;
}

/** Landing through Firehose, one delivery stream for each data set. A record that was refused alone is sent again alone. */
export function firehoseLanding(
  client: Pick<FirehoseClient, 'send'>,
  prefix: string,
  pause: Pause = fullJitter,
): Landing {
  return {
    async append(chunk, rows) {
      const name = `${prefix}-${chunk.dataset}`;
      const doing = `writing to delivery stream ${name}`;
      const put = async (records: readonly Buffer[]) => {
        const batch = new PutRecordBatchCommand({
          DeliveryStreamName: name,
          Records: records.map((Data) => ({ Data })),
        });
        const { RequestResponses = [] } = await reach(doing, () => client.send(batch));
        return {
          items: records.filter((_, i) => RequestResponses[i]?.RecordId === undefined),
          reason: RequestResponses.find(({ ErrorCode }) => ErrorCode)?.ErrorCode ?? 'no answer',
        };
      };
      const records = landingRecords(datasetNamed(chunk.dataset), chunk.batch_id, rows);
      for (const group of grouped(records, (record) => record.length, CALL))
        await untilThrough(doing, group, put, pause);
    },
  };
}

/** Landing as one Parquet object for each chunk. A second try overwrites it. */
export function directLanding(client: Pick<S3Client, 'send'>, bucket: string): Landing {
  return {
    async append(chunk, rows) {
      const bytes = toParquet(datasetNamed(chunk.dataset), chunk.batch_id, rows);
      await putObject(client, bucket, landingKey(chunk), bytes, 'application/vnd.apache.parquet');
    },
  };
}
