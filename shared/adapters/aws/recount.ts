import type { S3Client } from '@aws-sdk/client-s3';
import { recountKey } from '../../domain/lake';
import type { WarehouseCounts } from '../../pipeline/ports';
import { putObject, readObject } from './objects';

/** A count as it lies in the lake; its batches in triples, which is a third of what objects take. */
interface Written {
  readonly counted_at: string;
  readonly loaded_at?: string;
  readonly rows: number;
  readonly distinct: number;
  readonly batches: readonly (readonly [batch_id: string, rows: number, distinct: number])[];
}

/** What the function that reaches the warehouse has counted, one object a data set in the lake. */
export function s3Recount(client: Pick<S3Client, 'send'>, bucket: string): WarehouseCounts {
  return {
    async byBatch(dataset, since) {
      const found = await readObject(client, bucket, recountKey(dataset));
      if (found === undefined) return undefined;
      const { counted_at, loaded_at, batches, rows, distinct } = JSON.parse(
        Buffer.from(found).toString('utf8'),
      ) as Written;
      if (counted_at < since) return undefined;
      const counted = batches.map(([id, ...counts]) => [id, { rows: counts[0], distinct: counts[1] }] as const);
      return { rows, distinct, loaded_at, batches: new Map(counted) };
    },

    async keep(dataset, counted_at, { loaded_at, rows, distinct, batches }) {
      const triples = [...batches].map(([id, counts]) => [id, counts.rows, counts.distinct] as const);
      const written: Written = { counted_at, ...(loaded_at && { loaded_at }), rows, distinct, batches: triples };
      await putObject(client, bucket, recountKey(dataset), JSON.stringify(written), 'application/json');
    },
  };
}
