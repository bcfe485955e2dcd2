import type { Row } from './answers';

/** A longer time is drawn as its rows stand: so many points no screen has. */
const MOST_DAYS = 1000;
const DAY_MS = 86_400_000;

/** Rows by day with those of the days between that have none, so that time runs evenly: these have their day alone. */
export function everyDay(rows: readonly Row[]): readonly Row[] {
  const time = (row: Row | undefined) => Date.parse(String(row?.day));
  const [first, last] = [time(rows[0]), time(rows.at(-1))];
  const count = Math.round((last - first) / DAY_MS) + 1;
  if (!(count <= MOST_DAYS)) return rows; // no days at all, too
  const known = new Map(rows.map((row) => [row.day, row]));
  return Array.from({ length: count }, (_, i) => {
    const day = new Date(first + i * DAY_MS).toISOString().slice(0, 10);
    return known.get(day) ?? { day };
  });
}
