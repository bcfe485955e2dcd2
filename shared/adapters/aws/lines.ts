import type { InvoiceLines } from '../../pipeline/ports';
import { claimedItems } from './invoice-item';
import { type Dynamo, scanPages } from './table';

/** The Invoices table from end to end: a scan has the items of one key behind each other. */
export function dynamoLines(client: Dynamo, table: string): InvoiceLines {
  const { decode } = claimedItems();
  return {
    async *all() {
      // Consistent, or a line of a moment ago would be missed.
      for await (const page of scanPages(client, { TableName: table, ConsistentRead: true })) yield* page.map(decode);
    },
  };
}
