import { createHash } from 'node:crypto';
import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Incident } from '../../domain/alert';
import type { Clock, Incidents } from '../../pipeline/ports';
import { UNFINISHED_INDEX } from './arrivals';
import { type Item, item, text } from './attributes';
import { systemClock } from './clock';
import { concurrently } from './pace';
import { type Dynamo, expiresAfter, get, putIfAbsent, queryPages, unlessRefused } from './table';

const UNFINISHED = 'incident';
const KEYS = ['batch_id', 'entry'];
/** An event is not told again as long as its item is there. */
const KEPT_DAYS = 90;
/** Incidents of a digest that are read at a time. */
const READ = 8;
/** And noted: they all leave one partition of the index, which takes 1,000 units of writing a second. */
const NOTED = 2;

/*
 * An incident is one item of the Batches table, `unfinished` until it is told and kept for a while then. Who may tell
 * at once passes a gate, one for each kind and data set: an item that names who passed last and until when the others
 * wait. `loud_until` is on the incident that passed: until then it is for those who were let through, and later, if
 * they never came to it, for the next digest.
 */
const hashOf = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 32);
const keyOf = ({ id }: Pick<Incident, 'id'>) => item({ batch_id: `incident#${hashOf(id)}`, entry: 'incident' });
const gateOf = ({ kind, dataset = '' }: Incident) => item({ batch_id: `quiet#${kind}#${dataset}`, entry: 'quiet' });

const itemOf = (incident: Incident): Item => ({
  ...keyOf(incident),
  ...item({ body: JSON.stringify(incident), unfinished: UNFINISHED, arrived_at: incident.at }),
});
const incidentOf = (stored: Item): Incident => JSON.parse(text(stored.body)!);

/** Incidents in the Batches table. */
export function dynamoIncidents(client: Dynamo, table: string, clock: Clock = systemClock): Incidents {
  const write = (command: PutItemCommand | UpdateItemCommand) =>
    unlessRefused(`writing ${table}`, () => client.send(command as PutItemCommand));

  /** True for one incident of its kind and data set within the quiet time, however often it asks. */
  const passes = (incident: Incident, quiet_until: string) =>
    write(
      new PutItemCommand({
        TableName: table,
        Item: {
          ...gateOf(incident),
          ...item({ holder: hashOf(incident.id), quiet_until }),
          expires_at: expiresAfter(new Date(quiet_until), KEPT_DAYS),
        },
        ConditionExpression: 'attribute_not_exists(batch_id) OR quiet_until <= :now OR holder = :me',
        ExpressionAttributeValues: {
          ':now': { S: clock.now().toISOString() },
          ':me': { S: hashOf(incident.id) },
        },
      }),
    );

  return {
    async keep(incident, quiet_until) {
      const stored = await putIfAbsent(client, table, itemOf(incident), KEYS);
      if (!stored.unfinished) return 'known';
      if (stored.loud_until) return 'tell';
      if (!(await passes(incident, quiet_until))) return 'hold';
      const isUntold = await write(
        new UpdateItemCommand({
          TableName: table,
          Key: keyOf(incident),
          UpdateExpression: 'SET loud_until = :until',
          ConditionExpression: 'attribute_exists(unfinished)',
          ExpressionAttributeValues: { ':until': { S: quiet_until } },
        }),
      );
      return isUntold ? 'tell' : 'known';
    },

    async *held() {
      const now = clock.now().toISOString();
      const pages = queryPages(client, {
        TableName: table,
        IndexName: UNFINISHED_INDEX,
        KeyConditionExpression: 'unfinished = :incident',
        ExpressionAttributeValues: { ':incident': { S: UNFINISHED } },
      });
      for await (const found of pages) {
        const waiting = found.filter(({ loud_until }) => (text(loud_until) ?? now) <= now);
        // The index is a moment behind: a digest on the heels of another would tell the same again.
        const items = await concurrently(READ, waiting, ({ batch_id, entry }) =>
          get(client, table, { batch_id: batch_id!, entry: entry! }),
        );
        for (const stored of items) if (stored?.unfinished) yield incidentOf(stored);
      }
    },

    async told(incidents) {
      await concurrently(NOTED, incidents, (incident) =>
        write(
          new UpdateItemCommand({
            TableName: table,
            Key: keyOf(incident),
            UpdateExpression: 'SET expires_at = :expires REMOVE unfinished, arrived_at, loud_until',
            ConditionExpression: 'attribute_exists(unfinished)',
            ExpressionAttributeValues: { ':expires': expiresAfter(clock.now(), KEPT_DAYS) },
          }),
        ),
      );
    },
  };
}
