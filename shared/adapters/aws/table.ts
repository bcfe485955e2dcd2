import {
  type AttributeValue,
  type ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Item } from './attributes';
import { isNamed, reach } from './errors';

/** All that the ports ask of a DynamoDB client. */
export type Dynamo = Pick<DynamoDBClient, 'send'>;

const REFUSED = 'ConditionalCheckFailedException';

/** The items of a query, page by page. */
export async function* queryPages(
  client: Dynamo,
  input: Omit<QueryCommandInput, 'ExclusiveStartKey'>,
): AsyncGenerator<Item[]> {
  let ExclusiveStartKey: Item | undefined;
  do {
    const query = new QueryCommand({ ...input, ExclusiveStartKey });
    const page = await reach(`reading ${input.TableName}`, () => client.send(query));
    yield page.Items ?? [];
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
}

/** All items of a query. */
export async function queryAll(client: Dynamo, input: Omit<QueryCommandInput, 'ExclusiveStartKey'>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of queryPages(client, input)) items.push(...page);
  return items;
}

/** The items of a scan, page by page. */
export async function* scanPages(
  client: Dynamo,
  input: Omit<ScanCommandInput, 'ExclusiveStartKey'>,
): AsyncGenerator<Item[]> {
  let ExclusiveStartKey: Item | undefined;
  do {
    const scan = new ScanCommand({ ...input, ExclusiveStartKey });
    const page = await reach(`reading ${input.TableName}`, () => client.send(scan));
    yield page.Items ?? [];
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
}

/** When DynamoDB may forget an item, as its time to live wants it: seconds since 1970. */
export const expiresAfter = (from: Date, days: number): AttributeValue => ({
  N: String(Math.floor(from.getTime() / 1000) + days * 86_400),
});

/** Runs a conditional write; false when the condition does not hold. */
export async function unlessRefused(doing: string, write: () => Promise<unknown>): Promise<boolean> {
  try {
    await reach(doing, write);
    return true;
  } catch (error) {
    if (isNamed(error, REFUSED)) return false;
    throw error;
  }
}

/**
 * Puts an item unless its key is taken; the stored item either way. The refusal brings the other item along, so no
 * read is needed; where it does not (an emulator), one is made.
 */
export async function putIfAbsent(
  client: Dynamo,
  TableName: string,
  Item: Item,
  keys: readonly string[],
): Promise<Item> {
  const put = new PutItemCommand({
    TableName,
    Item,
    ConditionExpression: 'attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': keys[0]! },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await reach(`writing ${TableName}`, () => client.send(put));
    return Item;
  } catch (error) {
    if (!isNamed(error, REFUSED)) throw error;
    const stored = (error as ConditionalCheckFailedException).Item;
    return stored ?? (await get(client, TableName, Object.fromEntries(keys.map((key) => [key, Item[key]!])))) ?? Item;
  }
}

/** The item under a key as the last write left it. */
export async function get(client: Dynamo, TableName: string, Key: Item): Promise<Item | undefined> {
  const command = new GetItemCommand({ TableName, Key, ConsistentRead: true });
  return (await reach(`reading ${TableName}`, () => client.send(command))).Item;
}
