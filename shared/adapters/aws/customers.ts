import { BatchWriteItemCommand, QueryCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import type { CustomerInvoice, Customers } from '../../pipeline/ports';
import { type Item, item, text } from './attributes';
import { reach } from './errors';
import { concurrently, fullJitter, grouped, type Pause, untilThrough } from './pace';
import type { Dynamo } from './table';

/** BatchWriteItem takes 25 requests; ours are small (DynamoDB API reference). */
const CALL = { count: 25, bytes: Number.POSITIVE_INFINITY };
/** Calls at a time. */
const WIDTH = 8;

const entryOf = (stored: Item): CustomerInvoice => ({
  customer_id: text(stored.customer_id)!,
  invoice_no: text(stored.invoice_no)!,
  invoice_date: text(stored.invoice_date)!,
  country: text(stored.country)!,
});

/** Invoices by customer, in the Customers table. What a call leaves unprocessed is sent again. */
export function dynamoCustomers(client: Dynamo, table: string, pause: Pause = fullJitter): Customers {
  const doing = `writing ${table}`;

  const put = async (requests: readonly WriteRequest[]) => {
    const batch = new BatchWriteItemCommand({ RequestItems: { [table]: [...requests] } });
    const { UnprocessedItems } = await reach(doing, () => client.send(batch));
    return { items: UnprocessedItems?.[table] ?? [], reason: 'unprocessed' };
  };

  return {
    async put(entries) {
      // A call that names a key twice is refused as a whole.
      const byKey = new Map(entries.map((entry) => [`${entry.customer_id}\n${entry.invoice_no}`, entry]));
      const requests = [...byKey.values()].map((entry) => ({ PutRequest: { Item: item({ ...entry }) } }));
      await concurrently(
        WIDTH,
        grouped(requests, () => 0, CALL),
        (group) => untilThrough(doing, group, put, pause),
      );
    },

    async invoices(customer_id, { limit, after }) {
      const from = after === undefined ? '' : ' AND invoice_no > :after';
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: `customer_id = :id${from}`,
        ExpressionAttributeValues: item({ ':id': customer_id, ':after': after }),
        Limit: limit,
      });
      const { Items = [] } = await reach(`reading ${table}`, () => client.send(query));
      return Items.map(entryOf);
    },
  };
}
