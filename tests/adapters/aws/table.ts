import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { parse } from 'yaml';
import type { Item } from '../../../shared/adapters/aws/attributes';
import { fakeClient, type Sent, sdkError } from './fake';

/** What tests read of a command's input here. */
interface Written {
  readonly Item: Item;
  readonly Key: Item;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly KeyConditionExpression: string;
  readonly IndexName?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
  readonly ExclusiveStartKey?: { readonly at: number };
}

const PAGE = 2;

/**
 * A table that works out conditions and updates of the forms that our adapters write; whatever else comes is an error.
 * Pages hold two items. `before` runs before each command.
 */
export function fakeTable(before: (sent: Sent) => unknown = () => undefined) {
  const items = new Map<string, Item>();
  const keyOf = (item: Item) => `${item.batch_id!.S} ${item.entry!.S}`;

  const judge = (stored: Item | undefined, input: Written) => {
    const one = (condition: string): boolean => {
      const [, not, path] = /^attribute_(not_)?exists\((#?\w+)\)$/.exec(condition) ?? [];
      if (path) return (stored?.[input.ExpressionAttributeNames?.[path] ?? path] === undefined) === Boolean(not);
      const [, name, sign, value] = /^(\w+) (=|<=) (:\w+)$/.exec(condition) ?? [];
      if (!name) throw new Error(`the fake cannot judge ${condition}`);
      const [has, wanted] = [stored?.[name]?.S, input.ExpressionAttributeValues![value!]!.S!];
      return has !== undefined && (sign === '=' ? has === wanted : has <= wanted);
    };
    const holds = input.ConditionExpression?.split(' OR ').some((part) => part.split(' AND ').every(one)) ?? true;
    if (!holds) throw sdkError('ConditionalCheckFailedException', { Item: stored });
  };

  const update = (stored: Item, { UpdateExpression = '', ExpressionAttributeValues }: Written) => {
    const [, set, remove] = /^(?:SET (.+?))?(?: ?REMOVE (.+))?$/.exec(UpdateExpression) ?? [];
    const changed = { ...stored };
    for (const part of set?.split(', ') ?? []) {
      const [name, value] = part.split(' = ') as [string, string];
      changed[name] = value.startsWith(':') ? ExpressionAttributeValues![value]! : stored[value]!;
    }
    for (const name of remove?.split(', ') ?? []) delete changed[name];
    return changed;
  };

  const answer = async (sent: Sent) => {
    await before(sent);
    const input = sent.input as unknown as Written;
    const key = keyOf(input.Item ?? input.Key ?? { batch_id: { S: '' }, entry: { S: '' } });
    const stored = items.get(key);
    if (sent.command === 'GetItem') return { Item: stored };
    if (sent.command === 'PutItem') {
      judge(stored, input);
      items.set(key, input.Item);
    } else if (sent.command === 'UpdateItem') {
      judge(stored, input);
      items.set(key, update(stored ?? input.Key, input));
    } else if (sent.command === 'Query') {
      expect(input.IndexName).toBe('unfinished');
      const [value] = Object.values(input.ExpressionAttributeValues!);
      const found = [...items.values()]
        .filter(({ unfinished, arrived_at }) => unfinished?.S === value!.S && arrived_at)
        .sort((a, b) => (a.arrived_at!.S! < b.arrived_at!.S! ? -1 : 1));
      const from = input.ExclusiveStartKey?.at ?? 0;
      return {
        Items: found.slice(from, from + PAGE).map(projected),
        ...(from + PAGE < found.length && { LastEvaluatedKey: { at: from + PAGE } }),
      };
    }
    return {};
  };
  return { ...fakeClient(answer), items };
}

const [INDEX] = parse(readFileSync(join(__dirname, '../../../resources/tables.yml'), 'utf8'), { logLevel: 'error' })
  .Resources.BatchesTable.Properties.GlobalSecondaryIndexes;
const INDEXED: readonly string[] = [
  'batch_id',
  'entry',
  'unfinished',
  'arrived_at',
  ...INDEX.Projection.NonKeyAttributes,
];

/** What the index of the template has of an item. */
const projected = (stored: Item): Item =>
  Object.fromEntries(Object.entries(stored).filter(([name]) => INDEXED.includes(name)));

/** A clock that stands until it is set. */
export function clockAt(time: string) {
  let now = time;
  return {
    now: () => new Date(now),
    set(later: string) {
      now = later;
    },
  };
}
