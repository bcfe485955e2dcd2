import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Batch } from '../../domain/ledger';
import type { Batches, ChunkLedger, Files } from '../../pipeline/ports';
import { item, text } from './attributes';
import { reach } from './errors';
import { batchOf, chunkEntry, chunkItem, chunkOf, fileItem, fileKey, HEAD, headItem, headOf } from './ledger-items';
import { concurrently } from './pace';
import { type Dynamo, get, putIfAbsent, queryAll, unlessRefused } from './table';

const KEYS = ['batch_id', 'entry'];
/** Parts of a file that are read at a time. */
const WIDTH = 8;

const itemsOf = (client: Dynamo, table: string, batch_id: string) =>
  queryAll(client, {
    TableName: table,
    KeyConditionExpression: 'batch_id = :id',
    ExpressionAttributeValues: { ':id': { S: batch_id } },
    ConsistentRead: true,
  });

const findBatch = async (client: Dynamo, table: string, batch_id: string) =>
  batchOf(await itemsOf(client, table, batch_id));

/** Heads of batches in the Batches table. */
export function dynamoBatches(client: Dynamo, table: string): Batches {
  return {
    async open(head) {
      // The file's item first: a part that it names and that has no head yet is passed over, a head it lacks is lost.
      const part = fileItem(head);
      if (part)
        await reach(`writing ${table}`, () => client.send(new PutItemCommand({ TableName: table, Item: part })));
      return headOf(await putIfAbsent(client, table, headItem(head), KEYS));
    },

    async accept(batch_id, accepted_at) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: item({ batch_id, entry: HEAD }),
        UpdateExpression: 'SET accepted_at = :at',
        ConditionExpression: 'attribute_exists(batch_id) AND attribute_not_exists(accepted_at)',
        ExpressionAttributeValues: { ':at': { S: accepted_at } },
      });
      await unlessRefused(`writing ${table}`, () => client.send(update));
    },

    find: (batch_id) => findBatch(client, table, batch_id),
  };
}

/** Entries of chunks in the Batches table. */
export function dynamoChunks(client: Dynamo, table: string): ChunkLedger {
  return {
    async find(batch_id, number) {
      const stored = await get(client, table, item({ batch_id, entry: chunkEntry(number) }));
      return stored && chunkOf(stored);
    },
    record: async (entry) => chunkOf(await putIfAbsent(client, table, chunkItem(entry), KEYS)),
  };
}

/** Files that came in parts, in the Batches table. */
export function dynamoFiles(client: Dynamo, table: string): Files {
  return {
    async batches(file_hash) {
      const parts = await itemsOf(client, table, fileKey(file_hash));
      const found = await concurrently(WIDTH, parts, (part) => findBatch(client, table, text(part.batch)!));
      return found.filter((batch): batch is Batch => batch !== undefined);
    },
  };
}
