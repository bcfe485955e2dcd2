import { ConditionalCheckFailedException, type PutItemCommand } from '@aws-sdk/client-dynamodb';
import { dynamoAlone } from '../../../shared/adapters/aws/alone';
import type { Dynamo } from '../../../shared/adapters/aws/table';
import { TestClock } from '../../support/world';

/** A table of turns that judges the two conditions that are asked of it. */
function turns(): Dynamo {
  const items = new Map<string, { holder: string; until: string }>();
  const send = async ({ input }: PutItemCommand) => {
    const { Item, ConditionExpression, ExpressionAttributeValues: values } = input;
    const stored = items.get(Item!.batch_id!.S!);
    const mayWrite =
      ConditionExpression === 'holder = :me'
        ? stored?.holder === values![':me']!.S
        : stored === undefined || stored.until <= values![':now']!.S!;
    if (!mayWrite) throw new ConditionalCheckFailedException({ message: 'refused', $metadata: {} });
    items.set(Item!.batch_id!.S!, { holder: Item!.holder!.S!, until: Item!.held_until!.S! });
    return {};
  };
  return { send } as unknown as Dynamo;
}

describe('a turn in the table', () => {
  const clock = new TestClock();
  const table = turns();
  const alone = dynamoAlone(table, 'batches', clock, 'digest');

  it('is one at a time, and the next one may have it at once', async () => {
    const order: string[] = [];
    const first = await alone(60, async () => {
      order.push('first');
      expect(await alone(60, async () => void order.push('second'))).toBe(false);
    });
    expect(first).toBe(true);
    expect(await alone(60, async () => void order.push('third'))).toBe(true);
    expect(order).toEqual(['first', 'third']);
  });

  it('keeps out nobody who does something else', async () => {
    const merges = dynamoAlone(table, 'batches', clock, 'merges');
    await alone(60, async () => expect(await merges(60, async () => undefined)).toBe(true));
  });

  it('is given back when the work fails', async () => {
    await expect(alone(60, () => Promise.reject(new Error('it fails')))).rejects.toThrow('it fails');
    expect(await alone(60, async () => undefined)).toBe(true);
  });

  it('of somebody who died ends with its time, and he takes nothing from who came behind him', async () => {
    const begun = Promise.withResolvers<void>();
    const ends = Promise.withResolvers<void>();
    const first = alone(60, () => {
      begun.resolve();
      return ends.promise;
    });
    await begun.promise;
    clock.pass(59);
    expect(await alone(60, async () => undefined)).toBe(false);
    clock.pass(1);
    const next = await alone(60, async () => {
      ends.resolve();
      await first;
      expect(await alone(60, async () => undefined)).toBe(false);
    });
    expect(next).toBe(true);
  });
});
