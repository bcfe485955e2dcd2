import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Contract } from '../../shared/domain/contract';
import { compile, datasets } from '../../shared/domain/dataset';
import type { Rejected } from '../../shared/domain/outcome';

const transactions = datasets.get('transactions')!;
const events = datasets.get('events')!;
const NAMES = transactions.contract.columns.map(({ name }) => name);
const ONLINE_RETAIL = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
];
const ONLINE_RETAIL_II = [
  'Invoice',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'Price',
  'Customer ID',
  'Country',
];

/** The first 32 hex digits of SHA-256 over the cleaned values joined by U+001F, as the design defines it. */
const identity = (...values: string[]) => createHash('sha256').update(values.join('\x1f')).digest('hex').slice(0, 32);

const csv = transactions.cleaner('csv', NAMES);
const json = transactions.cleaner('ndjson', []);

describe('a header', () => {
  const inOrder = { positions: [0, 1, 2, 3, 4, 5, 6, 7] };

  test.each([
    ['as the contract has it', NAMES],
    ['of Online Retail', ONLINE_RETAIL],
    ['of Online Retail II', ONLINE_RETAIL_II],
    ['in capitals with spaces around', NAMES.map((name) => ` ${name.toUpperCase()} `)],
    ['behind a byte order mark', [`\ufeff${NAMES[0]}`, ...NAMES.slice(1)]],
  ])('is known %s', (_, fields) => {
    expect(transactions.header(fields)).toEqual(inOrder);
  });

  test('is known in any order and any case, with spaces and underscores anywhere', () => {
    const spell = (name: string, at: number) =>
      [name, name.toUpperCase(), name.split('').join('_'), name.replace(/(.)/, '$1 ')][at % 4]!;
    const order = fc.shuffledSubarray([...NAMES.keys()], { minLength: NAMES.length });
    fc.assert(
      fc.property(order, fc.nat(), (places, seed) => {
        const fields = places.map((i) =>
          spell([NAMES, ONLINE_RETAIL, ONLINE_RETAIL_II][(seed + i) % 3]![i]!, seed + i),
        );
        expect(transactions.header(fields)).toEqual({ positions: NAMES.map((_, i) => places.indexOf(i)) });
      }),
    );
  });

  test.each([
    ['unknown_column', 'Discount', [...NAMES, ' Discount ']],
    ['unknown_column', '', [...NAMES, '']],
    ['unknown_column', '__proto__', [...NAMES, '__proto__']],
    ['unknown_column', 'constructor', ['constructor', ...NAMES]],
    ['missing_column', 'unit_price', NAMES.filter((name) => name !== 'unit_price')],
    ['missing_column', 'description', NAMES.filter((name) => name !== 'description')],
    ['repeated_column', 'country', [...NAMES, 'Country']],
    ['repeated_column', 'invoice_no', ['Invoice', 'InvoiceNo', ...NAMES]],
  ])('with an %s is told: %j', (kind, column, fields) => {
    expect(transactions.header(fields)).toEqual({ kind, column });
  });
});

