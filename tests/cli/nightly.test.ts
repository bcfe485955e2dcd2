import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../cli/nightly';
import { nightIn } from '../../cli/nightly/here';
import { inWords, stepInWords } from '../../cli/nightly/words';
import { versionOf } from '../../shared/adapters/local/inbox';
import type { Arrival } from '../../shared/domain/arrival';
import type { NightReport } from '../../shared/pipeline/nightly';
import { sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
beforeEach(() => {
  world = testWorld();
});
afterEach(() => world.remove());

/** Puts a file into the inbox, as long ago as said. */
function put(name: string, secondsAgo = 0): string {
  const folder = join(world.directory, 'inbox/transactions');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, sales([sale()]));
  const at = world.clock.now().getTime() / 1000 - secondsAgo;
  utimesSync(path, at, at);
  return path;
}

const KNOWN: Arrival = {
  key: 'inbox/transactions/known.csv',
  version: 'v1',
  checksum: 'c',
  bytes: 1,
  arrived_at: '2026-03-01T11:59:00.000Z',
  state: 'done',
  sent_by: 'inbox',
  lease: { holder: '', until: '' },
};

describe('a night on this machine', () => {
  it('loads what has landed into the warehouse, once, and keeps its report', async () => {
    await post(world, 'transactions', sales([sale(), sale({ stock: 'B' }), sale({ quantity: '0' })]));
    await drain(world);
    const report = await nightIn(world, world.directory, { isAwake: false });
    expect(report).toMatchObject({
      status: 'done',
      loaded: { transactions: { files: 1, rows: 2, added: 2, known: 0 }, events: { files: 0 } },
    });
    const key = `reports/nightly/dt=2026-03-01/${report.id}.json`;
    expect(JSON.parse(readFileSync(join(world.directory, key), 'utf8'))).toEqual(report);
    const second = await nightIn(world, world.directory, { isAwake: false });
    expect(second.loaded!.transactions).toMatchObject({ files: 0, added: 0 });
  });

  it('leaves files that nobody takes in, by name, and waits for none of them', async () => {
    put('new.csv', 10);
    put('.hidden', 10);
    const { left_over, waited_for, status } = await nightIn(world, world.directory, { isAwake: false });
    expect([status, left_over.count, waited_for.names]).toEqual(['done', 1, ['inbox/transactions/new.csv']]);
    expect(left_over.files[0]).toMatchObject({ key: 'inbox/transactions/new.csv', state: 'waiting' });
  });

  it('waits for files that are being taken in, and for their rows to be clean, when somebody is at it', async () => {
    const arrival: Arrival = { ...KNOWN, state: 'reading', lease: { holder: 'h', until: '2026-03-01T12:16:00.000Z' } };
    await world.arrivals.note(arrival);
    await post(world, 'transactions', sales([sale()]));
    const said: string[] = [];
    const say = (line: string) => {
      said.push(line);
      if (line === 'waiting for 1 file of the inbox') void world.arrivals.note({ ...arrival, state: 'done' });
      if (line === '0 claims called for') setTimeout(() => void drain(world), 500);
    };
    const report = await nightIn(world, world.directory, { isAwake: true, say });
    expect(said.slice(0, 3)).toEqual(['waiting for 1 file of the inbox', '0 files unfinished', '0 claims called for']);
    expect(report).toMatchObject({ status: 'done', loaded: { transactions: { files: 1, rows: 1 } } });
  });

  it('says nothing of a file that is in, until another one lies under its name', async () => {
    const version = versionOf(statSync(put('known.csv', 10)));
    await world.arrivals.note({ ...KNOWN, version });
    expect((await nightIn(world, world.directory, { isAwake: false })).left_over.count).toBe(0);
    put('known.csv', 5);
    expect((await nightIn(world, world.directory, { isAwake: false })).left_over.count).toBe(1);
  });
});

