import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';
import { type Grant, grantsOf, resolved } from './grants';
import { callsOf, needsOf } from './needs';
import { type Json, mapOf, ofType, type Package, packaged, ROOT, templateOf, zipOf } from './packaged';

/** Bytes of a function's zip: every cold start loads them. */
const MOST_ZIPPED = 250 * 1024;

/** Types that only a warehouse brings. */
const ITS_OWN = /^AWS::(EC2|RDS)::/;

/** A stage as its file is, and as it would be with a warehouse. */
const packages = {} as Record<'none' | 'postgres' | 'prod', Package>;

const withPostgres = (values: string) => values.replace(/\bengine: none/, 'engine: postgres');

beforeAll(async () => {
  packages.none = await packaged('dev', 'warehouse-none');
  packages.postgres = await packaged('dev', 'warehouse-postgres', withPostgres);
  packages.prod = await packaged('prod', 'warehouse-prod', withPostgres);
}, 120_000);

const stage = () => packages.postgres;
const properties = (id: string, of = stage()): Json => of.template.Resources[id]!.Properties;
const only = (type: string, of = stage()): Json => {
  const found = ofType(of, type);
  expect(found).toHaveLength(1);
  return found[0]![1].Properties;
};

test('A stage without a warehouse has nothing of one: no function, no role, no network, no database', () => {
  const { Resources } = packages.none.template;
  expect(Object.entries(Resources).filter(([id, { Type }]) => /Warehouse/.test(id) || ITS_OWN.test(Type))).toEqual([]);
  expect(JSON.stringify(packages.none.template)).not.toMatch(/[Ww]arehouse/);
});