describe('a row', () => {
  const row = {
    invoice_no: '536365',
    stock_code: '85123A',
    description: 'HEART',
    quantity: 6,
    invoice_date: '2010-12-01T08:26:00Z',
    unit_price: '2.55',
    customer_id: '17850',
    country: 'United Kingdom',
  };
  const line_id = identity('536365', '85123A', 'HEART', '6', '2010-12-01T08:26:00Z', '2.55', '17850', 'United Kingdom');

  test('of CSV is kept with its values in the contract order and its identity', () => {
    const verdict = csv(' 536365,85123A ,HEART,+6,12/1/2010 8:26,2.5500,17850.0,United Kingdom');
    expect(verdict).toEqual({ kind: 'kept', line_id, row });
    expect(Object.keys(verdict.kind === 'kept' ? verdict.row : {})).toEqual(NAMES);
  });

  test('of JSON with the same values is the same row', () => {
    const text =
      '{"Country":"United Kingdom","price":2.550,"Customer ID":17850.0,"quantity":"6","invoice":536365,"invoice_date":"2010-12-01T09:26:00+01:00","description":"HEART","stock code":"85123A"}';
    expect(json(text)).toEqual({ kind: 'kept', line_id, row });
  });

  test('without what may be absent has null and defaults, and null is empty in its identity', () => {
    const expected = {
      kind: 'kept',
      line_id: identity('536365', '85123A', '', '6', '2010-12-01T08:26:00Z', '2.55', 'Unknown', 'United Kingdom'),
      row: { ...row, description: null, customer_id: 'Unknown' },
    };
    expect(csv('536365,85123A,,6,12/1/2010 8:26,2.55,  ,United Kingdom')).toEqual(expected);
    expect(
      json(
        '{"invoice_no":"536365","stock_code":"85123A","description":null,"quantity":6,"invoice_date":"12/1/2010 8:26","unit_price":2.55,"country":"United Kingdom"}',
      ),
    ).toEqual(expected);
  });

  test('of a file in another order is the same row', () => {
    const clean = transactions.cleaner('csv', NAMES.toReversed());
    expect(clean('United Kingdom,17850,2.55,12/1/2010 8:26,6,HEART,85123A,536365')).toEqual({
      kind: 'kept',
      line_id,
      row,
    });
  });

  test.each([
    ['missing', 'customer_id', '536365,85123A,HEART,6,12/1/2010 8:26,2.55'],
    ['missing', 'stock_code', '536365'],
    ['unparseable', 'column 9', '536365,85123A,HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom,'],
    ['missing', 'invoice_no', ',85123A,HEART,x,x,x,17850,United Kingdom'],
    ['unparseable', 'quantity', '536365,85123A,HEART,six,x,x,17850,United Kingdom'],
    ['unparseable', 'unit_price', 'C536365,85123A,HEART,-6,12/1/2010 8:26,free,17850,United Kingdom'],
    ['cancellation', 'invoice_no', 'c536365,85123A,HEART,-6,12/1/2010 8:26,0,17850,United Kingdom'],
    ['bad_debt', 'invoice_no', 'A563185,B,,-1,8/12/2011 14:50,-11062.06,,United Kingdom'],
    ['non_positive_quantity', 'quantity', '536365,85123A,HEART,0,12/1/2010 8:26,0,17850,United Kingdom'],
    ['non_positive_price', 'unit_price', '536365,85123A,HEART,6,12/1/2010 8:26,-0.0,17850,United Kingdom'],
  ])('is refused as %s of %s, the first that is wrong', (reason, field, text) => {
    expect(csv(text)).toMatchObject({ kind: 'rejected', reason, field });
  });

  test('that a rule refuses says what it says, in the order of the contract, and each row its own', () => {
    const first = csv('C536365,85123A,,-6.0,12/1/2010 8:26,02.5500,,EIRE');
    csv('536365,85123A,HEART,0,12/1/2010 8:26,2,17850,France');
    expect(first).toEqual({
      kind: 'rejected',
      reason: 'cancellation',
      field: 'invoice_no',
      cleaned: {
        invoice_no: 'C536365',
        stock_code: '85123A',
        description: null,
        quantity: -6,
        invoice_date: '2010-12-01T08:26:00Z',
        unit_price: '2.55',
        customer_id: 'Unknown',
        country: 'EIRE',
      },
    });
    expect(Object.keys((first as Rejected).cleaned!)).toEqual(transactions.contract.columns.map(({ name }) => name));
    expect(
      json('{"invoice_no":"A1","stock_code":"B","quantity":1,"invoice_date":"2011-08-12T14:50:00Z","unit_price":-1}'),
    ).toMatchObject({ reason: 'missing', field: 'country' });
  });

  test('that cannot be read says nothing, also where a rule would refuse it', () => {
    for (const text of [
      'C536365,85123A,HEART,-6,12/1/2010 8:26,free,17850,United Kingdom',
      'C536365,85123A,HEART,,12/1/2010 8:26,1,17850,United Kingdom',
      'C536365',
    ])
      expect(csv(text)).not.toHaveProperty('cleaned');
  });

  test.each([
    ['row', 'nope'],
    ['row', '[]'],
    ['row', '{"invoice_no":'],
    ['discount', '{"invoice_no":"1","discount":2}'],
    ['__proto__', '{"__proto__":{"invoice_no":"1"}}'],
    ['x'.repeat(64), `{"${'x'.repeat(1000)}":1}`],
  ])('of JSON is unparseable where it is no row of the contract: %s', (field, text) => {
    expect(json(text)).toEqual({ kind: 'rejected', reason: 'unparseable', field });
  });

  test('of events is judged by the rules of events', () => {
    const clean = events.cleaner(
      'csv',
      events.contract.columns.map(({ name }) => name),
    );
    expect(clean('2019-10-01 00:00:00 UTC,cart,5773203,1487580005134238553,,runail,2.62,463240011,26dd6e6e')).toEqual({
      kind: 'kept',
      line_id: identity(
        '2019-10-01T00:00:00Z',
        'cart',
        '5773203',
        '1487580005134238553',
        '',
        'runail',
        '2.62',
        '463240011',
        '26dd6e6e',
      ),
      row: {
        event_time: '2019-10-01T00:00:00Z',
        event_type: 'cart',
        product_id: '5773203',
        category_id: '1487580005134238553',
        category_code: null,
        brand: 'runail',
        price: '2.62',
        user_id: '463240011',
        user_session: '26dd6e6e',
      },
    });
    expect(clean('2019-10-01 00:00:00 UTC,buy,1,2,,,-1,3,')).toMatchObject({ reason: 'unknown_event_type' });
    expect(clean('2019-10-01 00:00:00 UTC,view,1,2,,,-0.01,3,')).toMatchObject({ reason: 'negative_price' });
    expect(clean('2019-10-01 00:00:00 UTC,view,1,2,,,0,3,')).toMatchObject({ kind: 'kept', row: { price: '0' } });
  });
});

