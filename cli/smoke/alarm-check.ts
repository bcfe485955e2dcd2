import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Broken, type Check, type Walk } from './walk';

/** A new queue takes up to a minute to know its policy, and SNS sends once: so the alarm is raised more than once. */
const ATTEMPTS = 6;
const LISTEN_S = 20; // the longest that SQS waits
const WHY = 'npm run smoke tries whether alarms arrive. Nothing is wrong.';

/** CloudWatch tells nobody when it may not publish: so an alarm of the run's own is raised, and what arrives is read. */
export const ALARM_CHECK: Check = {
  title: 'an alarm reaches those who subscribe to the alarm topic',
  async run(walk) {
    const AlarmName = `${walk.stage.stack}-smoke-${walk.rows.run}`;
    const sqs = new SQSClient({ region: walk.stage.region });
    const cloudwatch = new CloudWatchClient({ region: walk.stage.region });
    const QueueUrl = await subscribedQueue(walk, sqs, AlarmName);
    await makeAlarm(walk, cloudwatch, AlarmName);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      walk.signal.throwIfAborted();
      for (const StateValue of ['OK', 'ALARM'] as const)
        await cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: WHY }));
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: LISTEN_S }));
      if (Messages.some(({ Body }) => Body?.includes(AlarmName))) return undefined;
    }
    throw new Broken(`nothing arrives. ${await historyOf(cloudwatch, AlarmName)}`);
  },
};

/** Makes a queue that gets what is published to the alarm topic. Its address. */
async function subscribedQueue(walk: Walk, sqs: SQSClient, QueueName: string): Promise<string> {
  const topic = walk.stage.outputs.AlarmTopicArn!;
  const queue = topic.replace(':sns:', ':sqs:').replace(/[^:]+$/, QueueName);
  const mayTopicSend = {
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queue,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [mayTopicSend] });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { Policy } }));
  walk.leaves(`queue ${QueueName}`, () => sqs.send(new DeleteQueueCommand({ QueueUrl })));

  const sns = new SNSClient({ region: walk.stage.region });
  const subscribe = { TopicArn: topic, Protocol: 'sqs', Endpoint: queue, ReturnSubscriptionArn: true };
  const { SubscriptionArn } = await sns.send(new SubscribeCommand(subscribe));
  walk.leaves(`subscription ${SubscriptionArn}`, () => sns.send(new UnsubscribeCommand({ SubscriptionArn })));
  return QueueUrl!;
}

/** Makes an alarm on a metric that nobody writes, which tells the topic. */
async function makeAlarm({ stage, leaves }: Walk, cloudwatch: CloudWatchClient, AlarmName: string): Promise<void> {
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      AlarmDescription: WHY,
      Namespace: 'ecomflow/smoke',
      MetricName: 'none',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'ignore', // the state that is set stays
      AlarmActions: [stage.outputs.AlarmTopicArn!],
    }),
  );
  leaves(`alarm ${AlarmName}`, () => cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] })));
}

/** What CloudWatch says of the alarm's actions: the only place where it tells that it may not publish. */
async function historyOf(cloudwatch: CloudWatchClient, AlarmName: string): Promise<string> {
  const asked = new DescribeAlarmHistoryCommand({ AlarmName, HistoryItemType: 'Action', MaxRecords: 1 });
  const { AlarmHistoryItems = [] } = await cloudwatch.send(asked);
  return `CloudWatch says: ${AlarmHistoryItems[0]?.HistorySummary ?? 'nothing'}`;
}
