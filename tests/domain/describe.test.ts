import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Schema, Validator } from '@cfworker/json-schema';
import type { Contract } from '../../shared/domain/contract';
import type { Event, Transaction } from '../../shared/domain/contracts/types';
import { compile, datasets } from '../../shared/domain/dataset';
import { glueColumns, jsonSchema, refusals, typeName, typeScriptType, typesModule } from '../../shared/domain/describe';

const ROOT = resolve(__dirname, '../..');
const TYPES = join(ROOT, 'shared/domain/contracts/types.ts');
const contracts = [...datasets.values()].map(({ contract }) => contract);
const named = (name: string) => datasets.get(name)!.contract;

/** A contract with every kind of column. */
const GROWN: Contract = {
  name: 'order_items',
  version: 2,
  grain: 'one item',
  timezone: 'Europe/Berlin',
  event_time: 'at',
  columns: [
    { name: 'at', type: 'timestamp', from: [], formats: ['ISO 8601'], description: 'When' },
    { name: 'kind', type: 'string', from: [], enum: ["it's", 'b\\c'], maxLength: 9, description: 'What' },
    { name: 'share', type: 'decimal(4,4)', from: [], description: 'Below one' },
    { name: 'pieces', type: 'decimal(1,0)', from: [], description: 'One digit' },
    { name: 'note', type: 'string', from: [], nullable: true, maxLength: 3, description: 'Ends */ early' },
    {
      name: 'grade',
      type: 'string',
      from: [],
      nullable: true,
      maxLength: 99,
      enum: Array.from({ length: 9 }, (_, i) => `a long grade ${i}`),
      description: 'Later',
    },
  ],
  reject: [
    { reason: 'unknown_kind', column: 'kind', notIn: 'enum' },
    { reason: 'unknown_grade', column: 'grade', notIn: 'enum' },
    { reason: 'odd', column: 'kind', matches: '^x' },
    { reason: 'few', column: 'pieces', lessThan: 1 },
    { reason: 'none', column: 'pieces', lessThanOrEqual: 0 },
    { reason: 'other', column: 'note', notIn: ['a', 'b'] },
    { reason: 'x', column: 'note', startsWith: 'X' },
  ],
  identity: ['at', 'kind', 'share', 'pieces', 'note'],
};

describe('The types of rows', () => {
  test('in contracts/types.ts are those of the contracts; npm run contracts writes them', () => {
    expect(readFileSync(TYPES, 'utf8')).toBe(typesModule(contracts));
  });

  test('hold what a cleaner gives', () => {
    const sale = datasets.get('transactions')!.cleaner('ndjson', [])(
      '{"invoice_no":"1","stock_code":"2","quantity":3,"invoice_date":"12/1/2010 8:26","unit_price":1.50,"country":"Eire"}',
    );
    const row: Transaction = {
      invoice_no: '1',
      stock_code: '2',
      description: null,
      quantity: 3,
      invoice_date: '2010-12-01T08:26:00Z',
      unit_price: '1.5',
      customer_id: 'Unknown',
      country: 'Eire',
    };
    expect(sale).toMatchObject({ kind: 'kept', row });
    const kind: Event['event_type'] = 'remove_from_cart';
    expect(named('events').columns.find(({ name }) => name === 'event_type')!.enum).toContain(kind);
  });

  test('are named in the singular', () => {
    expect(['transactions', 'events', 'order_items', 'stock'].map((name) => typeName({ name }))).toEqual([
      'Transaction',
      'Event',
      'OrderItem',
      'Stock',
    ]);
  });

  test('are as the formatter would have them, whatever stands in a contract', () => {
    const written = typeScriptType(GROWN);
    expect(written).toContain("  readonly kind: 'it\\'s' | 'b\\\\c';");
    expect(written).toContain('Ends *\\/ early');
    expect(written).toContain("  readonly grade:\n    | 'a long grade 0'\n");
    expect(written).toContain("    | 'a long grade 8'\n    | null;\n");
    const plain = typesModule([
      named('transactions'),
      { ...GROWN, columns: GROWN.columns.filter((c) => c.name !== 'kind') },
    ]);
    const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
    const formatted = execFileSync(process.execPath, [biome, 'format', '--stdin-file-path=types.ts'], {
      cwd: ROOT,
      input: plain,
      encoding: 'utf8',
    });
    expect(formatted).toBe(plain);
  });
});

describe('The columns of a table in the lake', () => {
  test("are the contract's, then line_id and batch_id", () => {
    expect(glueColumns(named('transactions')).map(({ Name, Type }) => `${Name} ${Type}`)).toEqual([
      'invoice_no string',
      'stock_code string',
      'description string',
      'quantity int',
      'invoice_date timestamp',
      'unit_price decimal(12,4)',
      'customer_id string',
      'country string',
      'line_id string',
      'batch_id string',
    ]);
  });

  test('are those that the stack makes', async () => {
    const { resources, idOf } = require('../../resources/catalog.js');
    const resolveVariable = async (name: string) => (name === 'sls:stage' ? 'test' : { bucket: 'lake' });
    const { Resources } = await resources({ resolveVariable });
    for (const contract of contracts) {
      const { TableInput } = Resources[idOf(contract, 'Landed')].Properties;
      expect(TableInput.StorageDescriptor.Columns).toEqual(glueColumns(contract));
    }
  });
});

