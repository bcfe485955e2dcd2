import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arrival } from '../../shared/domain/arrival';
import { manifestKey } from '../../shared/domain/lake';
import type { CurateAnswer, CurateCounts } from '../../shared/pipeline/curate';
import type { BuildAnswer } from '../../shared/pipeline/insights';
import { type Night, type NightReport, runNight, takeStep } from '../../shared/pipeline/nightly';
import { Unavailable } from '../../shared/pipeline/ports';
import type { LoadAnswer } from '../../shared/pipeline/warehouse';
import { type TestWorld, testWorld } from '../support/world';

const BATCH = 'b'.repeat(32);
const NIGHT: Night = { id: 'night', began_at: '2026-03-01T12:00:00.000Z' }; // when the test clock begins
const HOUR = 3600;

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

/** Notes that a file came so many seconds ago, and is worked on now. */
async function arrived(name: string, facts: Partial<Arrival> = {}, secondsAgo = 60): Promise<Arrival> {
  const now = world.clock.now().getTime();
  const arrival: Arrival = {
    key: `inbox/transactions/${name}`,
    version: 'v1',
    checksum: 'c',
    bytes: 10,
    arrived_at: new Date(now - secondsAgo * 1000).toISOString(),
    state: 'reading',
    sent_by: 'somebody',
    lease: { holder: 'h', until: new Date(now + 960_000).toISOString() },
    ...facts,
  };
  await world.arrivals.note(arrival);
  return arrival;
}

const cleanedBySpark = async (name: string, batch_id = BATCH) => {
  const arrival = await arrived(name, { state: 'running', dataset: 'transactions', engine: 'spark', batch_id });
  await world.lake.put(manifestKey({ dataset: 'transactions', batch_id }), '{}');
  return arrival;
};

const finish = (arrival: Arrival) => world.arrivals.note({ ...arrival, state: 'done' });

const waited = (night: Night = NIGHT, within = HOUR) => takeStep({ step: 'wait', night, within }, world);
const claimed = (night: Night = NIGHT, within = HOUR) => takeStep({ step: 'claim', night, within }, world);
const loaded = (answer: LoadAnswer, night: Night = NIGHT, within = HOUR) =>
  takeStep({ step: 'load', night, within, answer }, world);

const stored = (report: NightReport): NightReport => {
  const key = `reports/nightly/dt=2026-03-01/${report.id}.json`;
  return JSON.parse(readFileSync(join(world.directory, key), 'utf8'));
};

