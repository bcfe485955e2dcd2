import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Contract } from '../../shared/domain/contract';
import { datasets } from '../../shared/domain/dataset';
import {
  type InsightColumn,
  InsightError,
  insights,
  readInsight,
  type Source,
  statementOf,
  type Tables,
  told,
} from '../../shared/domain/insight';
import { athenaTables, athenaTablesOf, duckdbTables } from '../../shared/domain/tables';
import { SCHEMA, tableMigration } from '../../shared/domain/warehouse';

const HEADER = [
  '-- question: How many?',
  '-- grain: one row',
  '-- reads: events',
  '-- range: rows',
  '-- order: n',
  '-- column: n integer rows: How many there are',
  '-- column: day date: When',
  '-- cannot: Who.',
  '-- cannot: Why.',
];
const file = (...lines: string[]) => `${lines.join('\n')}\n`;
const SQL = ['select count(*) as n, day', 'from events -- all of them', 'group by day'];

describe('a file of an insight', () => {
  it('is its header and its statement', () => {
    expect(readInsight('many', file(...HEADER, ...SQL), {})).toEqual({
      name: 'many',
      question: 'How many?',
      grain: 'one row',
      reads: ['events'],
      uses: [],
      range: 'rows',
      order: 'n',
      columns: [
        { name: 'n', type: 'integer', unit: 'rows', description: 'How many there are' },
        { name: 'day', type: 'date', unit: undefined, description: 'When' },
      ],
      cannot: ['Who.', 'Why.'],
      sql: 'select count(*) as n, day\nfrom events -- all of them\ngroup by day',
    });
  });

  it('starts from relations, each once and behind those that it uses itself', () => {
    const relations = {
      baskets: '-- relation: a basket\n-- uses: visits, lines\nselect 1',
      lines: '-- relation: a line\n-- reads: transactions\nselect 2',
      visits: '-- relation: a visit\n-- reads: refused, events\n-- uses: lines\nselect 3',
    };
    const header = [...HEADER, '-- uses: baskets, visits'].filter((line) => line !== '-- reads: events');
    const { uses, reads } = readInsight('many', file(...header, ...SQL), relations);
    expect(uses).toEqual(['lines', 'visits', 'baskets']);
    expect(reads).toEqual(['transactions', 'events', 'refused']);
  });

  const without = (start: string, ...more: string[]) => [
    ...HEADER.filter((line) => !line.startsWith(`-- ${start}:`)),
    ...more,
  ];
  it.each([
    ['a line that says nothing', [...HEADER, '-- so there'], 'many: "-- so there" is no line of a header'],
    ['no question', without('question'), 'many: one line says its question'],
    ['two orders', [...HEADER, '-- order: day'], 'many: one line says its order'],
    ['nothing that it reads', without('reads'), 'many: it reads nothing, and can read transactions, events, refused'],
    [
      'a table that is none of its sources',
      [...HEADER, '-- reads: landing_events'],
      'many: it reads landing_events, and can read transactions, events, refused',
    ],
    ['another range', without('range', '-- range: all'), 'many: its range is rows or until'],
    ['a relation that is not there', [...HEADER, '-- uses: orders'], 'many: there is no relation orders'],
    [
      'a column without a type',
      [...HEADER, '-- column: day: When'],
      'many: "day: When" is not NAME TYPE UNIT: what it is (UNIT of numbers), with a type of text, date, timestamp, integer, decimal, number',
    ],
    [
      'a type that is none',
      [...HEADER, '-- column: day float days: When'],
      'many: "day float days: When" is not NAME TYPE UNIT: what it is (UNIT of numbers), with a type of text, date, timestamp, integer, decimal, number',
    ],
  ])('is refused with %s', (_, header, message) => {
    const read = () => readInsight('many', file(...header, ...SQL), {});
    expect(read).toThrow(InsightError);
    expect(read).toThrow(message);
  });
});

