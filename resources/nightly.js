/*
 * The nightly run: a state machine that walks the night (shared/pipeline/nightly.ts) from step to step, and what starts
 * it. Steps that wait are asked again and again: an execution costs by its transitions, and nothing while it waits.
 * Steps that others do are called until they are done, and counted. On a stage without a warehouse the states that load
 * it are left out.
 */
const { ANY, allow, arnOf, below, role } = require('./iam');
const { ANSWER, INVOKE, INVOKED_SECONDS, busy, scheduledMachine } = require('./states');

// Put in by DefinitionSubstitutions.
const FUNCTION = `\${Nightly}`;
const WAREHOUSE = `\${Warehouse}`;
const CURATE = `\${Curate}`;
const NIGHT = '{% $states.input %}';

/** A function's time, and a little more: it says itself when it ends. */
const STEP_SECONDS = 90;
/** No execution outlives the next one's start. The bounds of the steps end it long before. */
const LONGEST_SECONDS = 86_400;

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

/** The states of a step that a function does: it is called until it is done, and what it came to is counted. */
const called = (name, { call, FunctionName, Payload, count, question, bounds, next }) => ({
  [call]: {
    Type: 'Task',
    Resource: INVOKE,
    Arguments: { FunctionName, Payload },
    Output: { night: NIGHT, answer: ANSWER },
    TimeoutSeconds: INVOKED_SECONDS,
    Retry: [busy(30, 10)], // as long as one that was cut off keeps its turn, and longer
    Catch: reported(name),
    Next: count,
  },
  [count]: step(
    name,
    { within: bounds[name], night: '{% $states.input.night %}', answer: '{% $states.input.answer %}' },
    { Catch: reported(name, '$states.input.night'), Next: question },
  ),
  [question]: {
    Type: 'Choice',
    Choices: [
      { Condition: '{% $states.input.again %}', Next: call },
      { Condition: '{% $exists($states.input.failure) %}', Next: 'Report' },
    ],
    Default: next,
  },
});

/** The states that load the warehouse, by the function `warehouse`, and what depends on it. */
const loading = (bounds) => ({
  ...called('load', {
    call: 'Load',
    FunctionName: WAREHOUSE,
    Payload: {},
    count: 'Count',
    question: 'Is it loaded?',
    bounds,
    next: 'Refresh',
  }),
  // What depends on the warehouse has its place here. Its views are refreshed by the load.
  Refresh: { Type: 'Pass', Next: 'Curate' },
});

/** The states that merge what landed into the curated tables and build the insights, by the function `curate`. */
const building = (bounds) => ({
  ...called('curate', {
    call: 'Curate',
    FunctionName: CURATE,
    Payload: { task: 'curate' },
    count: 'Count merges',
    question: 'Are they merged?',
    bounds,
    next: 'Build',
  }),
  ...called('build', {
    call: 'Build',
    FunctionName: CURATE,
    Payload: {
      task: 'build',
      began_at: '{% $exists($states.input.build_began_at) ? $states.input.build_began_at : null %}',
    },
    count: 'Count insights',
    question: 'Are they built?',
    bounds,
    next: 'Report',
  }),
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
    'Are claims open?': again('Pause for claims', 'Let rows land'),
    'Pause for claims': pause(nightly.pause, 'Claim'),
    // What the stream took in last is on its way through clean and Firehose.
    'Let rows land': pause(nightly.settle, hasWarehouse ? 'Load' : 'Curate'),
    ...(hasWarehouse && loading(nightly.bounds)),
    ...building(nightly.bounds),
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

exports.definition = definition;

exports.resources = async ({ resolveVariable }) => {
  const { nightly, warehouse, logRetention } = await resolveVariable('self:custom.stage');
  const name = `${await resolveVariable('self:custom.name')}-nightly`;
  const hasWarehouse = warehouse.engine !== 'none';
  const functions = {
    Nightly: 'NightlyLambdaFunction',
    ...(hasWarehouse && { Warehouse: 'WarehouseLambdaFunction' }),
    Curate: 'CurateLambdaFunction',
  };
  const Resources = {
    NightlyRole: functionRole(),
    ...scheduledMachine('Nightly', {
      name,
      description: 'Starts the nightly run',
      definition: definition(nightly, hasWarehouse),
      functions,
      schedule: nightly.schedule,
      timezone: nightly.timezone,
      logRetention,
    }),
  };
  return { Resources };
};