describe('a night waits for files', () => {
  it('as long as one is being read, and no longer', async () => {
    const file = await arrived('a.csv');
    const first = await waited();
    expect(first).toMatchObject({ again: true, waited_for: { count: 1, names: ['inbox/transactions/a.csv'] } });
    world.clock.pass(60);
    await finish(file);
    const second = await waited(first);
    expect(second.again).toBe(false);
    expect(second.left_over).toEqual({ count: 0, files: [] });
    expect(second.waited_for).toEqual(first.waited_for); // what it found at first
    expect(second.ended).toEqual({ wait: '2026-03-01T12:01:00.000Z' });
  });

  it.each(['reading', 'waiting', 'running'] as const)('also when it is %s', async (state) => {
    await arrived('a.csv', { state, dataset: 'transactions', batch_id: BATCH });
    expect((await waited()).again).toBe(true);
  });

  it.each(['done', 'refused', 'failed'] as const)('but not when it is %s', async (state) => {
    await arrived('a.csv', { state });
    expect(await waited()).toMatchObject({ again: false, waited_for: { count: 0, names: [] } });
  });

  it('not longer than it may, and names what is left', async () => {
    await arrived('slow.csv');
    world.clock.pass(599);
    expect((await waited(NIGHT, 600)).again).toBe(true);
    world.clock.pass(1);
    expect(await waited(NIGHT, 600)).toMatchObject({
      again: false,
      left_over: {
        count: 1,
        files: [
          {
            key: 'inbox/transactions/slow.csv',
            state: 'reading',
            why: 'not done when the night went on, at 2026-03-01T12:10:00.000Z',
          },
        ],
      },
    });
  });

  it('not for one that came after the night began: files that keep coming would keep it waiting', async () => {
    await arrived('later.csv', {}, -1);
    expect(await waited()).toMatchObject({ again: false, waited_for: { count: 0 }, left_over: { count: 0 } });
  });

  it('not for one that is stuck, which is named', async () => {
    const until = '2026-03-01T10:59:59.000Z';
    await arrived('stuck.csv', { lease: { holder: 'dead', until } }, 2 * 24 * HOUR);
    expect(await waited()).toMatchObject({
      again: false,
      waited_for: { count: 1 },
      left_over: { count: 1, files: [{ why: `stuck: nobody has worked on it since ${until}` }] },
    });
  });

  it('for one that came long ago and is worked on', async () => {
    await arrived('old.csv', {}, 30 * 24 * HOUR);
    expect((await waited()).again).toBe(true);
  });

  it('half a day for Spark, which says nothing while it is at work', async () => {
    const spark = { state: 'running', dataset: 'transactions', batch_id: BATCH } as const;
    const lease = { holder: 'h', until: '2026-03-01T00:00:00.000Z' };
    await arrived('large.csv', { ...spark, lease }, 13 * HOUR);
    expect((await waited()).again).toBe(true);
    world.clock.pass(1);
    expect((await waited()).again).toBe(false);
  });

  it('not for claims: those have a step of their own', async () => {
    await cleanedBySpark('large.csv');
    expect(await waited()).toMatchObject({
      again: false,
      waited_for: { count: 1, names: ['inbox/transactions/large.csv'] },
    });
  });

  it('and names no more than fifty of many', async () => {
    for (let n = 0; n < 51; n++) await arrived(`${n}.csv`);
    const { waited_for, left_over } = await waited();
    expect([waited_for!.count, waited_for!.names.length]).toEqual([51, 50]);
    expect([left_over!.count, left_over!.files.length]).toEqual([51, 50]);
  });
});

describe('a night has claims done', () => {
  it('calling once for each batch that Spark has cleaned, and waiting for it', async () => {
    const file = await cleanedBySpark('large.csv');
    const first = await claimed();
    expect(first).toMatchObject({ again: true, claims: { count: 1, names: [BATCH] } });
    expect(world.later.due()).toEqual([{ dataset: 'transactions', batch_id: BATCH }]);
    const second = await claimed(first);
    expect(second.again).toBe(true);
    expect(world.later.due()).toEqual([]);
    await finish(file);
    expect(await claimed(second)).toMatchObject({ again: false, claims: { count: 1 }, left_over: { count: 0 } });
  });

  it('not waiting for what Spark is still at, which it names', async () => {
    await arrived('large.csv', { state: 'running', dataset: 'transactions', batch_id: BATCH });
    await arrived('small.csv');
    const night = await claimed();
    expect(night).toMatchObject({ again: false, claims: { count: 0 } });
    expect(night.left_over!.files.map(({ key }) => key).sort()).toEqual([
      'inbox/transactions/large.csv',
      'inbox/transactions/small.csv',
    ]);
    expect(world.later.due()).toEqual([]);
  });

  it('calling for one that is stuck, but not waiting for it', async () => {
    const file = await cleanedBySpark('large.csv');
    await world.arrivals.note({
      ...file,
      state: 'claiming',
      arrived_at: '2026-02-28T12:00:00.000Z',
      lease: { holder: 'h', until: '2026-02-28T23:59:59.000Z' },
    });
    expect(await claimed()).toMatchObject({ again: false, claims: { count: 1 }, left_over: { count: 1 } });
    expect(world.later.due()).toHaveLength(1);
  });

  it('within its own time, which begins when the files were waited for', async () => {
    await cleanedBySpark('large.csv');
    world.clock.pass(1800);
    const night = { ...NIGHT, ended: { wait: '2026-03-01T12:20:00.000Z' } };
    expect((await claimed(night, 601)).again).toBe(true);
    expect((await claimed(night, 600)).again).toBe(false);
  });
});

