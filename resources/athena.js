/*
 * Athena: the workgroup that bounds what a query reads, and what may be asked of it as it is: every insight, and the
 * lake's own counts. The curated tables themselves are made by the function that fills them (shared/domain/curated.ts).
 */
const Module = require('node:module');
const { join } = require('node:path');
const { buildSync } = require('esbuild');
const { contracts, idOf } = require('./catalog');
const { ANY, allow, arnOf, below, role } = require('./iam');

const ROOT = join(__dirname, '..');
const ENGINE = 'Athena engine version 3';
const GIGABYTE = 1000 ** 3; // as Athena bills
const MOST_ROWS = 10_000;

/** The insights as the functions have them: the domain is TypeScript, and this is not. */
function insightsOfDomain() {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `export { insights, statementOf } from './shared/domain/insight';
        export { athenaTables } from './shared/domain/tables';`,
      resolveDir: ROOT,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    loader: { '.sql': 'text' },
    write: false,
  });
  const made = new Module(join(ROOT, 'insights.js'));
  made._compile(outputFiles[0].text, made.id);
  return made.exports;
}

/** Days that a statement is composed with; whoever opens a saved query asks about the last year, and may change that. */
const FIRST = '0001-01-01';
const LAST = '9999-12-31';
const lastYear = (statement) =>
  statement
    .replaceAll(`date '${FIRST}'`, "(current_date - interval '1' year)")
    .replaceAll(`date '${LAST}'`, 'current_date');

/** Every insight by its name: what it answers, and the statement. */
function insightQueries() {
  const { insights, statementOf, athenaTables } = insightsOfDomain();
  const period = { first_day: FIRST, last_day: LAST };
  return [...insights.values()].map((insight) => ({
    name: insight.name,
    description: `${insight.question} The last year: change the days in "period" and in the tables below it`,
    sql: lastYear(statementOf(insight, period, athenaTables, MOST_ROWS)),
  }));
}

/** What the lake says of itself, for each data set. */
const lakeQueries = ({ name }) => [
  {
    name: `${name}_landed_by_day`,
    description: `Rows, batches and different rows of ${name} that landed on each of the last 31 days`,
    sql: `select dt, count(*) as landed_rows, count(distinct batch_id) as batches, count(distinct line_id) as different_rows
from landing_${name} where dt >= cast(current_date - interval '31' day as varchar)
group by 1 order by 1 desc`,
  },
  {
    name: `${name}_duplicates`,
    description: `Rows of ${name} that landed more than once in the last 31 days; the curated table has each once`,
    sql: `select line_id, count(*) as times, array_agg(distinct batch_id) as batches, min(dt) as first_day, max(dt) as last_day
from landing_${name} where dt >= cast(current_date - interval '31' day as varchar)
group by 1 having count(*) > 1 order by 2 desc, 1 limit 1000`,
  },
  {
    name: `${name}_rejected_by_reason`,
    description: `Rows of ${name} that were refused in the last 31 days, by day of arrival and reason`,
    sql: `select dt, reason, field, count(*) as refused_rows
from rejected_${name} where dt >= cast(current_date - interval '31' day as varchar)
group by 1, 2, 3 order by 1 desc, 4 desc`,
  },
];

const logical = (name) => idOf({ name }, 'Query');

const namedQuery =
  (group) =>
  ({ name, description, sql }) => [
    logical(name),
    {
      Type: 'AWS::Athena::NamedQuery',
      Properties: {
        Name: name,
        Description: description.slice(0, 1024),
        Database: { Ref: 'Catalog' },
        WorkGroup: group,
        QueryString: sql,
      },
    },
  ];

const workgroup = (name, bucket, { gigabytesPerQuery }) => ({
  Type: 'AWS::Athena::WorkGroup',
  Properties: {
    Name: name,
    Description: 'Queries over the lake of ecomflow',
    RecursiveDeleteOption: true, // with the saved queries of people; their answers are the bucket's
    WorkGroupConfiguration: {
      EnforceWorkGroupConfiguration: true, // whatever a client asks for
      PublishCloudWatchMetricsEnabled: true,
      BytesScannedCutoffPerQuery: Math.round(gigabytesPerQuery * GIGABYTE),
      EngineVersion: { SelectedEngineVersion: ENGINE },
      ResultConfiguration: {
        OutputLocation: `s3://${bucket}/athena/`,
        EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
        ExpectedBucketOwner: { Ref: 'AWS::AccountId' },
      },
    },
  },
});

const account = (service, rest) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`,
});
const tables = (zone) => account('glue', `table/\${Catalog}/${zone}_*`);

/** What the function calls, and what Athena does in its name. */
const functionRole = (name) =>
  role('lambda', 'curate', [
    allow(
      ['athena:StartQueryExecution', 'athena:GetQueryExecution', 'athena:GetQueryResults'],
      account('athena', `workgroup/${name}`),
    ),
    allow(
      ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
      [
        account('glue', 'catalog'),
        account('glue', `database/\${Catalog}`),
        ...['landing', 'rejected', 'curated'].map(tables),
      ],
    ),
    // Athena looks at the account's default database, too, whatever a statement names.
    allow('glue:GetDatabase', account('glue', 'database/default')),
    allow(
      ['glue:CreateTable', 'glue:UpdateTable'],
      [account('glue', 'catalog'), account('glue', `database/\${Catalog}`), tables('curated')],
    ),
    allow(
      's3:GetObject',
      ['landing/*', 'rejected/*', 'curated/*', 'athena/*', 'insights/*'].map((zone) => below('Lake', zone)),
    ),
    allow(
      's3:PutObject',
      ['curated/*', 'athena/*', 'insights/*'].map((zone) => below('Lake', zone)),
    ),
    // Large files go in parts; VACUUM takes away what no snapshot has.
    allow(
      ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      [below('Lake', 'curated/*'), below('Lake', 'athena/*')],
    ),
    allow('s3:DeleteObject', below('Lake', 'curated/*')),
    allow(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], arnOf('Lake')),
    allow(['dynamodb:PutItem', 'dynamodb:Scan'], arnOf('BatchesTable')),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arnOf('CurateLogGroup')),
    allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], ANY), // X-Ray knows no resources for these
  ]);

exports.insightQueries = insightQueries;

exports.resources = async ({ resolveVariable }) => {
  const { bucket, athena } = await resolveVariable('self:custom.stage');
  const name = await resolveVariable('self:custom.name');
  const queries = athena.savedQueries ? [...insightQueries(), ...contracts().flatMap(lakeQueries)] : [];
  return {
    Resources: {
      Workgroup: workgroup(name, bucket, athena),
      CurateRole: functionRole(name),
      ...Object.fromEntries(queries.map(namedQuery({ Ref: 'Workgroup' }))),
    },
  };
};
