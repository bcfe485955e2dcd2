/*
 * What wakes somebody: one line of data an alarm, its reason beside it, and a section of docs/runbook.md for each. An
 * alarm on what a stage does not have is left out there. What is watched is listed by logical id; a test fails for a
 * function, table, delivery stream or queue of what was given up that no alarm watches.
 *
 * One metric an alarm: a sum over several costs as much by the metric, takes ten at most, and would not say which.
 */
const { contracts, idOf } = require('./catalog');

/** Tables, and their indexes, which CloudWatch counts by themselves. */
const TABLES = { InvoicesTable: [], CustomersTable: [], BatchesTable: ['unfinished'], LiveTable: [] };

/** Queues, what each gives up to, and what that means. */
const QUEUES = {
  InboxQueue: { givenUp: 'InboxGivenUpQueue', id: 'Files', says: 'A file of the inbox could not be handled' },
  ClaimQueue: { givenUp: 'ClaimsGivenUpQueue', id: 'Claims', says: 'What Spark cleaned could not be claimed' },
  AlertQueue: { givenUp: 'AlertsGivenUpQueue', id: 'Alerts', says: 'People could not be told of something' },
  RedriveQueue: {
    givenUp: 'RedrivesGivenUpQueue',
    id: 'Redrives',
    says: 'A redrive that was asked for could not be done',
  },
};

/** State machines, the group of the schedule that starts each, and what they do. */
const MACHINES = {
  NightlyMachine: { schedules: 'NightlySchedules', id: 'Night', says: 'A nightly run', section: 'nightly' },
  ReconcileMachine: { schedules: 'ReconcileSchedules', id: 'Reconcile', says: 'A recount', section: 'reconcile' },
};

const MINUTES = 60; // in seconds
const HOUR = 60 * MINUTES;
/** What goes by itself, a burst for instance, is not worth a night's sleep: this often in a row it does not. */
const LASTING = { seconds: 5 * MINUTES, times: 3 };
/** What happens once is red for an hour; that it is green again only says that it did not happen again. */
const EVENT = { stat: 'Sum', over: 0, seconds: HOUR };

const ref = (id) => ({ Ref: id });
const attribute = (id, name) => ({ 'Fn::GetAtt': [id, name] });
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);
/** An id as names are written: NightFails is night-fails. */
const hyphened = (id) => id.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
const functionId = (name) => `${capital(name)}LambdaFunction`;

/** What a stage has, by logical id. */
const watched = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:custom.stage');
  const functions = Object.entries(await resolveVariable('self:functions')).filter(
    ([name]) => name !== 'warehouse' || stage.warehouse.engine !== 'none',
  );
  return {
    stage,
    name: await resolveVariable('self:custom.name'),
    functions: functions.map(([name]) => name),
    /** Those that a caller waits for: nobody calls again in their place. */
    asked: functions.filter(([, { events = [] }]) => events.some(({ httpApi }) => httpApi)).map(([name]) => name),
    tables: TABLES,
    queues: QUEUES,
    machines: MACHINES,
    datasets: contracts().map(({ name }) => name),
    landings: stage.landing === 'firehose' ? contracts().map((contract) => idOf(contract, 'Delivery')) : [],
  };
};

