/*
 * The nightly run: a state machine that walks the night (shared/pipeline/nightly.ts) from step to step, and what starts
 * it. Steps that wait are asked again and again: an execution costs by its transitions, and nothing while it waits.
 * On a stage without a warehouse the states that load it are left out.
 */
const INVOKE = 'arn:aws:states:::lambda:invoke';
// Put in by DefinitionSubstitutions.
const FUNCTION = `\${Nightly}`;
const WAREHOUSE = `\${Warehouse}`;
const NIGHT = '{% $states.input %}';
const ANSWER = '{% $states.result.Payload %}';

/** A function's time, and a little more: it says itself when it ends. */
const STEP_SECONDS = 90;
const LOAD_SECONDS = 960;
/** No execution outlives the next one's start. The bounds of the steps end it long before. */
const LONGEST_SECONDS = 86_400;

const busy = (IntervalSeconds, MaxAttempts) => ({
  ErrorEquals: [
    'Unavailable', // what our adapters throw when the world is broken or busy
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
    'Lambda.Unknown', // it ran out of time or memory; every step may be taken again
    'Sandbox.Timedout',
    'States.Timeout',
  ],
  IntervalSeconds,
  MaxAttempts,
  BackoffRate: 2,
  MaxDelaySeconds: 300,
  JitterStrategy: 'FULL',
});

/** A step that fails ends the night, with its report. */
const reported = (step, night = '$states.input') => [
  {
    ErrorEquals: ['States.ALL'],
    Output: `{% $merge([${night}, { 'failure': { 'step': '${step}', 'error': $states.errorOutput.Error, 'cause': $states.errorOutput.Cause } }]) %}`,
    Next: 'Report',
  },
];

/** A step of the night. */
const step = (name, Payload, rest) => ({
  Type: 'Task',
  Resource: INVOKE,
  Arguments: { FunctionName: FUNCTION, Payload: { step: name, ...Payload } },
  Output: ANSWER,
  TimeoutSeconds: STEP_SECONDS,
  Retry: [busy(5, 6)],
  Catch: reported(name),
  ...rest,
});

/** Goes back while the step says so. */
const again = (Next, Default) => ({
  Type: 'Choice',
  Choices: [{ Condition: '{% $states.input.again %}', Next }],
  Default,
});

const pause = (Seconds, Next) => ({ Type: 'Wait', Seconds, Next });

/** The states that load the warehouse, by the function `warehouse`, and what depends on it. */
const loading = ({ bounds, settle }) => ({
  'Let rows land': pause(settle, 'Load'), // what the stream took in last is on its way through clean and Firehose
  Load: {
    Type: 'Task',
    Resource: INVOKE,
    Arguments: { FunctionName: WAREHOUSE, Payload: {} },
    Output: { night: NIGHT, answer: ANSWER },
    TimeoutSeconds: LOAD_SECONDS,
    Retry: [busy(30, 8)],
    Catch: reported('load'),
    Next: 'Count',
  },
  Count: step(
    'load',
    { within: bounds.load, night: '{% $states.input.night %}', answer: '{% $states.input.answer %}' },
    { Catch: reported('load', '$states.input.night'), Next: 'Is it loaded?' },
  ),
  'Is it loaded?': {
    Type: 'Choice',
    Choices: [
      { Condition: '{% $states.input.again %}', Next: 'Load' },
      { Condition: '{% $exists($states.input.failure) %}', Next: 'Report' },
    ],
    Default: 'Refresh',
  },
  // What depends on the warehouse has its place here. Its views are refreshed by the load.
  Refresh: { Type: 'Pass', Next: 'Report' },
});

/** The machine's definition, in Amazon States Language with JSONata. */
const definition = (nightly, hasWarehouse) => ({
  Comment: 'The nightly run of ecomflow: docs/operations.md',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: LONGEST_SECONDS,
  StartAt: 'Begin',
  States: {
    Begin: {
      Type: 'Pass',
      Output: {
        id: '{% $states.context.Execution.Name %}',
        began_at: '{% $states.context.Execution.StartTime %}',
      },
      Next: 'Wait for files',
    },
    'Wait for files': step('wait', { within: nightly.bounds.wait, night: NIGHT }, { Next: 'Are files open?' }),
    'Are files open?': again('Pause for files', 'Claim'),
    'Pause for files': pause(nightly.pause, 'Wait for files'),
    Claim: step('claim', { within: nightly.bounds.claim, night: NIGHT }, { Next: 'Are claims open?' }),
    'Are claims open?': again('Pause for claims', hasWarehouse ? 'Let rows land' : 'Report'),
    'Pause for claims': pause(nightly.pause, 'Claim'),
    ...(hasWarehouse && loading(nightly)),
    Report: step(
      'report',
      { night: NIGHT },
      {
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Output: "{% { 'error': $states.errorOutput.Error, 'cause': $string($states.errorOutput.Cause) } %}",
            Next: 'Unreported',
          },
        ],
        Next: 'Was it a good night?',
      },
    ),
    'Was it a good night?': {
      Type: 'Choice',
      Choices: [{ Condition: "{% $states.input.status = 'done' %}", Next: 'Done' }],
      Default: 'Failed',
    },
    Done: { Type: 'Succeed' },
    Failed: { Type: 'Fail', Error: '{% $states.input.failure.error %}', Cause: '{% $states.input.failure.cause %}' },
    Unreported: {
      Type: 'Fail',
      Error: '{% $states.input.error %}',
      Cause: "{% 'The report of the night could not be kept. ' & $states.input.cause %}",
    },
  },
});

