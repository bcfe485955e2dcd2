import type { Batch, BatchHead, ChunkEntry } from '../../shared/domain/ledger';
import {
  batchOf,
  chunkOf,
  claimedInWarehouse,
  compared,
  invoiceDifferences,
  keptOf,
  LineIds,
  landingDifferences,
  lastSign,
  mixedInWarehouse,
  mostOf,
  rawDifferences,
  rejectedDifferences,
  standingOf,
  wasInStream,
} from '../../shared/domain/reconcile';

const ID = '0a'.repeat(16);
const chunkId = (number: number) => `${ID}-${number}-0123456789ab`;

const entry = (number: number, changes: Partial<ChunkEntry> = {}): ChunkEntry => ({
  batch_id: ID,
  number,
  chunk_id: chunkId(number),
  revision: 0,
  kept: 3,
  duplicate: 0,
  rejected: {},
  cleaned_at: '2026-03-01T12:00:02.000Z',
  ...changes,
});

const batch = (entries: readonly ChunkEntry[], head: Partial<BatchHead> = {}): Batch => ({
  head: {
    batch_id: ID,
    dataset: 'events',
    contract_version: 1,
    format: 'csv',
    columns: [],
    received: 6,
    slices: [
      { start: 0, end: 9, first_line: 2, rows: 3 },
      { start: 9, end: 18, first_line: 5, rows: 3 },
    ],
    received_at: '2026-03-01T12:00:00.000Z',
    accepted_at: '2026-03-01T12:00:01.000Z',
    sent_by: 'test',
    ...head,
  },
  entries,
  failures: [],
});
const TWO = batch([entry(1), entry(2)]);
const place = { batch_id: ID, dataset: 'events' };

/** line_ids that begin with these digits. */
function lineIds(...beginnings: string[]): LineIds {
  const ids = new LineIds();
  for (const beginning of beginnings) ids.add(beginning.padEnd(32, '0'));
  return ids;
}

describe('names', () => {
  test('of chunks and of their redrives begin with those of their batches', () => {
    expect([batchOf(chunkId(7)), batchOf(`${chunkId(7)}-r2`)]).toEqual([ID, ID]);
    expect([chunkOf(`${chunkId(7)}-r12`), chunkOf(chunkId(7)), chunkOf(`${ID}-s00001-r1`)]).toEqual([
      chunkId(7),
      chunkId(7),
      `${ID}-s00001`,
    ]);
  });
});

describe('a batch', () => {
  test('is young until the ledger has been silent about it for long enough', () => {
    expect(lastSign(TWO)).toBe('2026-03-01T12:00:02.000Z');
    expect(standingOf(TWO, '2026-03-01T12:00:01.999Z')).toBe('young');
    expect(standingOf(TWO, '2026-03-01T12:00:02.000Z')).toBe('judged');
  });

  test('is not balanced when it is open, or a chunk of it has no entry', () => {
    const { accepted_at: _, ...open } = batch([]).head;
    expect(lastSign({ head: open, entries: [], failures: [] })).toBe(open.received_at);
    expect(standingOf({ head: open, entries: [], failures: [] }, '2027')).toBe('unbalanced');
    expect(standingOf(batch([entry(1)]), '2027')).toBe('unbalanced');
  });

  test('was in the stream unless its slices are no slices of a text', () => {
    expect(wasInStream(TWO)).toBe(true);
    expect(wasInStream(batch([], { slices: [{ start: 0, end: 0, first_line: 0, rows: 6 }] }))).toBe(false);
    expect(wasInStream(batch([], { slices: [] }))).toBe(false);
  });

  test('may have a line_id once where it is claimed, else once for each chunk and redrive', () => {
    const redriven = batch([entry(1, { revision: 2 }), entry(2)]);
    expect([mostOf(redriven, true), mostOf(redriven, false), keptOf(redriven)]).toEqual([1, 4, 6]);
  });
});

describe('rows held against the ledger', () => {
  const AT = { ...place, store: 'landing' } as const;
  test.each([
    ['as many', { rows: 6, surplus: 0 }, [], []],
    ['fewer', { rows: 4, surplus: 0 }, ['missing 6 4'], ['missing 6 4']],
    ['more', { rows: 8, surplus: 0 }, ['doubled 6 8'], ['unknown 6 8']],
    ['as many and some again', { rows: 7, surplus: 1 }, ['doubled 6 7'], ['doubled 6 7']],
    ['fewer and some again', { rows: 6, surplus: 2 }, ['missing 6 4', 'doubled 4 6'], ['missing 6 4', 'doubled 4 6']],
    ['more and some again', { rows: 9, surplus: 1 }, ['doubled 6 9'], ['doubled 8 9', 'unknown 6 8']],
  ])('%s', (_, tally, mixed, exact) => {
    const said = (more: 'doubled' | 'unknown') =>
      [...compared(AT, 6, tally, more)].map(({ kind, expected, found }) => `${kind} ${expected} ${found}`);
    expect([said('doubled'), said('unknown')]).toEqual([mixed, exact]);
  });
});

