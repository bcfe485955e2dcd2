import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Json, ROOT } from './packaged';

const { resources } = require('../../resources/reconcile.js');

describe.each([
  ['dev', 'none'],
  ['dev', 'postgres'],
  ['prod', 'postgres'],
] as const)('The recount of stage %s with warehouse %s', (stage, engine) => {
  const values = parse(readFileSync(join(ROOT, `resources/stages/${stage}.yml`), 'utf8'));
  const hasWarehouse = engine !== 'none';
  let all: Record<string, Json>;
  let machine: Json;
  let states: Record<string, Json>;
  beforeAll(async () => {
    const variables: Record<string, Json> = {
      'self:custom.stage': { ...values, warehouse: { ...values.warehouse, engine } },
      'self:custom.name': `ecomflow-${stage}`,
    };
    all = (await resources({ resolveVariable: async (name: string) => variables[name] })).Resources;
    machine = all.ReconcileMachine.Properties;
    states = machine.Definition.States;
  });

  test('has the warehouse counted where there is one, and then recounts', () => {
    const walked: string[] = [];
    for (let at = machine.Definition.StartAt; at; at = states[at].Next) walked.push(at);
    expect(walked).toEqual([...(hasWarehouse ? ['Count the warehouse'] : []), 'Recount', 'Done']);
    expect(Object.keys(states)).toEqual(walked);
    const called = walked.flatMap((name) => states[name].Arguments?.FunctionName ?? []);
    expect(called.map((name: string) => name.slice(2, -1)).sort()).toEqual(
      Object.keys(machine.DefinitionSubstitutions).sort(),
    );
    const [statement] = all.ReconcileMachineRole.Properties.Policies[0].PolicyDocument.Statement;
    expect(statement).toMatchObject({ Resource: Object.values(machine.DefinitionSubstitutions) });
  });

  test('asks of zones what they keep, by the bucket’s own rules', () => {
    const { Payload } = states.Recount.Arguments;
    const { raw, landing, rejected } = values.lifecycle;
    expect(Payload).toMatchObject({ days: values.reconcile.days, keptDays: { raw, landing, rejected } });
    expect(Payload.days).toBeLessThan(raw);
    expect(Payload.settleSeconds).toBeGreaterThan(2 * values.delivery.seconds);
  });

  test('fails when there is no report: nothing is caught, and what was cut off is not tried again', () => {
    for (const { Type, Retry, Catch, TimeoutSeconds } of Object.values(states)) {
      expect(Catch).toBeUndefined();
      if (Type !== 'Task') continue;
      expect(TimeoutSeconds).toBeGreaterThan(900);
      expect(Retry[0].ErrorEquals).toEqual(expect.arrayContaining(['Unavailable', 'Lambda.TooManyRequestsException']));
      for (const never of ['Lambda.Unknown', 'States.Timeout', 'States.ALL'])
        expect(Retry[0].ErrorEquals).not.toContain(never);
    }
  });

  test('starts by the clock of the shop, when the night is over, and can do nothing else', () => {
    const { Target, ...schedule } = all.ReconcileSchedule.Properties;
    expect(schedule).toMatchObject({
      ScheduleExpression: expect.stringMatching(/^cron\(.+\)$/),
      ScheduleExpressionTimezone: values.nightly.timezone,
    });
    expect(Target.Arn).toEqual({ Ref: 'ReconcileMachine' });
    expect(all.ReconcileScheduleRole.Properties.Policies[0].PolicyDocument.Statement).toEqual([
      { Effect: 'Allow', Action: 'states:StartExecution', Resource: { Ref: 'ReconcileMachine' } },
    ]);
  });
});
