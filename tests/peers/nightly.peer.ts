import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { findStage, type Stage } from '../../cli/smoke/stage';
import { dynamoArrivals } from '../../shared/adapters/aws/arrivals';
import type { Arrival } from '../../shared/domain/arrival';
import type { Manifest } from '../../shared/domain/bulk';
import { manifestKey, reportKey } from '../../shared/domain/lake';
import type { NightReport } from '../../shared/pipeline/nightly';
import { type Package, packaged } from '../package/packaged';
import { ROOT } from '../support/processes';
import { deployable, type Emulator, emulator, REGION, sls } from './stack/emulator';
import { zipped } from './stack/zip';
import { peer } from './support/peer';
import { execute, until } from './support/processes';

const about = peer({
  name: 'ministack (Step Functions)',
  proves: [
    'the nightly run is started by its schedule and by `npm run nightly -- --stage`, and walks its states to the end',
    'it waits for a file that is being read, has a claim go on whose notice was lost, and names what is stuck',
    'it loads the warehouse, merges and builds until that is done; a step that fails ends it as failed, with a report that says why',
  ],
  cannot: [
    'rights of the state machine and of the schedule: whatever they call is let through',
    'retries for Unavailable: an error that a Node function throws has lost its name there',
    'PostgreSQL and Athena: functions that answer as `warehouse` and `curate` do stand in their place',
    "the schedule's time zone, which it does not keep",
  ],
});

const STAGE = 'dev';
const BATCH = 'b'.repeat(32);
const MACHINE_ENDS_S = 120;

/** What stands in the place of `curate`: it merges at once, and builds in two calls, the second of which goes on. */
const CURATE = `export const handler = async ({ task, began_at }) => {
  if (task === 'build') return { done: began_at === 'then', began_at: 'then', insights: began_at ? 21 : 3, profiles: 0 };
  const counts = { arrivals: 1, days: 2, landed_rows: 4, curated_rows: 3, removed_duplicates: 1 };
  return { done: true, datasets: { transactions: counts } };
};`;
const MERGED = { transactions: { arrivals: 1, days: 2, landed_rows: 4, curated_rows: 3, removed_duplicates: 1 } };
const MERGE_AND_BUILD = [
  ...['Curate', 'Count merges', 'Are they merged?'],
  ...['Build', 'Count insights', 'Are they built?'],
  ...['Build', 'Count insights', 'Are they built?'],
];

const client = { region: REGION };
const lambda = () => new LambdaClient(client);
const sfn = () => new SFNClient(client);
const sqs = () => new SQSClient(client);
const s3 = () => new S3Client({ ...client, forcePathStyle: true });

/** Short waits, and a schedule for a moment ago, which the emulator makes good at once. */
const hurried = (values: string) =>
  deployable(values)
    .replace(/schedule: cron.+/, `schedule: at(${new Date(Date.now() - 60_000).toISOString().slice(0, 19)})`)
    .replace(/bounds: \{.+\}/, 'bounds: { wait: 60, claim: 60, load: 60 }')
    .replace(/pause: 60/, 'pause: 1')
    .replace(/settle: \d+/, 'settle: 1');

