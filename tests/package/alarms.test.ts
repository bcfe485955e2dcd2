import { KINDS } from '../../shared/domain/alert';
import { datasets } from '../../shared/domain/dataset';
import { METERS } from '../../shared/domain/meters';
import { documentNamed } from '../docs/markdown';
import { resolved } from './grants';
import { type Json, ofType, type Package, packaged } from './packaged';

/** What a dimension names: a type of resource, and how the template says its name. */
const NAMED: Readonly<Record<string, { type: string; by: 'Ref' | 'QueueName' }>> = {
  FunctionName: { type: 'AWS::Lambda::Function', by: 'Ref' },
  DeliveryStreamName: { type: 'AWS::KinesisFirehose::DeliveryStream', by: 'Ref' },
  ApiId: { type: 'AWS::ApiGatewayV2::Api', by: 'Ref' },
  StreamName: { type: 'AWS::Kinesis::Stream', by: 'Ref' },
  TableName: { type: 'AWS::DynamoDB::Table', by: 'Ref' },
  RuleName: { type: 'AWS::Events::Rule', by: 'Ref' },
  QueueName: { type: 'AWS::SQS::Queue', by: 'QueueName' },
  StateMachineArn: { type: 'AWS::StepFunctions::StateMachine', by: 'Ref' },
  ScheduleGroup: { type: 'AWS::Scheduler::ScheduleGroup', by: 'Ref' },
};

/** Sections of the runbook that are no alarm's and no mail's. */
const BESIDE = ['asking-the-logs', 'budget'];

const packages = {} as Record<'dev' | 'other', Package>;
beforeAll(async () => {
  const other = (values: string) =>
    values
      .replace('landing: firehose', 'landing: direct')
      .replace('engine: none', 'engine: postgres')
      .replace('dollarsPerDay: 5', 'dollarsPerDay: null')
      .replace('cleanBehindMinutes: 10', 'cleanBehindMinutes: 20')
      .replace('runbook: docs/runbook.md', 'runbook: https://git.shop.example/runbook.md');
  [packages.dev, packages.other] = await Promise.all([
    packaged('dev', 'alarms'),
    packaged('dev', 'alarms-other', other),
  ]);
}, 120_000);

