import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Later } from '../../pipeline/ports';
import { reach } from './errors';

/** A message waits 15 minutes at most (Amazon SQS, delay). */
const MOST_SECONDS = 900;

/** Work that is to be gone on with, in the queue that it came from. */
export function sqsLater(client: Pick<SQSClient, 'send'>, QueueUrl: string): Later {
  return {
    async again(work, seconds) {
      const DelaySeconds = Math.min(seconds, MOST_SECONDS);
      const send = new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(work), DelaySeconds });
      await reach('writing the queue', () => client.send(send));
    },
  };
}
