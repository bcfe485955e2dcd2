import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Package, packaged, templateOf } from '../package/packaged';
import { type Finding, suppressions } from './rules/suppressions';
import { packages } from './support/install';
import { peer } from './support/peer';
import { execute } from './support/processes';

const STAGES = ['dev', 'staging', 'prod'] as const;

const about = peer({
  name: 'cdk-nag (AwsSolutions)',
  version: pinned('cdk-nag'),
  proves: [
    'the template that is deployed, of every stage, breaks no rule of the pack but those of rules/suppressions.yml, each with its reason',
    'every resource of it was looked at, and bad ones planted in it are found',
  ],
  cannot: [
    'the pack knows no rule for some types, which are listed above: their resources are only looked at',
    'what a role is asked for and what it needs: tests/package holds the grants to the code',
  ],
});

/** What nag.js says of a template. */
interface Judgement {
  /** Logical ids of the resources that the rules were shown. */
  readonly visited: readonly string[];
  /** Types of which some rule had something to say. */
  readonly judged: readonly string[];
  readonly findings: readonly (Finding & { readonly info: string })[];
  /** Rules that broke down. */
  readonly errors: readonly object[];
}

type Resources = Record<string, { readonly Type: string; readonly Properties?: object }>;

/** Logical ids and what is wrong with each, so that the rules can be seen to bite. */
const PLANTED: Resources = {
  PlantedBucket: {
    Type: 'AWS::S3::Bucket',
    Properties: {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: false,
        BlockPublicPolicy: false,
        RestrictPublicBuckets: false,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'ObjectWriter' }] },
    },
  },
  PlantedRole: {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
      Policies: [
        {
          PolicyName: 'everything',
          PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] },
        },
      ],
    },
  },
  PlantedStream: { Type: 'AWS::Kinesis::Stream', Properties: { ShardCount: 1 } },
  PlantedTable: {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    },
  },
  PlantedFunction: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Runtime: 'nodejs16.x',
      Handler: 'index.handler',
      Role: { 'Fn::GetAtt': ['PlantedRole', 'Arn'] },
      Code: { ZipFile: '' },
    },
  },
  PlantedTopic: { Type: 'AWS::SNS::Topic', Properties: {} },
};
/** The pack's ids for what is wrong with them (RULES.md of cdk-nag). */
const BITES: readonly Finding[] = [
  { rule: 'AwsSolutions-S1', finding: '', resource: 'PlantedBucket' }, // no access logs
  { rule: 'AwsSolutions-S2', finding: '', resource: 'PlantedBucket' }, // public access
  { rule: 'AwsSolutions-S10', finding: '', resource: 'PlantedBucket' }, // no TLS asked for
  {
    rule: 'AwsSolutions-IAM4', // a managed policy
    finding: 'Policy::arn:aws:iam::aws:policy/AdministratorAccess',
    resource: 'PlantedRole',
  },
  { rule: 'AwsSolutions-IAM5', finding: 'Action::s3:*', resource: 'PlantedRole' },
  { rule: 'AwsSolutions-IAM5', finding: 'Resource::*', resource: 'PlantedRole' },
  { rule: 'AwsSolutions-KDS1', finding: '', resource: 'PlantedStream' }, // not encrypted
  { rule: 'AwsSolutions-DDB3', finding: '', resource: 'PlantedTable' }, // no point-in-time recovery
  { rule: 'AwsSolutions-L1', finding: '', resource: 'PlantedFunction' }, // an old runtime
  { rule: 'AwsSolutions-SNS3', finding: '', resource: 'PlantedTopic' }, // no TLS asked for
];

/** Where something is to be protected: the pack must have had something to say of each. */
const WEIGHTY = [
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::Cognito::UserPool',
  'AWS::DynamoDB::Table',
  'AWS::IAM::Role',
  'AWS::Kinesis::Stream',
  'AWS::KinesisFirehose::DeliveryStream',
  'AWS::Lambda::Function',
  'AWS::S3::Bucket',
];

describe('The packaged template', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-rules-'));
  const stages = new Map<string, Package & { readonly judgement: Judgement }>();
  let planted: Judgement;

  beforeAll(async () => {
    const folder = await packages('rules');
    const made: Package[] = [];
    for (const stage of STAGES) made.push(await packaged(stage, `rules-${stage}`));

    const { template } = made.at(-1)!;
    const bad = join(scratch, 'planted.json');
    writeFileSync(bad, JSON.stringify({ ...template, Resources: { ...template.Resources, ...PLANTED } }));
    const files = [...made.map((one) => templateOf(one.folder)), bad];
    const script = [join(__dirname, 'rules/nag.js'), join(scratch, 'cdk'), ...files];
    const { stdout } = await execute(process.execPath, script, { cwd: folder, timeout: 120_000 });
    const judgements = JSON.parse(stdout) as Judgement[];
    for (const [i, stage] of STAGES.entries()) stages.set(stage, { ...made[i]!, judgement: judgements[i]! });
    planted = judgements.at(-1)!;
  });
  afterAll(() => {
    for (const { folder } of stages.values()) rmSync(folder, { recursive: true, force: true });
    rmSync(scratch, { recursive: true, force: true });
  });

  test.each(STAGES)('of stage %s is looked at as a whole, and no rule breaks down', (stage) => {
    const { template, judgement } = stages.get(stage)!;
    expect(judgement.visited).toEqual(Object.keys(template.Resources).sort());
    expect(judgement.visited.length).toBeGreaterThan(50);
    expect(judgement.errors).toEqual([]);
    expect(WEIGHTY.filter((type) => !judgement.judged.includes(type))).toEqual([]);
    const types = [...new Set(Object.values(template.Resources).map(({ Type }) => Type))].sort();
    const unknown = types.filter((type) => !judgement.judged.includes(type));
    about.figure('types without a rule', unknown.map((type) => type.replace('AWS::', '')).join(', '));
  });

  test.each(STAGES)('of stage %s breaks no rule but those that are suppressed with a reason', (stage) => {
    const known = suppressions(stage).flatMap(({ findings }) => findings.map(asText));
    const unknown = stages.get(stage)!.judgement.findings.filter((finding) => !known.includes(asText(finding)));
    expect(unknown).toEqual([]);
  });

  test.each(STAGES)('of stage %s has every finding that is suppressed: none is left over', (stage) => {
    const found = stages.get(stage)!.judgement.findings.map(asText);
    const expected = suppressions(stage).flatMap(({ findings }) => findings.map(asText));
    expect(expected.filter((finding) => !found.includes(finding))).toEqual([]);
    expect(new Set(expected).size).toBe(expected.length);
    about.figure(`findings on stage ${stage}`, `${found.length}, all of them suppressed`);
  });

  test('has bad resources found that are planted in it', () => {
    const found = planted.findings.filter(({ resource }) => resource in PLANTED).map(asText);
    expect(BITES.map(asText).filter((finding) => !found.includes(finding))).toEqual([]);
    expect(Object.keys(PLANTED).filter((id) => !planted.visited.includes(id))).toEqual([]);
  });

  test('is suppressed in one line each', () => {
    const reasons = STAGES.flatMap((stage) => suppressions(stage).map(({ why }) => why));
    expect(reasons.filter((why) => !/^.{20,120}\.$/.test(why))).toEqual([]);
  });
});

const asText = ({ rule, finding, resource }: Finding) => `${rule} ${resource} ${finding}`.trim();

function pinned(name: string): string {
  const declared = readFileSync(join(__dirname, 'install/node/rules/package.json'), 'utf8');
  return (JSON.parse(declared) as { dependencies: Record<string, string> }).dependencies[name]!;
}
