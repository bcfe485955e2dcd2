import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Told } from '../../domain/alert';
import { HEAD_ENTRY } from '../../domain/ledger';
import type { Watch } from '../../pipeline/ports';
import { dynamoAlone } from './alone';
import { UNFINISHED_INDEX } from './arrivals';
import { type Item, item, text } from './attributes';
import { systemClock } from './clock';
import { countsOf, TOLD_ENTRY, UNTOLD_PARTITIONS, untoldPartition } from './ledger-items';
import { type Dynamo, get, queryPages, unlessRefused } from './table';

const toldItem = (batch_id: string, { at, rejected, ...counts }: Told): Item =>
  item({ batch_id, entry: TOLD_ENTRY, told_at: at, ...counts, rejected: { ...rejected } });

const toldOf = (stored: Item): Told => ({ at: text(stored.told_at)!, ...countsOf(stored) });

/**
 * Untold batches in the Batches table: their heads are in the index of what is unfinished, from the write on that opens
 * them. The index is a moment behind, so a batch may be found that was told just now; what was told of it says so.
 */
export function dynamoWatch(client: Dynamo, table: string): Watch {
  /** Changes a head; nothing when it is not as the condition says. */
  const change = (batch_id: string, update: string, condition: string, value: string) =>
    unlessRefused(`writing ${table}`, () =>
      client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: item({ batch_id, entry: HEAD_ENTRY }),
          UpdateExpression: update,
          ConditionExpression: condition,
          ExpressionAttributeValues: {
            ':mark': { S: value },
            ...(update.includes(':partition') && { ':partition': { S: untoldPartition(batch_id) } }),
          },
        }),
      ),
    );

  return {
    async *untold() {
      for (const partition of UNTOLD_PARTITIONS) {
        const pages = queryPages(client, {
          TableName: table,
          IndexName: UNFINISHED_INDEX,
          KeyConditionExpression: 'unfinished = :partition',
          ExpressionAttributeValues: { ':partition': { S: partition } },
          ProjectionExpression: 'batch_id, received_at, untold_at', // heads are large
        });
        for await (const heads of pages) {
          for (const head of heads) {
            yield { batch_id: text(head.batch_id)!, received_at: text(head.received_at)!, mark: text(head.untold_at)! };
          }
        }
      }
    },

    async told(batch_id) {
      const stored = await get(client, table, item({ batch_id, entry: TOLD_ENTRY }));
      return stored && toldOf(stored);
    },

    async tell({ batch_id, mark }, told) {
      // Who was slower than a later digest must not put back what that one told.
      const put = new PutItemCommand({
        TableName: table,
        Item: toldItem(batch_id, told),
        ConditionExpression: 'attribute_not_exists(told_at) OR told_at <= :now',
        ExpressionAttributeValues: { ':now': { S: told.at } },
      });
      await unlessRefused(`writing ${table}`, () => client.send(put));
      await change(batch_id, 'REMOVE unfinished, arrived_at, untold_at', 'untold_at = :mark', mark);
    },

    async again(batch_id, at) {
      const update = 'SET unfinished = :partition, arrived_at = received_at, untold_at = :mark';
      await change(batch_id, update, 'attribute_exists(batch_id)', at);
    },

    alone: dynamoAlone(client, table, systemClock, 'digest'),
  };
}
