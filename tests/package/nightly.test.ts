import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { STEPS } from '../../shared/pipeline/nightly';
import { type Json, ROOT } from './packaged';

const { resources } = require('../../resources/nightly.js');

/** The resources of a stage, its warehouse as told. */
async function made(stage: string, engine: string): Promise<Record<string, Json>> {
  const values = parse(readFileSync(join(ROOT, `resources/stages/${stage}.yml`), 'utf8'));
  const variables: Record<string, Json> = {
    'self:custom.stage': { ...values, warehouse: { ...values.warehouse, engine } },
    'self:custom.name': `ecomflow-${stage}`,
  };
  const { Resources } = await resources({ resolveVariable: async (name: string) => variables[name] });
  return Resources;
}

const nextOf = (state: Json): string[] =>
  [state.Next, state.Default, ...(state.Choices ?? []), ...(state.Catch ?? [])]
    .filter((next) => next !== undefined)
    .map((next) => (typeof next === 'string' ? next : next.Next));

const MOST_HISTORY = 25_000; // events of an execution (AWS Step Functions, quotas)
/** Events that one round of asking, deciding and waiting writes, with a retry now and then. */
const ROUND = 14;

describe.each([
  ['dev', 'none'],
  ['dev', 'postgres'],
  ['prod', 'none'],
  ['prod', 'postgres'],
] as const)('The nightly run of stage %s with warehouse %s', (stage, engine) => {
  const hasWarehouse = engine !== 'none';
  let all: Record<string, Json>;
  let machine: Json;
  let states: Record<string, Json>;
  beforeAll(async () => {
    all = await made(stage, engine);
    machine = all.NightlyMachine.Properties;
    states = machine.Definition.States;
  });

  /** States that a state may come to. */
  const reachedFrom = (start: string) => {
    const reached = new Set([start]);
    for (const name of reached) for (const next of nextOf(states[name])) reached.add(next);
    return reached;
  };

  test('reaches every state of its machine, and from each of them an end', () => {
    expect([...reachedFrom(machine.Definition.StartAt)].sort()).toEqual(Object.keys(states).sort());
    for (const [name, state] of Object.entries(states)) {
      const isEnd = state.Type === 'Succeed' || state.Type === 'Fail';
      expect([name, nextOf(state).length > 0]).toEqual([name, !isEnd]);
      if (!isEnd) expect([...reachedFrom(name)]).toContain('Done');
    }
  });

  test('takes the steps in the order of the pipeline, and has those of the warehouse where there is one', () => {
    const walked: string[] = [];
    for (let at = machine.Definition.StartAt; states[at].Type !== 'Succeed'; ) {
      if (states[at].Type === 'Task') walked.push(states[at].Arguments.Payload.step ?? at);
      // Straight on: nothing is to be done again, and the night was good.
      const isGood = at === 'Was it a good night?';
      at = isGood ? states[at].Choices[0].Next : (states[at].Default ?? states[at].Next);
    }
    const calls: Partial<Record<string, string>> = { load: 'Load', curate: 'Curate', build: 'Build' };
    const steps = STEPS.flatMap((step) => [...(calls[step] ? [calls[step]] : []), step]);
    expect(walked).toEqual([...steps.filter((step) => hasWarehouse || !/load/i.test(step)), 'report']);
    expect('Refresh' in states).toBe(hasWarehouse);
    expect(JSON.stringify(machine).includes('Warehouse')).toBe(hasWarehouse);
  });

  test('calls functions that there are, which it may call, and no others', () => {
    const called = Object.values(states).flatMap((state) =>
      state.Type === 'Task' ? [state.Arguments.FunctionName.slice(2, -1)] : [],
    );
    const substituted = machine.DefinitionSubstitutions as Record<string, Json>;
    expect([...new Set(called)].sort()).toEqual(Object.keys(substituted).sort());
    const serverless = readFileSync(join(ROOT, 'serverless.yml'), 'utf8');
    for (const name of Object.keys(substituted)) {
      expect(substituted[name]).toEqual({ 'Fn::GetAtt': [`${name}LambdaFunction`, 'Arn'] });
      expect(`${serverless}\n  warehouse:`).toMatch(new RegExp(`^ {2}${name.toLowerCase()}:$`, 'm'));
    }
    const [statement] = all.NightlyMachineRole.Properties.Policies[0].PolicyDocument.Statement;
    expect(statement).toMatchObject({ Action: 'lambda:InvokeFunction', Resource: Object.values(substituted) });
  });

  test('tries each task again when the world is busy, in bounded time, and reports what it cannot mend', () => {
    for (const [name, state] of Object.entries(states).filter(([, { Type }]) => Type === 'Task')) {
      const [retry] = state.Retry;
      expect(retry.ErrorEquals).toEqual(
        expect.arrayContaining(['Unavailable', 'Lambda.ServiceException', 'Lambda.TooManyRequestsException']),
      );
      expect(retry.ErrorEquals).not.toContain('States.ALL'); // a defect repeats itself
      expect(retry.MaxAttempts).toBeLessThanOrEqual(10);
      expect(state.TimeoutSeconds).toBeLessThan(1000);
      expect(state.Catch).toMatchObject([
        { ErrorEquals: ['States.ALL'], Next: name === 'Report' ? 'Unreported' : 'Report' },
      ]);
    }
    const { Failed } = states;
    expect([Failed.Type, Failed.Cause]).toEqual(['Fail', '{% $states.input.failure.cause %}']);
  });

  test('waits between two looks, and not so often that the history of an execution is full', () => {
    const waits = Object.values(states).filter(({ Type }) => Type === 'Wait');
    expect(waits.length).toBe(3);
    for (const { Seconds } of waits) expect(Seconds).toBeGreaterThan(0);
    const { nightly } = parse(readFileSync(join(ROOT, `resources/stages/${stage}.yml`), 'utf8'));
    const rounds = (nightly.bounds.wait + nightly.bounds.claim) / nightly.pause;
    expect(rounds * ROUND).toBeLessThan(MOST_HISTORY);
    expect(Object.keys(nightly.bounds)).toEqual([...STEPS]);
    const bounds = STEPS.reduce((sum, step) => sum + nightly.bounds[step], nightly.settle);
    expect(bounds).toBeLessThan(machine.Definition.TimeoutSeconds / 2); // half of it for retries
  });

  test('starts by the clock of the shop, and can do nothing else', () => {
    const { Target, ...schedule } = all.NightlySchedule.Properties;
    expect(schedule).toMatchObject({
      ScheduleExpression: expect.stringMatching(/^cron\(.+\)$/),
      ScheduleExpressionTimezone: expect.stringMatching(/^\w+\/\w+$/),
      FlexibleTimeWindow: { Mode: 'OFF' },
    });
    expect(Target.Arn).toEqual({ Ref: 'NightlyMachine' });
    expect(all.NightlyScheduleRole.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'states:StartExecution', Resource: { Ref: 'NightlyMachine' } },
    ]);
  });

  test('logs all that happens, and traces it', () => {
    expect(machine.LoggingConfiguration.Level).toBe('ALL');
    expect(machine.TracingConfiguration).toEqual({ Enabled: true });
    expect(all.NightlyMachineLogs.Properties.RetentionInDays).toBeGreaterThan(0);
  });
});