describe('a night counts what the warehouse loads', () => {
  const counts = (files: number, rows: number, added: number, unreadable: { key: string; reason: string }[] = []) => ({
    files,
    rows,
    added,
    known: rows - added,
    unreadable,
  });
  const bad = { key: 'landing/transactions/dt=2026-03-01/x.parquet', reason: 'NotLanded: no' };

  it('over all calls, until it is done', async () => {
    const first = await loaded({ done: false, datasets: { transactions: counts(2, 10, 9, [bad]) } });
    expect(first.again).toBe(true);
    world.clock.pass(5);
    const second = await loaded(
      { done: true, datasets: { transactions: counts(1, 4, 1, [bad]), events: counts(1, 3, 3) } },
      first,
    );
    expect(second).toMatchObject({ again: false, ended: { load: '2026-03-01T12:00:05.000Z' } });
    expect(second.loaded).toEqual({ transactions: counts(3, 14, 10, [bad]), events: counts(1, 3, 3) });
  });

  it('and fails when that takes longer than it may', async () => {
    world.clock.pass(600);
    const night = await loaded({ done: false, datasets: {} }, NIGHT, 600);
    expect(night).toMatchObject({ again: false, failure: { step: 'load', error: 'NotInTime' } });
    expect((await loaded({ done: false, datasets: {} }, NIGHT, 601)).failure).toBeUndefined();
  });
});

/** How a curated table stands: days of arrival and of events that were merged, and rows. */
const stand = (arrivals: number, days: number, landed_rows: number): CurateCounts => ({
  arrivals,
  days,
  landed_rows,
  curated_rows: landed_rows - 1,
  removed_duplicates: 1,
});

describe('a night counts what was merged', () => {
  const curated = (answer: CurateAnswer, night: Night = NIGHT, within = HOUR) =>
    takeStep({ step: 'curate', night, within, answer }, world);

  it('over all calls, with the rows that the tables have at last', async () => {
    const first = await curated({ done: false, datasets: { transactions: stand(1, 100, 200) } });
    expect(first.again).toBe(true);
    world.clock.pass(5);
    const datasets = { transactions: stand(1, 50, 250), events: stand(0, 0, 10) };
    const second = await curated({ done: true, datasets }, first);
    expect(second).toMatchObject({ again: false, ended: { curate: '2026-03-01T12:00:05.000Z' } });
    expect(second.curated).toEqual({ transactions: stand(2, 150, 250), events: stand(0, 0, 10) });
  });

  it('and fails when that takes longer than it may', async () => {
    world.clock.pass(600);
    const night = await curated({ done: false, datasets: {} }, NIGHT, 600);
    expect(night).toMatchObject({ again: false, failure: { step: 'curate', error: 'NotInTime' } });
    expect(night.failure!.cause).toContain('The curated tables were not merged in 600 s.');
  });
});

describe('a night counts the insights that were built', () => {
  const built = (answer: BuildAnswer, night: Night = NIGHT, within = HOUR) =>
    takeStep({ step: 'build', night, within, answer }, world);
  const began_at = '2026-03-01T12:00:00.000Z';

  it('until they are, and has a build gone on with', async () => {
    const first = await built({ done: false, began_at, insights: 3, profiles: 0 });
    expect(first).toMatchObject({ again: true, build_began_at: began_at });
    const second = await built({ done: true, began_at, insights: 21, profiles: 1000 }, first);
    expect(second).toMatchObject({ again: false, insights: { insights: 21, profiles: 1000 } });
  });

  it('and fails when that takes longer than it may', async () => {
    world.clock.pass(60);
    const night = await built({ done: false, began_at, insights: 3, profiles: 0 }, NIGHT, 60);
    expect(night.failure).toMatchObject({ step: 'build', error: 'NotInTime' });
  });
});