describe('a statement', () => {
  const from = (source: Source) => (first: string | undefined, last: string) => `${source} of ${first} to ${last}`;
  const tables: Tables = {
    transactions: from('transactions'),
    events: from('events'),
    refused: from('refused'),
    hashByte: (text) => `hash of ${text}`,
  };
  const period = { first_day: '2026-03-01', last_day: '2026-03-31' };
  const many = readInsight('many', file(...HEADER, ...SQL), {});

  it('has what is asked for, the sources, and the insight, of which it takes so many in order', () => {
    expect(statementOf(many, period, tables, 10)).toBe(
      `with period as (
select date '2026-03-01' as first_day, date '2026-03-31' as last_day
),
events as (
events of 2026-03-01 to 2026-03-31
),
insight as (
select count(*) as n, day
from events -- all of them
group by day
)
select * from insight order by n limit 10`,
    );
  });

  it('reads from the first row on, where an insight looks back', () => {
    expect(statementOf({ ...many, range: 'until' }, period, tables, 10)).toContain('events of undefined to 2026-03-31');
  });

  it('has the relations that it starts from without their headers, in front of it', () => {
    const sql = statementOf({ ...many, reads: ['transactions'], uses: ['orders'] }, period, tables, 10);
    expect(sql).toMatch(/transactions as \(\ntransactions of .*\n\),\norders as \(\nselect\s/);
    expect(sql).toMatch(/\n\),\ninsight as \(\n/);
    expect(sql).not.toContain('-- relation');
  });

  it('takes some of the rows only where it is told which', () => {
    expect(statementOf(many, period, tables, 10.9, 'n > 3')).toMatch(
      /\)\nselect \* from insight where n > 3 order by n limit 10$/,
    );
  });

  it.each([
    { first_day: '2026-3-1', last_day: '2026-03-31' },
    { first_day: '2026-03-01', last_day: "2026-03-31' or '' = '" },
    { first_day: '2026-03-01\n', last_day: '2026-03-31' },
  ])('is made of days and of nothing else: %j', (wrong) => {
    expect(() => statementOf(many, wrong, tables, 10)).toThrow(InsightError);
  });
});

describe('the insights of this build', () => {
  it('end each on an order that its own columns give', () => {
    for (const { name, order, columns } of insights.values())
      for (const key of order.split(', '))
        expect([name, columns.map((column) => column.name)]).toEqual([
          name,
          expect.arrayContaining([/^\w+/.exec(key)![0]]),
        ]);
  });

  it('say of every number what it counts, and what they cannot tell', () => {
    for (const { name, columns, cannot } of insights.values()) {
      const numbers = columns.filter(({ type }) => ['decimal', 'number'].includes(type));
      expect([name, numbers.filter(({ unit }) => unit === undefined)]).toEqual([name, []]);
      expect([name, cannot.length]).not.toEqual([name, 0]);
    }
  });
});

describe('a value', () => {
  const of = (type: InsightColumn['type']): InsightColumn => ({ name: 'n', type, unit: undefined, description: '' });

  it.each([
    ['integer', '12', 12],
    ['number', '0.25', 0.25],
    ['decimal', '12.5000', '12.5000'],
    ['text', '12', '12'],
    ['date', '2026-03-01', '2026-03-01'],
    ['timestamp', '2026-03-01 10:00:00', '2026-03-01 10:00:00'],
    ['integer', null, null],
    ['text', null, null],
  ] as const)('of type %s is told: %s', (type, text, expected) => {
    expect(told(of(type), text)).toBe(expected);
  });
});

const { contract } = datasets.get('transactions')!;
/** A shop in London that writes nobody down as nothing at all. */
const london: Contract = {
  ...contract,
  timezone: 'Europe/London',
  columns: contract.columns.map(({ default: _, ...column }) => column),
};
const { timezone: _, ...zoneless } = contract;
const contractsOf = (transactions: Contract) => (dataset: string) =>
  dataset === 'transactions' ? transactions : datasets.get(dataset)!.contract;

describe("Athena's tables", () => {
  it('are the curated ones, by the days that they are partitioned by', () => {
    expect(athenaTables.transactions('2026-03-01', '2026-03-31')).toBe(
      `select event_date as day, "invoice_date" as happened_at, line_id as line_id, "invoice_no" as "invoice_no", "stock_code" as "stock_code", "description" as "description", "quantity" as "quantity", "unit_price" as "unit_price", nullif("customer_id", 'Unknown') as "customer_id", "country" as "country"
from curated_transactions where event_date >= date '2026-03-01' and event_date <= date '2026-03-31'`,
    );
    expect(athenaTables.events(undefined, '2026-03-31')).toMatch(
      /"event_time" as happened_at, .* "user_id" as "user_id".*\nfrom curated_events where event_date <= date '2026-03-31'$/,
    );
  });

  it('are on the clock of the shop', () => {
    const { transactions, refused } = athenaTablesOf(contractsOf(london));
    expect(transactions(undefined, '2026-03-31')).toContain(
      `cast(at_timezone(with_timezone("invoice_date", 'UTC'), 'Europe/London') as timestamp(6)) as happened_at`,
    );
    expect(refused(undefined, '2026-03-31')).toContain(
      `cast(at_timezone(from_iso8601_timestamp(cleaned['invoice_date']), 'Europe/London') as timestamp(6)) as happened_at`,
    );
    expect(transactions(undefined, '2026-03-31')).toContain('"customer_id" as "customer_id"');
  });

  it('are in UTC where a contract names no zone', () => {
    expect(athenaTablesOf(contractsOf(zoneless)).transactions(undefined, '2026-03-31')).toContain(
      '"invoice_date" as happened_at',
    );
  });

  it('have refused rows with the types of the kept ones, each once', () => {
    const sql = athenaTables.refused('2026-03-01', '2026-03-31');
    expect(sql).toContain('select distinct');
    expect(sql).toContain(`cast(cleaned['quantity'] as int) as "quantity"`);
    expect(sql).toContain(`cast(cleaned['unit_price'] as decimal(12,4)) as "unit_price"`);
    expect(sql).toContain(`cleaned['stock_code'] as "stock_code"`);
    expect(sql).toContain(`nullif(cleaned['customer_id'], 'Unknown') as "customer_id"`);
    expect(sql).toMatch(/from rejected_transactions where cleaned is not null\n/);
    expect(sql).toMatch(/where day >= date '2026-03-01' and day <= date '2026-03-31'$/);
  });

  it('hash a text to two digits', () => {
    expect(athenaTables.hashByte('id')).toBe('lower(substr(to_hex(sha256(to_utf8(id))), 1, 2))');
  });
});

