import { incidentOf, rejectedShare, runIncident, sourceOf, unbalanced } from '../../shared/domain/incident';
import { type BatchHead, balanceOf, type ChunkEntry } from '../../shared/domain/ledger';

const AT = '2026-03-01T12:00:00.000Z';

/** What an object with this paper tells. */
const told = (key: string, note?: unknown, record?: Parameters<typeof incidentOf>[3]) =>
  incidentOf(sourceOf(key)!, AT, typeof note === 'string' || note === undefined ? note : JSON.stringify(note), record);

const SILENT = [
  'failed/8c1f.chunk', // its error comes behind it
  'failed/.error.json/x',
  'failed/landing/',
  'failed/raw/',
  'failed/discarded/',
  'aws/lambda/',
  'aws/other/1',
  'rejected/files/transactions/dt=2026-03-01/00ff-march.csv',
  'rejected/transactions/dt=2026-03-01/8c1f.ndjson.gz',
  'rejected/other/a.reason.json',
  'reports/nightly/dt=2026-03-01/n.txt',
  'reports/yearly/y.json',
  'landing/transactions/dt=2026-03-01/8c1f.parquet',
  '',
];

describe('an object', () => {
  it.each(SILENT)('at "%s" tells nothing', (key) => expect(sourceOf(key)).toBeUndefined());

  it('that is the reason of a refused file tells of the file', () => {
    const key = 'rejected/files/transactions/dt=2026-03-01/00ff.reason.json';
    expect(sourceOf(key)?.hasNote).toBe(true);
    const note = {
      key: 'inbox/transactions/a.csv',
      version: '1',
      code: 'empty_body',
      detail: 'd'.repeat(3000),
      facts: {},
    };
    expect(told(key, note)).toEqual({
      id: `file_refused ${key}`,
      kind: 'file_refused',
      dataset: 'transactions',
      at: AT,
      facts: { object: key, key: 'inbox/transactions/a.csv', code: 'empty_body', detail: 'd'.repeat(1000) },
    });
  });

  it.each([undefined, 'no JSON', 'null', '[]', '7', '{"key":{}}'])(
    'whose paper is %s tells what its place does',
    (note) => {
      const key = 'rejected/files/none/dt=2026-03-01/00ff.reason.json';
      expect(told(key, note)).toEqual({
        id: `file_refused ${key}`,
        kind: 'file_refused',
        at: AT,
        facts: { object: key },
      });
    },
  );

  it('that is the error of a chunk tells of the chunk, and of the batch that its record names', () => {
    const key = 'failed/8c1f.error.json';
    expect(sourceOf(key)?.record).toBe('failed/8c1f.chunk');
    const note = { name: 'TypeError', message: 'x is not a function', stack: 'at y' };
    const facts = { object: key, chunk_id: '8c1f', error: 'TypeError', message: 'x is not a function' };
    expect(told(key, note)).toEqual({ id: `chunk_failed ${key}`, kind: 'chunk_failed', at: AT, facts });
    expect(told(key, note, { dataset: 'events', batch_id: 'b', rows: 5 })).toEqual({
      id: `chunk_failed ${key}`,
      kind: 'chunk_failed',
      dataset: 'events',
      at: AT,
      facts: { ...facts, batch_id: 'b', rows: 5 },
    });
  });

  it('that Lambda gave up, or what stands for it here, tells how many records', () => {
    const there = 'aws/lambda/0e7f/shardId-000000000000/2026/03/01/1';
    const note = { requestContext: { condition: 'RetryAttemptsExhausted' }, KinesisBatchInfo: { batchSize: 100 } };
    expect(told(there, note)?.facts).toEqual({ object: there, records: 100, condition: 'RetryAttemptsExhausted' });
    const here = 'failed/discarded/1-7.json';
    expect(told(here, { batchSize: 7 })).toMatchObject({ kind: 'chunk_failed', facts: { object: here, records: 7 } });
    expect(told(here)).toMatchObject({ facts: { object: here, records: 0 } });
  });

  it('that Firehose could not write tells of its zone; nobody reads it', () => {
    const landing = 'failed/landing/transactions/format-conversion-failed/2026/03/01/1';
    expect(sourceOf(landing)?.hasNote).toBe(false);
    expect(told(landing)).toMatchObject({
      kind: 'landing_failed',
      dataset: 'transactions',
      facts: { zone: 'landing' },
    });
    expect(told('failed/landing/other/1')).not.toHaveProperty('dataset');
    expect(told('failed/raw/transactions/1')).not.toHaveProperty('dataset');
    expect(told('failed/raw/transactions/1')).toMatchObject({ kind: 'landing_failed', facts: { zone: 'raw' } });
  });

  it('that is the report of a night tells what the warehouse took up, and what it did not', () => {
    const key = 'reports/nightly/dt=2026-03-01/n.json';
    const load = (added: number, unreadable: unknown[]) => ({ files: 1, rows: 9, added, known: 0, unreadable });
    const done = {
      id: 'n',
      status: 'done',
      began_at: '2026-03-01T02:30:00Z',
      ended_at: '2026-03-01T02:41:00Z',
      left_over: { count: 2, files: [] },
      loaded: { events: load(5, [{ key: 'a' }]), transactions: load(7, []), other: {} },
    };
    expect(told(key, done)?.facts).toEqual({
      object: key,
      status: 'done',
      began_at: '2026-03-01T02:30:00Z',
      ended_at: '2026-03-01T02:41:00Z',
      left: 2,
      unreadable: 1,
      added: 12,
      loaded: { events: 5, transactions: 7, other: 0 },
    });
    const failed = { status: 'failed', loaded: null, failure: { step: 'load', error: 'NotInTime', cause: 'late' } };
    expect(told(key, failed)?.facts).toMatchObject({
      status: 'failed',
      step: 'load',
      error: 'NotInTime',
      cause: 'late',
    });
    expect(told(key, '')?.facts).toEqual({ object: key, left: 0, unreadable: 0, added: 0, loaded: {} });
  });

  it('that is the report of a recount tells how many differences each store has, and nothing without one', () => {
    const key = 'reports/reconcile/dt=2026-03-01/r.json';
    const differences = [{ store: 'invoices' }, { store: 'invoices' }, { store: 'landing' }, {}, null];
    expect(told(key, { differences })?.facts).toEqual({
      object: key,
      differences: 5,
      stores: { invoices: 2, landing: 1, unknown: 2 },
    });
    expect(told(key, { differences, differences_total: 7000 })?.facts).toMatchObject({ differences: 7000 });
    expect(told(key, { differences: [] })).toBeUndefined();
    expect(told(key, 'no JSON')?.facts).toEqual({ object: key });
  });
});

