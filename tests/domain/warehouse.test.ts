import { readContract } from '../../shared/domain/contract';
import { compile, datasets } from '../../shared/domain/dataset';
import {
  contracts,
  dayOf,
  daysBefore,
  definition,
  tableColumns,
  tableMigration,
  viewsOf,
} from '../../shared/domain/warehouse';

const { contract } = datasets.get('events')!;
const discount = { name: 'order', type: 'decimal(5,2)', from: [], nullable: true, description: '' };
const grown = { ...contract, version: 2, columns: [...contract.columns, discount] };

describe('a table', () => {
  test("has the row's identity and batch, then the contract's columns with exact types", () => {
    expect(tableColumns(datasets.get('transactions')!.contract)).toEqual([
      { name: 'line_id', definition: 'uuid not null' },
      { name: 'batch_id', definition: 'text not null' },
      { name: 'invoice_no', definition: 'text not null' },
      { name: 'stock_code', definition: 'text not null' },
      { name: 'description', definition: 'text' },
      { name: 'quantity', definition: 'integer not null' },
      { name: 'invoice_date', definition: 'timestamp with time zone not null' },
      { name: 'unit_price', definition: 'numeric(12,4) not null' },
      { name: 'customer_id', definition: 'text not null' },
      { name: 'country', definition: 'text not null' },
    ]);
  });

  test('that is there already is left alone', () => {
    const found = tableColumns(contract).map(({ name }) => name);
    expect(tableMigration(contract, found)).toEqual([]);
    expect(tableMigration(contract, [...found, 'order'])).toEqual([]); // the contract was rolled back
  });

  test('grows with its contract, by a column that may be null, whatever it is called', () => {
    const found = tableColumns(contract).map(({ name }) => name);
    expect(tableMigration(grown, found)).toEqual(['alter table ecomflow."events" add column "order" numeric(5,2)']);
    expect(tableMigration(grown, [])).toEqual([
      expect.stringMatching(/^create table ecomflow."events" \(.*, "order" numeric\(5,2\)\)$/),
    ]);
  });
});

test('What the tables and views are made of changes with a contract', () => {
  expect(definition(contracts())).toBe(definition(contracts()));
  expect(definition([grown])).not.toBe(definition([contract]));
  expect(definition([{ ...contract, timezone: 'Europe/Berlin' }])).not.toBe(definition([contract]));
});

describe('views', () => {
  const select = (timezone?: string) => viewsOf({ ...contract, timezone } as typeof contract)[0]!.select;

  test("count by the shop's clock", () => {
    expect(select('Europe/Berlin')).toContain(`"event_time" at time zone 'Europe/Berlin'`);
    expect(select()).toContain(`"event_time" at time zone 'UTC'`);
  });

  test('are for the data sets that they are written for', () => {
    const other = compile(readContract({ ...contract, name: 'returns' }));
    expect(viewsOf(other.contract)).toEqual([]);
    expect(viewsOf(datasets.get('transactions')!.contract).map(({ name, dataset }) => `${dataset} ${name}`)).toEqual([
      'transactions revenue_by_day',
      'transactions revenue_by_country',
      'transactions revenue_by_product',
      'transactions orders_by_hour',
    ]);
  });
});

test('The day of a landed file is in its key', () => {
  expect(dayOf('landing/transactions/dt=2026-03-01/x.parquet')).toBe('2026-03-01');
  expect(dayOf('landing/transactions/x.parquet')).toBeUndefined();
});

test.each([
  ['2026-03-08', 7, '2026-03-01'],
  ['2026-01-01', 1, '2025-12-31'],
  ['2024-03-01', 1, '2024-02-29'],
])('%s less %i days is %s', (day, days, before) => {
  expect(daysBefore(day, days)).toBe(before);
});
