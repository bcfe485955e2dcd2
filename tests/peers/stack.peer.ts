import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import {
  AdminAddUserToGroupCommand,
  AdminConfirmSignUpCommand,
  CognitoIdentityProviderClient,
  ListUserPoolsCommand,
  SignUpCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  ListTablesCommand,
  paginateScan,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { simulate } from '../../cli/simulator';
import { signIn } from '../../cli/smoke/sign-in';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { insights } from '../../shared/domain/insight';
import { decodeRejected } from '../../shared/domain/lake';
import { unpackAll } from '../../shared/domain/packing';
import { type Package, packaged } from '../package/packaged';
import { ROOT } from '../support/processes';
import { acceptedIn, countBySql, sql } from '../support/sql';
import { type Client, clientOf, disableMapping } from './stack/client';
import { curate } from './stack/curated';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { type Mapping, mapByHand } from './stack/mapping';
import { realRows, whatIsTested } from './support/data';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

const ministack = peer({
  name: 'ministack',
  proves: [
    'the stack of serverless.yml deploys with CloudFormation, with the bundles that would go to AWS',
    'a client signs in, sends rows and finds every one of them again, in every store',
    'the roles and policies suffice, over TLS only, by an IAM evaluation that others wrote',
    'a browser gets the page at /, and the figures of the day have a row that came seconds ago',
    "an insight's statement runs in the deployed workgroup, and comes back as its fixture says",
    'a load goes on where it was when the platform stops and starts again',
  ],
  cannot: [
    'partial batch failures, retries and failure destinations of a Kinesis mapping: it drops what clean fails on, so the 20,000 rows are delivered by our event source',
    "Firehose's own OpenX SerDe and buffers: it converts each record by itself, slowly, so the 20,000 rows go by landing: direct",
    'that nobody signs up by themselves where the stage file says so: it lets everybody',
    'a budget: it knows none, so that the stage is deployed without',
    'merges, Iceberg and what Athena may do: its Athena is DuckDB over plain Parquet, refuses to make an Iceberg table, touches S3 and Glue without asking for rights, and has no workgroup to judge GetQueryExecution and GetQueryResults by',
    'throttling, cold starts and the limits of a real gateway (10 MB, 30 s)',
  ],
});

const ROWS = 20_000;
/** Rows of the load that a stop breaks into. */
const LOAD = 200_000;
/** Figures of the day are as old as this, at most. */
const LIVE_SECONDS = 10;
/** It asks for transactions alone; its fixture is all in one March. */
const INSIGHT = 'revenue_by_country';
const STAGE = 'dev';
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
  'alert',
  'admin',
  'redrive',
  'reconcile',
];
/** Resource types that the emulator refuses, so that they must be left out. It has learned the last of them. */
const LEFT_OUT: readonly string[] = [];

