import type { DataSet } from './answers';

export type Shown = 'both' | 'sales' | 'visitors';
export type Range = 'all' | '7' | '30' | '90' | 'year' | 'custom';

/** What is looked at. It stands in the hash of the address, so that it can be sent to others. */
export interface View {
  readonly shown: Shown;
  readonly range: Range;
  /** Of range custom: days as 2011-01-31; either may be open. */
  readonly from: string;
  readonly to: string;
}

/** First and last day of a data set; null while it has none. */
export type Span = Pick<DataSet, 'first_day' | 'last_day'>;

/** Days that are asked for; empty: all that there are. */
export interface Days {
  readonly from?: string;
  readonly to?: string;
}

export const SHOWN: Readonly<Record<Shown, string>> = {
  both: 'Sales and visitors',
  sales: 'Sales',
  visitors: 'Visitors',
};
export const RANGES: Readonly<Record<Range, string>> = {
  all: 'All days',
  7: 'Last 7 days of the data',
  30: 'Last 30 days of the data',
  90: 'Last 90 days of the data',
  year: 'Calendar year of the last day',
  custom: 'From … to …',
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const day = (text: string | null) => (text !== null && DAY.test(text) ? text : '');

/** The view that a hash says; what it does not say, or says wrongly, is as at first. */
export function viewOf(hash: string): View {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const [shown, range] = [said.get('dataset') ?? '', said.get('range') ?? ''];
  const [from, to] = [day(said.get('from')), day(said.get('to'))];
  return {
    shown: Object.hasOwn(SHOWN, shown) ? (shown as Shown) : 'both',
    range: from || to ? 'custom' : Object.hasOwn(RANGES, range) ? (range as Range) : 'all',
    from,
    to,
  };
}

export function hashOf({ shown, range, from, to }: View): string {
  const said = new URLSearchParams();
  if (shown !== 'both') said.set('dataset', shown);
  if (range !== 'custom') said.set('range', range);
  else for (const [name, value] of Object.entries({ from, to })) if (value) said.set(name, value);
  return `#${said}`;
}

/** The days of a view in a data set: what is last, its own last day says. */
export function daysOf({ range, from, to }: View, { first_day, last_day }: Span): Days {
  if (range === 'custom') return { ...(from && { from }), ...(to && { to }) };
  if (range === 'all' || last_day === null) return {};
  const begin = range === 'year' ? `${last_day.slice(0, 4)}-01-01` : daysBefore(last_day, Number(range) - 1);
  return { from: first_day !== null && first_day > begin ? first_day : begin, to: last_day };
}

const DAY_MS = 24 * 3600 * 1000;
const daysBefore = (last: string, days: number) =>
  new Date(Date.parse(`${last}T00:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10);

/** How many days they are, of all that there are where they are open. */
export function lengthOf({ from, to }: Days, { first_day, last_day }: Span): number {
  const [begin, end] = [from ?? first_day, to ?? last_day];
  return begin && end ? (Date.parse(end) - Date.parse(begin)) / DAY_MS + 1 : 0;
}
