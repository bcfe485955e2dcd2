import { powertools } from '../../../shared/adapters/aws/telemetry';
import { METERS } from '../../../shared/domain/meters';
import type { Telemetry } from '../../../shared/pipeline/ports';

const NOW = '2026-03-01T12:00:00.000Z';

let telemetry: Telemetry;
let written: string[];
beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse(NOW) });
  process.env._X_AMZN_TRACE_ID = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1';
  written = [];
  for (const output of [process.stdout, process.stderr])
    jest.spyOn(output, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  telemetry = powertools({ serviceName: 'ecomflow-dev', namespace: 'ecomflow' });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
  delete process.env._X_AMZN_TRACE_ID;
});

/** What was written, each call as one line of JSON and nothing else, as CloudWatch wants it. */
const lines = () =>
  written.map((text) => {
    expect(text).toMatch(/^\{.*\}\n$/);
    return JSON.parse(text);
  });

describe('what is measured', () => {
  test('is one document in the embedded metric format for all values of a call', () => {
    telemetry.measure({ RowsKept: 972, PostToLedger: 1480.5 }, 'transactions');
    // As the specification has it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: 1772366400000,
          CloudWatchMetrics: [
            {
              Namespace: 'ecomflow',
              Dimensions: [['service', 'dataset']],
              Metrics: [
                { Name: 'RowsKept', Unit: 'Count' },
                { Name: 'PostToLedger', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        service: 'ecomflow-dev',
        dataset: 'transactions',
        RowsKept: 972,
        PostToLedger: 1480.5,
      },
    ]);
  });

  test('has no data set where none was given, whatever was measured before: nothing stays between calls', () => {
    telemetry.measure({ RowsKept: 1 }, 'events');
    telemetry.measure({ MailsSent: 2 });
    telemetry.measure({ RowsKept: 3 }, 'events');
    const [first, second, third] = lines();
    expect(second).toMatchObject({ service: 'ecomflow-dev', MailsSent: 2 });
    expect(second._aws.CloudWatchMetrics).toEqual([
      { Namespace: 'ecomflow', Dimensions: [['service']], Metrics: [{ Name: 'MailsSent', Unit: 'Count' }] },
    ]);
    expect(second).not.toHaveProperty('dataset');
    expect(second).not.toHaveProperty('RowsKept');
    expect(third).toEqual({ ...first, RowsKept: 3 });
  });

  test('may be any meter, with the unit that it is declared with', () => {
    const all = Object.fromEntries(Object.keys(METERS).map((meter, i) => [meter, i]));
    telemetry.measure(all);
    const [{ _aws, service, ...values }] = lines() as [Record<string, never>];
    expect(values).toEqual(all);
    expect(service).toBe('ecomflow-dev');
    expect((_aws as { CloudWatchMetrics: { Metrics: unknown }[] }).CloudWatchMetrics[0]!.Metrics).toEqual(
      Object.entries(METERS).map(([Name, { unit: Unit }]) => ({ Name, Unit })),
    );
  });

  test('is nothing when there is no number', () => {
    telemetry.measure({});
    telemetry.measure({ RowsKept: Number.NaN, RowsDuplicate: Number.POSITIVE_INFINITY }, 'events');
    expect(written).toEqual([]);
  });

  test('throws nothing that it cannot write at the caller, and leaves nothing of it for the next call', () => {
    telemetry.measure({ RowsKept: 1, NoMeter: 2 } as never, 'events');
    expect(lines()).toEqual([
      expect.objectContaining({ level: 'ERROR', message: 'values could not be measured', dataset: 'events' }),
    ]);
    written = [];
    telemetry.measure({ MailsSent: 1 });
    expect(Object.keys(lines()[0]).sort()).toEqual(['MailsSent', '_aws', 'service']);
  });

  test('is kept by another service', async () => {
    telemetry.measure({ MailsSent: 1 });
    expect(await telemetry.read()).toBeUndefined();
  });
});

describe('a line of the log', () => {
  test('is JSON with the facts as members, and the trace that is one for each invocation', () => {
    telemetry.log('info', 'a chunk is clean', { batch_id: 'b1', chunk_id: 'c1', dataset: undefined, rows: 3 });
    expect(lines()).toEqual([
      {
        level: 'INFO',
        message: 'a chunk is clean',
        timestamp: NOW,
        service: 'ecomflow-dev',
        sampling_rate: 0,
        xray_trace_id: '1-5759e988-bd862e3fe1be46a994272793',
        batch_id: 'b1',
        chunk_id: 'c1',
        rows: 3,
      },
    ]);
  });

  test('has an error with its trace and its causes', () => {
    const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    telemetry.log('error', 'a request failed', { error: new Error('reading batches', { cause }) });
    telemetry.log('warn', 'a file was looked at', {});
    expect(lines()).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        error: {
          name: 'Error',
          message: 'reading batches',
          stack: expect.stringContaining('telemetry.test.ts'),
          cause: { name: 'Error', message: 'socket hang up', code: 'ECONNRESET', stack: expect.any(String) },
        },
      }),
      expect.objectContaining({ level: 'WARN', message: 'a file was looked at' }),
    ]);
  });

  test('keeps nothing of the line before it', () => {
    telemetry.log('info', 'one', { batch_id: 'b1' });
    telemetry.log('info', 'two', { chunk_id: 'c2' });
    expect(lines()[1]).not.toHaveProperty('batch_id');
  });

  test('is written without facts that cannot be read, and is bounded', () => {
    const facts = {
      get batch_id(): string {
        throw new Error('gone');
      },
    };
    telemetry.log('info', 'a chunk is clean', facts);
    telemetry.log('info', 'm'.repeat(1_000_000), { text: 't'.repeat(1_000_000), level: 'silly' });
    const [unreadable, long] = lines();
    expect(unreadable).toMatchObject({ message: 'a chunk is clean', unreadable: 'Error: gone' });
    expect(long).toMatchObject({ level: 'INFO', level_: 'silly' });
    expect(written[1]!.length).toBeLessThan(10_000);
  });
});
