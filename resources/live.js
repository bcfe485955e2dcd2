/*
 * Figures of the day: the function `live`, which answers GET /v1/live, sums what is over every few minutes, also when
 * nobody asks. Nothing hangs on it but how long the first one waits who does.
 */
const { ANY, allow, arnOf, role } = require('./iam');

/** What the function calls. */
const functionRole = () =>
  role('lambda', 'live', [
    allow(['dynamodb:PutItem', 'dynamodb:Query'], arnOf('LiveTable')),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('LiveLogGroup')),
    allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ANY), // X-Ray knows no resources for these
  ]);

const schedule = (name, every) => ({
  LiveScheduleRole: role('scheduler', 'live-schedule', [allow('lambda:InvokeFunction', arnOf('LiveLambdaFunction'))]),
  // A group of its own: its metrics are those of this one schedule.
  LiveSchedules: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: `${name}-live` } },
  LiveSchedule: {
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: `${name}-live`,
      GroupName: { Ref: 'LiveSchedules' },
      Description: 'Has the figures of the day summed',
      ScheduleExpression: `rate(${every} minute${every === 1 ? '' : 's'})`,
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: arnOf('LiveLambdaFunction'),
        RoleArn: arnOf('LiveScheduleRole'),
        Input: JSON.stringify({ task: 'sum' }),
        RetryPolicy: { MaximumEventAgeInSeconds: Math.max(60, every * 60), MaximumRetryAttempts: 10 },
      },
    },
  },
});

exports.resources = async ({ resolveVariable }) => {
  const { live } = await resolveVariable('self:custom.stage');
  if (!Number.isInteger(live.every) || live.every < 1 || live.every > 60) {
    const error = new Error(`The stage file is wrong: live.every is ${live.every}, not from 1 to 60 whole minutes.`);
    error.stack = error.message; // the framework prints the stack
    throw error;
  }
  const name = await resolveVariable('self:custom.name');
  return { Resources: { LiveRole: functionRole(), ...schedule(name, live.every) } };
};
