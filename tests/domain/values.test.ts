import fc from 'fast-check';
import type { Column } from '../../shared/domain/contract';
import { valueParser } from '../../shared/domain/values';

const column = (type: string, more: Partial<Column> = {}): Column => ({
  name: 'x',
  type,
  from: [],
  description: '',
  ...more,
});
const decimal = valueParser(column('decimal(12,4)'), 'UTC');
const int = valueParser(column('int'), 'UTC');
const text = valueParser(column('string', { maxLength: 5 }), 'UTC');

const NOT_A_NUMBER = [
  'NaN',
  'Infinity',
  '-Infinity',
  '1e3',
  '1e999',
  '0x10',
  '1,5',
  '1 000',
  '--1',
  '+-1',
  '-',
  '+',
  '.',
  '-.',
  '1.2.3',
  '£2',
  '１２',
  '٣',
  '1_000',
  '\u0000',
  '1\n2',
];

describe('a decimal', () => {
  test.each([
    ['2.55', '2.55'],
    ['2.50', '2.5'],
    ['2.5000000000', '2.5'],
    ['100', '100'],
    ['100.0', '100'],
    ['5.', '5'],
    ['.5', '0.5'],
    ['+5', '5'],
    ['+.5', '0.5'],
    ['-1.25', '-1.25'],
    ['007.10', '7.1'],
    ['000', '0'],
    ['0000000000000000000000001', '1'],
    ['-0', '0'],
    ['-0.0000', '0'],
    ['-.0', '0'],
    ['.0', '0'],
    ['0.0001', '0.0001'],
    ['99999999.9999', '99999999.9999'],
    ['-99999999.9999', '-99999999.9999'],
  ])('%s is %s', (written, canonical) => {
    expect(decimal(written)).toBe(canonical);
  });

  test.each([...NOT_A_NUMBER, '0.00001', '1.123456789', '100000000', '123456789.5', '-100000000'])(
    'is not %j',
    (written) => {
      expect(decimal(written)).toBeUndefined();
    },
  );

  test('below one has room for zero', () => {
    const share = valueParser(column('decimal(4,4)'), 'UTC');
    expect([share('0.1234'), share('.5'), share('0'), share('1'), share('1.0')]).toEqual([
      '0.1234',
      '0.5',
      '0',
      undefined,
      undefined,
    ]);
  });

  test('has the same value and one spelling only, however it is written', () => {
    const digits = (most: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: most });
    fc.assert(
      fc.property(
        fc.constantFrom('', '+', '-'),
        digits(8),
        digits(4),
        fc.nat(20),
        fc.nat(20),
        (sign, a, b, front, behind) => {
          fc.pre(a + b !== '');
          const read = decimal(`${sign}${'0'.repeat(front)}${a}.${b}${'0'.repeat(behind)}`);
          expect(read).toMatch(/^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d*[1-9])$/);
          // The oracle: the value in ten-thousandths.
          const [whole, fraction = ''] = String(read).replace('-', '').split('.');
          const value = BigInt(whole + fraction.padEnd(4, '0')) * (String(read).startsWith('-') ? -1n : 1n);
          expect(value).toBe(BigInt(a + b.padEnd(4, '0')) * (sign === '-' ? -1n : 1n));
        },
      ),
    );
  });

  test('of a million zeros that end in another digit takes no time', () => {
    const zeros = '0'.repeat(1_000_000);
    const before = performance.now();
    expect(decimal(`1.${zeros}10`)).toBeUndefined();
    expect(decimal(`1.${zeros}`)).toBe('1');
    expect(decimal(`${zeros}1.5`)).toBe('1.5');
    expect(int(`${zeros}x`)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe('an integer', () => {
  test.each([
    ['6', 6],
    ['+6', 6],
    ['-24', -24],
    ['007', 7],
    ['6.0', 6],
    ['6.000', 6],
    ['2147483647', 2147483647],
    ['-2147483648', -2147483648],
  ])('%s is %d', (written, value) => {
    expect(int(written)).toBe(value);
  });

  test.each(['-0', '+0', '0', '-0.0'])('%s is zero without a sign', (written) => {
    expect(Object.is(int(written), 0)).toBe(true);
  });

  test.each([...NOT_A_NUMBER, '1.5', '6.', '.0', '2147483648', '-2147483649', '99999999999999999999'])(
    'is not %j',
    (written) => {
      expect(int(written)).toBeUndefined();
    },
  );
});

describe('a text', () => {
  test.each(['a', 'é', 'a\tb', 'a\nb', 'a\r\nb', '🧀🧀🧀🧀🧀', '\u00a0', '\u2028', 'NULL', '__proto__'.slice(0, 5)])(
    '%j is taken as it is',
    (written) => {
      expect(text(written)).toBe(written);
    },
  );

  test.each([
    '\u0000',
    'a\u0001',
    'a\u001fb',
    '\u007f',
    '\u000b',
    '\u000c',
    '\u001b[0m',
    '\ud800',
    'a\udc00',
    '\udc00\ud800',
  ])('is not %j', (written) => {
    expect(text(written)).toBeUndefined();
  });

  test('is as long as its code points are many', () => {
    expect(text('12345')).toBe('12345');
    expect(text('123456')).toBeUndefined();
    expect(text('🧀🧀🧀🧀🧀')).toBe('🧀🧀🧀🧀🧀');
    expect(text('🧀🧀🧀🧀🧀🧀')).toBeUndefined();
    expect(text('x'.repeat(1_000_000))).toBeUndefined();
  });

  test('keeps its zeros, unless the column strips what table tools add', () => {
    const id = valueParser(column('string', { maxLength: 64, stripDecimalZeros: true }), 'UTC');
    expect(text('50.0')).toBe('50.0');
    expect(
      ['17850.0', '17850.00', '00.0', '17850', '17850.5', '17850.', '.0', '-1.0', 'A1.0', '1.0.0'].map(id),
    ).toEqual(['17850', '17850', '00', '17850', '17850.5', '17850.', '.0', '-1.0', 'A1.0', '1.0.0']);
  });
});

test('a timestamp is read by its formats, in its zone', () => {
  const time = valueParser(column('timestamp', { formats: ['M/D/YYYY H:MM'] }), 'Asia/Tokyo');
  expect(time('12/1/2010 8:26')).toBe('2010-11-30T23:26:00Z');
  expect(time('2010-12-01T08:26:00Z')).toBeUndefined();
});
