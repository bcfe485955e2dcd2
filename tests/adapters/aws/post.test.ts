import { snsPost } from '../../../shared/adapters/aws/post';
import type { Mail } from '../../../shared/domain/alert';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';
import { clockAt, fakeTable } from './table';

const NOON = '2026-03-01T12:00:00.000Z';
const mail: Mail = {
  id: 'm1',
  kind: 'file_refused',
  severity: 'failure',
  dataset: 'events',
  subject: 'A file was refused',
  body: 'grün\nand so on\n',
};

/** A topic and a table; `publish` answers the nth publication. */
function made(publish: (nth: number) => unknown = () => ({})) {
  const topic = fakeClient((_, nth) => publish(nth));
  const table = fakeTable();
  const clock = clockAt(NOON);
  return { topic, table, clock, post: snsPost(topic, 'arn:topic', table, 'batches', clock) };
}

describe('a mail', () => {
  test('is published with subject and body, and attributes by which subscriptions are filtered', async () => {
    const { topic, post } = made();
    await post.send(mail);
    expect(topic.sent).toEqual([
      {
        command: 'Publish',
        input: {
          TopicArn: 'arn:topic',
          Subject: 'A file was refused',
          Message: 'grün\nand so on\n',
          MessageAttributes: {
            kind: { DataType: 'String', StringValue: 'file_refused' },
            severity: { DataType: 'String', StringValue: 'failure' },
            dataset: { DataType: 'String', StringValue: 'events' },
          },
        },
      },
    ]);
  });

  test.each([undefined, ''])(
    'of no data set has no such attribute: SNS takes none that is empty (%j)',
    async (dataset) => {
      const { topic, post } = made();
      await post.send({ ...mail, dataset });
      expect(topic.sent[0]!.input).toMatchObject({ MessageAttributes: { kind: {}, severity: {} } });
      expect(topic.sent[0]!.input).not.toHaveProperty('MessageAttributes.dataset');
    },
  );

  test('is sent once, others of their own are sent, too', async () => {
    const { topic, clock, post } = made();
    await post.send(mail);
    clock.set('2026-03-02T12:00:00.000Z');
    await post.send({ ...mail, body: 'other words' });
    await post.send({ ...mail, id: 'm2' });
    expect(topic.sent).toHaveLength(2);
  });

  test('is sent by one of two who have it at the same time; the other is to come again', async () => {
    const arrived = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const { topic, post } = made(() => {
      arrived.resolve();
      return go.promise;
    });
    const sending = post.send(mail);
    await arrived.promise;
    await expect(post.send(mail)).rejects.toThrow(Unavailable);
    go.resolve();
    await sending;
    await post.send(mail);
    expect(topic.sent).toHaveLength(1);
  });

  test('that could not be published is sent a minute later', async () => {
    const { topic, clock, post } = made((nth) => {
      if (nth === 1) throw sdkError('ThrottledException', { $metadata: { httpStatusCode: 429 } });
    });
    await expect(post.send(mail)).rejects.toThrow('publishing a mail');
    clock.set('2026-03-01T12:00:59.999Z');
    await expect(post.send(mail)).rejects.toThrow('by another');
    clock.set('2026-03-01T12:01:00.000Z');
    await post.send(mail);
    await post.send(mail);
    expect(topic.sent).toHaveLength(2);
  });

  test('is remembered for 90 days', async () => {
    const { table, post } = made();
    await post.send(mail);
    const [noted] = [...table.items.values()];
    expect(noted).toMatchObject({
      sent_at: { S: NOON },
      expires_at: { N: String(Date.parse(NOON) / 1000 + 7_776_000) },
    });
    expect(noted).not.toHaveProperty('sending_until');
  });
});

test('a topic that may not be published to is a broken world, a mail that SNS does not take a defect', async () => {
  const failing = (error: Error) => made(() => Promise.reject(error)).post.send(mail);
  await expect(
    failing(sdkError('AuthorizationErrorException', { $metadata: { httpStatusCode: 403 } })),
  ).rejects.toThrow(Unavailable);
  await expect(failing(sdkError('InvalidParameterException', { $metadata: { httpStatusCode: 400 } }))).rejects.toThrow(
    'InvalidParameterException happened',
  );
});
