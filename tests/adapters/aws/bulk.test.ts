import { glueBulk, s3BulkOutput, workersFor } from '../../../shared/adapters/aws/bulk';
import type { BulkJob } from '../../../shared/domain/bulk';
import { datasets } from '../../../shared/domain/dataset';
import { toParquet } from '../../../shared/domain/parquet';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

const BATCH = 'b'.repeat(32);
const GB = 1024 ** 3;
const JOB: BulkJob = {
  batch_id: BATCH,
  dataset: 'transactions',
  key: 'inbox/transactions/a b+ü.csv',
  version: 'v.1',
  bytes: 9 * GB,
  format: 'csv',
  charset: 'utf-8',
  compression: 'none',
  columns: ['invoice_no', 'country'],
  header_lines: 1,
  received_at: '2026-03-01T10:00:00.000Z',
  sent_by: 'someone',
};
const SETTINGS = { job: 'eco-bulk', bucket: 'lake', contracts: 's3://code/contracts/', fromBytes: 5, mostWorkers: 10 };

describe('workers for a file', () => {
  it.each([
    [0, 'none', 10, 2],
    [4 * GB - 1, 'none', 10, 2],
    [4 * GB, 'none', 10, 3],
    [100 * GB, 'none', 10, 10],
    [1 * GB, 'gzip', 10, 4],
    [100 * GB, 'zstd', 50, 50],
    [100 * GB, 'none', 50, 27],
  ] as const)('are by its text, within bounds: %d bytes, %s, of %d at most', (bytes, compression, most, workers) => {
    expect(workersFor({ bytes, compression }, most)).toBe(workers);
  });
});

describe('Spark as a Glue job', () => {
  const NO_COPY = () => Promise.reject(sdkError('NotFound', { $metadata: { httpStatusCode: 404 } }));
  /** A Glue with such runs, that answers a start so, and a bucket that answers so when it is asked for the copy. */
  const world = (
    runs: object[],
    start: () => unknown = () => ({ JobRunId: 'jr_new' }),
    copy: () => unknown = NO_COPY,
  ) => {
    const glue = fakeClient(({ command }) => (command === 'GetJobRuns' ? { JobRuns: runs } : start()));
    const s3 = fakeClient(({ command }) => {
      if (command === 'HeadObject') return copy();
      return command === 'CreateMultipartUpload' ? { UploadId: 'u' } : {};
    });
    return { glue, s3, bulk: glueBulk(glue, s3, SETTINGS) };
  };
  const commands = ({ sent }: { sent: readonly Sent[] }) => sent.map(({ command }) => command);
  const run = (JobRunState: string, batch = BATCH) => ({
    Id: `jr_${JobRunState}`,
    JobRunState,
    Arguments: { '--batch-id': batch },
  });

  test('is started on a copy of the file, under a name of its batch', async () => {
    const { glue, s3, bulk } = world([run('RUNNING', 'another'), { JobRunState: 'RUNNING' }]);
    expect(await bulk.start({ ...JOB, bytes: 5 })).toEqual({ run_id: 'jr_new' });
    expect(s3.sent).toMatchObject([
      { command: 'HeadObject', input: { Bucket: 'lake', Key: `work/transactions/${BATCH}/input` } },
      {
        command: 'CopyObject',
        input: {
          Key: `work/transactions/${BATCH}/input`,
          CopySource: 'lake/inbox/transactions/a%20b%2B%C3%BC.csv?versionId=v.1',
        },
      },
    ]);
    expect(glue.sent[1]!.input).toEqual({
      JobName: 'eco-bulk',
      WorkerType: 'G.1X',
      NumberOfWorkers: 2,
      Arguments: {
        '--contract': 's3://code/contracts/transactions.json',
        '--lake': 's3://lake',
        '--input': `s3://lake/work/transactions/${BATCH}/input`,
        '--dataset': 'transactions',
        '--batch-id': BATCH,
        '--key': 'inbox%2Ftransactions%2Fa%20b%2B%C3%BC.csv',
        '--version': 'v.1',
        '--format': 'csv',
        '--charset': 'utf-8',
        '--compression': 'none',
        '--columns': 'invoice_no,country',
        '--header-lines': '1',
        '--received-at': '2026-03-01T10:00:00.000Z',
        '--sent-by': 'someone',
      },
    });
  });

  test('is not told of columns where there are none', async () => {
    const { glue, bulk } = world([]);
    await bulk.start({ ...JOB, format: 'ndjson', columns: [], header_lines: 0 });
    const { Arguments } = glue.sent[1]!.input as unknown as { Arguments: object };
    expect(Arguments).not.toHaveProperty('--columns');
    expect(Object.values(Arguments)).not.toContain('');
  });

  test('reads the file that was looked at, also where there are no versions', async () => {
    const { s3, bulk } = world([]);
    await bulk.start({ ...JOB, bytes: 5, version: 'etag-0cc1@2026-03-01T11:00:00.000Z' });
    expect(s3.sent[1]!.input).toMatchObject({
      CopySource: 'lake/inbox/transactions/a%20b%2B%C3%BC.csv',
      CopySourceIfMatch: '"0cc1"',
    });
  });

  test('copies a file once, however often it finds Spark busy', async () => {
    const copied = world([], undefined, () => ({ ContentLength: JOB.bytes }));
    expect(await copied.bulk.start(JOB)).toEqual({ run_id: 'jr_new' });
    expect(commands(copied.s3)).toEqual(['HeadObject']);
    const other = world([], undefined, () => ({ ContentLength: JOB.bytes - 1 }));
    await other.bulk.start(JOB);
    expect(commands(other.s3).at(-1)).toBe('CompleteMultipartUpload');
  });

  test('is not started where the bucket does not tell of a copy', async () => {
    const { glue, bulk } = world([], undefined, () => Promise.reject(sdkError('SlowDown')));
    await expect(bulk.start(JOB)).rejects.toThrow(Unavailable);
    const odd = world([], undefined, () => Promise.reject(sdkError('Odd')));
    await expect(odd.bulk.start(JOB)).rejects.toThrow('Odd happened');
    expect(commands(glue)).toEqual(['GetJobRuns']);
  });

  test.each(['STARTING', 'RUNNING', 'WAITING'])('adopts the run of the batch that is %s', async (state) => {
    const { glue, s3, bulk } = world([run('FAILED'), run(state)]);
    expect(await bulk.start(JOB)).toEqual({ run_id: `jr_${state}` });
    expect([...commands(glue), ...commands(s3)]).toEqual(['GetJobRuns']);
  });

  test.each(['SUCCEEDED', 'FAILED', 'TIMEOUT', 'STOPPED', 'STOPPING', 'ERROR'])(
    'starts another run where the last one of the batch is %s',
    async (state) => {
      expect(await world([run(state)]).bulk.start(JOB)).toEqual({ run_id: 'jr_new' });
    },
  );

  test('is busy when as many run as may', async () => {
    const start = () => Promise.reject(sdkError('ConcurrentRunsExceededException'));
    expect(await world([], start).bulk.start(JOB)).toBe('busy');
  });

  test.each(['ResourceNumberLimitExceededException', 'InvalidInputException'])('does not hide a %s', async (name) => {
    const start = () => Promise.reject(sdkError(name));
    await expect(world([], start).bulk.start(JOB)).rejects.toThrow(`${name} happened`);
  });

  test('is unavailable when Glue does not answer', async () => {
    const start = () => Promise.reject(sdkError('OperationTimeoutException', { $metadata: { httpStatusCode: 500 } }));
    await expect(world([], start).bulk.start(JOB)).rejects.toThrow(Unavailable);
  });
});

