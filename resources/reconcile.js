/*
 * The recount of every day: a state machine that has the warehouse counted, where there is one, and then all stores held
 * against the ledger (shared/pipeline/reconcile.ts). Differences are no failure of it: they are in the report, which
 * tells. It fails when there is no report.
 */
const { ANY, allow, arnOf, below, role } = require('./iam');
const { ANSWER, INVOKE, INVOKED_SECONDS, busy, scheduledMachine } = require('./states');

// Put in by DefinitionSubstitutions.
const FUNCTION = `\${Reconcile}`;
const WAREHOUSE = `\${Warehouse}`;

/** Both functions, each tried again. */
const LONGEST_SECONDS = 7200;

/** Only the function in the warehouse's network reaches it. */
const counting = {
  'Count the warehouse': {
    Type: 'Task',
    Resource: INVOKE,
    Arguments: { FunctionName: WAREHOUSE, Payload: { count: true } },
    Output: '{% $states.input %}',
    TimeoutSeconds: INVOKED_SECONDS,
    Retry: [busy(30, 4, [])],
    Next: 'Recount',
  },
};

/** The machine's definition, in Amazon States Language with JSONata. */
const definition = ({ reconcile, lifecycle }, hasWarehouse) => ({
  Comment: 'The recount of ecomflow: docs/reconcile.md',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: LONGEST_SECONDS,
  StartAt: hasWarehouse ? 'Count the warehouse' : 'Recount',
  States: {
    ...(hasWarehouse && counting),
    Recount: {
      Type: 'Task',
      Resource: INVOKE,
      Arguments: {
        FunctionName: FUNCTION,
        Payload: {
          id: '{% $states.context.Execution.Name %}',
          began_at: '{% $states.context.Execution.StartTime %}',
          asked: '{% $states.input %}',
          days: reconcile.days,
          settleSeconds: reconcile.settle,
          keptDays: { raw: lifecycle.raw, landing: lifecycle.landing, rejected: lifecycle.rejected },
        },
      },
      Output: ANSWER,
      TimeoutSeconds: INVOKED_SECONDS,
      Retry: [busy(30, 4, [])], // what took too long takes too long again
      Next: 'Done',
    },
    Done: { Type: 'Succeed' },
  },
});

/** What the recount reads. */
const functionRole = () =>
  role('lambda', 'reconcile', [
    allow(['dynamodb:Query', 'dynamodb:Scan'], arnOf('BatchesTable')),
    allow('dynamodb:Scan', arnOf('InvoicesTable')),
    allow(
      's3:GetObject',
      ['raw/*', 'landing/*', 'rejected/*', 'recount/*'].map((zone) => below('Lake', zone)),
    ),
    allow('s3:ListBucket', arnOf('Lake')),
    allow('s3:PutObject', below('Lake', 'reports/*')),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('ReconcileLogGroup')),
    allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ANY), // X-Ray knows no resources for these
  ]);

exports.definition = definition;

exports.resources = async ({ resolveVariable }) => {
  const stage = await resolveVariable('self:custom.stage');
  const hasWarehouse = stage.warehouse.engine !== 'none';
  const functions = {
    Reconcile: 'ReconcileLambdaFunction',
    ...(hasWarehouse && { Warehouse: 'WarehouseLambdaFunction' }),
  };
  const Resources = {
    ReconcileRole: functionRole(),
    ...scheduledMachine('Reconcile', {
      name: `${await resolveVariable('self:custom.name')}-reconcile`,
      description: 'Starts the recount of all stores',
      definition: definition(stage, hasWarehouse),
      functions,
      schedule: stage.reconcile.schedule,
      timezone: stage.nightly.timezone,
      logRetention: stage.logRetention,
    }),
  };
  return { Resources };
};
