import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Check, until, type Walk } from './walk';

const DELIVERED_S = 60;

/** CloudWatch tells nobody when it may not publish: so an alarm of the run's own is raised, and what arrives is read. */
export const ALARM_CHECK: Check = {
  title: 'an alarm reaches those who subscribe to the alarm topic',
  async run(walk) {
    const name = `${walk.stage.stack}-smoke-${walk.rows.run}`;
    const sqs = new SQSClient({ region: walk.stage.region });
    const QueueUrl = await subscribedQueue(walk, sqs, name);
    await raise(walk, name);
    await until(walk, `the alarm ${name} in a queue that subscribes to the topic`, DELIVERED_S, async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      return Messages.some(({ Body }) => Body?.includes(name)) || undefined;
    });
    return undefined;
  },
};

/** Makes a queue that gets what is published to the alarm topic. Its address. */
async function subscribedQueue(walk: Walk, sqs: SQSClient, name: string): Promise<string> {
  const topic = walk.stage.outputs.AlarmTopicArn!;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  walk.leaves(`queue ${name}`, () => sqs.send(new DeleteQueueCommand({ QueueUrl })));
  const asked = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const queue = asked.Attributes!.QueueArn!;
  const mayTopicSend = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queue,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [mayTopicSend] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));

  const sns = new SNSClient({ region: walk.stage.region });
  const subscribe = { TopicArn: topic, Protocol: 'sqs', Endpoint: queue, ReturnSubscriptionArn: true };
  const { SubscriptionArn } = await sns.send(new SubscribeCommand(subscribe));
  walk.leaves(`subscription ${SubscriptionArn}`, () => sns.send(new UnsubscribeCommand({ SubscriptionArn })));
  return QueueUrl!;
}

/** Makes an alarm on nothing that tells the topic, and sets it off. */
async function raise({ stage, leaves }: Walk, AlarmName: string): Promise<void> {
  const cloudwatch = new CloudWatchClient({ region: stage.region });
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      AlarmDescription: 'npm run smoke tries whether alarms arrive. Nothing is wrong.',
      Namespace: 'ecomflow/smoke',
      MetricName: 'none',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore',
      AlarmActions: [stage.outputs.AlarmTopicArn!],
    }),
  );
  leaves(`alarm ${AlarmName}`, () => cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] })));
  const StateReason = 'npm run smoke tries whether alarms arrive. Nothing is wrong.';
  await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: 'ALARM', StateReason }));
}