describe('what Spark left in the bucket', () => {
  const chunk = {
    dataset: 'transactions',
    batch_id: BATCH,
    chunk_id: `${BATCH}-s00001`,
    received_at: '2026-03-01T10:00:00.000Z',
  };
  const KEY = `landing/transactions/dt=2026-03-01/${BATCH}-s00001.parquet`;
  const kept = {
    line_id: '1'.repeat(32),
    row: {
      invoice_no: '1',
      stock_code: 'a',
      description: null,
      quantity: 6,
      invoice_date: '2010-12-01T08:26:00Z',
      unit_price: '2.55',
      customer_id: 'Unknown',
      country: 'France',
    },
  };
  const failing = (error: Error) =>
    s3BulkOutput(
      fakeClient(() => Promise.reject(error)),
      'lake',
    );
  const rows = async (output: ReturnType<typeof s3BulkOutput>) => {
    const found = [];
    for await (const some of output.read(chunk)) found.push(...some);
    return found;
  };

  test('has a manifest once it is done', async () => {
    const client = fakeClient(() => ({ Body: { transformToByteArray: async () => Buffer.from('{"é":1}') } }));
    expect(await s3BulkOutput(client, 'lake').manifest(chunk)).toBe('{"é":1}');
    expect(client.sent[0]!.input).toEqual({ Bucket: 'lake', Key: `work/transactions/${BATCH}/manifest.json` });
    expect(await failing(sdkError('NoSuchKey')).manifest(chunk)).toBeUndefined();
    await expect(failing(sdkError('SlowDown')).manifest(chunk)).rejects.toThrow(Unavailable);
    await expect(failing(sdkError('Odd')).manifest(chunk)).rejects.toThrow('Odd happened');
  });

  test('is read as it was written, wherever its bytes lie in memory', async () => {
    const bytes = Buffer.from(toParquet(datasets.get('transactions')!, BATCH, [kept]));
    const within = Buffer.concat([Buffer.alloc(13), bytes, Buffer.alloc(7)]).subarray(13, 13 + bytes.length);
    const client = fakeClient(() => ({ Body: { transformToByteArray: async () => within } }));
    expect(await rows(s3BulkOutput(client, 'lake'))).toMatchObject([kept]);
    expect(client.sent[0]!.input).toEqual({ Bucket: 'lake', Key: KEY });
  });

  test('is a fault, and no empty chunk, when it is gone or breaks off', async () => {
    for (const error of [sdkError('NoSuchKey'), sdkError('Error', { code: 'ECONNRESET' })])
      await expect(rows(failing(error))).rejects.toThrow(Unavailable);
    await expect(rows(failing(sdkError('Odd')))).rejects.toThrow('Odd happened');
  });

  test('is replaced by what is left', async () => {
    const client = fakeClient(() => ({}));
    await s3BulkOutput(client, 'lake').replace(chunk, [kept]);
    expect(client.sent[0]!.input).toMatchObject({ Bucket: 'lake', Key: KEY });
    expect(Buffer.from(client.sent[0]!.input.Body).toString('latin1', 0, 4)).toBe('PAR1');
  });
});