const sections = () =>
  [...documentNamed('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(' ', '-'),
  );

interface Alarm {
  readonly id: string;
  readonly says: Json;
  readonly dimensions: Readonly<Record<string, Json>>;
}
const alarmsOf = (stage: Package): Alarm[] =>
  ofType(stage, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({
    id,
    says: Properties,
    dimensions: Object.fromEntries(Properties.Dimensions.map(({ Name, Value }: Json) => [Name, Value])),
  }));

/** Names of what alarms on a metric watch, as the template would say them, in order. */
const watchedBy = (stage: Package, metric: string, dimension: string) =>
  alarmsOf(stage)
    .filter(({ says }) => `${says.Namespace} ${says.MetricName}` === metric)
    .map(({ dimensions }) => idIn(dimensions[dimension]))
    .sort();

const idIn = (value: Json): string => value.Ref ?? value['Fn::GetAtt'][0];
const idsOf = (stage: Package, type: string, where: (properties: Json) => boolean = () => true) =>
  ofType(stage, type)
    .filter(([, { Properties }]) => where(Properties))
    .map(([id]) => id)
    .sort();

/** What a dimension's value is in the template: throws where it names nothing, or something of another type. */
function expectNamed(stage: Package, name: string, value: Json) {
  const { type, by } = NAMED[name]!;
  const id = idIn(value);
  expect([name, id, stage.template.Resources[id]?.Type]).toEqual([name, id, type]);
  expect(value).toEqual(by === 'Ref' ? { Ref: id } : { 'Fn::GetAtt': [id, by] });
}

describe.each(['dev', 'other'] as const)('The alarms of stage %s', (name) => {
  const stage = () => packages[name];

  test('tell the topic when they turn red and when they turn green, by a name of their own', () => {
    const alarms = alarmsOf(stage());
    expect(alarms.length).toBeGreaterThan(30);
    for (const { says } of alarms) {
      expect(says.AlarmName).toMatch(/^ecomflow-dev-[a-z-]+$/);
      expect([says.AlarmActions, says.OKActions]).toEqual([[{ Ref: 'AlarmTopic' }], [{ Ref: 'AlarmTopic' }]]);
      expect(['notBreaching', 'breaching', 'ignore']).toContain(says.TreatMissingData);
      expect(says.Metrics).toBeUndefined(); // several metrics in one alarm cost as much, and do not say which
    }
    expect(new Set(alarms.map(({ says }) => says.AlarmName)).size).toBe(alarms.length);
  });

  test('end with a section of the runbook that is there', () => {
    const runbook = name === 'dev' ? 'docs/runbook.md' : 'https://git.shop.example/runbook.md';
    for (const { says } of alarmsOf(stage())) {
      const [, address, section] = / Runbook: (\S+)#(\S+)$/.exec(says.AlarmDescription)!;
      expect([says.AlarmName, address]).toEqual([says.AlarmName, runbook]);
      expect(sections()).toContain(section);
    }
  });

  test('watch what is in the template, by the dimensions that AWS counts it by', () => {
    for (const { says, dimensions } of alarmsOf(stage())) {
      if (says.Namespace === 'ecomflow') continue;
      for (const [dimension, value] of Object.entries(dimensions)) {
        if (dimension !== 'GlobalSecondaryIndexName') expectNamed(stage(), dimension, value);
      }
    }
  });

  test('watch meters that there are, by the dimensions that they are written with', () => {
    const own = alarmsOf(stage()).filter(({ says }) => says.Namespace === 'ecomflow');
    for (const { says, dimensions } of own) {
      expect(Object.keys(METERS)).toContain(says.MetricName);
      const { service, dataset, ...others } = dimensions;
      expect([service, others]).toEqual(['ecomflow-dev', {}]);
      if (says.MetricName === 'PostToLedger') expect([...datasets.keys()]).toContain(dataset);
      else expect(dataset).toBeUndefined();
    }
    expect(own.map(({ says }) => says.MetricName)).toEqual(
      expect.arrayContaining(['FailuresKept', 'BatchesUnbalanced', 'PostToLedger']),
    );
    expect(own.filter(({ says }) => says.MetricName === 'PostToLedger')).toHaveLength(datasets.size);
  });

  test('forget no function, and break with those that somebody waits for', () => {
    const functions = idsOf(stage(), 'AWS::Lambda::Function', ({ FunctionName }) => FunctionName !== undefined);
    expect(functions.length).toBeGreaterThanOrEqual(7);
    expect(watchedBy(stage(), 'AWS/Lambda Throttles', 'FunctionName')).toEqual(functions);
    const asked = ofType(stage(), 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) =>
      idIn(Properties.IntegrationUri),
    );
    expect(asked).toContain('IngestLambdaFunction');
    expect(watchedBy(stage(), 'AWS/Lambda Errors', 'FunctionName')).toEqual([...new Set(asked)].sort());
    expect(watchedBy(stage(), 'AWS/Lambda IteratorAge', 'FunctionName')).toEqual(['CleanLambdaFunction']);
  });

  test('forget no delivery stream, and none that converts', () => {
    const type = 'AWS::KinesisFirehose::DeliveryStream';
    const all = idsOf(stage(), type);
    const converting = idsOf(
      stage(),
      type,
      ({ ExtendedS3DestinationConfiguration: to }) => to.DataFormatConversionConfiguration?.Enabled === true,
    );
    expect(all).toHaveLength(name === 'dev' ? 1 + datasets.size : 1);
    expect(converting).toHaveLength(name === 'dev' ? datasets.size : 0);
    expect(watchedBy(stage(), 'AWS/Firehose DeliveryToS3.DataFreshness', 'DeliveryStreamName')).toEqual(all);
    expect(watchedBy(stage(), 'AWS/Firehose FailedConversion.Records', 'DeliveryStreamName')).toEqual(converting);
    expect(watchedBy(stage(), 'AWS/Kinesis WriteProvisionedThroughputExceeded', 'StreamName')).toEqual(
      idsOf(stage(), 'AWS::Kinesis::Stream'),
    );
  });

  test.each(['Read', 'Write'])('forget no table and no index, for what a %s is refused', (kind) => {
    const wanted = ofType(stage(), 'AWS::DynamoDB::Table').flatMap(([id, { Properties }]) => [
      id,
      ...(Properties.GlobalSecondaryIndexes ?? []).map(({ IndexName }: Json) => `${id} ${IndexName}`),
    ]);
    const found = alarmsOf(stage())
      .filter(({ says }) => says.MetricName === `${kind}ThrottleEvents`)
      .map(({ dimensions: { TableName, GlobalSecondaryIndexName: index } }) =>
        index === undefined ? idIn(TableName) : `${idIn(TableName)} ${index}`,
      );
    expect(wanted.length).toBeGreaterThanOrEqual(4);
    expect(found.sort()).toEqual(wanted.sort());
  });

  test('forget no queue of what was given up, no state machine, and no rule of a failed run', () => {
    const givenUp = idsOf(stage(), 'AWS::SQS::Queue', ({ QueueName }) => QueueName.endsWith('-given-up'));
    const targets = ofType(stage(), 'AWS::SQS::Queue').flatMap(([, { Properties }]) =>
      Properties.RedrivePolicy ? [idIn(Properties.RedrivePolicy.deadLetterTargetArn)] : [],
    );
    expect(givenUp.length).toBeGreaterThanOrEqual(2);
    expect(targets.sort()).toEqual(givenUp);
    expect(watchedBy(stage(), 'AWS/SQS ApproximateNumberOfMessagesVisible', 'QueueName')).toEqual(givenUp);
    for (const ended of ['Failed', 'TimedOut']) {
      expect(watchedBy(stage(), `AWS/States Executions${ended}`, 'StateMachineArn')).toEqual(
        idsOf(stage(), 'AWS::StepFunctions::StateMachine'),
      );
    }
    expect(watchedBy(stage(), 'AWS/Scheduler InvocationDroppedCount', 'ScheduleGroup')).toEqual(
      idsOf(stage(), 'AWS::Scheduler::ScheduleGroup'),
    );
    const [job] = watchedBy(stage(), 'AWS/Events TriggeredRules', 'RuleName');
    const { EventPattern } = stage().template.Resources[job!]!.Properties;
    expect(EventPattern.detail).toEqual({
      jobName: [{ Ref: 'BulkJob' }],
      state: ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR'],
    });
  });

  test('are all on the dashboard, which is valid and shows only what there is', () => {
    const { DashboardName, DashboardBody } = stage().template.Resources.Dashboard!.Properties;
    expect(DashboardName).toBe('ecomflow-dev');
    const { widgets, ...rest } = JSON.parse(resolved(stage(), DashboardBody)); // it throws for what the template has not
    expect(rest).toEqual({ periodOverride: 'inherit' });
    const [text, alarms, ...graphs] = widgets;
    expect([text.type, text.properties.markdown]).toEqual(['text', expect.stringContaining('runbook.md')]);
    expect(alarms.type).toBe('alarm');
    expect([...alarms.properties.alarms].sort()).toEqual(
      alarmsOf(stage())
        .map(({ id }) => `${id}.Arn`)
        .sort(),
    );
    expect(alarms.properties.alarms.length).toBeLessThanOrEqual(100); // CloudWatch's most
    for (const { type, properties } of graphs) {
      expect(type).toBe('metric');
      expect(properties).toMatchObject({ title: expect.any(String), region: 'eu-central-1', view: 'timeSeries' });
      expect(properties.metrics.length).toBeGreaterThan(0);
      for (const metric of properties.metrics) expectDrawn(metric);
    }
  });

  test('have a dashboard without two widgets in one place, or one outside', () => {
    const { widgets } = JSON.parse(resolved(stage(), stage().template.Resources.Dashboard!.Properties.DashboardBody));
    const taken = new Set<string>();
    for (const { x, y, width, height } of widgets) {
      expect(x + width).toBeLessThanOrEqual(24);
      for (let row = y; row < y + height; row++) {
        for (let column = x; column < x + width; column++) {
          expect(taken).not.toContain(`${column}, ${row}`);
          taken.add(`${column}, ${row}`);
        }
      }
    }
  });

  test('have a dashboard on which every meter, function, table, queue, stream and machine is', () => {
    const body = stage().template.Resources.Dashboard!.Properties.DashboardBody['Fn::Sub'];
    const missing = [
      ...idsOf(stage(), 'AWS::Lambda::Function', ({ FunctionName }) => FunctionName !== undefined),
      ...idsOf(stage(), 'AWS::DynamoDB::Table'),
      ...idsOf(stage(), 'AWS::KinesisFirehose::DeliveryStream'),
      ...idsOf(stage(), 'AWS::StepFunctions::StateMachine'),
    ].filter((id) => !body.includes(`\${${id}}`));
    const queues = idsOf(stage(), 'AWS::SQS::Queue').filter((id) => !body.includes(`\${${id}.QueueName}`));
    const meters = Object.keys(METERS).filter((meter) => !body.includes(`"ecomflow","${meter}"`));
    expect([missing, queues, meters]).toEqual([[], [], []]);
  });
});