/** Every alarm of a stage: by logical id its name, what it says, where to read on, of what metric it is, and over what. */
const alarmsOf = ({
  stage: { alarms, alerts, delivery },
  name,
  functions,
  asked,
  tables,
  queues,
  machines,
  datasets,
  landings,
}) => ({
  CleanFallsBehind: {
    says: `Chunks wait for more than ${alarms.cleanBehindMinutes} minutes; after 6 hours they are given up.`,
    section: 'clean-falls-behind',
    of: ['AWS/Lambda', 'IteratorAge', { FunctionName: ref('CleanLambdaFunction') }],
    stat: 'Maximum',
    over: alarms.cleanBehindMinutes * 60_000, // milliseconds
    times: 2, // a deployment or a broken stop of a minute is no fall
  },

  ...each(['RawDelivery', ...landings], (id) => ({
    [`${id}Late`]: {
      says: `${id} has held rows for a quarter of an hour longer than it gathers them.`,
      section: 'delivery-late',
      of: ['AWS/Firehose', 'DeliveryToS3.DataFreshness', { DeliveryStreamName: ref(id) }],
      stat: 'Maximum',
      over: delivery.seconds + 15 * MINUTES, // AWS advises to look when the age is beyond what is gathered, 15 minutes
      times: 2,
    },
  })),
  ...each(landings, (id) => ({
    [`${id}ConversionFails`]: {
      says: `${id} could not write rows as Parquet: they are kept by the ledger and not in the lake.`,
      section: 'landing-failed',
      of: ['AWS/Firehose', 'FailedConversion.Records', { DeliveryStreamName: ref(id) }],
      ...EVENT,
    },
  })),

  ApiFails: {
    says: `The API answers 5xx more than ${alarms.serverErrors} times in five minutes.`,
    section: 'api-fails',
    of: ['AWS/ApiGateway', '5xx', { ApiId: ref('HttpApi') }],
    stat: 'Sum',
    over: alarms.serverErrors,
  },
  ApiSlow: {
    says: `One request in a hundred takes more than ${alarms.slowRequestSeconds} seconds; at 30 the gateway gives up.`,
    section: 'api-slow',
    of: ['AWS/ApiGateway', 'Latency', { ApiId: ref('HttpApi') }],
    stat: 'p99',
    over: alarms.slowRequestSeconds * 1000,
    ...LASTING, // in a quiet hour the slowest of few requests is the 99th percentile: a cold start, a large file
  },
  // Behind the rest stands something that tries again, and has its own alarm: a stream, a queue, a state machine.
  ...each(asked, (fn) => ({
    [`${capital(fn)}Breaks`]: {
      says: `${fn} broke on more than two requests in a quarter of an hour: a defect, its time or its memory.`,
      section: 'function-breaks',
      of: ['AWS/Lambda', 'Errors', { FunctionName: ref(functionId(fn)) }],
      stat: 'Sum',
      over: 2, // clients try again; what goes on breaking is broken
      seconds: 15 * MINUTES,
    },
  })),

  ...each(functions, (fn) => ({
    [`${capital(fn)}Throttled`]: {
      says: `Lambda has refused to run ${fn} for a quarter of an hour.`,
      section: 'function-throttled',
      of: ['AWS/Lambda', 'Throttles', { FunctionName: ref(functionId(fn)) }],
      stat: 'Sum',
      over: 0,
      ...LASTING,
    },
  })),
  StreamFull: {
    says: 'The stream has refused chunks for a quarter of an hour.',
    section: 'stream-full',
    of: ['AWS/Kinesis', 'WriteProvisionedThroughputExceeded', { StreamName: ref('Stream') }],
    stat: 'Sum',
    over: 0,
    ...LASTING,
  },
  // By table, and by index: ThrottledRequests and SystemErrors are there by operation only, and not for each of them.
  ...each(Object.entries(tables), ([id, indexes]) =>
    each([undefined, ...indexes], (index) =>
      each(['Read', 'Write'], (kind) => ({
        [`${id}${index ? capital(index) : ''}${kind}sThrottled`]: {
          says: `DynamoDB has refused ${kind.toLowerCase()}s of ${index ? `index ${index} of ` : ''}${id} for a quarter of an hour.`,
          section: 'table-throttled',
          of: [
            'AWS/DynamoDB',
            `${kind}ThrottleEvents`,
            { TableName: ref(id), ...(index && { GlobalSecondaryIndexName: index }) },
          ],
          stat: 'Sum',
          over: 0,
          ...LASTING,
        },
      })),
    ),
  ),

  // Glue has no metric of a run that failed but those of the job itself, which cost by the metric. The rule that tells
  // claim of it counts for nothing.
  SparkFails: {
    says: 'A run of Spark failed: its file is given up.',
    section: 'file-failed',
    of: ['AWS/Events', 'TriggeredRules', { RuleName: ref('BulkHasFailed') }],
    ...EVENT,
  },
  ...each(Object.values(queues), ({ givenUp, id, says }) => ({
    [`${id}GivenUp`]: {
      says: `${says} in ten tries.`,
      section: 'given-up',
      of: ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', { QueueName: attribute(givenUp, 'QueueName') }],
      stat: 'Maximum',
      over: 0,
    },
  })),

  // Counted when the digest is made; in between, what was counted last holds.
  FailuresKept: {
    says: 'Something lies in failed/ or in the failure destination.',
    section: 'failures-kept',
    of: ['ecomflow', 'FailuresKept', { service: name }],
    stat: 'Maximum',
    over: 0,
    missing: 'ignore',
  },
  BatchesUnbalanced: {
    says: 'A batch is not balanced in the time that it has.',
    section: 'unbalanced',
    of: ['ecomflow', 'BatchesUnbalanced', { service: name }],
    stat: 'Maximum',
    over: 0,
    missing: 'ignore',
  },
  // Who watches the watchman: each digest counts what lies in failed/, be it nothing.
  DigestMissing: {
    says: 'Nobody has looked for what to tell people for three digests: no mail is sent.',
    section: 'digest-missing',
    of: ['ecomflow', 'FailuresKept', { service: name }],
    stat: 'SampleCount',
    under: 1,
    seconds: alerts.every * MINUTES,
    times: 3,
    missing: 'breaching',
  },
  ...each(datasets, (dataset) => ({
    [`${idOf({ name: dataset }, 'Slow')}`]: {
      says: `One chunk of ${dataset} in a hundred takes more than ${alarms.slowChunkSeconds} seconds from the request to the ledger.`,
      section: 'rows-slow',
      of: ['ecomflow', 'PostToLedger', { service: name, dataset }],
      stat: 'p99',
      over: alarms.slowChunkSeconds * 1000,
      ...LASTING,
    },
  })),

  LiveNotStarted: {
    says: 'What sums the figures of the day could not be started by the scheduler.',
    section: 'live',
    of: ['AWS/Scheduler', 'InvocationDroppedCount', { ScheduleGroup: ref('LiveSchedules') }],
    ...EVENT,
  },

  ...each(Object.entries(machines), ([machine, { id, schedules, says, section }]) => ({
    [`${id}Fails`]: {
      says: `${says} failed.`,
      section,
      of: ['AWS/States', 'ExecutionsFailed', { StateMachineArn: ref(machine) }],
      ...EVENT,
    },
    [`${id}TimesOut`]: {
      says: `${says} was ended: it took too long.`,
      section,
      of: ['AWS/States', 'ExecutionsTimedOut', { StateMachineArn: ref(machine) }],
      ...EVENT,
    },
    [`${id}NotStarted`]: {
      says: `${says} could not be started by the scheduler.`,
      section,
      of: ['AWS/Scheduler', 'InvocationDroppedCount', { ScheduleGroup: ref(schedules) }],
      ...EVENT,
    },
  })),
});

