import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type MessageAttributeValue, PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Mail } from '../../domain/alert';
import { type Clock, type Post, Unavailable } from '../../pipeline/ports';
import { item } from './attributes';
import { systemClock } from './clock';
import { reach } from './errors';
import { type Dynamo, expiresAfter, get, unlessRefused } from './table';

/** Longer than an event comes again. */
const KEPT_DAYS = 90;
/** Longer than a publication takes with all its tries. */
const LEASE_SECONDS = 60;

const keyOf = ({ id }: Mail) => item({ batch_id: `mail#${id}`, entry: 'mail' });

/** What subscriptions are filtered by. An attribute cannot be empty. */
function attributesOf({ kind, severity, dataset }: Mail): Record<string, MessageAttributeValue> {
  const named = Object.entries({ kind, severity, dataset }).filter(([, value]) => value);
  return Object.fromEntries(named.map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]));
}

/**
 * Mails by SNS. The Batches table knows what was sent: who is to send a mail takes it for a minute first, so that of two
 * who have heard of the same event one sends it; a mail that nobody came to send may be taken after that.
 */
export function snsPost(
  client: Pick<SNSClient, 'send'>,
  TopicArn: string,
  dynamo: Dynamo,
  table: string,
  clock: Clock = systemClock,
): Post {
  const doing = `writing ${table}`;

  /** False when the mail was sent before. @throws Unavailable while another sends it */
  const take = async (mail: Mail): Promise<boolean> => {
    const now = clock.now();
    const until = new Date(now.getTime() + LEASE_SECONDS * 1000).toISOString();
    const put = new PutItemCommand({
      TableName: table,
      Item: { ...keyOf(mail), ...item({ sending_until: until }), expires_at: expiresAfter(now, KEPT_DAYS) },
      ConditionExpression: 'attribute_not_exists(batch_id) OR sending_until <= :now',
      ExpressionAttributeValues: { ':now': { S: now.toISOString() } },
    });
    if (await unlessRefused(doing, () => dynamo.send(put))) return true;
    const stored = await get(dynamo, table, keyOf(mail));
    if (stored?.sent_at) return false;
    throw new Unavailable(`mail ${mail.id} is being sent by another`);
  };

  return {
    async send(mail) {
      if (!(await take(mail))) return;
      const { subject: Subject, body: Message } = mail;
      const publish = new PublishCommand({ TopicArn, Subject, Message, MessageAttributes: attributesOf(mail) });
      await reach('publishing a mail', () => client.send(publish));
      const note = new UpdateItemCommand({
        TableName: table,
        Key: keyOf(mail),
        UpdateExpression: 'SET sent_at = :now REMOVE sending_until',
        ExpressionAttributeValues: { ':now': { S: clock.now().toISOString() } },
      });
      await reach(doing, () => dynamo.send(note));
    },
  };
}