describe('the report of a night', () => {
  it('says when, what was waited for, what is left, what was loaded, and how long each step took', async () => {
    const night: Night = {
      ...NIGHT,
      again: false,
      ended: {
        wait: '2026-03-01T12:00:30.000Z',
        claim: '2026-03-01T12:00:30.500Z',
        load: '2026-03-01T12:02:30.500Z',
        curate: '2026-03-01T12:02:31.000Z',
        build: '2026-03-01T12:02:33.000Z',
      },
      waited_for: { count: 1, names: ['inbox/events/a.csv'] },
      claims: { count: 0, names: [] },
      left_over: { count: 0, files: [] },
      loaded: { events: { files: 1, rows: 3, added: 2, known: 1, unreadable: [] } },
      curated: { events: stand(2, 3, 4) },
      insights: { insights: 21, profiles: 5 },
      build_began_at: '2026-03-01T12:02:31.000Z',
    };
    world.clock.pass(153);
    const report = (await takeStep({ step: 'report', night }, world)) as NightReport;
    expect(report).toEqual({
      id: 'night',
      status: 'done',
      began_at: '2026-03-01T12:00:00.000Z',
      ended_at: '2026-03-01T12:02:33.000Z',
      seconds: { wait: 30, claim: 0.5, load: 120, curate: 0.5, build: 2 },
      waited_for: { count: 1, names: ['inbox/events/a.csv'] },
      claims: { count: 0, names: [] },
      left_over: { count: 0, files: [] },
      loaded: { events: { files: 1, rows: 3, added: 2, known: 1, unreadable: [] } },
      curated: { events: stand(2, 3, 4) },
      insights: { insights: 21, profiles: 5 },
    });
    expect(stored(report)).toEqual(report);
  });

  it.each([
    ['{"errorType":"Unavailable","errorMessage":"the table is busy","trace":[]}', 'the table is busy'],
    ['it broke', 'it broke'],
    ['null', 'null'],
    [undefined, 'no cause was given'],
  ])('says in words what ended the night: %s', async (cause, words) => {
    const failure = { step: 'wait', error: 'Unavailable', ...(cause !== undefined && { cause }) };
    const report = (await takeStep({ step: 'report', night: { ...NIGHT, failure } }, world)) as NightReport;
    expect(report).toMatchObject({
      status: 'failed',
      failure: { step: 'wait', error: 'Unavailable', cause: words },
      seconds: {},
      loaded: null,
      curated: null,
      insights: null,
    });
  });

  it('stays below what a state machine passes on, however long names and reasons are', async () => {
    const key = (n: number) => `inbox/transactions/${n}${'ü'.repeat(500)}`;
    for (let n = 0; n < 60; n++) await arrived(key(n).slice('inbox/transactions/'.length));
    const unreadable = Array.from({ length: 60 }, (_, n) => ({ key: key(n), reason: 'no'.repeat(5000) }));
    const counts = { files: 0, rows: 0, added: 0, known: 0, unreadable };
    const datasets = { transactions: counts, events: counts };
    const night = await loaded({ done: true, datasets }, await waited());
    expect(Buffer.byteLength(JSON.stringify(night))).toBeLessThan(256 * 1024);
  });
});

