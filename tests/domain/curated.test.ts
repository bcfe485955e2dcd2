import type { Contract } from '../../shared/domain/contract';
import { addColumns, createTable, curatedRows, merge, optimizeTable, touchedDays } from '../../shared/domain/curated';
import { datasets } from '../../shared/domain/dataset';

const { contract } = datasets.get('transactions')!;
const days = (count: number) =>
  Array.from({ length: count }, (_, i) => new Date(Date.UTC(2025, 0, 1 + i)).toISOString().slice(0, 10));

describe('the statements of curated tables', () => {
  it('make a table of Iceberg, partitioned by a column that it has', () => {
    const statement = createTable(contract, 's3://lake');
    expect(statement).toContain('create table if not exists curated_transactions (');
    expect(statement).toContain('`event_date` date');
    expect(statement).toContain('`unit_price` decimal(12,4)');
    expect(statement).toContain('partitioned by (event_date)');
    expect(statement).toContain("location 's3://lake/curated/transactions/'");
    expect(statement).toContain("'table_type' = 'ICEBERG'");
  });

  it('have comments that nothing in them ends, as long as Glue takes them', () => {
    const [column] = contract.columns;
    const described = (description: string): Contract => ({ ...contract, columns: [{ ...column!, description }] });
    expect(createTable(described("the shop's \\ own"), 's3://lake')).toContain(
      "`invoice_no` string comment 'the shop’s / own'\n",
    );
    expect(createTable(described('x'.repeat(300)), 's3://lake')).toContain(`comment '${'x'.repeat(255)}'\n`);
  });

  it('add what a table does not have, and only that', () => {
    const all = ['line_id', 'batch_id', 'event_date', ...contract.columns.map(({ name }) => name)];
    expect(addColumns(contract, [...all, 'another'])).toBeUndefined();
    expect(addColumns(contract, all.slice(0, -1))).toBe(
      'alter table curated_transactions add columns (`country` string)',
    );
  });

  it('have the day of an event on the clock of the contract', () => {
    const inBerlin = { ...contract, timezone: 'Europe/Berlin' };
    const { timezone: _, ...unsaid } = contract;
    const plain = 'cast("invoice_date" as date) as event_date';
    expect(touchedDays(contract, ['2026-03-01'])).toContain(plain);
    expect(touchedDays(unsaid, ['2026-03-01'])).toContain(plain);
    expect(touchedDays(inBerlin, ['2026-03-01'])).toContain(
      `cast(at_timezone(with_timezone("invoice_date", 'UTC'), 'Europe/Berlin') as date) as event_date`,
    );
  });

  it('write to no more days than a statement of Athena may', () => {
    expect(() => merge(contract, ['2026-03-01'], days(100))).not.toThrow();
    expect(() => merge(contract, ['2026-03-01'], days(101))).toThrow('101 days');
  });

  it('have nothing in them but days', () => {
    const bad = "2026-03-01') or ('' = '";
    expect(() => merge(contract, [bad], ['2026-03-01'])).toThrow('is no day');
    expect(() => merge(contract, ['2026-03-01'], [bad])).toThrow('is no day');
    expect(() => optimizeTable(contract, [bad])).toThrow('is no day');
  });

  it('can be said in the words of another engine', () => {
    const other = {
      landing: (dataset: string) => `lake.landing.${dataset}`,
      curated: (dataset: string) => `lake.curated.${dataset}`,
      quoted: (name: string) => `\`${name}\``,
      instant: (time: string) => `to_timestamp_ntz(${time})`,
      day: (time: string) => `to_date(${time})`,
    };
    const statement = merge(contract, ['2026-03-01'], ['2026-03-01'], other);
    expect(statement).toMatch(/^merge into lake\.curated\.transactions as t\n/);
    expect(statement).toContain('to_timestamp_ntz(`invoice_date`) as `invoice_date`');
    expect(statement).not.toContain('"');
    expect(curatedRows(contract, other)).toBe('select count(*) as curated_rows from lake.curated.transactions');
  });
});
