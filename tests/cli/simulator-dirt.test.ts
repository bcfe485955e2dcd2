import { parse } from 'csv-parse/sync';
import { csvRecord } from '../../cli/simulator/csv';
import { type Dirt, dirtOf, soiler } from '../../cli/simulator/dirt';
import { type ShopBook, shopBooks, simulate } from '../../cli/simulator/index';
import { Random } from '../../cli/simulator/random';
import { datasets as contracts } from '../../shared/domain/dataset';

const records = (dataset: ShopBook, rows: number, dirty: number): string[][] =>
  parse([...simulate({ dataset, rows, seed: 5, dirty })].join(''), { from: 2, relax_column_count: true });

/** The contract's own word on a record, which is the peer that dirt is measured against. */
function judge(dataset: ShopBook) {
  const { contract, cleaner } = contracts.get(dataset)!;
  const clean = cleaner(
    'csv',
    contract.columns.map(({ name }) => name),
  );
  return (fields: readonly string[]) => clean(csvRecord(fields).slice(0, -1));
}

const good: Record<ShopBook, string[]> = {
  transactions: ['100001', '12312', 'BLUE "TIN" MUG, BIG', '6', '1/2/2025 8:03', '2.55', '12008', 'United Kingdom'],
  events: ['2025-01-02 00:00:19 UTC', 'view', '5561854', '20530131870977', '', '', '13.12', '535801184', 'eb0a1599'],
};

const reasons: Record<ShopBook, string[]> = {
  transactions: ['bad_debt', 'cancellation', 'missing', 'non_positive_price', 'non_positive_quantity', 'unparseable'],
  events: ['missing', 'negative_price', 'unknown_event_type', 'unparseable'],
};

const name = ({ reason, field }: Dirt) => `${reason} ${field ?? 'row'}`;

describe.each(shopBooks)('dirt in %s', (dataset) => {
  const verdict = judge(dataset);

  it('has every reason of the contract', () => {
    expect([...new Set(dirtOf(dataset).map(({ reason }) => reason))].sort()).toEqual(reasons[dataset]);
  });

  it.each(dirtOf(dataset).map((dirt) => [name(dirt), dirt] as const))(
    'is rejected: %s',
    (_, { reason, field, ways }) => {
      expect(verdict(good[dataset])).toMatchObject({ kind: 'kept' });
      for (const way of ways) {
        const fields = way(good[dataset], new Random(1, 'test'));
        expect({ fields, ...verdict(fields) }).toMatchObject({ kind: 'rejected', reason, ...(field && { field }) });
      }
    },
  );

  it('stays one CSV record each', () => {
    expect(records(dataset, 4000, 1)).toHaveLength(4000);
  });

  it.each([0.013, 0.25, 1])('is exactly a share of %d, and the other rows stay as they were', (share) => {
    const clean = records(dataset, 3000, 0).map((row) => row.join('\u001e'));
    const changed = records(dataset, 3000, share).filter((row, i) => row.join('\u001e') !== clean[i]);
    // A row spoilt into what it was by nature (a cancellation into a cancellation) is not seen here.
    expect(changed.length).toBeGreaterThanOrEqual(3000 * share * 0.98);
    expect(changed.length).toBeLessThanOrEqual(3000 * share);
    const soil = soiler(dataset, { rows: 1000, share, seed: 2 });
    const soiled = Array.from({ length: 1000 }, () => soil(good[dataset])).filter((row) => row !== good[dataset]);
    expect(soiled).toHaveLength(Math.round(1000 * share));
  });

  it('deals every kind before one comes twice', () => {
    const kinds = dirtOf(dataset);
    const soil = soiler(dataset, { rows: kinds.length, share: 1, seed: 2 });
    const seen = kinds.map(() => {
      const outcome = verdict(soil(good[dataset]));
      return outcome.kind === 'rejected' ? outcome.reason : outcome.kind;
    });
    expect(seen.sort()).toEqual(kinds.map(({ reason }) => reason).sort());
  });

  it('makes all rows unacceptable at a share of 1, and all reasons occur', () => {
    const verdicts = records(dataset, 2000, 1).map(verdict);
    expect(verdicts.filter(({ kind }) => kind !== 'rejected')).toEqual([]);
    const seen = new Set(verdicts.map((each) => (each.kind === 'rejected' ? each.reason : '')));
    expect([...seen].sort()).toEqual(reasons[dataset]);
  });

  it('is not there at a share of 0, but for what is natural', () => {
    const verdicts = records(dataset, 30_000, 0).map(verdict);
    const seen = verdicts.flatMap((each) => (each.kind === 'rejected' ? [each.reason] : []));
    const natural = ['bad_debt', 'cancellation', 'non_positive_price', 'non_positive_quantity', 'negative_price'];
    expect(seen.filter((reason) => !natural.includes(reason))).toEqual([]);
    expect(seen.length / verdicts.length).toBeLessThan(0.04);
  });
});
