import type { Column, Value } from '../../../dashboard/answers';

/* What people read, read back: by hand, and not by what wrote it. In English, as the visits ask for. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sept', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const NAMES = ['segment', 'churn_risk', 'event'];

const two = (number: number) => String(number).padStart(2, '0');
/** `2 Jan 2025` or `Jan 2025`, whose day is the first. */
const dayIn = (text: string): string | undefined => {
  const [year, month, day = '1'] = text.split(' ').reverse();
  const number = MONTHS.findIndex((name) => name === month || name.slice(0, 3) === month) + 1;
  return number > 0 ? `${year}-${two(number)}-${two(Number(day))}` : undefined;
};

/** A part of one may be rounded to a percent's tenth, all else to the hundredth. */
const MOST_ROUNDED = 0.005;

/**
 * A number with its grouping; `half` is half of what its last digit is worth. A percent sign at its end divides it, one
 * behind a space is a unit that the API has, too.
 */
function numberIn(text: string): { number: number; half: number; decimals: number } | undefined {
  const match = /^-?(\d{1,3}(?:,\d{3})*)(?:\.(\d+))?( ?%)?$/.exec(text);
  if (!match) return undefined;
  const [, , fraction = '', percent] = match;
  const part = percent === '%' ? 100 : 1;
  const number = Number.parseFloat(text.replaceAll(',', '')) / part;
  return { number, half: 0.5 / 10 ** fraction.length / part, decimals: fraction.length };
}

/** Whether a cell's text says what the API said. */
export function tells(text: string, { name, type }: Pick<Column, 'name' | 'type'>, value: Value): boolean {
  if (value === null) return text === '–';
  if (type === 'text') return NAMES.includes(name) ? text.toLowerCase().replaceAll(' ', '_') === value : text === value;
  if (type === 'date') return dayIn(text) === value;
  if (name === 'hour') return text === `${two(Number(value))}:00`;
  if (name === 'weekday') return text === WEEKDAYS[Number(value) - 1];
  const read = numberIn(text);
  if (!read) return false;
  if (type === 'decimal' && read.decimals < 2) return false;
  if (type === 'integer' && read.decimals > 0) return false;
  const rounded = Math.min(read.half, type === 'integer' ? 0 : MOST_ROUNDED) * (1 + 1e-6);
  return Math.abs(read.number - Number(value)) <= rounded + Math.abs(Number(value)) * 1e-12;
}
