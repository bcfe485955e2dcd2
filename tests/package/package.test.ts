import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';
import { OUTPUTS } from '../../cli/redrive/stage';
import { PAGES, ROUTES } from '../../shared/domain/api';
import { datasets } from '../../shared/domain/dataset';
import { type Grant, grantsOf, resolved } from './grants';
import { COMMANDS, callsOf, commandsOf, EVERY_CALL, needsOf } from './needs';
import { type Json, mapOf, ofType, type Package, packaged, ROOT, templateOf, zipOf } from './packaged';

const STAGES = ['dev', 'staging', 'prod'] as const;
const FUNCTIONS = [
  'ingest',
  'upload',
  'batch',
  'claim',
  'clean',
  'curate',
  'nightly',
  'query',
  'page',
  'live',
  'insights',
  'admin',
  'redrive',
  'reconcile',
  'alert',
] as const;
type Name = (typeof FUNCTIONS)[number];

/** Bytes of a function's zip: every cold start loads them. */
const MOST_ZIPPED = 250 * 1024;

/** X-Ray knows no resources for these. */
const TRACING: readonly Grant[] = ['xray:PutTraceSegments on *', 'xray:PutTelemetryRecords on *'];

/** What a state machine that logs and traces asks for (AWS Step Functions, policies for logging and X-Ray); the same. */
const MACHINE: readonly Grant[] = [
  ...['CreateLogDelivery', 'DeleteLogDelivery', 'DescribeLogGroups', 'DescribeResourcePolicies'],
  ...['GetLogDelivery', 'ListLogDeliveries', 'PutResourcePolicy', 'UpdateLogDelivery'],
].map((action): Grant => `logs:${action} on *`);
const SAMPLING: readonly Grant[] = ['xray:GetSamplingRules on *', 'xray:GetSamplingTargets on *'];

/** What whoever publishes to an encrypted topic asks for (Amazon SNS, managing encryption keys). */
const ENCRYPTING: readonly Grant[] = ['kms:Decrypt on AlarmKey.Arn', 'kms:GenerateDataKey* on AlarmKey.Arn'];

const packages = {} as Record<(typeof STAGES)[number] | 'direct', Package>;

beforeAll(async () => {
  // Two at a time: four of them at once want more memory than a small machine has.
  const direct = packaged('dev', 'direct', (values) => values.replace('landing: firehose', 'landing: direct'));
  [packages.dev, packages.direct] = await Promise.all([packaged('dev'), direct]);
  [packages.staging, packages.prod] = await Promise.all([packaged('staging'), packaged('prod')]);
}, 120_000);

const functionOf = (stage: Package, name: Name) =>
  stage.template.Resources[`${name[0]!.toUpperCase()}${name.slice(1)}LambdaFunction`]!.Properties;
const environmentOf = (stage: Package, name: Name): Record<string, string> =>
  resolved(stage, functionOf(stage, name).Environment.Variables);
const roleOf = (stage: Package, name: Name) => functionOf(stage, name).Role['Fn::GetAtt'][0] as string;

function only(stage: Package, type: string): Json {
  const found = ofType(stage, type);
  expect(found).toHaveLength(1);
  return found[0]![1].Properties;
}