describe('A stage with a warehouse in PostgreSQL', () => {
  test('is a template that CloudFormation takes', () => {
    const engine = new RegoEngine();
    try {
      const { diagnostics } = engine.validateStandard(new TemplateFile(templateOf(stage().folder)));
      expect(diagnostics.filter(({ severity }) => severity === 'ERROR' || severity === 'FATAL')).toEqual([]);
    } finally {
      engine.free();
    }
  });

  test('differs from one without in the warehouse alone', () => {
    const others = (of: Package) =>
      Object.entries(of.template.Resources)
        .filter(
          ([id, { Type }]) => !/Warehouse/.test(id) && !ITS_OWN.test(Type) && !Type.startsWith('AWS::StepFunctions'),
        )
        .map(([id]) => id)
        .filter((id) => !/^Night/.test(id));
    expect(others(stage())).toEqual(others(packages.none));
  });

  test('grants the function what its code calls, the network that Lambda puts it into, and nothing else', async () => {
    const env: Record<string, string> = resolved(stage(), properties('WarehouseLambdaFunction').Environment.Variables);
    const handler = readFileSync(join(ROOT, 'functions/warehouse/handler.ts'), 'utf8');
    const map = mapOf(stage(), 'dev', 'warehouse');
    const sources = map.sources.flatMap((source, i) =>
      /(^|\/)shared\/(pipeline|domain)\//.test(source) ? [map.sourcesContent[i]!] : [],
    );
    const calls = callsOf(handler, sources);
    expect(calls.map((call) => call.join('.')).sort()).toEqual([
      'landed.list',
      'landed.open',
      'recount.keep',
      'warehouse.use',
    ]);
    const logs = 'arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/ecomflow-dev-warehouse:*';
    const wanted = new Set<Grant>([
      `logs:CreateLogStream on ${logs}`,
      `logs:PutLogEvents on ${logs}`,
      'xray:PutTraceSegments on *',
      'xray:PutTelemetryRecords on *',
      // AWSLambdaVPCAccessExecutionRole, less its logs
      'ec2:AssignPrivateIpAddresses on *',
      'ec2:CreateNetworkInterface on *',
      'ec2:DeleteNetworkInterface on *',
      'ec2:DescribeNetworkInterfaces on *',
      'ec2:DescribeSubnets on *',
      'ec2:UnassignPrivateIpAddresses on *',
    ]);
    for (const [port, method] of calls) for (const need of await needsOf(port, method, env)) wanted.add(need);
    const role = stage().template.Resources.WarehouseRole!;
    expect(grantsOf(stage(), role).sort()).toEqual([...wanted].sort());
    expect(wanted).toContain('secretsmanager:GetSecretValue on Warehouse.MasterUserSecret.SecretArn');
  });

  test('keeps the code itself from making network interfaces', () => {
    const [{ PolicyDocument }] = properties('WarehouseRole').Policies;
    const denied = resolved(
      stage(),
      PolicyDocument.Statement.filter(({ Effect }: Json) => Effect === 'Deny'),
    );
    const { FunctionName } = properties('WarehouseLambdaFunction');
    const itself = `arn:aws:lambda:eu-central-1:123456789012:function:${FunctionName}`;
    expect(denied).toEqual([
      {
        Effect: 'Deny',
        Action: 'ec2:*',
        Resource: '*',
        Condition: { ArnEquals: { 'lambda:SourceFunctionArn': itself } },
      },
    ]);
  });

  test('has a database that is encrypted, private, asks for TLS, and whose password RDS keeps', () => {
    expect(only('AWS::RDS::DBInstance')).toMatchObject({
      StorageEncrypted: true,
      PubliclyAccessible: false,
      ManageMasterUserPassword: true,
      Engine: 'postgres',
      DBInstanceClass: 'db.t4g.micro',
      VPCSecurityGroups: [{ Ref: 'WarehouseSecurityGroup' }],
    });
    expect(only('AWS::RDS::DBInstance').MasterUserPassword).toBeUndefined();
    expect(only('AWS::RDS::DBParameterGroup').Parameters['rds.force_ssl']).toBe('1');
    expect(properties('WarehouseLambdaFunction').Environment.Variables.NODE_EXTRA_CA_CERTS).toMatch(
      /^\/var\/runtime\//,
    );
  });

  test('has no way to the internet, nor from there', () => {
    const types = new Set(Object.values(stage().template.Resources).map(({ Type }) => Type));
    for (const way of ['NatGateway', 'InternetGateway', 'Route', 'EIP', 'VPCGatewayAttachment'])
      expect(types).not.toContain(`AWS::EC2::${way}`);
    for (const [, subnet] of ofType(stage(), 'AWS::EC2::Subnet'))
      expect(subnet.Properties.MapPublicIpOnLaunch).toBe(false);
    const zones = ofType(stage(), 'AWS::EC2::Subnet').map(
      ([, subnet]) => subnet.Properties.AvailabilityZone['Fn::Select'][0],
    );
    expect(zones).toEqual([0, 1]);
    const endpoints = ofType(stage(), 'AWS::EC2::VPCEndpoint').map(([, endpoint]) => [
      endpoint.Properties.VpcEndpointType,
      resolved(stage(), endpoint.Properties.ServiceName),
    ]);
    expect(endpoints).toEqual([
      ['Gateway', 'com.amazonaws.eu-central-1.s3'],
      ['Interface', 'com.amazonaws.eu-central-1.secretsmanager'],
    ]);
  });

  test('lets groups in by their name, none by its address', () => {
    const groups = ofType(stage(), 'AWS::EC2::SecurityGroup');
    const rules = groups.flatMap(([id, { Properties }]) =>
      (Properties.SecurityGroupIngress ?? []).map(({ SourceSecurityGroupId: from, FromPort, ToPort }: Json) => [
        id,
        from.Ref,
        FromPort,
        ToPort,
      ]),
    );
    expect(rules).toEqual([
      ['WarehouseSecurityGroup', 'LoaderSecurityGroup', 5432, 5432],
      ['WarehouseSecurityGroup', 'ClientSecurityGroup', 5432, 5432],
      ['SecretsSecurityGroup', 'LoaderSecurityGroup', 443, 443],
    ]);
    // A group without a rule out is given one to everywhere.
    for (const [, { Properties }] of groups) expect(Properties.SecurityGroupEgress.length).toBeGreaterThan(0);
  });

  test('has a function that holds pg in one small file, and nothing of DuckDB', () => {
    const { size, files } = zipOf(stage(), 'warehouse');
    expect([...files.keys()]).toEqual(['functions/warehouse/handler.mjs']);
    const code = files.get('functions/warehouse/handler.mjs')!.toString();
    expect(code).not.toMatch(/node:sqlite|sourceMappingURL|duckdb|Dynamic require/);
    expect(code).toContain('SCRAM-SHA-256');
    expect(size).toBeLessThanOrEqual(MOST_ZIPPED);
  });

  test("forgets the database's logs after a while, as all others", () => {
    const named = `/aws/rds/instance/${properties('Warehouse').DBInstanceIdentifier}`;
    const groups = ofType(stage(), 'AWS::Logs::LogGroup').filter(([, group]) =>
      group.Properties.LogGroupName.startsWith(named),
    );
    expect(groups.map(([, group]) => group.Properties.LogGroupName.slice(named.length + 1)).sort()).toEqual(
      [...properties('Warehouse').EnableCloudwatchLogsExports].sort(),
    );
    for (const [, group] of groups) expect(group.Properties.RetentionInDays).toBeGreaterThan(0);
  });
});

test('Stage prod would keep a snapshot of its warehouse, and refuse to delete it', () => {
  const [[, database]] = ofType(packages.prod, 'AWS::RDS::DBInstance') as [[string, Json]];
  expect([database.DeletionPolicy, database.UpdateReplacePolicy, database.Properties.DeletionProtection]).toEqual([
    'Snapshot',
    'Snapshot',
    true,
  ]);
  expect(database.Properties.BackupRetentionPeriod).toBe(14);
});
