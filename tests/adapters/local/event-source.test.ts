import type { KinesisStreamEvent } from 'aws-lambda';
import { type Discarded, type EventSourceSettings, runEventSource } from '../../../shared/adapters/local/event-source';
import type { LoggedRecord } from '../../../shared/adapters/local/stream';

const START = Date.parse('2026-03-01T12:00:00Z');

/** A shard in memory, a clock that only sleeping moves, and everything that the mapping did. */
function mapping(
  settings: Partial<EventSourceSettings>,
  invoke: (sequences: string[], event: KinesisStreamEvent) => unknown,
  count = 4,
) {
  let now = START;
  let committed = 0;
  const stopping = new AbortController();
  const records: LoggedRecord[] = Array.from({ length: count }, (_, i) => ({
    sequence: i + 1,
    partition_key: `key-${i + 1}`,
    arrived_at: START,
    data: Buffer.from(`record ${i + 1}`),
  }));
  const invocations: string[][] = [];
  const discarded: Discarded[] = [];
  const errors: unknown[] = [];
  const slept: number[] = [];
  const run = async () => {
    await runEventSource(
      {
        name: 'clean',
        settings: {
          batchSize: 10,
          batchWindowSeconds: 0,
          reportBatchItemFailures: true,
          bisectBatchOnFunctionError: false,
          maximumRetryAttempts: -1,
          maximumRecordAgeInSeconds: -1,
          ...settings,
        },
        shard: {
          read: (_consumer, most) => records.filter(({ sequence }) => sequence > committed).slice(0, most),
          commit(_consumer, sequence) {
            committed = sequence;
            if (committed === records.at(-1)!.sequence) stopping.abort();
          },
        },
        invoke: async (event) => {
          const sequences = event.Records.map(({ kinesis }) => kinesis.sequenceNumber);
          invocations.push(sequences);
          return invoke(sequences, event);
        },
        discard: async (batch) => void discarded.push(batch),
        onError: (error) => errors.push(error),
        clock: { now: () => new Date(now) },
        sleep: async (milliseconds) => {
          slept.push(milliseconds);
          now += milliseconds;
        },
      },
      stopping.signal,
    );
  };
  return { run, invocations, discarded, errors, slept, records, stopping, committed: () => committed };
}

