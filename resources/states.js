/*
 * What the state machines have in common: how they call functions, what they may, and what starts them day by day.
 */
const { ANY, allow, arnOf, role } = require('./iam');

const INVOKE = 'arn:aws:states:::lambda:invoke';
const ANSWER = '{% $states.result.Payload %}';
/** A function's longest time, and a little more: it says itself when it ends. */
const INVOKED_SECONDS = 960;

const BUSY = [
  'Unavailable', // what our adapters throw when the world is broken or busy
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
];
/** It ran out of time or memory. */
const CUT_OFF = ['Lambda.Unknown', 'Sandbox.Timedout', 'States.Timeout'];

/** Tries again; what was cut off too, if that may get further the next time. */
const busy = (IntervalSeconds, MaxAttempts, cutOff = CUT_OFF) => ({
  ErrorEquals: [...BUSY, ...cutOff],
  IntervalSeconds,
  MaxAttempts,
  BackoffRate: 2,
  MaxDelaySeconds: 300,
  JitterStrategy: 'FULL',
});

const machineRole = (name, functions) =>
  role('states', name, [
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

/**
 * A state machine and the schedule that starts it, with their roles. `name` ends in what the machine is called;
 * `functions` are the logical ids behind the names that the definition calls.
 */
const scheduledMachine = (id, { name, description, definition, functions, schedule, timezone, logRetention }) => {
  const called = name.slice(name.lastIndexOf('-') + 1);
  return {
    [`${id}MachineRole`]: machineRole(`${called}-machine`, Object.values(functions)),
    [`${id}MachineLogs`]: {
      Type: 'AWS::Logs::LogGroup',
      // The prefix keeps the account's policy for log delivery from growing with each state machine.
      Properties: { LogGroupName: `/aws/vendedlogs/states/${name}`, RetentionInDays: logRetention },
    },
    [`${id}Machine`]: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: name,
        StateMachineType: 'STANDARD',
        RoleArn: arnOf(`${id}MachineRole`),
        Definition: definition,
        DefinitionSubstitutions: Object.fromEntries(Object.entries(functions).map(([key, fn]) => [key, arnOf(fn)])),
        LoggingConfiguration: {
          Level: 'ALL',
          IncludeExecutionData: false, // names of files are the shop's; the execution's history has them
          Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: arnOf(`${id}MachineLogs`) } }],
        },
        TracingConfiguration: { Enabled: true },
      },
    },
    [`${id}ScheduleRole`]: role('scheduler', `${called}-schedule`, [
      allow('states:StartExecution', { Ref: `${id}Machine` }),
    ]),
    // A group of its own: its metrics are those of this one schedule.
    [`${id}Schedules`]: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: name } },
    [`${id}Schedule`]: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        Name: name,
        GroupName: { Ref: `${id}Schedules` },
        Description: description,
        ScheduleExpression: schedule,
        ScheduleExpressionTimezone: timezone,
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: { Ref: `${id}Machine` },
          RoleArn: arnOf(`${id}ScheduleRole`),
          // No queue for what could not be started: the next run does what this one left, and an alarm says so.
          RetryPolicy: { MaximumEventAgeInSeconds: 14_400, MaximumRetryAttempts: 60 },
        },
      },
    },
  };
};

module.exports = { ANSWER, INVOKE, INVOKED_SECONDS, busy, scheduledMachine };