describe('a night in one process', () => {
  const watch = (changes: Partial<Parameters<typeof runNight>[1]> = {}) => {
    const said: string[] = [];
    const pauses: number[] = [];
    const errors: unknown[] = [];
    return {
      said,
      pauses,
      errors,
      within: { wait: HOUR, claim: HOUR, load: HOUR, build: HOUR },
      async pause(seconds: number) {
        pauses.push(seconds);
        world.clock.pass(seconds);
      },
      tell: (step: string) => void said.push(step),
      onError: (error: unknown) => void errors.push(error),
      ...changes,
    };
  };
  const answer: LoadAnswer = { done: true, datasets: {} };

  it('takes the steps in their order, and repeats what is not done', async () => {
    const file = await arrived('a.csv');
    const large = await cleanedBySpark('large.csv');
    let loads = 0;
    const nightwatch = watch({
      load: async () => ({ ...answer, done: ++loads === 2 }),
      async pause(seconds) {
        world.clock.pass(seconds);
        if (nightwatch.said.length === 2) await finish(file);
        if (nightwatch.said.length === 4) await finish(large);
      },
    });
    const report = await runNight('one', nightwatch, world);
    expect(nightwatch.said).toEqual(['wait', 'wait', 'wait', 'claim', 'claim', 'load', 'load']);
    expect(report).toMatchObject({ status: 'done', seconds: { wait: 2, claim: 1, load: 1 }, left_over: { count: 0 } });
    expect(stored(report)).toEqual(report);
  });

  it('builds the insights behind the load, and goes on with a build that is not done', async () => {
    const asked: (string | undefined)[] = [];
    const nightwatch = watch({
      load: async () => answer,
      async build(began_at) {
        asked.push(began_at);
        return { done: asked.length === 2, began_at: 'then', insights: asked.length, profiles: 0 };
      },
    });
    const report = await runNight('built', nightwatch, world);
    expect(nightwatch.said).toEqual(['wait', 'claim', 'load', 'build', 'build']);
    expect(asked).toEqual([undefined, 'then']);
    expect(report).toMatchObject({ curated: null, insights: { insights: 2, profiles: 0 } });
  });

  it('has a report of what was loaded when the insights cannot be built', async () => {
    const nightwatch = watch({ load: async () => answer, build: () => Promise.reject(new Error('a defect')) });
    expect(await runNight('unbuilt', nightwatch, world)).toMatchObject({
      status: 'failed',
      failure: { step: 'build', cause: 'a defect' },
      loaded: {},
      insights: null,
    });
  });

  it('loads nothing where there is no warehouse', async () => {
    const nightwatch = watch();
    expect(await runNight('none', nightwatch, world)).toMatchObject({ status: 'done', loaded: null });
    expect(nightwatch.said).toEqual(['wait', 'claim']);
  });

  it('ends with a report when a step fails, and does not go on', async () => {
    const broken = new Unavailable('the warehouse is open elsewhere');
    const nightwatch = watch({ load: () => Promise.reject(broken) });
    const report = await runNight('failed', nightwatch, world);
    expect(report).toMatchObject({
      status: 'failed',
      failure: { step: 'load', error: 'Unavailable', cause: 'the warehouse is open elsewhere' },
    });
    expect(stored(report)).toEqual(report);
    expect(nightwatch.errors).toEqual([broken]);
    expect(nightwatch.pauses).toEqual([2, 4, 8]); // a busy world is given some time
  });

  it('ends with a report when the first step fails', async () => {
    const load = jest.fn();
    const backlog = { unfinished: () => Promise.reject(new TypeError('a defect')) };
    const nightwatch = watch({ load });
    const report = await runNight('defect', nightwatch, { ...world, backlog });
    expect(report).toMatchObject({ status: 'failed', failure: { step: 'wait', error: 'TypeError' } });
    expect(load).not.toHaveBeenCalled();
    expect(nightwatch.pauses).toEqual([]);
  });

  it('goes on when the world was busy for a moment', async () => {
    let tries = 0;
    const load = async () => {
      if (++tries < 3) throw new Unavailable('busy');
      return answer;
    };
    expect(await runNight('busy', watch({ load }), world)).toMatchObject({ status: 'done' });
    expect(tries).toBe(3);
  });
});
