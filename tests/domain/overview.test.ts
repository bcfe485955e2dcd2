import { insights } from '../../shared/domain/insight';
import type { Batch } from '../../shared/domain/ledger';
import {
  builtBefore,
  NO_BATCHES,
  nothingBuilt,
  periodOf,
  rowByColumn,
  rowsOf,
  type Spans,
  withBatch,
} from '../../shared/domain/overview';

const head = {
  batch_id: 'b',
  dataset: 'transactions',
  contract_version: 1,
  format: 'csv',
  columns: [],
  received: 10,
  slices: [{ start: 0, end: 1, first_line: 2, rows: 10 }],
  received_at: '2026-03-01T12:00:00Z',
  accepted_at: '2026-03-01T12:00:01Z',
  sent_by: 'somebody',
} as const;
const entry = { batch_id: 'b', number: 1, chunk_id: 'c', revision: 0, cleaned_at: '2026-03-01T12:00:02Z' };
const through: Batch = { head, entries: [{ ...entry, kept: 7, duplicate: 1, rejected: { missing: 2 } }], failures: [] };

describe("the ledger's sum", () => {
  it('adds batch to batch, reason by reason', () => {
    const other: Batch = {
      head,
      entries: [{ ...entry, kept: 9, duplicate: 0, rejected: { bad_debt: 1 } }],
      failures: [],
    };
    expect([through, other].reduce(withBatch, NO_BATCHES)).toEqual({
      batches: 2,
      received: 20,
      kept: 16,
      duplicate: 1,
      rejected: { bad_debt: 1, missing: 2 },
      pending: 0,
      balanced: true,
    });
  });

  it('is not balanced while one batch is not', () => {
    const waiting: Batch = { head, entries: [], failures: [] };
    expect([waiting, through].reduce(withBatch, NO_BATCHES)).toMatchObject({
      received: 20,
      pending: 10,
      balanced: false,
    });
  });
});

describe('the period of an insight', () => {
  const span = (first_day: string | null, last_day: string | null) => ({ first_day, last_day, rows: 1, customers: 1 });
  const spans: Spans = {
    transactions: span('2011-01-01', '2011-02-01'),
    events: span(null, null),
    refused: span('2010-12-01', '2011-01-15'),
  };

  it('is from the first to the last day of whatever it reads', () => {
    expect(periodOf({ reads: ['transactions'] }, spans)).toEqual({ first_day: '2011-01-01', last_day: '2011-02-01' });
    expect(periodOf({ reads: ['transactions', 'events', 'refused'] }, spans)).toEqual({
      first_day: '2010-12-01',
      last_day: '2011-02-01',
    });
  });

  it('is none while there is nothing', () => {
    expect(periodOf({ reads: ['events'] }, spans)).toBeUndefined();
  });
});

describe('what was built', () => {
  const insight = insights.get('sales_by_day')!;
  const built = { ...nothingBuilt(insight), rows: [['2010-12-01', '1.0000', 1, 1, 1, '1.00']] };

  it('is found as it was, unless the insight has other columns by now', () => {
    expect(builtBefore(insight, undefined)).toEqual(nothingBuilt(insight));
    expect(builtBefore(insight, JSON.stringify(built))).toEqual(built);
    const other = { ...built, columns: ['day', 'money'] };
    expect(builtBefore(insight, JSON.stringify(other))).toEqual(nothingBuilt(insight));
  });

  it('has integers as numbers and money as text', () => {
    const rows = rowsOf(insight, { rows: [['2010-12-01', '58776.7900', '127', '3067', '32212', null]] });
    expect(rows).toEqual([['2010-12-01', '58776.7900', 127, 3067, 32212, null]]);
    expect(rowByColumn(insight.columns.slice(0, 3), rows[0]!)).toEqual({
      day: '2010-12-01',
      revenue: '58776.7900',
      orders: 127,
    });
  });
});
