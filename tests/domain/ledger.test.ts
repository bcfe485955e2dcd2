import fc from 'fast-check';
import { type Batch, balanceOf, type ChunkEntry, fileBalance, sumBalances } from '../../shared/domain/ledger';
import { accountedFor, addCounts, type Counts, rejectedTotal } from '../../shared/domain/outcome';

const entry = (number: number, counts: Counts): ChunkEntry => ({
  batch_id: 'b',
  number,
  chunk_id: `b-${number}`,
  revision: 0,
  cleaned_at: '2025-01-01T00:00:02.000Z',
  ...counts,
});
const batch = (received: number, chunks: number, entries: readonly ChunkEntry[], accepted = true): Batch => ({
  failures: [],
  head: {
    batch_id: 'b',
    dataset: 'transactions',
    contract_version: 1,
    format: 'csv',
    columns: [],
    received,
    slices: Array.from({ length: chunks }, () => ({ start: 0, end: 1, first_line: 1, rows: 1 })),
    received_at: '2025-01-01T00:00:00.000Z',
    sent_by: 'shop',
    ...(accepted && { accepted_at: '2025-01-01T00:00:01.000Z' }),
  },
  entries,
});
const first = entry(1, { kept: 3, duplicate: 1, rejected: { missing: 2 } });
const second = entry(2, { kept: 1, duplicate: 0, rejected: { cancellation: 2, missing: 1 } });

describe('the balance of a batch', () => {
  test('is open until its last chunk is in the stream', () => {
    expect(balanceOf(batch(10, 2, [], false))).toEqual({
      status: 'open',
      received: 10,
      kept: 0,
      duplicate: 0,
      rejected: {},
      pending: 10,
      balanced: false,
      failed: [],
    });
  });

  test('is open even where chunks are cleaned already', () => {
    expect(balanceOf(batch(10, 2, [first, second], false))).toMatchObject({
      status: 'open',
      pending: 0,
      balanced: false,
    });
  });

  test('is accepted while chunks are on their way', () => {
    expect(balanceOf(batch(10, 2, [first]))).toMatchObject({
      status: 'accepted',
      kept: 3,
      pending: 4,
      balanced: false,
    });
  });

  test('is complete and balanced when every row has its outcome', () => {
    expect(balanceOf(batch(10, 2, [first, second]))).toEqual({
      status: 'complete',
      received: 10,
      kept: 4,
      duplicate: 1,
      rejected: { cancellation: 2, missing: 3 },
      pending: 0,
      balanced: true,
      failed: [],
    });
  });

  test.each([9, 11])('is not balanced when %d rows were received and 10 have outcomes', (received) => {
    expect(balanceOf(batch(received, 2, [first, second]))).toMatchObject({
      status: 'complete',
      pending: received - 10,
      balanced: false,
    });
  });
});

describe('a batch with a chunk that cannot be cleaned', () => {
  const failure = { batch_id: 'b', number: 2, chunk_id: 'b-2', failed_at: '2025-01-01T00:00:03.000Z' };
  const having = (entries: readonly ChunkEntry[]): Batch => ({ ...batch(10, 2, entries), failures: [failure] });

  test('is accepted while others are on their way, then failed, and names the chunk', () => {
    expect(balanceOf(having([]))).toMatchObject({ status: 'accepted', failed: ['b-2'] });
    expect(balanceOf(having([first]))).toMatchObject({
      status: 'failed',
      pending: 4,
      balanced: false,
      failed: ['b-2'],
    });
  });

  test('is complete when the chunk went through later', () => {
    expect(balanceOf(having([first, second]))).toMatchObject({ status: 'complete', balanced: true, failed: [] });
  });
});

