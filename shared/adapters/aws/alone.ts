import { randomUUID } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Clock, Watch } from '../../pipeline/ports';
import { item } from './attributes';
import { type Dynamo, unlessRefused } from './table';

/**
 * The turn of whoever does what one does at a time (`of`): an item of the Batches table that is taken until a time, and
 * given back before it.
 */
export function dynamoAlone(client: Dynamo, table: string, clock: Clock, of: 'digest' | 'merges'): Watch['alone'] {
  const put = (holder: string, until: Date, condition: string, values: Record<string, string>) =>
    unlessRefused(`writing ${table}`, () =>
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: item({ batch_id: of, entry: 'turn', holder, held_until: until.toISOString() }),
          ConditionExpression: condition,
          ExpressionAttributeValues: item(values),
        }),
      ),
    );

  return async (seconds, work) => {
    const holder = randomUUID();
    const now = clock.now();
    const until = new Date(now.getTime() + seconds * 1000);
    const free = 'attribute_not_exists(batch_id) OR held_until <= :now';
    if (!(await put(holder, until, free, { ':now': now.toISOString() }))) return false;
    try {
      await work();
    } finally {
      await put(holder, clock.now(), 'holder = :me', { ':me': holder });
    }
    return true;
  };
}
