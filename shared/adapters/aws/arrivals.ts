import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Arrival, arrivalEntryKey, arrivalKey, isUnfinished, SENDER_ENTRY } from '../../domain/arrival';
import type { Arrivals, Backlog, Senders } from '../../pipeline/ports';
import { type Item, item, text } from './attributes';
import { reach } from './errors';
import { type Dynamo, get, putIfAbsent, queryAll, unlessRefused } from './table';

/** The index of what is unfinished: few items, since they leave it when they are done. */
export const UNFINISHED_INDEX = 'unfinished';
const UNFINISHED = 'file';
const KEYS = ['batch_id', 'entry'];

/*
 * An arrival is one item of the Batches table: itself as JSON in `body`, its lease beside it, because another's is
 * only taken over as it was read, and `unfinished` as long as something is to be done.
 */
const keyOf = ({ key, version }: Pick<Arrival, 'key' | 'version'>) =>
  item({ batch_id: arrivalKey(key), entry: arrivalEntryKey(version) });

const leaseOf = ({ lease }: Arrival): string => `${lease.until} ${lease.holder}`;

const itemOf = (arrival: Arrival): Item => ({
  ...keyOf(arrival),
  ...item({
    body: JSON.stringify(arrival),
    lease: leaseOf(arrival),
    arrived_at: arrival.arrived_at,
    unfinished: isUnfinished(arrival) ? UNFINISHED : undefined,
  }),
});

const arrivalOf = (stored: Item): Arrival => JSON.parse(text(stored.body)!);

const runKey = (run_id: string) => item({ batch_id: `run#${run_id}`, entry: 'run' });

/** The item that finds a file by the run of Spark that reads it. */
const runItem = ({ run_id, state, key, version }: Arrival): Item[] =>
  run_id !== undefined && state === 'running' ? [{ ...runKey(run_id), ...item({ key, version }) }] : [];

/** Files of the inbox in the Batches table. */
export function dynamoArrivals(client: Dynamo, table: string): Arrivals {
  const takeOver = async (known: Arrival, lease: Arrival['lease']): Promise<Arrival | undefined> => {
    const taken = { ...known, lease };
    const update = new UpdateItemCommand({
      TableName: table,
      Key: keyOf(known),
      UpdateExpression: 'SET body = :body, lease = :lease',
      ConditionExpression: 'lease = :before AND attribute_exists(unfinished)',
      ExpressionAttributeValues: {
        ':body': { S: JSON.stringify(taken) },
        ':lease': { S: leaseOf(taken) },
        ':before': { S: leaseOf(known) },
      },
    });
    return (await unlessRefused(`writing ${table}`, () => client.send(update))) ? taken : undefined;
  };

  return {
    async claim(arrival, now) {
      const known = arrivalOf(await putIfAbsent(client, table, itemOf(arrival), KEYS));
      const free = known.lease.until <= now || known.lease.holder === arrival.lease.holder;
      if (!isUnfinished(known) || !free || leaseOf(known) === leaseOf(arrival)) return known;
      const taken = await takeOver(known, arrival.lease);
      return taken ?? arrivalOf((await get(client, table, keyOf(known)))!);
    },

    async note(arrival) {
      // First the run's: who hears of it looks for its file.
      for (const Item of [...runItem(arrival), itemOf(arrival)])
        await reach(`writing ${table}`, () => client.send(new PutItemCommand({ TableName: table, Item })));
    },

    async ofRun(run_id) {
      const run = await get(client, table, runKey(run_id));
      const stored = run && (await get(client, table, keyOf({ key: text(run.key)!, version: text(run.version)! })));
      return stored && arrivalOf(stored);
    },

    async of(key) {
      const found = await queryAll(client, {
        TableName: table,
        KeyConditionExpression: 'batch_id = :id AND begins_with(entry, :version)',
        ExpressionAttributeValues: { ':id': { S: arrivalKey(key) }, ':version': { S: arrivalEntryKey('') } },
        ConsistentRead: true,
      });
      return found.map(arrivalOf).sort((a, b) => (a.arrived_at < b.arrived_at ? 1 : -1));
    },
  };
}

/** What is unfinished, by an index that is a moment behind. */
export function dynamoBacklog(client: Dynamo, table: string): Backlog {
  return {
    async unfinished() {
      const found = await queryAll(client, {
        TableName: table,
        IndexName: UNFINISHED_INDEX,
        KeyConditionExpression: 'unfinished = :file',
        ExpressionAttributeValues: { ':file': { S: UNFINISHED } },
      });
      return found.map(arrivalOf);
    },
  };
}

/** Who asked for an address to put a file to, in the Batches table. */
export function dynamoSenders(client: Dynamo, table: string): Senders {
  return {
    async announce(key, sent_by) {
      await putIfAbsent(client, table, item({ batch_id: arrivalKey(key), entry: SENDER_ENTRY, key, sent_by }), KEYS);
    },
    async find(key) {
      const stored = await get(client, table, item({ batch_id: arrivalKey(key), entry: SENDER_ENTRY }));
      return stored && text(stored.sent_by);
    },
  };
}
