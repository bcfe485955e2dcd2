import { sqsLater } from '../../../shared/adapters/aws/later';
import { noticeIn } from '../../../shared/adapters/lambda/queue';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';

test('work is put into its queue again, and waits there no longer than a queue lets it', async () => {
  const client = fakeClient(() => ({}));
  const notice = { key: 'inbox/transactions/a b+ü.csv', version: 'v', sent_by: 'someone' };
  await sqsLater(client, 'https://queue').again(notice, 300);
  await sqsLater(client, 'https://queue').again(notice, 5000);
  const inputs = client.sent.map(({ input }) => input as unknown as { MessageBody: string });
  expect(inputs).toMatchObject([
    { QueueUrl: 'https://queue', DelaySeconds: 300 },
    { QueueUrl: 'https://queue', DelaySeconds: 900 },
  ]);
  expect(noticeIn(inputs[0]!.MessageBody)).toEqual(notice);
});

test('a queue that cannot be reached is unavailable', async () => {
  const client = fakeClient(() => Promise.reject(sdkError('ThrottlingException')));
  await expect(sqsLater(client, 'q').again({ key: 'k' }, 0)).rejects.toThrow(Unavailable);
});
