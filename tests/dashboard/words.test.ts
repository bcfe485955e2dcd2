import { inWords, words } from '../../dashboard/words';

/** Group and decimal signs are the reader's: only the digits are compared. */
const digits = (text: string) => text.replace(/\D/g, '');

describe('A value is told', () => {
  test('to the last digit where it is a decimal, which no binary float holds', () => {
    const revenue = { name: 'revenue', type: 'decimal' } as const;
    expect(digits(inWords(revenue, '123456789012345678.9100'))).toBe('12345678901234567891');
    expect(digits(inWords(revenue, '0.1000'))).toBe('010');
    expect(digits(inWords({ name: 'usual_price', type: 'decimal' }, '0.0625'))).toBe('00625');
  });

  test.each<[Parameters<typeof inWords>[0], string | number | null, RegExp]>([
    [{ name: 'share', type: 'number' }, 0.125, /^12[.,]5\s?%$/],
    [{ name: 'change', type: 'number', unit: 'percent' }, -12.5, /^[-−]12[.,]5 %$/],
    [{ name: 'rhythm_days', type: 'number', unit: 'days' }, 12.345, /^12[.,]3[45]$/],
    [{ name: 'hour', type: 'integer' }, 8, /^08:00$/],
    [{ name: 'weekday', type: 'integer' }, 1, /^Monday$/],
    [{ name: 'weekday', type: 'integer' }, 7, /^Sunday$/],
    [{ name: 'month', type: 'date' }, '2011-03-01', /^Mar 2011$/],
    [{ name: 'day', type: 'date' }, '2011-03-01', /^1 Mar 2011$/],
    [{ name: 'segment', type: 'text' }, 'about_to_sleep', /^About to sleep$/],
    [{ name: 'brand', type: 'text' }, 'max_factor', /^max_factor$/],
    [{ name: 'brand', type: 'text' }, null, /^–$/],
  ])('as people read it: %j %j', (column, value, expected) => expect(inWords(column, value)).toMatch(expected));

  test.each([
    ['revenue_share', 'Revenue share'],
    ['given', 'Discount given'],
    ['dataset', 'Data set'],
    ['constructor', 'Constructor'],
  ])('under its name, written out: %s', (name, expected) => expect(words(name)).toBe(expected));
});
