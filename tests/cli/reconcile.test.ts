import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../cli/reconcile';
import { patient } from '../../cli/reconcile/here';
import { inWords } from '../../cli/reconcile/words';
import { writeRaw } from '../../shared/adapters/local/raw';
import type { Difference } from '../../shared/domain/reconcile';
import { Unavailable, type WarehouseCount } from '../../shared/pipeline/ports';
import type { ReconcileReport } from '../../shared/pipeline/reconcile';
import { sale, sales } from '../support/rows';
import { drain, post, type TestWorld, testWorld } from '../support/world';

let world: TestWorld;
let said: string[];
let printed: string[];
beforeEach(() => {
  world = testWorld();
  [said, printed] = [[], []];
  jest.spyOn(console, 'error').mockImplementation((...parts) => void said.push(parts.join(' ')));
  jest.spyOn(console, 'log').mockImplementation((...parts) => void printed.push(parts.join(' ')));
});
afterEach(() => {
  jest.restoreAllMocks();
  world.remove();
});

async function filled(): Promise<string> {
  const batch_id = await post(world, 'transactions', sales([sale(), sale({ stock: 'B' })]));
  await drain(world);
  await writeRaw(world.log, world.lake);
  return batch_id;
}

describe('npm run reconcile', () => {
  it.each([
    ['an argument that is none', ['now'], 2, '"now" is not known'],
    ['a region without a stage', ['--region', 'eu-central-1'], 2, '--region goes with --stage'],
    ['not to wait without a stage', ['--no-wait'], 2, '--no-wait goes with --stage'],
    ['a stage and a directory', ['--stage', 'dev', '--dir', 'x'], 2, 'not both'],
    ['stage local', ['--stage', 'local'], 2, 'no stage that can be deployed'],
    ['a time that is none', ['--since', 'yesterday'], 2, '"yesterday" is no time'],
    ['a day that no month has', ['--since', '2026-02-30'], 2, '"2026-02-30" is no time'],
    ['an hour that no day has', ['--since', '2026-02-01T25:00Z'], 2, 'is no time'],
    ['a directory where nothing is', ['--dir', '/nowhere'], 1, 'There is no ecomflow in /nowhere'],
  ])('refuses %s', async (_, args, code, words) => {
    expect(await main(args)).toBe(code);
    expect(said.join('\n')).toContain(words);
    expect(said.join('\n')).not.toContain('    at '); // no stack
  });

  it('ends with 0 where nothing differs, and prints the report when asked', async () => {
    await filled();
    expect(await main(['--dir', world.directory])).toBe(0);
    expect(printed).toEqual([]);
    expect(said[0]!.split('\n')).toEqual(
      expect.arrayContaining(['rows: invoices 2, landing 2, rejected 0, raw 2, warehouse none', 'No difference.']),
    );
    expect(await main(['--dir', world.directory, '--json', '--since', '2026-03-02'])).toBe(0);
    const report = JSON.parse(printed.join('\n')) as ReconcileReport;
    expect(report).toMatchObject({ judged: 0, since: '2026-03-02T00:00:00.000Z', differences: [] });
    const kept = join(world.directory, 'reports/reconcile', `dt=${report.began_at.slice(0, 10)}`, `${report.id}.json`);
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(report);
  });

  it('ends with 1 where something differs, and says what, and what to do', async () => {
    const batch_id = await filled();
    rmSync(join(world.directory, 'landing'), { recursive: true });
    expect(await main(['--dir', world.directory])).toBe(1);
    expect(said[0]!.split('\n')).toEqual(
      expect.arrayContaining([
        '1 difference in 1 batch:',
        `${batch_id} (transactions)`,
        '  landing: 2 rows of 2 missing',
        `  -> npm run redrive -- --batch ${batch_id} --replay --dir ${world.directory}`,
      ]),
    );
  });

  it('ends with 1 where an object cannot be read, even if nothing is missing for it', async () => {
    await filled();
    const [day] = readdirSync(join(world.directory, 'landing/transactions'));
    writeFileSync(join(world.directory, 'landing/transactions', day!, 'x.parquet'), 'no parquet');
    expect(await main(['--dir', world.directory])).toBe(1);
    expect(said[0]).toContain(`cannot be read: landing/transactions/${day}/x.parquet (`);
  });

  it('says in a line why there is no report', async () => {
    await filled();
    writeFileSync(join(world.directory, 'warehouse.duckdb'), 'no database');
    expect(await main(['--dir', world.directory])).toBe(1);
    expect(said.join('\n')).toMatch(/^warehouse.duckdb cannot be opened \(.*\nThere is no report\.$/s);
    expect(said.join('\n')).not.toContain('    at '); // no stack
  });
});

describe('a warehouse that npm start is loading', () => {
  const count: WarehouseCount = { rows: 1, distinct: 1, loaded_at: undefined, batches: new Map() };
  /** Opens at the n-th time. */
  const opening = (n: number, error: Error = new Unavailable('it is open in another program')) => {
    const byBatch = jest.fn(async () => {
      if (byBatch.mock.calls.length < n) throw error;
      return count;
    });
    return { byBatch, keep: async () => undefined };
  };

  it('is waited for', async () => {
    const recount = opening(3);
    await expect(patient(recount, { tries: 3, pauseMs: 0 }).byBatch('events', '')).resolves.toBe(count);
    expect(recount.byBatch.mock.calls).toEqual([
      ['events', ''],
      ['events', ''],
      ['events', ''],
    ]);
  });

  it('is not waited for for ever', async () => {
    await expect(patient(opening(4), { tries: 3, pauseMs: 0 }).byBatch('events', '')).rejects.toThrow(Unavailable);
  });

  it('is asked once where there is a defect', async () => {
    const recount = opening(2, new TypeError('a defect'));
    await expect(patient(recount, { tries: 3, pauseMs: 0 }).byBatch('events', '')).rejects.toThrow('a defect');
    expect(recount.byBatch).toHaveBeenCalledTimes(1);
  });
});

describe('a recount in words', () => {
  const report: ReconcileReport = {
    kind: 'reconcile',
    id: 'r',
    began_at: '2026-03-01T06:30:00.000Z',
    ended_at: '2026-03-01T06:30:01.500Z',
    since: '2026-02-26T06:30:00.000Z',
    judged: 1200,
    young: 1,
    unbalanced: 2,
    unbalanced_batches: ['u1', 'u2'],
    rows: { invoices: 1, landing: 2, rejected: 3, raw: 4, warehouse: null },
    raw_again: 0,
    passed_over: { invoices: 0, landing: 0, rejected: 0, raw: 1, warehouse: 2 },
    unreadable: [],
    unreadable_total: 0,
    differences: [],
    differences_total: 0,
  };
  const difference = (changes: Partial<Difference>): Difference => ({
    batch_id: 'b',
    dataset: 'events',
    store: 'landing',
    kind: 'missing',
    expected: 5,
    found: 3,
    ...changes,
  });
  const linesOf = (...differences: Difference[]) =>
    inWords({ ...report, differences, differences_total: differences.length }, ' --stage dev').split('\n');

  it('says what was judged, and what was not', () => {
    expect(
      inWords(report, ' --stage dev'),
    ).toBe(`1,200 batches judged that came since 2026-02-26T06:30:00.000Z, in 1.5 s
rows: invoices 1, landing 2, rejected 3, raw 4, warehouse none
1 batch too young to be judged
2 batches not judged, with rows that have no outcome yet; npm run status says more:
  u1
  u2
1 batch not judged in raw: it keeps nothing for so long
2 batches not judged in warehouse: they had not come to rest when it was loaded last
No difference.
The report is reports/reconcile/dt=2026-03-01/r.json in the lake.`);
  });

  it.each<[Partial<Difference>, string, string]>([
    [{}, '  landing: 2 rows of 5 missing', 'npm run redrive -- --batch b --replay --stage dev'],
    [{ kind: 'doubled', found: 6 }, '  landing: 1 row more than once', 'nothing: curated and the warehouse take'],
    [{ kind: 'doubled', found: 6, store: 'invoices' }, '  invoices: 1 row more than once', 'docs/reconcile.md says'],
    [
      { kind: 'doubled', found: 6, store: 'warehouse' },
      '  warehouse: 1 row more than once',
      'the warehouse was written',
    ],
    [{ store: 'warehouse' }, '  warehouse: 2 rows of 5 missing', 'have the warehouse look at all of landing again'],
    [
      { store: 'raw', expected: 1, found: 0, detail: 'c' },
      '  raw: 1 chunk of 1 missing (c)',
      'nothing, while the other',
    ],
    [{ kind: 'unknown', expected: 0 }, '  landing: 3 rows that the ledger does not count', 'the ledger has lost'],
  ])('says of %o what it is and what mends it', (changes, line, advice) => {
    const lines = linesOf(difference(changes));
    expect(lines).toContain(line);
    expect(lines.find((one) => one.startsWith('  -> '))).toContain(`  -> ${advice}`);
  });

  it('names what belongs to no batch, and says an advice once', () => {
    const lines = linesOf(difference({ batch_id: null }), difference({ batch_id: null, store: 'rejected' }));
    expect(lines).toContain('over all batches (events)');
    expect(lines.filter((line) => line.startsWith('  -> '))).toHaveLength(1);
  });

  it('does not fill the screen', () => {
    const many = Array.from({ length: 30 }, (_, i) => difference({ batch_id: `b${i}` }));
    const chunks = Array.from({ length: 30 }, (_, i) => difference({ store: 'invoices', detail: `c${i}` }));
    const lines = linesOf(...chunks, ...many);
    expect(lines).toContain('60 differences in 31 batches:');
    expect(lines).toContain('  and 20 more');
    expect(lines).toContain('and 11 batches more: the report has them');
    expect(lines.length).toBeLessThan(100);
    const some = inWords({ ...report, differences: many, differences_total: 500 }, '');
    expect(some).toContain('500 differences, of which these are the first 30, in 30 batches:');
  });
});