describe('the nightly run of a deployed stage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ecomflow-nightly-'));
  let platform: Emulator;
  let pack: Package;
  let stage: Stage;
  let machine: string;

  beforeAll(async () => {
    platform = await emulator(folder);
    about.version(platform.version);
    Object.assign(process.env, platform.env); // SDK clients of the checks
    pack = await packaged(STAGE, 'peers-nightly', hurried);
    // Before it is deployed: the schedule starts a night at once.
    writeFileSync(join(pack.folder, '.serverless/curate.zip'), zipped('functions/curate/handler.mjs', CURATE));
    await sls(platform, pack.folder, 'deploy', '--stage', STAGE, '--package', join(pack.folder, '.serverless'));
    stage = await findStage(STAGE, REGION);
    machine = stage.outputs.NightlyMachineArn!;
    await setMappings(false); // what claims and what reads does so when a check says so
  });
  afterAll(async () => {
    await platform?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function setMappings(Enabled: boolean): Promise<void> {
    for (const name of ['batch', 'claim']) {
      const asked = new ListEventSourceMappingsCommand({ FunctionName: `ecomflow-${STAGE}-${name}` });
      for (const { UUID } of (await lambda().send(asked)).EventSourceMappings!)
        await lambda().send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
    }
  }

  const arrivals = () => dynamoArrivals(new DynamoDBClient(client), stage.outputs.BatchesTableName!);

  /** Notes that a file is there, and is worked on. */
  async function arrived(name: string, facts: Partial<Arrival> = {}): Promise<Arrival> {
    const arrival: Arrival = {
      key: `inbox/transactions/${name}`,
      version: 'v1',
      checksum: 'c',
      bytes: 10,
      arrived_at: new Date(Date.now() - 60_000).toISOString(),
      state: 'reading',
      sent_by: 'somebody',
      lease: { holder: 'h', until: new Date(Date.now() + 960_000).toISOString() },
      ...facts,
    };
    await arrivals().note(arrival);
    return arrival;
  }
  const finish = (arrival: Arrival) => arrivals().note({ ...arrival, state: 'done' });

  /** `npm run nightly`, with what it said in the end. */
  const nightly = async (...args: string[]) => {
    const command = [join(ROOT, 'cli/run.js'), 'nightly', '--stage', STAGE, ...args];
    try {
      const { stdout, stderr } = await execute(process.execPath, command, {
        cwd: ROOT,
        env: platform.env,
        timeout: MACHINE_ENDS_S * 1000,
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      return { code: 1, stdout: '', stderr: (error as Error).message };
    }
  };

  const executions = async () =>
    (await sfn().send(new ListExecutionsCommand({ stateMachineArn: machine }))).executions ?? [];

  /** States that an execution was in, in their order. */
  async function statesOf(executionArn: string): Promise<string[]> {
    const asked = new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 });
    const { events = [] } = await sfn().send(asked);
    return events.flatMap(({ stateEnteredEventDetails: entered }) => (entered ? [entered.name!] : []));
  }

  /** The run that has come to a state; the one that was started last. */
  const runIn = (state: string) =>
    until(`a run that is in "${state}"`, 60, async () => {
      const [run] = (await executions()).filter(({ status }) => status === 'RUNNING');
      return run && (await statesOf(run.executionArn!)).includes(state) ? run.executionArn! : undefined;
    });

  async function kept(report: NightReport): Promise<unknown> {
    const Key = reportKey(report);
    const { Body } = await s3().send(new GetObjectCommand({ Bucket: stage.outputs.LakeBucket, Key }));
    return JSON.parse(await Body!.transformToString());
  }

  it('is started by its schedule, and has nothing to do', async () => {
    const run = await until('the run of the schedule', 90, async () =>
      (await executions()).find(({ status }) => status === 'SUCCEEDED'),
    );
    expect(await statesOf(run.executionArn!)).toEqual([
      'Begin',
      'Wait for files',
      'Are files open?',
      'Claim',
      'Are claims open?',
      'Let rows land',
      ...MERGE_AND_BUILD,
      'Report',
      'Was it a good night?',
      'Done',
    ]);
    const { output } = await sfn().send(new DescribeExecutionCommand({ executionArn: run.executionArn }));
    const report = JSON.parse(output!) as NightReport;
    expect(report).toMatchObject({ id: run.name, status: 'done', waited_for: { count: 0 }, loaded: null });
    expect(report).toMatchObject({ curated: MERGED, insights: { insights: 21, profiles: 0 } });
    expect(await kept(report)).toEqual(report);
  });

  it('waits for a file that is being read, and is told by npm run nightly, with the report that is kept', async () => {
    const file = await arrived('a file+ü.csv');
    const command = nightly();
    await runIn('Pause for files');
    await finish(file);
    const { code, stdout, stderr } = await command;
    const report = JSON.parse(stdout) as NightReport;
    expect([code, report.status]).toEqual([0, 'done']);
    expect(report.waited_for).toEqual({ count: 1, names: [file.key] });
    expect(report.left_over).toEqual({ count: 0, files: [] });
    expect(report.seconds.wait).toBeGreaterThanOrEqual(1);
    expect(stderr).toContain('waiting for 1 file of the inbox');
    expect(stderr).toContain('The night is done.');
    expect(await kept(report)).toEqual(report);
  });

  it('does not wait for a file that is stuck, and names it', async () => {
    const file = await arrived('stuck.csv', {
      arrived_at: '2026-01-01T00:00:00.000Z',
      lease: { holder: 'dead', until: '2026-01-01T00:16:00.000Z' },
    });
    const { code, stdout } = await nightly();
    const why = 'stuck: nobody has worked on it since 2026-01-01T00:16:00.000Z';
    expect(code).toBe(0);
    expect(JSON.parse(stdout).left_over).toEqual({
      count: 1,
      files: [{ key: file.key, state: 'reading', why }],
    });
    await finish(file);
  });

  it('has a claim go on whose notice was lost, and waits until it is done', async () => {
    const QueueUrl = (await sqs().send(new GetQueueUrlCommand({ QueueName: `ecomflow-${STAGE}-claims` }))).QueueUrl!;
    const facts = { dataset: 'transactions', batch_id: BATCH };
    const file = await arrived('large.csv', { ...facts, state: 'running', engine: 'spark' });
    const manifest: Manifest = {
      ...facts,
      contract_version: 1,
      key: file.key,
      version: file.version,
      sent_by: 'somebody',
      received_at: '2026-03-01T12:00:00.000Z',
      format: 'csv',
      columns: [],
      received: 0,
      chunks: [],
    };
    const put = { Bucket: stage.outputs.LakeBucket, Key: manifestKey(facts), Body: JSON.stringify(manifest) };
    await s3().send(new PutObjectCommand(put));
    const waiting = async () => {
      const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] });
      return Number((await sqs().send(asked)).Attributes!.ApproximateNumberOfMessages);
    };
    await until('the notice of S3', 30, async () => ((await waiting()) > 0 ? true : undefined));
    await sqs().send(new PurgeQueueCommand({ QueueUrl })); // it is lost
    expect(await waiting()).toBe(0);

    const command = nightly();
    await runIn('Pause for claims');
    const asked = new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 });
    const [message] = (await sqs().send(asked)).Messages!;
    expect(JSON.parse(message!.Body!)).toEqual(facts);
    await setMappings(true);
    const { code, stdout } = await command;
    await setMappings(false);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ claims: { count: 1, names: [BATCH] }, left_over: { count: 0 } });
    expect((await arrivals().of(file.key))[0]!.state).toBe('done');
  });

  it('goes on without the command that started it', async () => {
    const file = await arrived('slow.csv');
    const { code, stdout, stderr } = await nightly('--no-wait');
    expect([code, stdout]).toEqual([0, '']);
    const executionArn = /Started (\S+)/.exec(stderr)![1]!;
    await runIn('Pause for files');
    await finish(file);
    await until('its end', 60, async () => {
      const { status } = await sfn().send(new DescribeExecutionCommand({ executionArn }));
      return status === 'SUCCEEDED' ? true : undefined;
    });
  });

  it('goes on when Ctrl-C ends the command that follows it', async () => {
    const file = await arrived('slower.csv');
    const args = [join(ROOT, 'cli/run.js'), 'nightly', '--stage', STAGE];
    const child = spawn(process.execPath, args, { cwd: ROOT, env: platform.env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => (said += text));
    const ended = new Promise((done) => child.once('close', done));
    const executionArn = await runIn('Pause for files');
    await until('its line', 30, async () => (said.includes('waiting for 1 file') ? true : undefined));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said).toContain(`The run goes on without this command: ${executionArn}`);
    await finish(file);
    await until('its end', 60, async () => {
      const { status } = await sfn().send(new DescribeExecutionCommand({ executionArn }));
      return status === 'SUCCEEDED' ? true : undefined;
    });
  });

  it('ends as failed when a step fails, with a report of it, and says so', async () => {
    const FunctionName = `ecomflow-${STAGE}-nightly`;
    const { Environment } = await lambda().send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = Environment!.Variables!;
    const set = (changes: Record<string, string>) =>
      lambda().send(
        new UpdateFunctionConfigurationCommand({
          FunctionName,
          Environment: { Variables: { ...Variables, ...changes } },
        }),
      );
    await set({ BATCHES_TABLE: 'nothing-of-the-kind' });
    const { code, stderr } = await nightly();
    await set({});
    expect(code).toBe(1);
    expect(stderr).toContain('The night failed at "wait"');

    const [run] = await executions();
    const failed = await sfn().send(new DescribeExecutionCommand({ executionArn: run!.executionArn }));
    expect(failed.status).toBe('FAILED');
    expect(failed.cause).toContain('nothing-of-the-kind');
    const began_at = failed.startDate!.toISOString();
    expect(await kept({ id: run!.name!, began_at } as NightReport)).toMatchObject({
      id: run!.name,
      status: 'failed',
      loaded: null,
      failure: { step: 'wait', cause: failed.cause },
    });
    expect(await statesOf(run!.executionArn!)).toEqual([
      'Begin',
      'Wait for files',
      'Report',
      'Was it a good night?',
      'Failed',
    ]);
  });

  describe('with a warehouse', () => {
    const FunctionName = `ecomflow-${STAGE}-warehouse`;
    /** What the function `warehouse` answers, call by call. */
    const standIn = (body: string) => zipped('index.js', `let calls = 0; exports.handler = async () => { ${body} };`);
    const counted = `const counts = { files: 1, rows: 10, added: 7, known: 3, unreadable: [] };
      return { done: ++calls >= 3, datasets: { transactions: counts } };`;

    beforeAll(async () => {
      const { functionArn } = await deployed();
      const withWarehouse = await packaged(STAGE, 'peers-nightly-warehouse', (values) =>
        hurried(values).replace('engine: none', 'engine: postgres'),
      );
      const { Definition } = withWarehouse.template.Resources.NightlyMachine!.Properties;
      const { definition } = await sfn().send(new DescribeStateMachineCommand({ stateMachineArn: machine }));
      const arnOf = (name: string) => new RegExp(`"FunctionName": ?"([^"]+-${name})"`).exec(definition!)![1]!;
      const arns = { Nightly: arnOf('nightly'), Curate: arnOf('curate'), Warehouse: functionArn };
      const changed = Object.entries(arns).reduce(
        (text, [name, arn]) => text.replaceAll(`\${${name}}`, arn),
        JSON.stringify(Definition),
      );
      await sfn().send(new UpdateStateMachineCommand({ stateMachineArn: machine, definition: changed }));
    });

    async function deployed() {
      const { Role } = await lambda().send(
        new GetFunctionConfigurationCommand({ FunctionName: `ecomflow-${STAGE}-nightly` }),
      );
      const made = new CreateFunctionCommand({
        FunctionName,
        Role,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Timeout: 30,
        Code: { ZipFile: standIn(counted) },
      });
      return { functionArn: (await lambda().send(made)).FunctionArn! };
    }

    it('loads it until that is done, and reports the sum', async () => {
      const { code, stdout } = await nightly();
      const report = JSON.parse(stdout) as NightReport;
      expect([code, report.status]).toEqual([0, 'done']);
      expect(report.loaded).toEqual({ transactions: { files: 3, rows: 30, added: 21, known: 9, unreadable: [] } });
      expect(Object.keys(report.seconds)).toEqual(['wait', 'claim', 'load', 'curate', 'build']);
      const [run] = await executions();
      expect(await statesOf(run!.executionArn!)).toEqual([
        'Begin',
        'Wait for files',
        'Are files open?',
        'Claim',
        'Are claims open?',
        'Let rows land',
        ...['Load', 'Count', 'Is it loaded?'],
        ...['Load', 'Count', 'Is it loaded?'],
        ...['Load', 'Count', 'Is it loaded?'],
        'Refresh',
        ...MERGE_AND_BUILD,
        'Report',
        'Was it a good night?',
        'Done',
      ]);
    });

    it('ends as failed when it cannot be loaded, with what was loaded until then', async () => {
      const ZipFile = standIn(`if (calls > 0) throw new Error('the disk is full'); ${counted}`);
      await lambda().send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile }));
      const { code, stderr } = await nightly();
      expect(code).toBe(1);
      expect(stderr).toContain('The night failed at "load"');
      const [run] = await executions();
      const { status, cause, startDate } = await sfn().send(
        new DescribeExecutionCommand({ executionArn: run!.executionArn }),
      );
      expect([status, cause]).toEqual(['FAILED', 'the disk is full']);
      expect(await kept({ id: run!.name!, began_at: startDate!.toISOString() } as NightReport)).toMatchObject({
        status: 'failed',
        failure: { step: 'load', cause: 'the disk is full' },
        loaded: { transactions: { files: 1, rows: 10 } },
      });
    });
  });
});