/** The objects made of a list, as one. */
const each = (list, make) => Object.assign({}, ...list.map(make));

const resource = (
  prefix,
  runbook,
  id,
  { says, section, of, stat, over, under, seconds = 5 * MINUTES, times = 1, missing },
) => {
  const [Namespace, MetricName, dimensions] = of;
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${prefix}-${hyphened(id)}`,
      AlarmDescription: `${says} Runbook: ${runbook}#${section}`,
      Namespace,
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      [stat.startsWith('p') ? 'ExtendedStatistic' : 'Statistic']: stat,
      Period: seconds,
      EvaluationPeriods: times,
      Threshold: under ?? over,
      ComparisonOperator: under === undefined ? 'GreaterThanThreshold' : 'LessThanThreshold',
      TreatMissingData: missing ?? 'notBreaching', // nothing happened, nothing was counted
      AlarmActions: [ref('AlarmTopic')],
      OKActions: [ref('AlarmTopic')],
    },
  };
};

/** Services that tell the topic something, for this account only. */
const TELLS = {
  AlarmsOfThisAccount: 'cloudwatch.amazonaws.com',
  BudgetsOfThisAccount: 'budgets.amazonaws.com',
};
const told = (statement) =>
  Object.entries(TELLS).map(([Sid, Service]) => ({
    Sid,
    Effect: 'Allow',
    Principal: { Service },
    ...statement,
    Condition: { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } },
  }));

/** Where alarms go. Who of the stage file hears of them, alerts.js says. */
const topic = (name) => ({
  AlarmTopic: {
    Type: 'AWS::SNS::Topic',
    Properties: { TopicName: `${name}-alarms`, KmsMasterKeyId: ref('AlarmKey') },
  },
  AlarmTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [ref('AlarmTopic')],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          ...told({ Action: 'sns:Publish', Resource: ref('AlarmTopic') }),
          {
            Sid: 'TlsOnly',
            Effect: 'Deny',
            Principal: '*',
            Action: 'sns:Publish',
            Resource: ref('AlarmTopic'),
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ],
      },
    },
  },
  // A key of our own: the one that AWS keeps for SNS cannot be used by other services, whose alarms would be lost unseen.
  AlarmKey: {
    Type: 'AWS::KMS::Key',
    DeletionPolicy: 'Delete', // it protects nothing that is stored
    UpdateReplacePolicy: 'Delete',
    Properties: {
      Description: `Alarms of ${name} on their way`,
      EnableKeyRotation: true,
      PendingWindowInDays: 7,
      KeyPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'AdministeredByIam',
            Effect: 'Allow',
            Principal: { AWS: { 'Fn::Sub': `arn:\${AWS::Partition}:iam::\${AWS::AccountId}:root` } },
            Action: 'kms:*',
            Resource: '*', // this key
          },
          ...told({ Action: ['kms:Decrypt', 'kms:GenerateDataKey*'], Resource: '*' }),
        ],
      },
    },
  },
});

exports.watched = watched;
exports.functionId = functionId;
/** Logical ids of a stage's alarms. */
exports.idsOf = (stage) => Object.keys(alarmsOf(stage));

exports.resources = async (serverless) => {
  const stage = await watched(serverless);
  const { runbook } = stage.stage.alarms;
  const alarms = Object.entries(alarmsOf(stage)).map(([id, alarm]) => [id, resource(stage.name, runbook, id, alarm)]);
  return { Resources: { ...topic(stage.name), ...Object.fromEntries(alarms) } };
};