describe('a paper that somebody else put there', () => {
  const hostile = { toString: 1, valueOf: 1 }; // what Number() and String() would call
  const many = (value: unknown) => Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`n${i}`, value]));
  const size = (of: unknown) => JSON.stringify(of).length;

  it('tells what of it can be told, whatever is in the place of numbers and names', () => {
    const night = 'reports/nightly/dt=2026-03-01/x.json';
    const report = { status: 'done', left_over: { count: hostile }, loaded: { events: { added: hostile } } };
    expect(told(night, report)?.facts).toMatchObject({ status: 'done', left: 0, added: 0, loaded: { events: 0 } });
    const recount = 'reports/reconcile/dt=2026-03-01/x.json';
    const differences = [{ store: hostile }, { store: '__proto__' }];
    expect(told(recount, { differences, differences_total: hostile })?.facts).toMatchObject({
      differences: 2,
      stores: { unknown: 1, ['__proto__']: 1 },
    });
    expect(told(recount, { differences, differences_total: 0 })?.facts).toMatchObject({ differences: 2 });
    const given = told('aws/lambda/0c9d/x', { KinesisBatchInfo: { batchSize: hostile } });
    expect(given?.facts).toMatchObject({ records: 0 });
  });

  it('is a small incident, however much it says', () => {
    const loaded = { ...many({ added: 1 }), ['x'.repeat(100_000)]: { added: 2 } };
    const night = told('reports/nightly/dt=2026-03-01/x.json', { status: 'done', loaded });
    expect(night?.facts).toMatchObject({ added: 50_002 });
    expect(size(night)).toBeLessThan(30_000);
    const differences = Object.keys(many(1)).map((store) => ({ store }));
    const recount = told('reports/reconcile/dt=2026-03-01/x.json', { differences });
    expect(recount?.facts).toMatchObject({ differences: 50_000 });
    expect(size(recount)).toBeLessThan(30_000);
    expect(told('reports/nightly/x.json', '['.repeat(500_000) + ']'.repeat(500_000))?.facts).toMatchObject({ left: 0 });
  });
});

describe('a run of Spark', () => {
  const run = { run_id: 'jr_1', state: 'FAILED', message: 'OOM', at: AT };

  it('that failed tells of its file, if somebody knows it', () => {
    const facts = { run_id: 'jr_1', state: 'FAILED', message: 'OOM' };
    expect(runIncident(run)).toEqual({ id: 'file_failed jr_1', kind: 'file_failed', at: AT, facts });
    const file = { key: 'inbox/events/a.csv', sent_by: 'shop', dataset: 'events', batch_id: 'b' };
    expect(runIncident(run, file)).toMatchObject({
      dataset: 'events',
      facts: { ...facts, key: file.key, sent_by: 'shop' },
    });
  });

  it.each(['SUCCEEDED', 'RUNNING'])('that is %s tells nothing', (state) =>
    expect(runIncident({ ...run, state })).toBeUndefined(),
  );
});

describe('a batch', () => {
  const head: BatchHead = {
    batch_id: 'b',
    dataset: 'events',
    contract_version: 1,
    format: 'csv',
    columns: [],
    received: 10,
    slices: [{ start: 0, end: 1, first_line: 2, rows: 10 }],
    received_at: '2026-03-01T11:00:00.000Z',
    sent_by: 'shop',
  };
  const entry = { number: 1, chunk_id: 'c', kept: 7, duplicate: 0, rejected: { missing: 3 } } as unknown as ChunkEntry;
  const of = (entries: ChunkEntry[]) => balanceOf({ head, entries, failures: [] });

  it('that is late tells how far it is', () => {
    expect(unbalanced({ ...head, origin: { key: 'inbox/events/a', version: '1' } }, of([]), AT)).toEqual({
      id: 'unbalanced b',
      kind: 'unbalanced',
      dataset: 'events',
      at: AT,
      facts: {
        batch_id: 'b',
        received_at: head.received_at,
        sent_by: 'shop',
        key: 'inbox/events/a',
        status: 'open',
        received: 10,
        pending: 10,
        failed: 0,
      },
    });
  });

  it('of which too much was refused tells the share, beyond the limit only', () => {
    expect(rejectedShare(head, of([entry]), 0.29, AT)).toMatchObject({
      id: 'rejected_share b',
      kind: 'rejected_share',
      facts: { batch_id: 'b', received: 10, rejected: { missing: 3 }, share: 0.3, limit: 0.29 },
    });
    expect(rejectedShare(head, of([entry]), 0.3, AT)).toBeUndefined();
    expect(rejectedShare({ ...head, received: 0 }, { ...of([]), received: 0 }, 0, AT)).toBeUndefined();
  });
});
