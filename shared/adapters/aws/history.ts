import { HEAD_ENTRY } from '../../domain/ledger';
import type { History } from '../../pipeline/ports';
import { item, text } from './attributes';
import { dynamoBatches } from './batches';
import { concurrently } from './pace';
import { type Dynamo, scanPages } from './table';

/** Batches that are read at a time. */
const WIDTH = 8;
/** Batches that are in memory at a time: a page of the scan may name thousands. */
const GROUP = 64;

/**
 * The Batches table from end to end: a scan finds the heads, and each batch is then read by its key. A scan reads, and
 * is charged for, the whole table.
 */
export function dynamoHistory(client: Dynamo, table: string): History {
  const { find } = dynamoBatches(client, table);
  return {
    async *batches(since = '') {
      const pages = scanPages(client, {
        TableName: table,
        ProjectionExpression: 'batch_id',
        FilterExpression: 'entry = :head AND received_at >= :since',
        ExpressionAttributeValues: item({ ':head': HEAD_ENTRY, ':since': since || '0' }),
      });
      for await (const page of pages) {
        for (let from = 0; from < page.length; from += GROUP) {
          const found = await concurrently(WIDTH, page.slice(from, from + GROUP), (one) => find(text(one.batch_id)!));
          for (const batch of found) if (batch) yield batch;
        }
      }
    },
  };
}
