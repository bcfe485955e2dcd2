import { kinesisStream } from '../../../shared/adapters/aws/stream';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, noPause, type Sent, sdkError } from './fake';

const record = (chunk_id: string, bytes = 10) => ({ chunk_id, data: Buffer.alloc(bytes, 7) });
const allIn = ({ input }: Sent) => ({ Records: input.Records.map((_, i) => ({ SequenceNumber: `${i}` })) });

describe('a stream on Kinesis', () => {
  test('takes chunks under their own keys', async () => {
    const client = fakeClient(allIn);
    await kinesisStream(client, 'chunks').append([record('a'), record('b')]);
    expect(client.sent).toHaveLength(1);
    expect(client.sent[0]!.input.StreamName).toBe('chunks');
    expect(client.sent[0]!.input.Records.map(({ PartitionKey }) => PartitionKey)).toEqual(['a', 'b']);
  });

  test('gets no more than 500 records and 5 MiB a call', async () => {
    const client = fakeClient(allIn);
    const many = Array.from({ length: 1001 }, (_, i) => record(`s${i}`));
    const large = Array.from({ length: 11 }, (_, i) => record(`l${i}`, 1_048_576 - 64));
    await kinesisStream(client, 'chunks').append([...many, ...large]);
    const calls = client.sent.map(({ input }) => input.Records);
    expect(calls.flat()).toHaveLength(1012);
    for (const call of calls) {
      expect(call.length).toBeLessThanOrEqual(500);
      expect(
        call.reduce((sum, { PartitionKey, Data }) => sum + PartitionKey.length + Data.length, 0),
      ).toBeLessThanOrEqual(5 * 1024 * 1024);
    }
  });

  test('gets again only the records that it refused', async () => {
    const client = fakeClient(({ input }, nth) => ({
      FailedRecordCount: 1,
      Records: input.Records.map(({ PartitionKey }, i) =>
        PartitionKey === 'b' && nth < 3
          ? { ErrorCode: 'ProvisionedThroughputExceededException' }
          : { SequenceNumber: `${i}` },
      ),
    }));
    const { waits, pause } = noPause();
    await kinesisStream(client, 'chunks', pause).append([record('a'), record('b'), record('c')]);
    expect(client.sent.map(({ input }) => input.Records.map(({ PartitionKey }) => PartitionKey))).toEqual([
      ['a', 'b', 'c'],
      ['b'],
      ['b'],
    ]);
    expect(waits).toEqual([1, 2]);
  });

  test('that keeps refusing is unavailable, and says why', async () => {
    const client = fakeClient(({ input }) => ({
      Records: input.Records.map(() => ({ ErrorCode: 'InternalFailure' })),
    }));
    const put = kinesisStream(client, 'chunks', noPause().pause).append([record('a')]);
    await expect(put).rejects.toThrow(Unavailable);
    await expect(put).rejects.toThrow(/1 left after 8 tries \(InternalFailure\)/);
    expect(client.sent).toHaveLength(8);
  });

  test('that throttles the whole call is unavailable', async () => {
    const client = fakeClient(() => Promise.reject(sdkError('ProvisionedThroughputExceededException')));
    await expect(kinesisStream(client, 'chunks').append([record('a')])).rejects.toThrow(Unavailable);
  });
});
