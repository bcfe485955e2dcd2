import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Orders } from '../../pipeline/ports';
import { reach } from './errors';

/** Redrives that were asked for, in the queue of the function that does them. */
export function sqsOrders(client: Pick<SQSClient, 'send'>, QueueUrl: string): Orders {
  return {
    async put(order) {
      const send = new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(order) });
      await reach('writing the queue', () => client.send(send));
    },
  };
}