const arnOf = (id) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const below = (id, path) => ({ 'Fn::Sub': `\${${id}.Arn}/${path}` });
const allow = (Action, Resource) => ({ Effect: 'Allow', Action, Resource });
const ANY = '*';

const role = (service, name, statements) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: `${service}.amazonaws.com` },
          Action: 'sts:AssumeRole',
          ...(service !== 'lambda' && {
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        },
      ],
    },
    Policies: [{ PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
  },
});

/** What the steps' function calls. */
const functionRole = () =>
  role('lambda', 'nightly', [
    allow('dynamodb:Query', below('BatchesTable', 'index/unfinished')),
    allow('s3:GetObject', below('Lake', 'work/*')),
    allow('s3:ListBucket', arnOf('Lake')), // without it, S3 calls an object that is not there forbidden
    allow('s3:PutObject', below('Lake', 'reports/*')),
    allow('sqs:SendMessage', arnOf('ClaimQueue')),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('NightlyLogGroup')),
    allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ANY), // X-Ray knows no resources for these
  ]);

const machineRole = (functions) =>
  role('states', 'nightly-machine', [
    allow('lambda:InvokeFunction', functions.map(arnOf)),
    allow(
      // Delivery of logs is the account's: CloudWatch knows no resources for it.
      [
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
      ],
      ANY,
    ),
    allow(
      ['xray:GetSamplingRules', 'xray:GetSamplingTargets', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
      ANY,
    ),
  ]);

/** Tells when something happened that never should. */
const alarm = (AlarmName, AlarmDescription, Namespace, MetricName, [Name, Value]) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName,
    AlarmDescription: `${AlarmDescription} See docs/operations.md.`,
    Namespace,
    MetricName,
    Dimensions: [{ Name, Value }],
    Statistic: 'Sum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
    AlarmActions: [{ Ref: 'AlarmTopic' }],
  },
});

exports.definition = definition;

exports.resources = async ({ resolveVariable }) => {
  const { nightly, warehouse, logRetention } = await resolveVariable('self:custom.stage');
  const name = `${await resolveVariable('self:custom.name')}-nightly`;
  const hasWarehouse = warehouse.engine !== 'none';
  const functions = { Nightly: 'NightlyLambdaFunction', ...(hasWarehouse && { Warehouse: 'WarehouseLambdaFunction' }) };
  const Resources = {
    NightlyRole: functionRole(),
    NightlyMachineRole: machineRole(Object.values(functions)),
    NightlyMachineLogs: {
      Type: 'AWS::Logs::LogGroup',
      // The prefix keeps the account's policy for log delivery from growing with each state machine.
      Properties: { LogGroupName: `/aws/vendedlogs/states/${name}`, RetentionInDays: logRetention },
    },
    NightlyMachine: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: name,
        StateMachineType: 'STANDARD',
        RoleArn: arnOf('NightlyMachineRole'),
        Definition: definition(nightly, hasWarehouse),
        DefinitionSubstitutions: Object.fromEntries(Object.entries(functions).map(([key, id]) => [key, arnOf(id)])),
        LoggingConfiguration: {
          Level: 'ALL',
          IncludeExecutionData: false, // names of files are the shop's; the execution's history has them
          Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: arnOf('NightlyMachineLogs') } }],
        },
        TracingConfiguration: { Enabled: true },
      },
    },
    NightlyScheduleRole: role('scheduler', 'nightly-schedule', [
      allow('states:StartExecution', { Ref: 'NightlyMachine' }),
    ]),
    // A group of its own: its metrics are those of this one schedule.
    NightlySchedules: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: name } },
    NightlySchedule: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        Name: name,
        GroupName: { Ref: 'NightlySchedules' },
        Description: 'Starts the nightly run',
        ScheduleExpression: nightly.schedule,
        ScheduleExpressionTimezone: nightly.timezone,
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: { Ref: 'NightlyMachine' },
          RoleArn: arnOf('NightlyScheduleRole'),
          // No queue for what could not be started: the next night does what this one left, and an alarm says so.
          RetryPolicy: { MaximumEventAgeInSeconds: 14_400, MaximumRetryAttempts: 60 },
        },
      },
    },
    NightFails: alarm(
      `${name}-fails`,
      'A nightly run failed; its report is in reports/nightly/ of the lake.',
      'AWS/States',
      'ExecutionsFailed',
      ['StateMachineArn', { Ref: 'NightlyMachine' }],
    ),
    NightNotStarted: alarm(
      `${name}-not-started`,
      'The scheduler could not start a nightly run.',
      'AWS/Scheduler',
      'InvocationDroppedCount',
      ['ScheduleGroup', { Ref: 'NightlySchedules' }],
    ),
  };
  return { Resources };
};
