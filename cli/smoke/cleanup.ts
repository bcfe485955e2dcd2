import { DeleteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unpackAll } from '../../shared/domain/packing';
import { arrived, askParquet, bytesOf, remove } from './lake';
import type { Walk } from './walk';

/** Removes the run's items from the tables: its invoices, its customer and its batches. */
export async function removeItems(walk: Walk): Promise<void> {
  const { InvoicesTableName, CustomersTableName, BatchesTableName } = walk.stage.outputs;
  for (const invoice_no of walk.rows.invoices)
    await removeAll(walk, InvoicesTableName!, 'invoice_no', invoice_no, 'part');
  await removeAll(walk, CustomersTableName!, 'customer_id', walk.rows.customer_id, 'invoice_no');
  for (const batch of walk.found.batches.values()) await removeAll(walk, BatchesTableName!, 'batch_id', batch, 'entry');
}

/** Removes what the ledger has under a key. */
export const removeLedger = (walk: Walk, key: string): Promise<void> =>
  removeAll(walk, walk.stage.outputs.BatchesTableName!, 'batch_id', key, 'entry');

async function removeAll({ stage }: Walk, TableName: string, key: string, value: string, sort: string): Promise<void> {
  const dynamodb = new DynamoDBClient({ region: stage.region });
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: '#key = :value',
      ExpressionAttributeNames: { '#key': key },
      ExpressionAttributeValues: { ':value': { S: value } },
      ConsistentRead: true,
    }),
  );
  for (const item of Items)
    await dynamodb.send(new DeleteItemCommand({ TableName, Key: { [key]: item[key]!, [sort]: item[sort]! } }));
}

/** Removes objects of the lake that hold nothing but the run's rows; the number of those that hold others' as well. */
export async function removeObjects(walk: Walk): Promise<{ shared: number }> {
  const batches = new Set(walk.found.batches.values());
  let shared = 0;
  const judge = async (key: string, ids: readonly string[]) => {
    if (!ids.some((id) => batches.has(id))) return;
    if (ids.every((id) => batches.has(id))) await remove(walk, key);
    else shared++;
  };
  for (const dataset of ['transactions', 'events']) {
    for (const key of await arrived(walk, `landing/${dataset}`)) {
      const ids = await askParquet(walk, key, 'select distinct batch_id from parquet');
      await judge(
        key,
        ids.map(([id]) => String(id)),
      );
    }
    // A chunk's id begins with its batch's, and names the object.
    for (const batch of batches)
      for (const key of await arrived(walk, `rejected/${dataset}`, batch)) await remove(walk, key);
  }
  for (const key of await arrived(walk, 'raw')) {
    const chunks = [...unpackAll(await bytesOf(walk, key))];
    await judge(
      key,
      chunks.map(({ batch_id }) => batch_id),
    );
  }
  return { shared };
}
