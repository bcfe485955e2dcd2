import { type AthenaPlace, athenaCuration, athenaEngine, type Time } from '../../../shared/adapters/aws/athena';
import { athenaTables } from '../../../shared/domain/tables';
import { StillRunning, TooMuch, Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, sdkError } from './fake';

const PLACE: AthenaPlace = { workgroup: 'ecomflow-dev', database: 'ecomflow_dev' };
const BEGAN = Date.parse('2026-03-01T12:00:00Z');

/** A clock that only pauses move on. */
function stopped(at = BEGAN): Time & { pauses: number[] } {
  const pauses: number[] = [];
  let now = at;
  return {
    pauses,
    now: () => now,
    async pause(milliseconds) {
      pauses.push(milliseconds);
      now += milliseconds;
    },
  };
}

type Run = Record<string, unknown> & { submitted?: number };
const status = ({ submitted = BEGAN, ...run }: Run) => ({ ...run, SubmissionDateTime: new Date(submitted) });
const cell = (value: string | null) => (value === null ? {} : { VarCharValue: value });
const page = (names: string[], rows: (string | null)[][], NextToken?: string) => ({
  ResultSet: {
    ResultSetMetadata: { ColumnInfo: names.map((Name) => ({ Name })) },
    Rows: rows.map((row) => ({ Data: row.map(cell) })),
  },
  NextToken,
});

/** Athena that goes through these states, a run for each token; the last one stays. */
function fakeAthena(states: Run[], pages: unknown[] = [page(['n'], [['n'], ['1']])]) {
  const ids = new Map<string, string>();
  const left = [...states];
  let read = 0;
  return fakeClient(({ command, input }) => {
    const { ClientRequestToken: token } = input as never as { ClientRequestToken: string };
    if (command === 'StartQueryExecution') {
      if (!ids.has(token)) ids.set(token, `run-${ids.size + 1}`);
      return { QueryExecutionId: ids.get(token) };
    }
    if (command === 'GetQueryExecution') {
      const state = left.length > 1 ? left.shift()! : left[0]!;
      return { QueryExecution: { Status: status(state), Statistics: { DataScannedInBytes: 12_345 } } };
    }
    return pages[read++];
  });
}

const starts = (client: ReturnType<typeof fakeAthena>) =>
  client.sent.filter(({ command }) => command === 'StartQueryExecution').map(({ input }) => input as never as Started);
interface Started {
  readonly ClientRequestToken: string;
  readonly [field: string]: unknown;
}
const SUCCEEDED = { State: 'SUCCEEDED' };
const HOW = { round: 'r', within: 60_000 };
const s3 = fakeClient(() => undefined);
const alone = async () => true;
const curationOn = (client: ReturnType<typeof fakeAthena>, time = stopped()) =>
  athenaCuration(client, s3, alone, { ...PLACE, bucket: 'lake' }, time);

