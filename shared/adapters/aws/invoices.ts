import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { InvoicePart } from '../../domain/invoice';
import type { Invoices } from '../../pipeline/ports';
import { claimedItems } from './invoice-item';
import { concurrently } from './pace';
import { type Dynamo, queryAll, unlessRefused } from './table';

/** Invoices that are read or written at a time; under the client's 50 sockets. */
const WIDTH = 32;

/** Lines by invoice, in the Invoices table. */
export function dynamoInvoices(client: Dynamo, table: string): Invoices {
  const { encode, decode } = claimedItems();

  const read = async (invoice_no: string) => {
    const stored = await queryAll(client, {
      TableName: table,
      KeyConditionExpression: 'invoice_no = :no',
      ExpressionAttributeValues: { ':no': { S: invoice_no } },
      ConsistentRead: true,
    });
    return [invoice_no, stored.map(decode)] as const;
  };

  /** False when another write was faster. */
  const write = (part: InvoicePart) => {
    const guard =
      part.version === 1
        ? { ConditionExpression: 'attribute_not_exists(invoice_no)' }
        : {
            ConditionExpression: 'version = :v',
            ExpressionAttributeValues: { ':v': { N: String(part.version - 1) } },
          };
    const put = new PutItemCommand({ TableName: table, Item: encode(part), ...guard });
    return unlessRefused(`writing ${table}`, () => client.send(put));
  };

  return {
    read: async (invoice_nos) => new Map(await concurrently(WIDTH, [...new Set(invoice_nos)], read)),

    async write(parts) {
      const byInvoice = [...Map.groupBy(parts, ({ invoice_no }) => invoice_no)];
      const conflicts = await concurrently(WIDTH, byInvoice, async ([invoice_no, own]) => {
        for (const part of own) if (!(await write(part))) return [invoice_no];
        return [];
      });
      return conflicts.flat();
    },
  };
}