describe('the difference of a store', () => {
  test('invoices: lines by chunk, and of chunks that the ledger does not have', () => {
    const lines = new Map([
      [chunkId(1), { rows: 3, surplus: 0 }],
      [chunkId(9), { rows: 2, surplus: 0 }],
    ]);
    expect([...invoiceDifferences(TWO, lines)]).toEqual([
      { ...place, store: 'invoices', kind: 'missing', expected: 3, found: 0, detail: chunkId(2) },
      { ...place, store: 'invoices', kind: 'unknown', expected: 0, found: 2, detail: chunkId(9) },
    ]);
  });

  test('landing: above what is kept are rows that nobody kept, or the same again where that cannot be told', () => {
    const kinds = (most: number) => [...landingDifferences(TWO, { rows: 7, surplus: 0 }, most)].map(({ kind }) => kind);
    expect([kinds(1), kinds(2)]).toEqual([['unknown'], ['doubled']]);
  });

  test('rejected: rows by chunk and reason', () => {
    const judged = batch([entry(1, { rejected: { missing: 2, cancellation: 1 } }), entry(2)]);
    const refused = new Map<string, Record<string, number>>([
      [chunkId(1), { missing: 3, bad_debt: 1 }],
      [chunkId(9), { missing: 1 }],
    ]);
    const said = [...rejectedDifferences(judged, refused)].map(
      ({ kind, expected, found, detail }) => `${kind} ${expected} ${found} ${detail}`,
    );
    expect(said).toEqual([
      `doubled 2 3 ${chunkId(1)} missing`,
      `missing 1 0 ${chunkId(1)} cancellation`,
      `unknown 0 1 ${chunkId(1)} bad_debt`,
      `unknown 0 1 ${chunkId(9)} missing`,
    ]);
  });

  test('raw: chunks by their ids', () => {
    expect([...rawDifferences(TWO, new Set([chunkId(2), chunkId(9)]))]).toEqual([
      { ...place, store: 'raw', kind: 'missing', expected: 1, found: 0, detail: `${chunkId(1)} number 1` },
      { ...place, store: 'raw', kind: 'unknown', expected: 0, found: 1, detail: chunkId(9) },
    ]);
  });

  test('the warehouse: every row that was claimed; else no more than were kept, and none twice', () => {
    const kinds = (differences: Iterable<{ kind: string }>) => [...differences].map(({ kind }) => kind);
    expect(kinds(claimedInWarehouse(TWO, { rows: 5, distinct: 5 }))).toEqual(['missing']);
    expect(kinds(claimedInWarehouse(TWO, { rows: 7, distinct: 6 }))).toEqual(['doubled']);
    expect(kinds(mixedInWarehouse(TWO, { rows: 4, distinct: 4 }))).toEqual([]);
    expect(kinds(mixedInWarehouse(TWO, { rows: 5, distinct: 4 }))).toEqual(['doubled']);
    expect(kinds(mixedInWarehouse(TWO, { rows: 7, distinct: 7 }))).toEqual(['unknown']);
  });
});

describe('line_ids', () => {
  test('are told apart by their first 64 bits', () => {
    const ids = lineIds(
      '0000000000000001',
      '0000000100000000',
      'ffffffffffffffff',
      '0000000000000001',
      'ffffffffffffffff1',
    );
    expect([ids.size, ids.different(), ids.surplus(1), ids.surplus(2)]).toEqual([5, 3, 2, 0]);
  });

  test('are counted as often as they come, also beyond the number that was expected', () => {
    const ids = new LineIds(2);
    for (let i = 0; i < 100; i++) ids.add((i % 50).toString(16).padStart(16, '0').padEnd(32, '0'));
    const all = lineIds('ff');
    all.addAll(ids);
    ids.addAll(new LineIds());
    expect([ids.size, ids.different(), ids.surplus(2), all.size, all.different()]).toEqual([100, 50, 0, 101, 51]);
  });

  test('are none where none came', () => {
    expect([new LineIds().size, new LineIds(5).different()]).toEqual([0, 0]);
  });
});
