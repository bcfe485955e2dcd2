import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { parse } from 'yaml';
import { dynamoArrivals, dynamoBacklog, dynamoSenders } from '../../../shared/adapters/aws/arrivals';
import { dynamoBatches, dynamoChunks, dynamoFiles } from '../../../shared/adapters/aws/batches';
import { systemClock } from '../../../shared/adapters/aws/clock';
import { dynamoCustomers } from '../../../shared/adapters/aws/customers';
import { dynamoIncidents } from '../../../shared/adapters/aws/incidents';
import { dynamoInvoices } from '../../../shared/adapters/aws/invoices';
import { dynamoLive } from '../../../shared/adapters/aws/live';
import { dynamoWatch } from '../../../shared/adapters/aws/watch';
import type { Ports } from '../../../shared/pipeline/ports';
import { ROOT } from '../../support/processes';

/** The ports that have tables. */
export type Stores = Pick<
  Ports,
  | 'batches'
  | 'chunks'
  | 'files'
  | 'invoices'
  | 'customers'
  | 'arrivals'
  | 'senders'
  | 'backlog'
  | 'watch'
  | 'incidents'
  | 'live'
>;

/** Names of tables. */
export interface Tables {
  readonly invoices: string;
  readonly customers: string;
  readonly batches: string;
  readonly live: string;
}

interface Template {
  readonly Resources: Record<string, { readonly Properties: CreateTableCommandInput }>;
}

/** Makes the tables that are deployed, as resources/tables.yml declares them, under a name of their own. */
export async function createTables(client: DynamoDBClient, name: string): Promise<Tables> {
  const { Resources } = parse(readFileSync(join(ROOT, 'resources/tables.yml'), 'utf8')) as Template;
  for (const { Properties } of Object.values(Resources)) {
    const { TableName, KeySchema, AttributeDefinitions, BillingMode, GlobalSecondaryIndexes } = Properties;
    const own = TableName!.replace(/^\$\{self:custom\.name\}/, name);
    await client.send(
      new CreateTableCommand({ TableName: own, KeySchema, AttributeDefinitions, BillingMode, GlobalSecondaryIndexes }),
    );
  }
  return {
    invoices: `${name}-invoices`,
    customers: `${name}-customers`,
    batches: `${name}-batches`,
    live: `${name}-live`,
  };
}

/** The deployed adapters on these tables. */
export const storesOn = (client: DynamoDBClient, { invoices, customers, batches, live }: Tables): Stores => ({
  batches: dynamoBatches(client, batches),
  chunks: dynamoChunks(client, batches),
  files: dynamoFiles(client, batches),
  invoices: dynamoInvoices(client, invoices),
  customers: dynamoCustomers(client, customers),
  arrivals: dynamoArrivals(client, batches),
  senders: dynamoSenders(client, batches),
  backlog: dynamoBacklog(client, batches),
  watch: dynamoWatch(client, batches),
  incidents: dynamoIncidents(client, batches),
  live: dynamoLive(client, live, systemClock),
});

/** Puts many items, past the adapters: 25 to a call, which is what it takes. */
export async function putAll(
  client: DynamoDBClient,
  table: string,
  items: readonly Record<string, AttributeValue>[],
): Promise<void> {
  for (let at = 0; at < items.length; at += 25) {
    const requests = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
  }
}

/** Every item of a table, past the adapters. */
export async function itemsIn(client: DynamoDBClient, TableName: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(new ScanCommand({ TableName, ExclusiveStartKey, ConsistentRead: true }));
    items.push(...page.Items!);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return items;
}