describe('the engine on Athena', () => {
  it('asks in its workgroup, of its database, and takes an answer that is not older than an hour', async () => {
    const client = fakeAthena([SUCCEEDED]);
    await athenaEngine(client, PLACE, stopped()).query('select 1');
    expect(starts(client)).toEqual([
      {
        QueryString: 'select 1',
        ClientRequestToken: expect.stringMatching(/^[0-9a-f]{64}$/),
        WorkGroup: 'ecomflow-dev',
        QueryExecutionContext: { Database: 'ecomflow_dev' },
        ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: true, MaxAgeInMinutes: 60 } },
      },
    ]);
    expect(await athenaEngine(client, PLACE).tables()).toBe(athenaTables);
  });

  it('answers with all pages, without the header, nulls apart from empty texts, and says what was read', async () => {
    const first = page(
      ['day', 'note'],
      [
        ['day', 'note'],
        ['2026-03-01', ''],
      ],
      'more',
    );
    const second = page(['day', 'note'], [['2026-03-02', null]]);
    const client = fakeAthena([SUCCEEDED], [first, second]);
    expect(await athenaEngine(client, PLACE, stopped()).query('with a as (select 1) select * from a')).toEqual({
      columns: ['day', 'note'],
      rows: [
        ['2026-03-01', ''],
        ['2026-03-02', null],
      ],
      scanned_bytes: 12_345,
    });
    expect(client.sent.at(-1)!.input).toMatchObject({ NextToken: 'more', MaxResults: 1000 });
  });

  it('has no rows where there are none', async () => {
    const empty = fakeAthena([SUCCEEDED], [page(['n'], [['n']])]);
    expect(await athenaEngine(empty, PLACE, stopped()).query('select 1')).toMatchObject({ columns: ['n'], rows: [] });
    const nothing = fakeAthena([SUCCEEDED], [{}]);
    expect(await athenaEngine(nothing, PLACE, stopped()).query('select 1')).toMatchObject({ columns: [], rows: [] });
  });

  it('waits with pauses that grow while it is queued and runs', async () => {
    const time = stopped();
    const client = fakeAthena([{ State: 'QUEUED' }, { State: 'QUEUED' }, { State: 'RUNNING' }, SUCCEEDED]);
    await athenaEngine(client, PLACE, time).query('select 1');
    expect(time.pauses).toEqual([250, 500, 1000]);
  });

  it('says after 20 seconds that it is on its way, and finds that run when it is asked again', async () => {
    const time = stopped();
    const client = fakeAthena([{ State: 'RUNNING' }]);
    const engine = athenaEngine(client, PLACE, time);
    await expect(engine.query('select 1')).rejects.toThrow(StillRunning);
    expect(time.now() - BEGAN).toBe(20_000);
    await expect(engine.query('select 1')).rejects.toThrow(StillRunning);
    const [one, two] = starts(client);
    expect(two!.ClientRequestToken).toBe(one!.ClientRequestToken);
  });

  it('has another run for another statement, another hour, and those who want nothing older than a time', async () => {
    const client = fakeAthena([SUCCEEDED], Array(9).fill(page(['n'], [['n']])));
    const at = (time: number) => athenaEngine(client, PLACE, stopped(time));
    await at(BEGAN).query('select 1');
    await at(BEGAN).query('select 2');
    await at(BEGAN + 3_600_000).query('select 1');
    await at(BEGAN).query('select 1', '2026-03-01T12:00:00Z');
    await at(BEGAN).query('select 1', '2026-03-01T13:00:00Z');
    await at(BEGAN + 7_200_000).query('select 1', '2026-03-01T13:00:00Z');
    const tokens = starts(client).map(({ ClientRequestToken }) => ClientRequestToken);
    expect(new Set(tokens).size).toBe(5);
    expect(tokens[5]).toBe(tokens[4]);
    expect(starts(client)[4]).not.toHaveProperty('ResultReuseConfiguration');
  });

  it('tells what was too much from what is broken, and both from a busy world', async () => {
    const failed = (reason: string, more: object = {}, State = 'FAILED') => ({
      State,
      StateChangeReason: reason,
      AthenaError: { ErrorMessage: reason, ErrorCategory: 2, Retryable: false, ...more },
    });
    const cases: [Run, new (...args: never[]) => Error][] = [
      [failed('Bytes scanned limit was exceeded', {}, 'CANCELLED'), TooMuch],
      [failed('Query exhausted resources at this scale factor', { Retryable: true }), TooMuch],
      [failed('EXCEEDED_TIME_LIMIT: more than 30m'), TooMuch],
      [failed('ICEBERG_COMMIT_ERROR: Failed to commit'), Unavailable],
      [failed('S3 says SlowDown'), Unavailable],
      [failed('the engine broke', { ErrorCategory: 1 }), Unavailable],
      [failed('again, please', { Retryable: true }), Unavailable],
      [{ State: 'CANCELLED' }, Unavailable],
      [failed('ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED: Processed 100 partitions'), StillRunning],
      [failed('ICEBERG_VACUUM_MORE_RUNS_NEEDED: Removed 20000 files'), StillRunning],
    ];
    for (const [run, kind] of cases) {
      const asked = athenaEngine(fakeAthena([run]), PLACE, stopped()).query('select 1');
      await expect(asked).rejects.toBeInstanceOf(kind);
    }
    const broken = athenaEngine(fakeAthena([failed('SYNTAX_ERROR: line 1')]), PLACE, stopped()).query('select 1');
    await expect(broken).rejects.toThrow('query run-1 is FAILED: SYNTAX_ERROR: line 1');
    await expect(broken).rejects.not.toBeInstanceOf(Unavailable);
    const once = fakeAthena([failed('SlowDown')]);
    await expect(curationOn(once).run('merge into a', HOW)).rejects.toThrow(Unavailable);
    expect(starts(once)).toHaveLength(1); // who asked decides whether to ask again
    const mute = athenaEngine(fakeAthena([{ State: 'FAILED' }]), PLACE, stopped()).query('select 1');
    await expect(mute).rejects.toThrow('Athena does not say why');
  });

  it('does not pay twice for what was too much, and tries again what a busy world let fail', async () => {
    const submitted = BEGAN - 60_000;
    const much = { State: 'CANCELLED', StateChangeReason: 'Bytes scanned limit was exceeded', submitted };
    const client = fakeAthena([much]);
    await expect(athenaEngine(client, PLACE, stopped()).query('select 1')).rejects.toThrow(TooMuch);
    expect(starts(client)).toHaveLength(1);
    const busy = { State: 'FAILED', StateChangeReason: 'SlowDown', submitted };
    const again = fakeAthena([busy, SUCCEEDED]);
    expect(await athenaEngine(again, PLACE, stopped()).query('select 1')).toMatchObject({ rows: [['1']] });
    const [first, second] = starts(again);
    expect(second!.ClientRequestToken).not.toBe(first!.ClientRequestToken);
  });

  it('says that the world is busy when Athena throttles, with its cause', async () => {
    const client = fakeClient(() => Promise.reject(sdkError('TooManyRequestsException')));
    await expect(athenaEngine(client, PLACE, stopped()).query('select 1')).rejects.toMatchObject({
      name: 'Unavailable',
      cause: { name: 'TooManyRequestsException' },
    });
  });
});

