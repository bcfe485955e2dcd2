/*
 * Mails to people: what happens finds the function `alert` by EventBridge and a queue, a schedule asks it for a digest,
 * and what it publishes goes to those of the stage file who asked for its kind and severity. Alarms go to those who want
 * failures.
 */
const { createHash } = require('node:crypto');
const { ANY, allow, arnOf, below, role } = require('./iam');

/** As shared/domain/alert.ts has them; a test holds them together. */
const KINDS = [
  'arrived',
  'file_refused',
  'file_failed',
  'chunk_failed',
  'landing_failed',
  'unbalanced',
  'rejected_share',
  'nightly',
  'reconcile',
];
const SEVERITIES = ['failure', 'warning', 'info'];

const TLS_ONLY = { Bool: { 'aws:SecureTransport': 'false' } };

/** What the function calls. */
const functionRole = () =>
  role('lambda', 'alert', [
    // Lambda reads the queue in the function's name.
    allow(['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'], arnOf('AlertQueue')),
    allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'], arnOf('BatchesTable')),
    allow('dynamodb:Query', below('BatchesTable', 'index/unfinished')),
    allow('s3:GetObject', [
      ...['failed/*', 'aws/lambda/*', 'rejected/*', 'reports/*'].map((zone) => below('Lake', zone)),
    ]),
    allow('s3:ListBucket', arnOf('Lake')), // without it, S3 calls an object that is not there forbidden
    allow('sns:Publish', { Ref: 'AlertTopic' }),
    allow(['kms:Decrypt', 'kms:GenerateDataKey*'], arnOf('AlarmKey')), // who publishes encrypts (SNS, key management)
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('AlertLogGroup')),
    allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ANY), // X-Ray knows no resources for these
  ]);

const DAYS_14 = 1_209_600; // seconds; the most there is
const queues = (name) => ({
  AlertQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: `${name}-alerts`,
      VisibilityTimeout: 360, // seconds: longer than alert lives
      MessageRetentionPeriod: DAYS_14,
      SqsManagedSseEnabled: true,
      RedrivePolicy: { deadLetterTargetArn: arnOf('AlertsGivenUpQueue'), maxReceiveCount: 10 },
    },
  },
  AlertsGivenUpQueue: {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: `${name}-alerts-given-up`,
      MessageRetentionPeriod: DAYS_14,
      SqsManagedSseEnabled: true,
    },
  },
  AlertQueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'AlertQueue' }, { Ref: 'AlertsGivenUpQueue' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'RulesOfThisStage',
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: ANY, // the queue that the policy is on
            Condition: { ArnEquals: { 'aws:SourceArn': [arnOf('TellingObject'), arnOf('FailedRun')] } },
          },
          { Sid: 'TlsOnly', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: ANY, Condition: TLS_ONLY },
        ],
      },
    },
  },
});

/** Objects of the lake that people are told of. Of a failed chunk there are two: the one with the reason comes last. */
const TELLING_KEYS = [
  { wildcard: 'failed/*.error.json' },
  { prefix: 'failed/landing/' },
  { prefix: 'failed/raw/' },
  { prefix: 'aws/lambda/' },
  { wildcard: 'rejected/files/*.reason.json' },
  { prefix: 'reports/nightly/' },
  { prefix: 'reports/reconcile/' },
];

const rule = (Name, Description, EventPattern) => ({
  Type: 'AWS::Events::Rule',
  Properties: { Name, Description, EventPattern, Targets: [{ Id: 'alerts', Arn: arnOf('AlertQueue') }] },
});

const rules = (name) => ({
  TellingObject: rule(`${name}-telling-object`, 'Something was kept that people are told of', {
    source: ['aws.s3'],
    'detail-type': ['Object Created'],
    detail: { bucket: { name: [{ Ref: 'Lake' }] }, object: { key: TELLING_KEYS } },
  }),
  FailedRun: rule(`${name}-failed-run`, 'Spark gave a file up: people are told', {
    source: ['aws.glue'],
    'detail-type': ['Glue Job State Change'],
    detail: { jobName: [{ Ref: 'BulkJob' }], state: ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR'] },
  }),
});

/** Asks for a digest. One that could not be asked for in time is the next one's. */
const schedule = (name, every) => ({
  DigestScheduleRole: role('scheduler', 'digest-schedule', [allow('sqs:SendMessage', arnOf('AlertQueue'))]),
  DigestSchedule: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: `${name}-digest`,
      Description: 'Has people told of what arrived',
      ScheduleExpression: `rate(${every} minute${every === 1 ? '' : 's'})`,
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: arnOf('AlertQueue'),
        RoleArn: arnOf('DigestScheduleRole'),
        Input: JSON.stringify({ task: 'digest', at: '<aws.scheduler.scheduled-time>' }),
        RetryPolicy: { MaximumEventAgeInSeconds: every * 60, MaximumRetryAttempts: 10 },
      },
    },
  },
});