describe('a batch whose rows are not yet told from those of others', () => {
  const provisional = { ...second, provisional: true as const };
  const failure = { batch_id: 'b', number: 3, chunk_id: 'b-3', failed_at: '2025-01-01T00:00:03.000Z' };

  test('is provisional, and not balanced, though every row is counted', () => {
    expect(balanceOf(batch(10, 2, [first, provisional]))).toMatchObject({
      status: 'provisional',
      pending: 0,
      balanced: false,
    });
  });

  test('is accepted while chunks are on their way, and failed where one cannot be cleaned', () => {
    expect(balanceOf(batch(12, 3, [first, provisional])).status).toBe('accepted');
    expect(balanceOf({ ...batch(12, 3, [first, provisional]), failures: [failure] }).status).toBe('failed');
  });

  test('is further behind than one that is complete, and further on than one that failed', () => {
    const open = balanceOf(batch(10, 2, [first, provisional]));
    const failed = balanceOf({ ...batch(12, 3, [first, second]), failures: [failure] });
    expect(sumBalances([balanceOf(batch(10, 2, [first, second])), open]).status).toBe('provisional');
    expect(sumBalances([failed, open]).status).toBe('failed');
  });
});

describe('a file', () => {
  const part = (number: number, parts: number, accepted = true): Batch => {
    const one = batch(10, 2, [first, second], accepted);
    return { ...one, head: { ...one.head, batch_id: `b${number}`, file: { hash: 'f', part: number, parts } } };
  };

  test('is balanced when every part is there', () => {
    const whole = fileBalance([part(1, 2), part(2, 2)]);
    expect(whole).toMatchObject({ status: 'complete', balanced: true, received: 20, batches: ['b1', 'b2'] });
    expect(whole.parts).toEqual({ total: 2, accepted: [1, 2] });
  });

  test.each([
    ['a part is missing', [part(2, 2)]],
    ['two parts disagree about their number', [part(1, 2), part(2, 3)]],
    ['there are two parts of three', [part(2, 3), part(3, 3)]],
    ['there is one part too many', [part(1, 1), part(2, 1)]],
    ['no part has come', []],
  ])('is open when %s', (_, found) => {
    expect(fileBalance(found)).toMatchObject({ status: 'open', balanced: false });
  });

  test('lists the batches of the parts that are wholly taken in', () => {
    expect(fileBalance([part(1, 2), part(2, 2, false)])).toMatchObject({
      batches: ['b1'],
      parts: { total: 2, accepted: [1] },
    });
  });
});

describe('a sum of balances', () => {
  const open = balanceOf(batch(10, 2, [], false));
  const accepted = balanceOf(batch(10, 2, [first]));
  const complete = balanceOf(batch(10, 2, [first, second]));
  const lost = balanceOf(batch(11, 2, [first, second]));

  test('is as far as the one that is furthest behind', () => {
    expect(sumBalances([complete, accepted, open]).status).toBe('open');
    expect(sumBalances([complete, accepted]).status).toBe('accepted');
    expect(sumBalances([complete, complete]).status).toBe('complete');
  });

  test('adds everything up', () => {
    expect(sumBalances([complete, accepted])).toEqual({
      status: 'accepted',
      received: 20,
      kept: 7,
      duplicate: 2,
      rejected: { cancellation: 2, missing: 5 },
      pending: 4,
      balanced: false,
      failed: [],
    });
  });

  test('is balanced when every one is', () => {
    expect(sumBalances([complete, complete]).balanced).toBe(true);
    expect(sumBalances([complete, lost]).balanced).toBe(false);
    expect(sumBalances([]).balanced).toBe(false);
  });
});

describe('counts', () => {
  const counts = fc.record({
    kept: fc.nat(99),
    duplicate: fc.nat(99),
    rejected: fc.dictionary(fc.constantFrom('missing', 'unparseable', 'cancellation'), fc.nat(99)),
  });

  test('of the sum are the sum of the counts, reasons in alphabetical order', () => {
    fc.assert(
      fc.property(fc.array(counts), (all) => {
        const sum = addCounts(all);
        expect(accountedFor(sum)).toBe(all.reduce((total, one) => total + accountedFor(one), 0));
        expect(rejectedTotal(sum)).toBe(all.reduce((total, one) => total + rejectedTotal(one), 0));
        expect(Object.keys(sum.rejected)).toEqual(Object.keys(sum.rejected).toSorted());
      }),
    );
  });
});