/** A line of a graph: namespace, metric, pairs of dimensions, and how it is drawn. */
function expectDrawn(metric: Json[]) {
  const [namespace, name, ...pairs] = metric;
  const options = pairs.pop();
  expect(options).toMatchObject({ stat: expect.stringMatching(/^(Sum|Maximum|p50|p99)$/), label: expect.any(String) });
  expect(namespace).toMatch(/^(AWS\/\w+|ecomflow)$/);
  expect(pairs.length % 2).toBe(0);
  const dimensions = pairs.filter((_, i) => i % 2 === 0);
  if (namespace === 'ecomflow') {
    expect(Object.keys(METERS)).toContain(name);
    expect(dimensions[0]).toBe('service');
  } else {
    for (const dimension of dimensions)
      expect([...Object.keys(NAMED), 'GlobalSecondaryIndexName']).toContain(dimension);
  }
}

test('Every mail that says what went wrong has a section of the runbook, and every section a reason to be there', () => {
  const mails = KINDS.filter((kind) => kind !== 'arrived').map((kind) => kind.replaceAll('_', '-'));
  expect(sections()).toEqual(expect.arrayContaining(mails));
  const named = alarmsOf(packages.dev).map(({ says }) => says.AlarmDescription.split('#')[1]);
  expect(sections().filter((section) => ![...mails, ...named, ...BESIDE].includes(section))).toEqual([]);
});