describe('merges on Athena', () => {
  it('run a statement of a round once, and never take an answer of another round', async () => {
    const client = fakeAthena([SUCCEEDED]);
    const curation = curationOn(client);
    expect(await curation.run('merge into a', HOW)).toEqual({ columns: [], rows: [], scanned_bytes: 12_345 });
    await curation.run('merge into a', HOW);
    await curation.run('merge into a', { ...HOW, round: 's' });
    const tokens = starts(client).map(({ ClientRequestToken }) => ClientRequestToken);
    expect(tokens[1]).toBe(tokens[0]);
    expect(tokens[2]).not.toBe(tokens[0]);
    expect(starts(client)[0]).not.toHaveProperty('ResultReuseConfiguration');
    expect(client.sent.some(({ command }) => command === 'GetQueryResults')).toBe(false);
  });

  it('are waited for as long as there is time', async () => {
    const time = stopped();
    const waiting = curationOn(fakeAthena([{ State: 'RUNNING' }]), time).run('merge into a', HOW);
    await expect(waiting).rejects.toThrow(StillRunning);
    expect(time.now() - BEGAN).toBe(60_000);
    expect(Math.max(...time.pauses)).toBe(5_000);
  });

  it('are tried again once what they failed of may have been mended', async () => {
    const old = { State: 'FAILED', StateChangeReason: 'no such table', submitted: BEGAN - 60_000 };
    const client = fakeAthena([old, old, SUCCEEDED]);
    await curationOn(client).run('merge into a', HOW);
    expect(new Set(starts(client).map(({ ClientRequestToken }) => ClientRequestToken)).size).toBe(3);
    await expect(curationOn(fakeAthena([old])).run('merge into a', HOW)).rejects.toThrow('no such table');
  });

  it('are noted in the lake', async () => {
    const kept = fakeClient(({ command }) =>
      command === 'GetObject' ? { Body: { transformToByteArray: async () => Buffer.from('{"a":1}') } } : undefined,
    );
    const curation = athenaCuration(fakeAthena([]), kept, alone, { ...PLACE, bucket: 'lake' });
    expect(curation.lake).toBe('s3://lake');
    await curation.note('transactions', '{"a":1}');
    expect(await curation.noted('transactions')).toBe('{"a":1}');
    expect(kept.sent.map(({ command, input: { Bucket, Key } }) => [command, Bucket, Key])).toEqual([
      ['PutObject', 'lake', 'insights/curated/transactions.json'],
      ['GetObject', 'lake', 'insights/curated/transactions.json'],
    ]);
    const empty = fakeClient(() => Promise.reject(sdkError('NoSuchKey')));
    expect(
      await athenaCuration(fakeAthena([]), empty, alone, { ...PLACE, bucket: 'lake' }).noted('events'),
    ).toBeUndefined();
  });
});