test('Reasons are told in words, in their order', () => {
  expect(refusals(named('transactions'))).toEqual([
    { reason: 'cancellation', when: 'invoice_no starts with C, in upper or lower case' },
    { reason: 'bad_debt', when: 'invoice_no starts with A, in upper or lower case' },
    { reason: 'non_positive_quantity', when: 'quantity is 0 or less' },
    { reason: 'non_positive_price', when: 'unit_price is 0 or less' },
  ]);
  expect(refusals(GROWN).map(({ when }) => when)).toEqual([
    'kind is none of its known values',
    'grade is none of its known values',
    'kind matches ^x',
    'pieces is less than 1',
    'pieces is 0 or less',
    'note is none of a, b',
    'note starts with X, in upper or lower case',
  ]);
});

const fits = (schema: unknown, value: unknown) => new Validator(schema as Schema, '2020-12').validate(value).valid;

describe('The schema of a row to send', () => {
  const SALE = {
    invoice_no: '536365',
    stock_code: '85123A',
    description: 'HEART',
    quantity: 6,
    invoice_date: '12/1/2010 8:26',
    unit_price: '2.55',
    customer_id: '17850',
    country: 'United Kingdom',
  };
  const clean = datasets.get('transactions')!.cleaner('ndjson', []);
  /** Whether a row is read: what a rule refuses was read. */
  const isRead = (row: object) => {
    const verdict = clean(JSON.stringify(row));
    return verdict.kind === 'kept' || !['missing', 'unparseable'].includes(verdict.reason);
  };

  const VALUES: Record<string, readonly unknown[]> = {
    invoice_no: ['1', 1, 536365, 'C1', '', ' ', null, true, [], {}, 'x'.repeat(32), 'x'.repeat(33), '🧀'.repeat(32)],
    description: ['', ' ', null, 'x'.repeat(4000), 'x'.repeat(4001), 12, false],
    quantity: [
      0,
      -1,
      1.5,
      '6',
      ' 6 ',
      '+6',
      '6.0',
      '6.5',
      '',
      null,
      'six',
      2147483647,
      2147483648,
      -2147483649,
      true,
      '1e3',
    ],
    unit_price: [
      0,
      -1.5,
      2.55,
      '2.5500000',
      '.5',
      '5.',
      '.',
      '-',
      '',
      '+1',
      '1e3',
      '1,5',
      '99999999.9999',
      '123456789',
    ],
    customer_id: ['', null, 17850, '17850.0', 'Unknown', true],
    country: ['', null, 'Eire', 7],
    invoice_date: ['2010-12-01 08:26:00', '2010-12-01T08:26:00+01:00', '', null, 1291191960, true, 'noon'],
  };
  const cases = Object.entries(VALUES).flatMap(([name, values]) => values.map((value) => [name, value] as const));

  test.each(cases)('agrees with the cleaner about %s: %j', (name, value) => {
    const row = { ...SALE, [name]: value };
    expect(fits(jsonSchema(named('transactions')).input, row)).toBe(isRead(row));
  });

  test.each(Object.keys(SALE))('agrees with the cleaner about a row without %s', (name) => {
    const { [name as keyof typeof SALE]: _, ...row } = SALE;
    expect(fits(jsonSchema(named('transactions')).input, row)).toBe(isRead(row));
  });
});

describe('The schema of a cleaned row', () => {
  const { row: schema } = jsonSchema(GROWN);
  const ROW = { at: '2026-03-01T12:00:00.5Z', kind: "it's", share: '0.1234', pieces: '7', note: null, grade: null };

  test('fits what the cleaner gives, to the last digit', () => {
    const clean = compile(GROWN).cleaner('ndjson', []);
    for (const [share, pieces] of [
      ['0', '9'],
      ['.5000', 1],
      ['-0.0001', '5.0'],
      [0.25, 3],
    ]) {
      const verdict = clean(JSON.stringify({ at: '2026-03-01T12:00', kind: 'b\\c', share, pieces, note: 'a' }));
      expect(verdict).toMatchObject({ kind: 'kept' });
      expect({ share, fits: fits(schema, verdict.kind === 'kept' && verdict.row) }).toEqual({ share, fits: true });
    }
  });

  test.each<[object]>([
    [{ share: 0.1234 }],
    [{ share: '0.12340' }],
    [{ share: '1.1' }],
    [{ share: '.1' }],
    [{ pieces: '07' }],
    [{ pieces: '10' }],
    [{ at: '2026-03-01 12:00' }],
    [{ at: null }],
    [{ kind: 'other' }],
    [{ kind: null }],
    [{ note: '' }],
    [{ note: 'long' }],
    [{ grade: 'none' }],
  ])('does not fit %j', (change) => {
    expect(fits(schema, ROW)).toBe(true);
    expect(fits(schema, { ...ROW, ...change })).toBe(false);
  });

  test('asks for the columns of the first version: older rows have no others', () => {
    const { grade: _, ...old } = ROW;
    expect(fits(schema, old)).toBe(true);
    const { note: __, ...cut } = ROW;
    expect(fits(schema, cut)).toBe(false);
  });
});

describe('a contract that names no zone', () => {
  it('says that its times are in UTC', () => {
    const { timezone: _, ...bare } = GROWN;
    expect(JSON.stringify(jsonSchema(bare).input)).toContain('UTC');
    expect(JSON.stringify(jsonSchema(GROWN).input)).not.toContain('UTC');
  });
});