describe.each([...STAGES, 'direct'] as const)('The package of stage %s', (name) => {
  const stage = () => packages[name];

  test('is a template that CloudFormation takes', () => {
    const engine = new RegoEngine();
    try {
      const { diagnostics } = engine.validateStandard(new TemplateFile(templateOf(stage().folder)));
      expect(diagnostics.length).toBeGreaterThan(0); // it has remarks on any template: it did run
      expect(diagnostics.filter(({ severity }) => severity === 'ERROR' || severity === 'FATAL')).toEqual([]);
    } finally {
      engine.free();
    }
  });

  test('encrypts whatever keeps data', () => {
    const encrypted: Record<string, (properties: Json) => unknown> = {
      'AWS::DynamoDB::Table': ({ SSESpecification }) => SSESpecification?.SSEEnabled,
      'AWS::S3::Bucket': ({ BucketEncryption }) =>
        BucketEncryption?.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.SSEAlgorithm,
      'AWS::Kinesis::Stream': ({ StreamEncryption }) => StreamEncryption?.KeyId,
      // One that reads a stream keeps nothing outside it, and cannot be given a key.
      'AWS::KinesisFirehose::DeliveryStream': ({
        DeliveryStreamEncryptionConfigurationInput: key,
        DeliveryStreamType,
      }) => key?.KeyType ?? DeliveryStreamType === 'KinesisStreamAsSource',
    };
    const open = Object.entries(encrypted).flatMap(([type, holds]) => {
      const found = ofType(stage(), type);
      expect(found.length).toBeGreaterThan(0);
      return found.filter(([, { Properties }]) => !holds(Properties)).map(([id]) => id);
    });
    expect(open).toEqual([]);
    // Log groups are encrypted by CloudWatch with a key of its own and cannot be otherwise.
  });

  test('lets nobody reach the lake without TLS, and nobody at all from outside', () => {
    const { Lake, LakePolicy } = stage().template.Resources;
    expect(Lake!.Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    expect(resolved(stage(), LakePolicy!.Properties.PolicyDocument.Statement)).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  });

  test('gives every function and delivery stream a role of its own', () => {
    const roles = [
      ...FUNCTIONS.map((each) => roleOf(stage(), each)),
      ...new Set(
        ofType(stage(), 'AWS::KinesisFirehose::DeliveryStream').map(
          ([, { Properties }]) => Properties.ExtendedS3DestinationConfiguration.RoleARN['Fn::GetAtt'][0] as string,
        ),
      ),
      ...ofType(stage(), 'AWS::Glue::Job').map(([, { Properties }]) => Properties.Role['Fn::GetAtt'][0] as string),
      ...ofType(stage(), 'AWS::StepFunctions::StateMachine').map(([, one]) => one.Properties.RoleArn['Fn::GetAtt'][0]),
      ...ofType(stage(), 'AWS::Scheduler::Schedule').map(([, one]) => one.Properties.Target.RoleArn['Fn::GetAtt'][0]),
    ];
    expect(new Set(roles).size).toBe(roles.length);
    expect(
      ofType(stage(), 'AWS::IAM::Role')
        .map(([id]) => id)
        .sort(),
    ).toEqual([...roles].sort());
  });

  test.each(FUNCTIONS)('grants %s what its code calls, and nothing else', async (name) => {
    const env = environmentOf(stage(), name);
    const wanted = new Set(platform(stage(), name));
    for (const [port, method] of callsIn(stage(), name)) {
      for (const need of await needsOf(port, method, env)) wanted.add(need);
    }
    const allowed = grantsOf(stage(), stage().template.Resources[roleOf(stage(), name)]!);
    expect(allowed.sort()).toEqual([...wanted].sort());
  });

  test('has no grant on everything but where AWS knows no resource', () => {
    const wild = ofType(stage(), 'AWS::IAM::Role').flatMap(([id, role]) =>
      grantsOf(stage(), role)
        .filter((grant) => /^\S*\*\S* on| \*$/.test(grant))
        .map((grant) => `${id}: ${grant}`),
    );
    expect(wild.sort()).toEqual(
      [
        ...FUNCTIONS.flatMap((each) => TRACING.map((grant) => `${roleOf(stage(), each)}: ${grant}`)),
        ...['NightlyMachineRole', 'ReconcileMachineRole'].flatMap((machine) =>
          [...TRACING, ...SAMPLING, ...MACHINE].map((grant) => `${machine}: ${grant}`),
        ),
        ...ENCRYPTING.filter((grant) => grant.includes('*')).map((grant) => `AlertRole: ${grant}`),
      ].sort(),
    );
  });

  test('has the tables of the lake as the contracts have the columns', () => {
    const tables = new Map(
      ofType(stage(), 'AWS::Glue::Table').map(([, { Properties }]) => [
        Properties.TableInput.Name,
        Properties.TableInput,
      ]),
    );
    expect([...tables.keys()].sort()).toEqual(
      ['landing', 'rejected'].flatMap((zone) => [...datasets.keys()].sort().map((dataset) => `${zone}_${dataset}`)),
    );
    for (const { contract } of datasets.values()) {
      const { StorageDescriptor, PartitionKeys } = tables.get(`landing_${contract.name}`);
      const columns = StorageDescriptor.Columns.map(({ Name, Type }: Json) => [Name, Type]);
      expect(columns).toEqual([
        ...contract.columns.map((column) => [column.name, column.type]),
        ['line_id', 'string'],
        ['batch_id', 'string'],
      ]);
      expect(PartitionKeys.map(({ Name }: Json) => Name)).toEqual(['dt']);
    }
  });

  test('sends the routes of the API, all but the public ones past the token check', () => {
    const routes = ofType(stage(), 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
      Properties.RouteKey,
      Properties.AuthorizationType === 'JWT' && Boolean(Properties.AuthorizerId),
    ]);
    expect(Object.fromEntries(routes)).toEqual(
      Object.fromEntries([
        ...Object.entries(ROUTES).map(([route, needed]) => [route, needed !== 'public']),
        ...PAGES.map((route) => [route, false]),
      ]),
    );
  });

  test('takes tokens of exactly the clients that the stage declares, and no person can ask for a scope of ours', () => {
    const clients = ofType(stage(), 'AWS::Cognito::UserPoolClient');
    const authorizer = only(stage(), 'AWS::ApiGatewayV2::Authorizer');
    const ids = clients.map(([id]) => id).sort();
    expect(resolved(stage(), authorizer.JwtConfiguration.Audience).sort()).toEqual(ids);
    expect(environmentOf(stage(), 'query').USER_POOL_CLIENT_IDS!.split(',').sort()).toEqual(ids);
    for (const [id, { Properties }] of clients) {
      const ours = Properties.AllowedOAuthScopes.filter((scope: string) => scope.startsWith('ecomflow/'));
      if (id === 'PeopleClient') expect([ours, Properties.GenerateSecret]).toEqual([[], false]);
      else expect([Properties.AllowedOAuthFlows, Properties.GenerateSecret]).toEqual([['client_credentials'], true]);
    }
  });

  test('lets people sign in by the code flow and come back to the dashboard, and tells the dashboard where', () => {
    const { Properties } = stage().template.Resources.PeopleClient!;
    const home = `https://\${HttpApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/`;
    expect(Properties.AllowedOAuthFlows).toEqual(['code']);
    // Whoever listens on a person's own machine gets no code of a stage that others work with.
    const others = stage() === packages.dev || stage() === packages.direct ? ['http://localhost:3000/'] : [];
    for (const addresses of [Properties.CallbackURLs, Properties.LogoutURLs])
      expect(addresses).toEqual([{ 'Fn::Sub': home }, ...others]);
    const { SIGN_IN_URL, SIGN_IN_CLIENT_ID } = functionOf(stage(), 'page').Environment.Variables;
    expect([SIGN_IN_URL, SIGN_IN_CLIENT_ID]).toEqual([
      { 'Fn::Sub': `https://\${SignIn}.auth.\${AWS::Region}.amazoncognito.com` },
      { Ref: 'PeopleClient' },
    ]);
  });

  test("says what an operator's redrive is configured with, as the function's is", () => {
    const { Outputs } = stage().template;
    const env = environmentOf(stage(), 'redrive');
    for (const [variable, output] of Object.entries(OUTPUTS)) {
      const value = resolved(stage(), Outputs[output]!.Value);
      const named = stage().template.Resources[value]?.Properties;
      expect([variable, named?.TableName ?? named?.BucketName ?? value]).toEqual([variable, env[variable]]);
    }
  });

  test('has zips with one small file each, without maps and without anything local', () => {
    for (const each of FUNCTIONS) {
      const { size, files } = zipOf(stage(), each);
      expect([...files.keys()]).toEqual([`functions/${each}/handler.mjs`]);
      const code = files.get(`functions/${each}/handler.mjs`)!.toString();
      expect(code).not.toMatch(/node:sqlite|sourceMappingURL|duckdb|Dynamic require/);
      expect(size).toBeLessThanOrEqual(MOST_ZIPPED);
    }
  });

  test('keeps what clean gives up on, long before the stream forgets it', () => {
    const mapping = ofType(stage(), 'AWS::Lambda::EventSourceMapping')
      .map(([, { Properties }]) => Properties)
      .find(({ StartingPosition }) => StartingPosition !== undefined)!;
    const { Lake, Stream } = stage().template.Resources;
    expect(mapping.DestinationConfig.OnFailure.Destination).toBe(`arn:aws:s3:::${Lake!.Properties.BucketName}`);
    expect(mapping.MaximumRecordAgeInSeconds).toBeLessThanOrEqual((Stream!.Properties.RetentionPeriodHours * 3600) / 2);
    expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  });

  test('lets those functions go round that send work back to the queue that they are fed from, and no others', () => {
    const again = FUNCTIONS.filter((each) => functionOf(stage(), each).RecursiveLoop === 'Allow');
    const fed = FUNCTIONS.filter((each) => {
      const granted = grantsOf(stage(), stage().template.Resources[roleOf(stage(), each)]!);
      const queue = granted.find((grant) => grant.startsWith('sqs:Receive'))?.split(' on ')[1];
      return granted.includes(`sqs:SendMessage on ${queue}`);
    });
    expect(again).toEqual(fed);
    expect(again).toEqual(['batch', 'claim', 'redrive']);
  });

  test('has every function write lines of JSON, say which service it is, and be traced', () => {
    const functions = ofType(stage(), 'AWS::Lambda::Function').map(([, { Properties }]) => Properties);
    expect(functions.length).toBeGreaterThanOrEqual(FUNCTIONS.length);
    for (const { FunctionName, LoggingConfig, TracingConfig, Environment } of functions) {
      const { POWERTOOLS_SERVICE_NAME: service, POWERTOOLS_METRICS_NAMESPACE: namespace } = Environment.Variables;
      expect({ FunctionName, LoggingConfig, TracingConfig, service, namespace }).toEqual({
        FunctionName,
        LoggingConfig: { LogFormat: 'JSON' }, // the platform's own lines
        TracingConfig: { Mode: 'Active' },
        service: `ecomflow-${name === 'direct' ? 'dev' : name}`,
        namespace: 'ecomflow',
      });
    }
    for (const [, { Properties }] of ofType(stage(), 'AWS::StepFunctions::StateMachine'))
      expect(Properties.TracingConfiguration).toEqual({ Enabled: true });
  });

  test('forgets logs after a while', () => {
    const groups = ofType(stage(), 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties.RetentionInDays);
    expect(groups).toHaveLength(FUNCTIONS.length + 6); // the gateway's, the delivery streams', two state machines' and Spark's two
    expect(groups.every((days) => days > 0)).toBe(true);
  });
});

