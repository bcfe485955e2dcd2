/*
 * One page that says how a stage does, in the order of the data's flow. It is made of what the alarms watch
 * (alarms.js), so that both know the same functions, tables, queues and delivery streams.
 */
const { functionId, idsOf, watched } = require('./alarms');

/** CloudWatch's grid is 24 wide. */
const WIDTH = 8;
const HEIGHT = 6;
const COLUMNS = 24 / WIDTH;
const TEXT_HEIGHT = 2;
const ALARMS_HEIGHT = 5;

/** Put in by Fn::Sub. */
const of = (id, attribute) => `\${${attribute ? `${id}.${attribute}` : id}}`;
const REGION = of('AWS::Region');

/** A line of a graph: `[namespace, metric, { dimension: value }]`, and how it is drawn. */
const line = ([namespace, metric, dimensions], options) => [
  namespace,
  metric,
  ...Object.entries(dimensions).flat(),
  options,
];
const left = (metric, stat, label) => line(metric, { stat, label });
const right = (metric, stat, label) => line(metric, { stat, label, yAxis: 'right' });

/** Every graph: its title, and its lines. */
const graphsOf = ({ name, functions, tables, queues, machines, datasets, landings }) => {
  const own = (metric, dataset) => ['ecomflow', metric, { service: name, ...(dataset && { dataset }) }];
  const api = (metric) => ['AWS/ApiGateway', metric, { ApiId: of('HttpApi') }];
  const lambda = (metric, fn) => ['AWS/Lambda', metric, { FunctionName: of(functionId(fn)) }];
  const stream = (metric) => ['AWS/Kinesis', metric, { StreamName: of('Stream') }];
  const firehose = (metric, id) => ['AWS/Firehose', metric, { DeliveryStreamName: of(id) }];
  const table = (metric, id) => ['AWS/DynamoDB', metric, { TableName: of(id) }];
  const index = (metric, [id, each]) => ['AWS/DynamoDB', metric, { TableName: of(id), GlobalSecondaryIndexName: each }];
  const queue = (metric, id) => ['AWS/SQS', metric, { QueueName: of(id, 'QueueName') }];
  const rule = (id) => ['AWS/Events', 'TriggeredRules', { RuleName: of(id) }];
  const machine = (metric, id) => ['AWS/States', metric, { StateMachineArn: of(id) }];
  const indexes = Object.entries(tables).flatMap(([id, names]) => names.map((each) => [id, each]));

  return {
    ...Object.fromEntries(
      datasets.map((dataset) => [
        `Rows of ${dataset}`,
        ['Received', 'Kept', 'Duplicate', 'Rejected'].map((what) =>
          left(own(`Rows${what}`, dataset), 'Sum', what.toLowerCase()),
        ),
      ]),
    ),
    'From the request to the ledger (ms)': datasets.flatMap((dataset) =>
      ['p50', 'p99'].map((stat) => left(own('PostToLedger', dataset), stat, `${dataset} ${stat}`)),
    ),
    'API: requests, refused, failed': [
      left(api('Count'), 'Sum', 'requests'),
      right(api('4xx'), 'Sum', '4xx'),
      right(api('5xx'), 'Sum', '5xx'),
    ],
    'API: time of an answer (ms)': ['p50', 'p99'].map((stat) => left(api('Latency'), stat, stat)),
    'Age of the oldest chunk that waits for clean (ms)': [left(lambda('IteratorAge', 'clean'), 'Maximum', 'age')],
    'Functions: time of the slowest run (ms)': functions.map((fn) => left(lambda('Duration', fn), 'Maximum', fn)),
    'Functions: errors': functions.map((fn) => left(lambda('Errors', fn), 'Sum', fn)),
    'Functions: throttled': functions.map((fn) => left(lambda('Throttles', fn), 'Sum', fn)),
    'Stream: bytes, refused chunks': [
      left(stream('IncomingBytes'), 'Sum', 'bytes'),
      right(stream('WriteProvisionedThroughputExceeded'), 'Sum', 'refused'),
    ],
    'Tables: units': Object.keys(tables).flatMap((id) =>
      ['Read', 'Write'].map((kind) => left(table(`Consumed${kind}CapacityUnits`, id), 'Sum', `${id} ${kind}`)),
    ),
    'Tables: throttled': ['Read', 'Write'].flatMap((kind) => [
      ...Object.keys(tables).map((id) => left(table(`${kind}ThrottleEvents`, id), 'Sum', `${id} ${kind}`)),
      ...indexes.map((each) => left(index(`${kind}ThrottleEvents`, each), 'Sum', `${each[1]} ${kind}`)),
    ]),
    'Firehose: age of what waits (s)': ['RawDelivery', ...landings].map((id) =>
      left(firehose('DeliveryToS3.DataFreshness', id), 'Maximum', id),
    ),
    ...(landings.length > 0 && {
      'Firehose: rows that could not be converted': landings.map((id) =>
        left(firehose('FailedConversion.Records', id), 'Sum', id),
      ),
    }),
    'Queues: age of the oldest message (s)': Object.keys(queues).map((id) =>
      left(queue('ApproximateAgeOfOldestMessage', id), 'Maximum', id),
    ),
    'Queues: given up': Object.values(queues).map(({ givenUp }) =>
      left(queue('ApproximateNumberOfMessagesVisible', givenUp), 'Maximum', givenUp),
    ),
    'Failures kept, batches not balanced': ['FailuresKept', 'BatchesUnbalanced'].map((metric) =>
      left(own(metric), 'Maximum', metric),
    ),
    'Chunks that failed, rows that were redriven': datasets.flatMap((dataset) => [
      left(own('ChunksFailed', dataset), 'Sum', `chunks of ${dataset}`),
      right(own('RowsRedriven', dataset), 'Sum', `rows of ${dataset}`),
    ]),
    // Of no data set: what is told of all of them, and what happened at night.
    'Mails handed over': [undefined, ...datasets].map((dataset) =>
      left(own('MailsSent', dataset), 'Sum', dataset ?? 'of no data set'),
    ),
    // Glue tells EventBridge; its own metrics cost by the metric.
    'Spark: runs': [left(rule('BulkIsDone'), 'Sum', 'cleaned'), left(rule('BulkHasFailed'), 'Sum', 'failed')],
    'Nightly runs and recounts': Object.entries(machines).flatMap(([machineId, { id }]) =>
      ['Started', 'Succeeded', 'Failed'].map((what) =>
        left(machine(`Executions${what}`, machineId), 'Sum', `${id} ${what}`),
      ),
    ),
  };
};