/** The topic shares the alarms' key: each key is paid by the month. */
const topic = (name) => ({
  AlertTopic: {
    Type: 'AWS::SNS::Topic',
    Properties: { TopicName: `${name}-alerts`, KmsMasterKeyId: { Ref: 'AlarmKey' } },
  },
  AlertTopicPolicy: {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      Topics: [{ Ref: 'AlertTopic' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'TlsOnly',
            Effect: 'Deny',
            Principal: '*',
            Action: 'sns:Publish',
            Resource: { Ref: 'AlertTopic' },
            Condition: TLS_ONLY,
          },
        ],
      },
    },
  },
});

const subscription = (topic, Endpoint, FilterPolicy) => ({
  Type: 'AWS::SNS::Subscription',
  Properties: {
    TopicArn: { Ref: topic },
    Protocol: 'email',
    Endpoint,
    ...(Object.keys(FilterPolicy).length > 0 && { FilterPolicy }),
  },
});

/** Who asks for some kinds only is not woken by alarms, unless they ask for failures. */
const wantsAlarms = ({ kinds, severities }) => (severities ? severities.includes('failure') : !kinds);

/** A subscription by its address, not its place in the list: whoever is subscribed anew must confirm anew. */
function subscriptions(subscribers) {
  const Resources = {};
  for (const subscriber of subscribers) {
    const { email, kinds, severities } = subscriber;
    const id = createHash('sha256').update(email.toLowerCase()).digest('hex').slice(0, 12);
    const filter = { ...(kinds && { kind: kinds }), ...(severities && { severity: severities }) };
    Resources[`AlertSubscription${id}`] = subscription('AlertTopic', email, filter);
    if (wantsAlarms(subscriber)) Resources[`AlarmSubscription${id}`] = subscription('AlarmTopic', email, {});
  }
  return Resources;
}

/** Minutes; Scheduler tries no longer. */
const DAY = 1440;

/** What is wrong with the stage's `alerts`, in a line each. */
function faultsOf({ every, unbalancedMinutes, rejectedShare, subscribers }) {
  const isCount = (value) => Number.isInteger(value) && value > 0;
  const isShare = typeof rejectedShare === 'number' && rejectedShare >= 0 && rejectedShare <= 1;
  const faults = [
    ...(isCount(every) && every <= DAY ? [] : [`alerts.every is ${every}, not from 1 to ${DAY} whole minutes`]),
    ...(isCount(unbalancedMinutes) ? [] : [`alerts.unbalancedMinutes is ${unbalancedMinutes}, no number of minutes`]),
    ...(isShare ? [] : [`alerts.rejectedShare is ${rejectedShare}, not between 0 and 1`]),
  ];
  if (!Array.isArray(subscribers)) return [...faults, 'alerts.subscribers is no list'];
  const seen = new Set();
  for (const [i, subscriber] of subscribers.entries()) {
    const { email, kinds, severities, ...others } = Object(subscriber);
    const isAddress = typeof email === 'string' && /^[^\s@]+@[^\s@]+$/.test(email);
    const who = isAddress ? email : `subscriber ${i + 1} of alerts.subscribers`;
    if (!isAddress) faults.push(`${who} has no e-mail address: ${email}`);
    else if (seen.has(email.toLowerCase())) faults.push(`${who} is there twice; SNS takes an address once`);
    if (isAddress) seen.add(email.toLowerCase());
    for (const name of Object.keys(others)) faults.push(`${who} has "${name}"; there are email, kinds, severities`);
    faults.push(
      ...faultsOfList(who, 'kinds', kinds, KINDS),
      ...faultsOfList(who, 'severities', severities, SEVERITIES),
    );
  }
  return faults;
}

function faultsOfList(who, name, values, known) {
  if (values === undefined) return [];
  if (!Array.isArray(values) || values.length === 0)
    return [`${name} of ${who} is no list; left out, it is all of them`];
  const unknown = values.filter((value) => !known.includes(value));
  return unknown.map((value) => `${who} asks for ${name} "${value}"; there are ${known.join(', ')}`);
}

exports.KINDS = KINDS;
exports.SEVERITIES = SEVERITIES;

exports.resources = async ({ resolveVariable }) => {
  const { alerts } = await resolveVariable('self:custom.stage');
  const name = await resolveVariable('self:custom.name');
  const faults = faultsOf(alerts);
  if (faults.length > 0) {
    const error = new Error(`The stage file is wrong: ${faults.join('; ')}.`);
    error.stack = error.message; // the framework prints the stack
    throw error;
  }
  return {
    Resources: {
      AlertRole: functionRole(),
      ...topic(name),
      ...subscriptions(alerts.subscribers),
      ...queues(name),
      ...rules(name),
      ...schedule(name, alerts.every),
    },
    Outputs: { AlertTopicArn: { Description: 'Where mails to people are published', Value: { Ref: 'AlertTopic' } } },
  };
};