describe('a key that is no column', () => {
  test.each([
    ['discount', '{"invoice_no":1,"discount":2}'],
    [undefined, '{"invoice_no":1}'],
    [undefined, 'nope'],
  ])('is %s', (key, text) => {
    expect(transactions.unknownKey(text)).toBe(key);
  });
});

describe('a peek at a column', () => {
  test('gives its text before cleaning, trimmed', () => {
    const names = ['country', 'invoice_no'];
    expect(transactions.peek('csv', names, 'invoice_no')('x, 536365 ,y')).toBe('536365');
    expect(transactions.peek('csv', names, 'invoice_no')('"a,b","536,365"')).toBe('536,365');
    expect(transactions.peek('ndjson', [], 'invoice_no')('{"Invoice":" 536365 "}')).toBe('536365');
  });

  test('gives nothing where there is nothing', () => {
    expect(transactions.peek('csv', ['country'], 'invoice_no')('x,y')).toBe('');
    expect(transactions.peek('csv', ['country', 'invoice_no'], 'invoice_no')('x')).toBe('');
    expect(transactions.peek('ndjson', [], 'invoice_no')('nope')).toBe('');
    expect(transactions.peek('ndjson', [], 'invoice_no')('{"other":1}')).toBe('');
  });
});

describe('a contract that grew', () => {
  const { contract } = transactions;
  const grown = compile({
    ...contract,
    version: 2,
    columns: [
      ...contract.columns,
      { name: 'channel', type: 'string', from: [], nullable: true, maxLength: 16, description: '' },
    ],
  });
  const old = '536365,85123A,HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom';

  test('takes files without the new column, whose rows keep their identity', () => {
    expect(grown.header(ONLINE_RETAIL)).toEqual({ positions: [0, 1, 2, 3, 4, 5, 6, 7, -1] });
    const [before, after] = [csv(old), grown.cleaner('csv', NAMES)(old)];
    expect(before.kind === 'kept' && after.kind === 'kept' && after.line_id === before.line_id).toBe(true);
    expect(after).toMatchObject({ row: { channel: null } });
  });

  test('takes files with the new column, which is no part of the identity', () => {
    const verdict = grown.cleaner('csv', ['channel', ...NAMES])(`web,${old}`);
    expect(verdict).toMatchObject({ kind: 'kept', row: { channel: 'web' } });
    expect(verdict).toMatchObject({ line_id: (csv(old) as { line_id: string }).line_id });
  });
});

test('a default is read as its column is', () => {
  const contract: Contract = {
    ...events.contract,
    columns: events.contract.columns.map((column) =>
      column.name === 'price' ? { ...column, default: '1.50' } : column,
    ),
  };
  const clean = compile(contract).cleaner('ndjson', []);
  const verdict = clean(
    '{"event_time":"2019-10-01T00:00:00Z","event_type":"view","product_id":1,"category_id":2,"user_id":3}',
  );
  expect(verdict).toMatchObject({ kind: 'kept', row: { price: '1.5' } });
});

test('a contract without a time zone reads times in UTC', () => {
  const { timezone: _, ...contract } = transactions.contract;
  const clean = compile(contract).cleaner('csv', NAMES);
  expect(clean('1,2,3,4,12/1/2010 8:26,5,6,7')).toMatchObject({ row: { invoice_date: '2010-12-01T08:26:00Z' } });
});
