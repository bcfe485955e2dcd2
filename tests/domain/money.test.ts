import fc from 'fast-check';
import { exactTotal } from '../../shared/domain/money';

test.each([
  ['nothing', [], '0'],
  [
    'an invoice',
    [
      { quantity: 6, price: '2.55' },
      { quantity: 8, price: '2.75' },
    ],
    '37.3',
  ],
  ['what binary floats get wrong', [{ quantity: 3, price: '0.1' }], '0.3'],
  [
    'ten-thousandths',
    [
      { quantity: 1, price: '0.0001' },
      { quantity: 1, price: '0.0002' },
    ],
    '0.0003',
  ],
  [
    'what is paid back',
    [
      { quantity: -3, price: '1.5' },
      { quantity: 1, price: '0.25' },
    ],
    '-4.25',
  ],
  ['less than one below zero', [{ quantity: 1, price: '-0.05' }], '-0.05'],
  [
    'what comes to nothing',
    [
      { quantity: 1, price: '2.5' },
      { quantity: -1, price: '2.5' },
    ],
    '0',
  ],
  ['whole numbers', [{ quantity: 4, price: '25' }], '100'],
  ['the largest line', [{ quantity: 2147483647, price: '99999999.9999' }], '214748364699785251.6353'],
])('the total of %s is exact', (_, lines, total) => {
  expect(exactTotal(lines, 4)).toBe(total);
});

test('a total of prices without decimals has none', () => {
  expect(exactTotal([{ quantity: 3, price: '7' }], 0)).toBe('21');
  expect(exactTotal([], 0)).toBe('0');
});

test('totals agree with fractions of whole numbers', () => {
  const line = fc.record({
    quantity: fc.integer({ min: -2147483648, max: 2147483647 }),
    units: fc.bigInt({ min: -999999999999n, max: 999999999999n }),
  });
  /** Ten-thousandths as a price is written: no trailing zeros. */
  const price = (units: bigint) => {
    const digits = (units < 0n ? -units : units).toString().padStart(5, '0');
    const written = `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, '');
    return units < 0n ? `-${written}` : written;
  };
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const sum = lines.reduce((total, { quantity, units }) => total + BigInt(quantity) * units, 0n);
      const written = lines.map(({ quantity, units }) => ({ quantity, price: price(units) }));
      expect(exactTotal(written, 4)).toBe(price(sum));
    }),
  );
});
