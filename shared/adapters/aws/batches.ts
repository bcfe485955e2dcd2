import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Batch, chunkEntryKey, fileKey, HEAD_ENTRY } from '../../domain/ledger';
import type { Batches, ChunkLedger, Files } from '../../pipeline/ports';
import { item, number, text } from './attributes';
import { batchOf, chunkItem, chunkOf, failureItem, headItem, headOf, partItem } from './ledger-items';
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
      return headOf(await putIfAbsent(client, table, headItem(head), KEYS));
    },

    async accept(batch_id, accepted_at) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: item({ batch_id, entry: HEAD_ENTRY }),
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
    async find(batch_id, place) {
      const stored = await get(client, table, item({ batch_id, entry: chunkEntryKey(place) }));
      return stored && chunkOf(stored);
    },
    async record(entry) {
      const mine = chunkItem(entry);
      const stored = await putIfAbsent(client, table, mine, KEYS);
      return stored === mine ? entry : chunkOf(stored);
    },
    async revise(entry) {
      const put = new PutItemCommand({
        TableName: table,
        Item: chunkItem(entry),
        ConditionExpression: 'revision = :before',
        ExpressionAttributeValues: { ':before': { N: String(entry.revision - 1) } },
      });
      if (await unlessRefused(`writing ${table}`, () => client.send(put))) return entry;
      const stored = await get(client, table, item({ batch_id: entry.batch_id, entry: chunkEntryKey(entry.number) }));
      if (!stored) throw new Error(`chunk ${entry.chunk_id} has no entry to be revised`);
      return chunkOf(stored);
    },
    async fail(failure) {
      await putIfAbsent(client, table, failureItem(failure), KEYS);
    },
  };
}

/** Files that came in parts, in the Batches table. */
export function dynamoFiles(client: Dynamo, table: string): Files {
  return {
    async claim(file, batch_id) {
      const stored = await putIfAbsent(client, table, partItem(file, batch_id), KEYS);
      return { batch_id: text(stored.batch)!, parts: number(stored.parts) };
    },
    async batches(file_hash) {
      const parts = await itemsOf(client, table, fileKey(file_hash));
      const found = await concurrently(WIDTH, parts, (part) => findBatch(client, table, text(part.batch)!));
      return found.filter((batch): batch is Batch => batch !== undefined);
    },
  };
}
