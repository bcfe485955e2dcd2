import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { EventSourceSettings } from '../../shared/adapters/local/event-source';

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