const failing = (...sequences: string[]) => ({
  batchItemFailures: sequences.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('the event source, as Lambda has it', () => {
  it('hands over records in order, as many as the batch size', async () => {
    const source = mapping({ batchSize: 3 }, () => ({ batchItemFailures: [] }));
    await source.run();
    expect(source.invocations).toEqual([['1', '2', '3'], ['4']]);
  });

  it('gathers for the length of the window when the batch is not full', async () => {
    const source = mapping({ batchSize: 10, batchWindowSeconds: 2 }, () => undefined);
    await source.run();
    expect(source.slept.reduce((sum, ms) => sum + ms, 0)).toBe(2000);
    expect(source.invocations).toEqual([['1', '2', '3', '4']]);
  });

  it('keeps an event under 6 MB however large the batch may be', async () => {
    const source = mapping({ batchSize: 10 }, () => undefined, 12);
    source.records.forEach((record, i) => {
      source.records[i] = { ...record, data: Buffer.alloc(1_000_000) };
    });
    await source.run();
    expect(source.invocations.map((batch) => batch.length)).toEqual([4, 4, 4]);
  });

  it('carries the data in base64, with sequence number, key and arrival', async () => {
    let seen: KinesisStreamEvent | undefined;
    const source = mapping(
      {},
      (_, event) => {
        seen = event;
      },
      1,
    );
    await source.run();
    expect(seen!.Records[0]!.kinesis).toMatchObject({
      data: Buffer.from('record 1').toString('base64'),
      sequenceNumber: '1',
      partitionKey: 'key-1',
      approximateArrivalTimestamp: START / 1000,
    });
  });

  it.each([[{ batchItemFailures: [] }], [{ batchItemFailures: null }], [{}], [null], [undefined]])(
    'takes the answer %j for a success',
    async (answer) => {
      const source = mapping({}, () => answer);
      await source.run();
      expect(source.invocations).toHaveLength(1);
    },
  );

  it('goes on from the lowest failed record and keeps what came before', async () => {
    let tries = 0;
    const source = mapping({}, () => (tries++ === 0 ? failing('4', '3') : undefined));
    await source.run();
    expect(source.invocations).toEqual([
      ['1', '2', '3', '4'],
      ['3', '4'],
    ]);
  });

  it.each([[''], [null], ['99']])(
    'takes the identifier %j for a failure of the whole batch',
    async (itemIdentifier) => {
      let tries = 0;
      const source = mapping({}, () => (tries++ === 0 ? { batchItemFailures: [{ itemIdentifier }] } : undefined));
      await source.run();
      expect(source.invocations).toEqual([
        ['1', '2', '3', '4'],
        ['1', '2', '3', '4'],
      ]);
    },
  );

  it('does not look at the answer unless partial answers are switched on', async () => {
    const source = mapping({ reportBatchItemFailures: false }, () => failing('1'));
    await source.run();
    expect(source.invocations).toHaveLength(1);
  });

  it('tries a batch again that the function threw on, with growing pauses, and tells the error', async () => {
    let tries = 0;
    const source = mapping({}, () => {
      if (tries++ < 3) throw new Error('broken');
    });
    await source.run();
    expect(source.invocations).toHaveLength(4);
    expect(source.slept).toEqual([100, 200, 400]);
    expect(source.errors).toHaveLength(3);
  });

  it('halves a failed batch until the record stands alone, without using up retries', async () => {
    const source = mapping({ bisectBatchOnFunctionError: true, maximumRetryAttempts: 1 }, (sequences) => {
      if (sequences.includes('3')) throw new Error('poison');
    });
    await source.run();
    expect(source.invocations).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['3'], ['3'], ['4']]);
    expect(source.discarded).toMatchObject([
      { condition: 'RetryAttemptsExhausted', startSequenceNumber: '3', batchSize: 1, approximateInvokeCount: 2 },
    ]);
  });

  it('splits at the record that a partial answer names', async () => {
    const source = mapping({ bisectBatchOnFunctionError: true, maximumRetryAttempts: 2 }, (sequences) =>
      sequences.includes('3') ? failing('3') : undefined,
    );
    await source.run();
    expect(source.invocations[0]).toEqual(['1', '2', '3', '4']);
    expect(source.invocations[1]).toEqual(['3', '4']);
    expect(source.discarded.map(({ payload }) => payload.Records.map(({ kinesis }) => kinesis.sequenceNumber))).toEqual(
      [['3']],
    );
    expect(source.invocations.at(-1)).toEqual(['4']);
  });

  it('gives a batch up after its retries and hands the whole event to the destination', async () => {
    const source = mapping({ maximumRetryAttempts: 2 }, (sequences) => {
      if (sequences.includes('1')) throw new Error('broken');
    });
    await source.run();
    expect(source.invocations).toHaveLength(3);
    expect(source.discarded).toMatchObject([
      {
        condition: 'RetryAttemptsExhausted',
        startSequenceNumber: '1',
        endSequenceNumber: '4',
        batchSize: 4,
        approximateInvokeCount: 3,
      },
    ]);
    expect(Buffer.from(source.discarded[0]!.payload.Records[3]!.kinesis.data, 'base64').toString()).toBe('record 4');
    expect(source.committed()).toBe(4);
  });

  it('gives records up that are older than the maximum age, and only those', async () => {
    const source = mapping({ maximumRecordAgeInSeconds: 60 }, () => undefined);
    source.records[0] = { ...source.records[0]!, arrived_at: START - 61_000 };
    await source.run();
    expect(source.discarded).toMatchObject([
      { condition: 'RecordAgeExceeded', startSequenceNumber: '1', endSequenceNumber: '1' },
    ]);
    expect(source.invocations).toEqual([['2', '3', '4']]);
  });

  it('tries until the age is reached when retries have no limit', async () => {
    const source = mapping({ maximumRecordAgeInSeconds: 10 }, () => {
      throw new Error('broken');
    });
    await source.run();
    expect(source.discarded).toMatchObject([{ condition: 'RecordAgeExceeded', batchSize: 4 }]);
    expect(source.invocations.length).toBeGreaterThan(3);
  });

  it('leaves a failed batch for the next start when it is told to stop', async () => {
    const source = mapping({}, () => {
      source.stopping.abort();
      throw new Error('broken');
    });
    await source.run();
    expect(source.invocations).toHaveLength(1);
    expect(source.committed()).toBe(0);
  });

  it('keeps what went through when it is told to stop after a partial answer', async () => {
    const source = mapping({}, () => {
      source.stopping.abort();
      return failing('3');
    });
    await source.run();
    expect(source.invocations).toHaveLength(1);
    expect(source.committed()).toBe(2);
  });

  it('remembers a record as done before it tries the ones behind it again', async () => {
    const committed: number[] = [];
    let tries = 0;
    const source = mapping({ bisectBatchOnFunctionError: true }, () => {
      committed.push(source.committed());
      if (tries++ === 0) throw new Error('broken');
      return tries === 3 ? failing('4') : undefined;
    });
    await source.run();
    expect(source.invocations).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['4']]);
    expect(committed).toEqual([0, 0, 2, 3]);
  });

  it('pauses briefly again at the first failure after a success', async () => {
    const failures = [true, true, true, false, true, true, false, false];
    const source = mapping({ bisectBatchOnFunctionError: true }, () => {
      if (failures.shift()) throw new Error('broken');
    });
    await source.run();
    expect(source.invocations).toEqual([
      ['1', '2', '3', '4'],
      ['1', '2'],
      ['1'],
      ['1'],
      ['2'],
      ['2'],
      ['2'],
      ['3', '4'],
    ]);
    expect(source.slept).toEqual([100, 200, 400, 100, 200]);
  });

  it('does not move on when the destination does not take the batch', async () => {
    const source = mapping({ maximumRetryAttempts: 0 }, () => {
      throw new Error('broken');
    });
    source.discarded.push = () => {
      throw new Error('the destination is away');
    };
    await expect(source.run()).rejects.toThrow('away');
    expect(source.committed()).toBe(0);
  });
});