describe("DuckDB's tables", () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    connection = await instance.connect();
    await connection.run("set TimeZone = 'UTC'");
    await connection.run(`create schema ${SCHEMA}`);
    for (const sql of tableMigration(contract, [])) await connection.run(sql);
    await connection.run(
      `insert into ${SCHEMA}.transactions values
       ('00112233445566778899aabbccddeeff', 'b', '1', 'A', null, 2, '2026-06-30T23:30:00Z', 1.5, 'Unknown', 'France'),
       ('ff112233445566778899aabbccddeeff', 'b', '2', 'B', 'BREAD', 1, '2026-07-01T10:00:00Z', 2, '17850', 'France')`,
    );
    await connection.run(
      `create table refused as select 'cancellation' as reason,
         '{"invoice_no":"C1","stock_code":"A","description":null,"quantity":-2,"invoice_date":"2026-06-30T23:30:00Z","unit_price":"1.5","customer_id":"Unknown","country":"France"}'::json as cleaned
       from range(2) union all select 'missing', null`,
    );
  });
  afterAll(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const refused = () => 'refused';

  it('are those of the warehouse, with line_id as its digits and nobody as nothing', async () => {
    const { transactions } = duckdbTables(refused);
    expect(await rows(`${transactions('2026-06-30', '2026-06-30')}`)).toEqual([
      [
        '2026-06-30',
        '2026-06-30 23:30:00',
        '00112233445566778899aabbccddeeff',
        '1',
        'A',
        null,
        2,
        '1.5000',
        null,
        'France',
      ],
    ]);
    expect(await rows(transactions(undefined, '2026-06-30'))).toHaveLength(1);
    expect(await rows(transactions(undefined, '2026-07-01'))).toHaveLength(2);
    expect(await rows(transactions('2026-07-01', '2026-07-01'))).toHaveLength(1);
  });

  it('are on the clock of the shop, by which they are asked for', async () => {
    const { transactions, refused: cancelled } = duckdbTables(refused, contractsOf(london));
    const july = await rows(
      `select day, happened_at, customer_id from (${transactions('2026-07-01', '2026-07-01')}) order by 2`,
    );
    expect(july).toEqual([
      ['2026-07-01', '2026-07-01 00:30:00', 'Unknown'],
      ['2026-07-01', '2026-07-01 11:00:00', '17850'],
    ]);
    expect(await rows(transactions(undefined, '2026-06-30'))).toEqual([]);
    expect(await rows(`select day, happened_at from (${cancelled('2026-07-01', '2026-07-01')})`)).toEqual([
      ['2026-07-01', '2026-07-01 00:30:00'],
    ]);
  });

  it('have refused rows that were read, each once, with the types of the kept ones', async () => {
    const { refused: cancelled } = duckdbTables(refused);
    expect(await rows(cancelled('2026-06-30', '2026-06-30'))).toEqual([
      ['2026-06-30', '2026-06-30 23:30:00', 'cancellation', 'C1', 'A', null, -2, '1.5000', null, 'France'],
    ]);
    expect(await rows(cancelled('2026-07-01', '2026-07-01'))).toEqual([]);
  });

  it('have no refused row while none was refused', async () => {
    expect(await rows(duckdbTables(() => undefined).refused(undefined, '2099-12-31'))).toEqual([]);
  });

  it('hash a text to the first two digits of its SHA-256', async () => {
    // printf abc | sha256sum
    expect(await rows(`select ${duckdbTables(refused).hashByte("'abc'")}`)).toEqual([['ba']]);
  });
});