const heading = ({ name, stage: { alarms } }) =>
  /^https?:/.test(alarms.runbook)
    ? `# ${name}\nWhat an alarm means and what to do: [the runbook](${alarms.runbook})`
    : `# ${name}\nWhat an alarm means and what to do: \`${alarms.runbook}\` of the repository`;

/** The dashboard as CloudWatch reads it ("Dashboard body structure and syntax", CloudWatch's API reference). */
const bodyOf = (stage) => ({
  periodOverride: 'inherit',
  widgets: [
    { type: 'text', x: 0, y: 0, width: 24, height: TEXT_HEIGHT, properties: { markdown: heading(stage) } },
    {
      type: 'alarm',
      x: 0,
      y: TEXT_HEIGHT,
      width: 24,
      height: ALARMS_HEIGHT,
      properties: {
        title: 'Alarms',
        sortBy: 'stateUpdatedTimestamp', // those that are red first
        alarms: idsOf(stage).map((id) => of(id, 'Arn')),
      },
    },
    ...Object.entries(graphsOf(stage)).map(([title, metrics], n) => ({
      type: 'metric',
      x: (n % COLUMNS) * WIDTH,
      y: TEXT_HEIGHT + ALARMS_HEIGHT + Math.floor(n / COLUMNS) * HEIGHT,
      width: WIDTH,
      height: HEIGHT,
      properties: { title, view: 'timeSeries', region: REGION, period: 300, metrics },
    })),
  ],
});

exports.resources = async (serverless) => {
  const stage = await watched(serverless);
  return {
    Resources: {
      Dashboard: {
        Type: 'AWS::CloudWatch::Dashboard',
        Properties: { DashboardName: stage.name, DashboardBody: { 'Fn::Sub': JSON.stringify(bodyOf(stage)) } },
      },
    },
  };
};
