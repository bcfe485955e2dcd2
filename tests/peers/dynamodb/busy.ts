import type { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * Makes a busy DynamoDB of one that never is: it gets the first third of each batch write, and the caller back what it
 * did not get. The sizes of the writes that were asked for.
 */
export function busy(client: DynamoDBClient, table: string): readonly number[] {
  const sizes: number[] = [];
  client.middlewareStack.add(
    (next) => async (args) => {
      const { RequestItems } = args.input as BatchWriteItemCommand['input'];
      const requests = RequestItems![table]!;
      const taken = Math.ceil(requests.length / 3);
      const answer = await next({ ...args, input: { RequestItems: { [table]: requests.slice(0, taken) } } });
      const output = answer.output as { UnprocessedItems?: unknown };
      expect(output.UnprocessedItems).toEqual({});
      sizes.push(requests.length);
      if (taken < requests.length) output.UnprocessedItems = { [table]: requests.slice(taken) };
      return answer;
    },
    { step: 'initialize', name: 'busy' },
  );
  return sizes;
}