test('Stage prod keeps its data when the stack goes, and can go back in time', () => {
  const kept = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::Cognito::UserPool']
    .flatMap((type) => ofType(packages.prod, type))
    .filter(([id]) => id !== 'ServerlessDeploymentBucket' && id !== 'LiveTable'); // made of what is elsewhere too
  expect(kept.map(([, { DeletionPolicy, UpdateReplacePolicy }]) => [DeletionPolicy, UpdateReplacePolicy])).toEqual(
    kept.map(() => ['Retain', 'Retain']),
  );
  for (const [, { Properties }] of kept.filter(([, { Type }]) => Type === 'AWS::DynamoDB::Table')) {
    expect(Properties.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(Properties.DeletionProtectionEnabled).toBe(true);
  }
  expect(packages.prod.template.Resources.Lake!.Properties.VersioningConfiguration.Status).toBe('Enabled');
});

test('Functions that the gateway waits for end before it does', () => {
  const asked = ofType(packages.dev, 'AWS::ApiGatewayV2::Integration').map(
    ([, { Properties }]) => packages.dev.template.Resources[Properties.IntegrationUri['Fn::GetAtt'][0]]!.Properties,
  );
  expect(asked.length).toBeGreaterThan(5);
  const GATEWAY_SECONDS = 30;
  const late = asked.filter(({ Timeout }) => Timeout >= GATEWAY_SECONDS).map(({ FunctionName }) => FunctionName);
  expect(late).toEqual([]);
});

test("The operator's handbook counts what the package has", () => {
  const handbook = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').replace(/\s+/g, ' ');
  const count = (type: string) => ofType(packages.dev, type).length;
  const WORDS = new Map([
    [4, 'four'],
    [15, 'fifteen'],
    [21, 'twenty-one'],
    [24, 'twenty-four'],
  ]);
  const word = (type: string) => WORDS.get(count(type)) ?? String(count(type));
  for (const said of [
    `it has ${Object.keys(packages.dev.template.Resources).length} resources`,
    `${word('AWS::IAM::Role')} roles`,
    `${word('AWS::Lambda::Function')} functions`,
    `${word('AWS::DynamoDB::Table')} tables, a database with ${word('AWS::Glue::Table')} tables`,
    `${count('AWS::Athena::NamedQuery')} saved queries`,
    `${word('AWS::Scheduler::Schedule')} schedules`,
    `${count('AWS::CloudWatch::Alarm')} alarms (one more with a warehouse)`,
    `| ${count('AWS::CloudWatch::Alarm')} alarms at 0.10`,
    `alarms, ${count('AWS::CloudWatch::Alarm')} with two data sets, of one metric each | 0.10 | ${(count('AWS::CloudWatch::Alarm') / 10).toFixed(2)} |`,
    `${word('AWS::Logs::LogGroup')} log groups`,
  ])
    expect(handbook).toContain(said);
});

test('Landing by Firehose has a delivery stream for each data set, landing directly has none', () => {
  const named = (stage: Package) =>
    ofType(stage, 'AWS::KinesisFirehose::DeliveryStream').map(([, { Properties }]) => Properties.DeliveryStreamName);
  const prefix = environmentOf(packages.dev, 'clean').LANDING_DELIVERY_PREFIX;
  expect(named(packages.dev).sort()).toEqual(
    ['ecomflow-dev-raw', ...[...datasets.keys()].map((name) => `${prefix}-${name}`)].sort(),
  );
  expect(named(packages.direct)).toEqual(['ecomflow-dev-raw']);
});

/** What a stage with a warehouse says besides; warehouse.test.ts has such a stage. */
const WAREHOUSE = {
  WAREHOUSE_HOST: 'host',
  WAREHOUSE_DATABASE: 'database',
  WAREHOUSE_SECRET: 'secret',
  WAREHOUSE_LATE_DAYS: '7',
};

test('The methods that grants are computed from make every command that the adapters know', async () => {
  const seen = new Set<string>();
  for (const landing of [packages.dev, packages.direct]) {
    const env = Object.assign({ ...WAREHOUSE }, ...FUNCTIONS.map((each) => environmentOf(landing, each)));
    for (const [port, method] of EVERY_CALL) {
      for (const command of await commandsOf(port, method, env)) seen.add(command);
    }
  }
  expect([...seen].sort()).toEqual([...COMMANDS].sort());
});

/** Calls of the ports in what a function's bundle was made from, as the bundle's source map tells. */
function callsIn(stage: Package, name: Name) {
  const handler = readFileSync(join(ROOT, `functions/${name}/handler.ts`), 'utf8');
  const stageName = functionOf(stage, name).FunctionName.split('-')[1];
  const map = mapOf(stage, stageName, name);
  const bundled = map.sources.flatMap((source, i) =>
    /(^|\/)shared\/(pipeline|domain)\/|(^|\/)functions\//.test(source) ? [map.sourcesContent[i]!] : [],
  );
  const calls = callsOf(handler, bundled);
  if (name !== 'page') expect(calls.length).toBeGreaterThan(0); // which asks the world for nothing
  return calls;
}

/** What Lambda does in a function's name, beyond what its code calls. */
function platform(stage: Package, name: Name): Grant[] {
  const on = (resource: string, ...actions: string[]) => actions.map((action): Grant => `${action} on ${resource}`);
  const account = 'eu-central-1:123456789012';
  const logs = `arn:aws:logs:${account}:log-group:/aws/lambda/${functionOf(stage, name).FunctionName}:*`;
  const stream = `arn:aws:kinesis:${account}:stream/${environmentOf(stage, 'ingest').STREAM_NAME}`;
  const lake = `arn:aws:s3:::${environmentOf(stage, name).LAKE_BUCKET}`;
  const queue = environmentOf(stage, name).QUEUE_URL;
  const receives = ['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map((action) => `sqs:${action}`);
  const reads = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'];
  return [
    ...on(logs, 'logs:CreateLogStream', 'logs:PutLogEvents'),
    ...TRACING,
    ...(name === 'insights' ? readsTables(lake) : []),
    ...(name === 'curate' ? mergesTables(lake) : []),
    // An object that is not there is missing only for those who may list; for others it is forbidden.
    ...(['query', 'batch', 'claim', 'nightly', 'redrive', 'alert'].includes(name) ? on(lake, 's3:ListBucket') : []),
    ...(name === 'batch' || name === 'claim' ? on(`${queue}.Arn`, ...receives) : []),
    ...(name === 'redrive' ? on('RedriveQueue.Arn', ...receives) : []),
    ...(name === 'alert' ? [...on('AlertQueue.Arn', ...receives), ...ENCRYPTING] : []),
    ...(name === 'clean' ? on(stream, ...reads.map((read) => `kinesis:${read}`)) : []),
    ...(name === 'clean' ? [...on(lake, 's3:ListBucket'), ...on(`${lake}/aws/lambda/*`, 's3:PutObject')] : []),
  ];
}

/**
 * What Athena does in a function's name to read tables and to put its answer where the workgroup says (Amazon Athena,
 * identity and access management).
 */
function readsTables(lake: string): Grant[] {
  const on = (resource: string, ...actions: string[]) => actions.map((action): Grant => `${action} on ${resource}`);
  const glue = 'arn:aws:glue:eu-central-1:123456789012:';
  const tables = ['GetDatabase', 'GetTable', 'GetTables', 'GetPartition', 'GetPartitions'].map((get) => `glue:${get}`);
  return [
    ...['catalog', 'database/Catalog', 'table/Catalog/curated_*', 'table/Catalog/rejected_*'].flatMap((each) =>
      on(`${glue}${each}`, ...tables),
    ),
    ...on(`${glue}database/default`, 'glue:GetDatabase'),
    ...['curated', 'rejected'].flatMap((zone) => on(`${lake}/${zone}/*`, 's3:GetObject')),
    ...on(`${lake}/athena/*`, 's3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'),
    ...on(lake, 's3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'),
  ];
}

/** What Athena does beside that to merge into tables of Iceberg, and to take away what they no longer need. */
function mergesTables(lake: string): Grant[] {
  const on = (resource: string, ...actions: string[]) => actions.map((action): Grant => `${action} on ${resource}`);
  const glue = 'arn:aws:glue:eu-central-1:123456789012:';
  const [read, write] = [
    ['glue:GetDatabase', 'glue:GetTable', 'glue:GetPartitions'],
    ['glue:CreateTable', 'glue:UpdateTable'],
  ];
  return [
    ...['catalog', 'database/Catalog', 'table/Catalog/curated_*'].flatMap((each) =>
      on(`${glue}${each}`, ...read, ...write),
    ),
    ...on(`${glue}database/default`, 'glue:GetDatabase'),
    ...['landing', 'rejected'].flatMap((zone) => on(`${glue}table/Catalog/${zone}_*`, ...read)),
    ...['landing', 'rejected'].flatMap((zone) => on(`${lake}/${zone}/*`, 's3:GetObject')),
    ...['curated', 'athena'].flatMap((zone) =>
      on(`${lake}/${zone}/*`, 's3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'),
    ),
    ...on(`${lake}/curated/*`, 's3:DeleteObject'),
    ...on(lake, 's3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'),
  ];
}
