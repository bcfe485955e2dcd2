import type { Column, Value } from './answers';

/** Parts of one, which people read as percent. */
const SHARES = new Set([
  ...['share', 'share_of_first', 'share_of_previous', 'customer_share', 'revenue_share'],
  ...['rate', 'return_rate', 'discount', 'below', 'stickiness'],
]);

/** Names of days and months are words of the page, and its words are English; numbers are written as the reader's browser does. */
const ENGLISH = 'en-GB';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const some = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const date = new Intl.DateTimeFormat(ENGLISH, { dateStyle: 'medium', timeZone: 'UTC' });
const month = new Intl.DateTimeFormat(ENGLISH, { month: 'short', year: 'numeric', timeZone: 'UTC' });
const weekday = new Intl.DateTimeFormat(ENGLISH, { weekday: 'long', timeZone: 'UTC' });
const moment = new Intl.DateTimeFormat(ENGLISH, { dateStyle: 'medium', timeStyle: 'short' });

export const count = (value: number): string => whole.format(value);
/** A decimal of the API, which is text and stays exact. The currency is the shop's: nobody tells us. */
export const money = (text: string): string => cents.format(text as `${number}`);
export const share = (value: number): string => percent.format(value);
export const at = (iso: string): string => moment.format(new Date(iso));
export const dayInWords = (day: string): string => date.format(new Date(`${day}T00:00:00Z`));
export const hourInWords = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
/** 1 is Monday; 1 January 2024 was one. */
const weekdayInWords = (number: number): string => weekday.format(new Date(Date.UTC(2024, 0, number)));

/** Columns whose name says too little where it stands alone. */
const SAID: Readonly<Record<string, string>> = {
  dataset: 'data set',
  below: 'sold below usual price',
  given: 'discount given',
  value: 'value of what was cancelled',
};

/** A name of a column, a segment or a reason, as people write it. */
export const words = (name: string): string => {
  const text = (Object.hasOwn(SAID, name) ? SAID[name]! : name).replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** Columns whose texts are names of ours. */
const NAMES = new Set(['segment', 'churn_risk', 'event']);

/** A value as people read it. */
export function inWords({ name, type, unit }: Pick<Column, 'name' | 'type' | 'unit'>, value: Value): string {
  if (value === null) return '–';
  if (name === 'hour') return hourInWords(Number(value));
  if (name === 'weekday') return weekdayInWords(Number(value));
  if (name === 'month' || name === 'cohort') return month.format(new Date(`${value}T00:00:00Z`));
  if (type === 'date') return dayInWords(String(value));
  if (type === 'timestamp') return at(String(value));
  if (type === 'decimal') return /price/.test(name) ? exact.format(value as `${number}`) : money(String(value));
  if (type === 'number') {
    if (unit === 'percent') return `${some.format(value as number)} %`;
    return SHARES.has(name) ? share(Number(value)) : some.format(value as number);
  }
  if (type === 'integer') return count(Number(value));
  return NAMES.has(name) ? words(String(value)) : String(value);
}