test('Thresholds are those of the stage file', () => {
  const threshold = (stage: Package, id: string) => stage.template.Resources[id]!.Properties.Threshold;
  expect(threshold(packages.dev, 'CleanFallsBehind')).toBe(600_000);
  expect(threshold(packages.other, 'CleanFallsBehind')).toBe(1_200_000);
  expect(threshold(packages.dev, 'RawDeliveryLate')).toBe(60 + 900);
  expect(threshold(packages.dev, 'ApiFails')).toBe(5);
  expect(threshold(packages.dev, 'ApiSlow')).toBe(10_000);
  expect(threshold(packages.dev, 'TransactionsSlow')).toBe(300_000);
});

test('No digest for three of its times is told, though nothing was counted then', () => {
  expect(packages.dev.template.Resources.DigestMissing!.Properties).toMatchObject({
    MetricName: 'FailuresKept',
    Statistic: 'SampleCount',
    Period: 15 * 60,
    EvaluationPeriods: 3,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  });
});

test('CloudWatch and Budgets can tell the topic, and use its key, in the name of this account; no other service can', () => {
  const { AlarmTopic, AlarmTopicPolicy, AlarmKey } = packages.dev.template.Resources;
  expect(AlarmTopic!.Properties.KmsMasterKeyId).toEqual({ Ref: 'AlarmKey' });
  const ours = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
  const allowed = (document: Json) =>
    resolved(packages.dev, document.Statement)
      .filter(({ Effect, Principal }: Json) => Effect === 'Allow' && Principal.Service)
      .map(({ Principal, Action, Condition }: Json) => [Principal.Service, Action, Condition]);
  const publish = 'sns:Publish';
  expect(allowed(AlarmTopicPolicy!.Properties.PolicyDocument)).toEqual([
    ['cloudwatch.amazonaws.com', publish, ours],
    ['budgets.amazonaws.com', publish, ours],
  ]);
  const use = ['kms:Decrypt', 'kms:GenerateDataKey*'];
  expect(allowed(AlarmKey!.Properties.KeyPolicy)).toEqual([
    ['cloudwatch.amazonaws.com', use, ours],
    ['budgets.amazonaws.com', use, ours],
  ]);
});

test('The budget of a day counts what carries the tag of the stage, and tells the topic; without a limit there is none', () => {
  const { Budget, NotificationsWithSubscribers } = packages.dev.template.Resources.DailyBudget!.Properties;
  expect(Budget).toEqual({
    BudgetType: 'COST',
    TimeUnit: 'DAILY',
    BudgetLimit: { Amount: 5, Unit: 'USD' },
    CostFilters: { TagKeyValue: ['user:stack$ecomflow-dev'] },
  });
  expect(packages.dev.template.Resources.IngestLambdaFunction!.Properties.Tags).toContainEqual({
    Key: 'stack',
    Value: 'ecomflow-dev',
  });
  expect(NotificationsWithSubscribers).toEqual([
    {
      Notification: {
        NotificationType: 'ACTUAL',
        ComparisonOperator: 'GREATER_THAN',
        Threshold: 100,
        ThresholdType: 'PERCENTAGE',
      },
      Subscribers: [{ SubscriptionType: 'SNS', Address: { Ref: 'AlarmTopic' } }],
    },
  ]);
  expect(ofType(packages.other, 'AWS::Budgets::Budget')).toEqual([]);
});