describe('npm run nightly', () => {
  let said: string[];
  beforeEach(() => {
    said = [];
    const say = (...parts: unknown[]) => void said.push(parts.join(' '));
    jest.spyOn(console, 'error').mockImplementation(say);
    jest.spyOn(console, 'log').mockImplementation(say);
  });
  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['an argument that is none', ['tonight'], 2, '"tonight" is not known'],
    ['to wait and not to wait', ['--wait', '--no-wait'], 2, 'not both'],
    ['a region without a stage', ['--region', 'eu-central-1'], 2, '--region goes with --stage'],
    ['a stage and a directory', ['--stage', 'dev', '--dir', 'x'], 2, 'not both'],
    ['stage local', ['--stage', 'local'], 2, 'no stage that can be deployed'],
    ['a directory where nothing is', ['--dir', '/nowhere'], 1, 'There is no ecomflow in /nowhere'],
  ])('refuses %s', async (_, args, code, words) => {
    expect(await main(args)).toBe(code);
    expect(said.join('\n')).toContain(words);
    expect(said.join('\n')).not.toContain('    at '); // no stack
  });

  it('prints the report, and that no npm start runs', async () => {
    expect(await main(['--dir', world.directory])).toBe(0);
    const report = said.find((line) => line.startsWith('{'))!;
    expect(JSON.parse(report)).toMatchObject({ status: 'done', loaded: { events: { files: 0 } } });
    expect(said[0]).toContain(`No npm start runs in ${world.directory}`);
    expect(said.at(-1)).toContain('The night is done.');
  });
});

describe('a night in words', () => {
  const report: NightReport = {
    id: 'n',
    status: 'done',
    began_at: '2026-03-01T02:30:00.000Z',
    ended_at: '2026-03-01T02:31:00.000Z',
    seconds: { wait: 1.5, load: 58 },
    waited_for: { count: 0, names: [] },
    claims: { count: 0, names: [] },
    left_over: { count: 0, files: [] },
    loaded: null,
    curated: null,
    insights: null,
  };
  const unreadable = [{ key: 'landing/x', reason: 'NotLanded: no' }];

  it.each<[string, Partial<NightReport>, string[]]>([
    ['without a warehouse', {}, ['no warehouse was loaded', 'The night is done.', '(wait 1.5 s, load 58 s)']],
    [
      'with what was loaded, and passed over',
      { loaded: { events: { files: 1, rows: 1200, added: 1, known: 1199, unreadable } } },
      ['events: 1,200 rows of 1 file loaded, 1 new, 1199 known', '  passed over: landing/x (NotLanded: no)'],
    ],
    [
      'with what was merged and built',
      {
        curated: { events: { arrivals: 1, days: 2, landed_rows: 1200, curated_rows: 1199, removed_duplicates: 1 } },
        insights: { insights: 21, profiles: 4000 },
      },
      ['events: 2 days merged; 1,199 rows curated, 1 duplicate removed', '21 insights built, 4,000 profiles kept'],
    ],
    [
      'with what is left over',
      { left_over: { count: 2, files: [{ key: 'inbox/a', state: 'reading', why: 'stuck' }] } },
      ['left over: 2 files', '  inbox/a (reading): stuck', '  and 1 more'],
    ],
    [
      'when it failed',
      { status: 'failed', failure: { step: 'load', error: 'Unavailable', cause: 'busy' } },
      ['The night failed at "load": Unavailable: busy'],
    ],
  ])('%s', (_, changes, lines) => {
    expect(inWords({ ...report, ...changes }).split('\n')).toEqual(expect.arrayContaining(lines));
  });

  it('step by step', () => {
    const night = { id: 'n', began_at: '', left_over: { count: 1, files: [] }, claims: { count: 2, names: [] } };
    const curated = { events: { arrivals: 1, days: 1, landed_rows: 2, curated_rows: 2, removed_duplicates: 0 } };
    const loaded = { events: { files: 2, rows: 3, added: 3, known: 0, unreadable: [] } };
    expect([
      stepInWords('wait', { ...night, again: true }),
      stepInWords('wait', { ...night, again: false }),
      stepInWords('claim', { ...night, again: true }),
      stepInWords('claim', night),
      stepInWords('load', { ...night, loaded, again: true }),
      stepInWords('load', night),
      stepInWords('curate', { ...night, curated, again: true }),
      stepInWords('curate', night),
      stepInWords('build', { ...night, insights: { insights: 3, profiles: 0 }, again: true }),
      stepInWords('build', night),
    ]).toEqual([
      'waiting for 1 file of the inbox',
      '1 file unfinished',
      'waiting for claims: 1 file unfinished',
      '2 claims called for',
      'loading: events +3 (2 files)',
      'loaded: nothing',
      'merging: events 1 day',
      'merged: nothing',
      'building insights: 3',
      'insights built: 0',
    ]);
  });
});