describe('the deployed stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-stack-'));
  let platform: Emulator;
  let pack: Package;
  /** SHA-256 of each function's zip as it was deployed last, in Lambda's words. */
  let bundles = new Map<string, string>();
  let csv: string;

  beforeAll(async () => {
    platform = await emulator(folder);
    ministack.version(platform.version);
    csv = join(folder, 'rows.csv');
    writeFileSync(csv, await realRows(ROWS));
    Object.assign(process.env, platform.env); // SDK clients of the checks
  });
  afterAll(async () => {
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const resources = async () => {
    const asked = new DescribeStackResourcesCommand({ StackName: `ecomflow-${STAGE}` });
    return (await new CloudFormationClient({ region: REGION }).send(asked)).StackResources!;
  };

  /** Deploys a packaged stage, and counts what is there against what its template wants. */
  const deploy = async (pack: Package) => {
    bundles = new Map(
      FUNCTIONS.map((name) => {
        const zip = readFileSync(join(pack.folder, `.serverless/${name}.zip`)); // which a deploy removes
        return [name, createHash('sha256').update(zip).digest('base64')];
      }),
    );
    await sls(platform, pack.folder, 'deploy', '--stage', STAGE, '--package', join(pack.folder, '.serverless'));
    const wanted = Object.entries(pack.template.Resources).map(([id, { Type }]) => `${Type} ${id}`);
    const made = (await resources()).map(
      ({ ResourceType, LogicalResourceId }) => `${ResourceType} ${LogicalResourceId}`,
    );
    expect(made.sort()).toEqual(wanted.filter((resource) => !LEFT_OUT.includes(resource.split(' ')[0]!)).sort());
    return made.length;
  };

  /** SHA-256 of each deployed function's code, by name, as Lambda has it. */
  const deployedBundles = async () => {
    const found = new Map<string, string>();
    for (const name of FUNCTIONS) {
      const asked = new GetFunctionConfigurationCommand({ FunctionName: `ecomflow-${STAGE}-${name}` });
      found.set(name, (await new LambdaClient({ region: REGION }).send(asked)).CodeSha256!);
    }
    return found;
  };

  it('deploys with every resource of its template', async () => {
    pack = await packaged(STAGE, 'peers', deployable);
    ministack.figure('resources deployed', `${await deploy(pack)}; left out: ${LEFT_OUT.join(', ') || 'none'}`);
  });

  it('runs the very bundles that were packaged', async () => {
    expect(await deployedBundles()).toEqual(bundles);
  });

  it('shows its alarms, as they were deployed, on its dashboard', async () => {
    const cloudwatch = new CloudWatchClient({ region: REGION });
    const { DashboardBody } = await cloudwatch.send(new GetDashboardCommand({ DashboardName: `ecomflow-${STAGE}` }));
    expect(DashboardBody).toContain(`"FunctionName","ecomflow-${STAGE}-clean"`);
    const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ MaxRecords: 100 }));
    const shown = JSON.parse(DashboardBody!).widgets.find(({ type }: { type: string }) => type === 'alarm');
    expect([...shown.properties.alarms].sort()).toEqual(MetricAlarms!.map(({ AlarmArn }) => AlarmArn).sort());
  });

  it('refuses whom no policy allows: rights are judged here', async () => {
    const iam = new IAMClient({ region: REGION });
    await iam.send(new CreateUserCommand({ UserName: 'nobody' }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'nobody' }));
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    const nobody = new DynamoDBClient({ region: REGION, credentials });
    const ask = new ScanCommand({ TableName: `ecomflow-${STAGE}-invoices` });
    await expect(nobody.send(ask)).rejects.toThrow(/not authorized to perform: dynamodb:Scan/);
    expect((await new DynamoDBClient({ region: REGION }).send(ask)).Count).toBe(0);
  });

  it('passes the smoke test', async () => {
    const args = [join(ROOT, 'cli/run.js'), 'smoke', '--stage', STAGE];
    const { stdout } = await execute(process.execPath, args, { cwd: ROOT, env: platform.env, timeout: 240_000 });
    process.stderr.write(stdout.replace(/^/gm, '       '));
    expect(stdout).toMatch(/^14 checks hold, 0 do not, 1 could not be tried on an emulator\.$/m);
  });

  it('answers a browser with the page, its files and where to sign in', async () => {
    const stage = await findStage(STAGE, REGION);
    const fetched = async (path: string) => {
      const answer = await fetch(`${stage.api}${path}`, { headers: { 'accept-encoding': 'br' } });
      expect([path, answer.status]).toEqual([path, 200]);
      return answer;
    };
    const page = await fetched('/');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toMatch(/^<!doctype html>/i);
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(1); // a script and a style
    for (const path of assets) expect((await (await fetched(path)).text()).length).toBeGreaterThan(1000);
    const config = JSON.stringify(await (await fetched('/config.json')).json());
    expect(config).toContain(stage.outputs.PeopleClientId);
    expect(config).toContain(`.auth.${REGION}.amazoncognito.com`);
  });

  it('has a row in the figures of the day seconds after it came, by its own reading of the stream', async () => {
    const stage = await findStage(STAGE, REGION);
    const client = await clientOf(stage, platform);
    const figures = async () => (await client.get<Live>('/live')).transactions;
    const before = await figures();
    const row = { invoice_no: '999001', stock_code: 'LIVE', quantity: 3, unit_price: '2.50', country: 'France' };
    const body = JSON.stringify([{ ...row, invoice_date: new Date().toISOString() }]);
    const headers = { authorization: `Bearer ${await client.token()}`, 'content-type': 'application/json' };
    const began = Date.now();
    const { status } = await fetch(`${stage.api}/v1/transactions`, { method: 'POST', headers, body });
    expect(status).toBe(202);
    const after = await until('the figures have it', LIVE_SECONDS, async () => {
      const now = await figures();
      return now.pieces === before.pieces + 3 ? now : undefined;
    });
    expect(after.orders).toBe(before.orders + 1);
    expect(after.top_products).toContainEqual(expect.objectContaining({ stock_code: 'LIVE', revenue: '7.5' }));
    // What is counted below is what is sent there.
    const Key = { invoice_no: { S: row.invoice_no }, part: { N: '0' } };
    const remove = new DeleteItemCommand({ TableName: stage.outputs.InvoicesTableName, Key, ReturnValues: 'ALL_OLD' });
    expect((await new DynamoDBClient({ region: REGION }).send(remove)).Attributes).toBeDefined();
    ministack.figure('a row is in GET /v1/live', `${((Date.now() - began) / 1000).toFixed(1)} s after it was sent`);
  });

  it('names every insight while nothing is built', async () => {
    const client = await clientOf(await findStage(STAGE, REGION), platform);
    const list = await client.get<{ built_at: unknown; insights: { name: string; built_at: unknown }[] }>('/insights');
    expect(list.built_at).toBeNull();
    expect(list.insights.map(({ name }) => name).sort()).toEqual([...insights.keys()].sort());
    expect(list.insights.every(({ built_at }) => built_at === null)).toBe(true);
    const one = await client.get<{ rows: unknown[] }>('/insights/revenue_by_country');
    expect(one.rows).toEqual([]);
  });

  it('runs an insight about some days by the SQL that Athena is sent', async () => {
    const stage = await findStage(STAGE, REGION);
    const client = await clientOf(stage, platform);
    const fixture = join(ROOT, 'tests/fixtures/insights', INSIGHT);
    const named = new Map((await resources()).map((one) => [one.LogicalResourceId, one.PhysicalResourceId!]));
    await curate(stage, named.get('Catalog')!, fixture);
    // A run is its workgroup's, by which AWS judges who asks for it; the emulator knows no resource for these two.
    const iam = new IAMClient({ region: REGION });
    const policy = { RoleName: named.get('InsightsRole')!, PolicyName: 'runs' };
    const Statement = {
      Effect: 'Allow',
      Action: ['athena:GetQueryExecution', 'athena:GetQueryResults'],
      Resource: '*',
    };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
    try {
      const answer = await fetch(`${stage.api}/v1/insights/${INSIGHT}?from=2026-03-01&to=2026-03-31&format=csv`, {
        headers: { authorization: `Bearer ${await client.token()}` },
      });
      const text = (await answer.text()).replaceAll('\r\n', '\n');
      expect([answer.status, text]).toEqual([200, readFileSync(join(fixture, 'expected.csv'), 'utf8')]);
    } finally {
      await iam.send(new DeleteRolePolicyCommand(policy));
    }
  });

  // Converting a chunk to Parquet by itself takes the emulator longer than a client of Firehose may wait.
  it('is changed in place by a second deploy: landing without Firehose, and who wants may sign up', async () => {
    const direct = await packaged(STAGE, 'peers-direct', (values) =>
      deployable(values)
        .replace('landing: firehose', 'landing: direct')
        .replace('selfSignUp: false', 'selfSignUp: true'),
    );
    expect(direct.template.Resources).not.toEqual(pack.template.Resources);
    await deploy(direct);
    expect(await deployedBundles()).toEqual(bundles);
  });

  it('lets a person sign up and sign in then, who may read once they are in a group', async () => {
    const stage = await findStage(STAGE, REGION);
    const cognito = new CognitoIdentityProviderClient({ region: REGION });
    const { UserPoolId, PeopleClientId: ClientId } = stage.outputs;
    const person = { Username: 'ada@example.com', Password: 'correct horse 42 Battery!' };
    await cognito.send(new SignUpCommand({ ClientId, ...person }));
    await cognito.send(new AdminConfirmSignUpCommand({ UserPoolId, Username: person.Username }));
    const statusOfRead = async () => {
      const authorization = `Bearer ${await signIn(stage, person.Username, person.Password)}`;
      const { status } = await fetch(`${stage.api}/v1/invoices/nothing`, { headers: { authorization } });
      return status;
    };
    expect(await statusOfRead()).toBe(403);
    const analyst = { UserPoolId, Username: person.Username, GroupName: 'analyst' };
    await cognito.send(new AdminAddUserToGroupCommand(analyst));
    expect(await statusOfRead()).toBe(404); // there is no such invoice, which they may know now
  });

  describe(`with ${whatIsTested(ROWS)}`, () => {
    let stage: Stage;
    let client: Client;
    let counts: Awaited<ReturnType<typeof countBySql>>;
    let batch: string;
    let mapping: Mapping;

    beforeAll(async () => {
      stage = await findStage(STAGE, REGION);
      await disableMapping(`ecomflow-${STAGE}-clean`);
      mapping = await mapByHand(stage.outputs.StreamName!, `ecomflow-${STAGE}-clean`);
      client = await clientOf(stage, platform);
      counts = await countBySql(csv);
    });
    afterAll(() => mapping?.stop());

    it('accounts for every row that npm run ingest sends', async () => {
      const { stdout } = await client.ingest(csv);
      expect(stdout).toContain('balanced: every row is accounted for');
      const file = await client.get<Report>(`/files/${createHash('sha256').update(readFileSync(csv)).digest('hex')}`);
      const { received, kept, duplicate, rejected } = file;
      expect({ received, kept, duplicate, rejected }).toEqual(counts);
      batch = file.batches[0]!;
    });

    it('has each kept line once in DynamoDB, on its invoice, and each customer with their invoices', async () => {
      const invoices = new Map<string, number>();
      for (const { invoice_no, l } of await scan(stage.outputs.InvoicesTableName!)) {
        const key = invoice_no!.S!;
        invoices.set(key, (invoices.get(key) ?? 0) + l!.L!.length);
      }
      const wanted = await sql(`select InvoiceNo, count(*)::integer from ${acceptedIn(csv)} group by all`);
      expect([...invoices].sort()).toEqual(wanted.sort());
      const customers = (await scan(stage.outputs.CustomersTableName!)).map(({ customer_id, invoice_no }) => [
        customer_id!.S!,
        invoice_no!.S!,
      ]);
      const known = await sql(
        `select distinct CustomerID, InvoiceNo from ${acceptedIn(csv)} where CustomerID is not null`,
      );
      expect(customers.sort()).toEqual(known.sort());
      ministack.figure('items in DynamoDB', `${invoices.size} invoices, ${customers.length} of customers`);
    });

    it('has each kept row once in Parquet on S3, to the last cent', async () => {
      const lake = join(folder, 'landing');
      const keys = await client.download('landing/transactions/', lake);
      const totals = 'count(*)::integer, sum(quantity * unit_price)::varchar, sum(epoch(invoice_date))::varchar';
      const [found] = await sql(
        `select count(distinct line_id)::integer, ${totals} from read_parquet('${lake}/*') where batch_id = '${batch}'`,
      );
      const [wanted] = await sql(`select count(*)::integer, ${totals} from ${acceptedIn(csv)}`);
      expect(found).toEqual(wanted);
      ministack.figure('objects in landing/', String(keys.length));
    });

    it('has each refused row with its reason and text on S3, and what came in raw/', async () => {
      const rejected: Record<string, number> = {};
      for (const bytes of await client.objects('rejected/transactions/')) {
        for (const { reason } of decodeRejected(bytes)) rejected[reason] = (rejected[reason] ?? 0) + 1;
      }
      expect(rejected).toEqual(counts.rejected);
      const texts: string[] = [];
      for (const bytes of await client.objects('raw/')) {
        const chunks = [...unpackAll(bytes)].filter(({ batch_id }) => batch_id === batch);
        texts.push(...chunks.sort((a, b) => a.number - b.number).flatMap(({ text }) => text.trimEnd().split('\n')));
      }
      const [, ...sent] = readFileSync(csv, 'utf8').trimEnd().split('\n');
      expect(texts.sort()).toEqual(sent.sort());
    });

    it('answers with what was sent: invoices, items, customers, and a refused row with its reason', async () => {
      const columns = 'StockCode, quantity, unit_price::varchar';
      const sample = await sql(`select InvoiceNo from ${acceptedIn(csv)} group by 1 order by hash(InvoiceNo) limit 20`);
      for (const [invoice_no] of sample) {
        const { lines } = await client.get<{ lines: Line[] }>(`/invoices/${invoice_no}`);
        const found = lines.map(({ stock_code, quantity, unit_price }) => [stock_code, quantity, Number(unit_price)]);
        const wanted = await sql(`select ${columns} from ${acceptedIn(csv)} where InvoiceNo = '${invoice_no}'`);
        expect(found.sort()).toEqual(wanted.map(([code, pieces, price]) => [code, pieces, Number(price)]).sort());
        const [[code]] = wanted as [[string]];
        const items = await client.get<Line[]>(`/invoices/${invoice_no}/items/${code}`);
        expect(items.length).toBe(wanted.filter(([other]) => other === code).length);
      }
      const [[customer, count]] = (await sql(
        `select CustomerID, count(distinct InvoiceNo)::integer n from ${acceptedIn(csv)}
         where CustomerID is not null group by 1 order by n desc limit 1`,
      )) as [[string, number]];
      const { invoices } = await client.get<{ invoices: unknown[] }>(`/customers/${customer}/invoices?limit=100`);
      expect(invoices.length).toBe(count);

      const { rows } = await client.get<{ rows: Refused[] }>(`/batches/${batch}/rejected`);
      const lines = readFileSync(csv, 'utf8').split('\n');
      expect(rows.length).toBeGreaterThan(0);
      for (const { line, text } of rows) expect(text).toBe(lines[line - 1]);
      const [first] = rows.filter(({ reason }) => reason === 'cancellation');
      expect(first!.text).toMatch(/^C/);
    });

    it('goes on where it was when the platform stops in the middle of a load and starts again', async () => {
      const other = join(folder, 'more.csv');
      writeFileSync(other, [...simulate({ dataset: 'transactions', rows: LOAD, seed: 3 })].join(''));
      const wanted = await countBySql(other);
      const load = client.ingest(other);
      load.catch(() => undefined); // awaited below
      const hash = createHash('sha256').update(readFileSync(other)).digest('hex');
      const before = await until('the first part of the load', 60, async () => {
        const file = await client.get<Report>(`/files/${hash}`).catch(() => undefined);
        return file && file.received > 0 ? file : undefined;
      });
      expect(before.balanced && before.received === wanted.received).toBe(false);
      await platform.stop();
      await expect(client.get('/health')).rejects.toThrow();
      await platform.start();
      await load;
      const { received, kept, duplicate, rejected, balanced } = await client.get<Report>(`/files/${hash}`);
      expect({ received, kept, duplicate, rejected, balanced }).toEqual({ ...wanted, balanced: true });
      expect(mapping.discarded).toEqual([]);
      ministack.figure(
        `rows in at the stop, of ${LOAD}`,
        `${before.received}; invocations done again: ${mapping.failures()}`,
      );
    });
  });

  it('is removed as docs/operations.md says, and leaves no table, bucket, function or user pool', async () => {
    const stage = await findStage(STAGE, REGION);
    await (await clientOf(stage, platform)).empty();
    await sls(platform, pack.folder, 'remove', '--stage', STAGE);
    const { TableNames } = await new DynamoDBClient({ region: REGION }).send(new ListTablesCommand({}));
    const { Buckets } = await new S3Client({ region: REGION }).send(new ListBucketsCommand({}));
    const { Functions } = await new LambdaClient({ region: REGION }).send(new ListFunctionsCommand({}));
    const cognito = new CognitoIdentityProviderClient({ region: REGION });
    const { UserPools } = await cognito.send(new ListUserPoolsCommand({ MaxResults: 10 }));
    expect({ TableNames, Buckets, Functions, UserPools }).toEqual({
      TableNames: [],
      Buckets: [],
      Functions: [],
      UserPools: [],
    });
  });
});

interface Report {
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly balanced: boolean;
  readonly batches: readonly string[];
}
interface Line {
  readonly stock_code: string;
  readonly quantity: number;
  readonly unit_price: string;
}
interface Live {
  readonly transactions: {
    readonly orders: number;
    readonly pieces: number;
    readonly top_products: readonly { readonly stock_code: string; readonly revenue: string }[];
  };
}
interface Refused {
  readonly line: number;
  readonly reason: string;
  readonly text: string;
}

/** Every item of a table. */
async function scan(TableName: string): Promise<Record<string, AttributeValue>[]> {
  const items: Record<string, AttributeValue>[] = [];
  const client = new DynamoDBClient({ region: REGION });
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) items.push(...Items);
  return items;
}
