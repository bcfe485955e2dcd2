import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { EventSourceSettings } from '../../shared/adapters/local/event-source';
import type { AlertsHere } from './alerts';

/** The stream event of a function, as serverless.yml has it: the laptop runs what AWS would. */
export function eventSourceOf(root: string, functionName: string): EventSourceSettings {
  // CloudFormation's tags (!GetAtt ...) mean nothing to us here.
  const file = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'), { logLevel: 'error' });
  const stream = file.functions[functionName].events.find((event: { stream?: unknown }) => event.stream).stream;
  const number = (name: string, otherwise: number): number => {
    const value = stream[name] ?? otherwise;
    if (typeof value !== 'number') throw new Error(`serverless.yml: ${functionName}'s ${name} is not a plain number`);
    return value;
  };
  return {
    batchSize: number('batchSize', 100),
    batchWindowSeconds: number('batchWindow', 0),
    reportBatchItemFailures: stream.functionResponseType === 'ReportBatchItemFailures',
    bisectBatchOnFunctionError: stream.bisectBatchOnFunctionError === true,
    maximumRetryAttempts: number('maximumRetryAttempts', -1),
    maximumRecordAgeInSeconds: number('maximumRecordAgeInSeconds', -1),
  };
}

/** When people are told of what, as the stage file of this machine has it. */
export function alertsOf(root: string): Omit<AlertsHere, 'api'> {
  const file = join('resources', 'stages', 'local.yml');
  const { alerts } = parse(readFileSync(join(root, file), 'utf8'), { logLevel: 'error' });
  const number = (name: string): number => {
    const value = alerts?.[name];
    if (typeof value !== 'number') throw new Error(`${file}: alerts.${name} is not a plain number`);
    return value;
  };
  return {
    stage: 'local',
    option: '',
    every: number('every'),
    unbalancedMinutes: number('unbalancedMinutes'),
    rejectedShare: number('rejectedShare'),
  };
}
