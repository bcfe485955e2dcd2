import type { ConsumedCapacity, DynamoDBClient, PutItemCommandInput } from '@aws-sdk/client-dynamodb';

/** What DynamoDB says that a table's calls took. */
export interface Use {
  writeUnits: number;
  readUnits: number;
}

/** What a client asked for, and what DynamoDB said. */
export interface Meter {
  /** Calls by their name, PutItem, Query ...; refused ones too. */
  readonly calls: Record<string, number>;
  /** Refusals by the error's name. */
  readonly refused: Record<string, number>;
  /** By table. Refusals do not say what they took. */
  readonly use: Record<string, Use>;
  /** Items of the puts that went through, in the order of the answers. */
  readonly put: PutItemCommandInput['Item'][];
}

const READS: ReadonlySet<string> = new Set(['GetItem', 'Query', 'Scan']);

/** Has every call of a client answer with the capacity that it took, and keeps account of calls and answers. */
export function meter(client: DynamoDBClient): Meter {
  const { calls, refused, use, put }: Meter = { calls: {}, refused: {}, use: {}, put: [] };
  const count = (counts: Record<string, number>, name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const call = String(context.commandName).replace('Command', '');
      count(calls, call);
      try {
        const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
        const { ConsumedCapacity = [] } = answer.output as { ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] };
        for (const { TableName, CapacityUnits } of [ConsumedCapacity].flat()) {
          use[TableName!] ??= { writeUnits: 0, readUnits: 0 };
          use[TableName!]![READS.has(call) ? 'readUnits' : 'writeUnits'] += CapacityUnits!;
        }
        if (call === 'PutItem') put.push((args.input as PutItemCommandInput).Item);
        return answer;
      } catch (error) {
        count(refused, (error as Error).name);
        throw error;
      }
    },
    { step: 'initialize', name: 'meter' },
  );
  return { calls, refused, use, put };
}
