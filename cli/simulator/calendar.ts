import { type Random, Weighted } from './random';

export const MINUTES_PER_DAY = 1440;
const MILLISECONDS_PER_DAY = 86_400_000;

/** Both shops open their books on 2 January 2025, a Thursday. Days are counted from 1 January 1970. */
export const FIRST_DAY = Date.UTC(2025, 0, 2) / MILLISECONDS_PER_DAY;

export interface Day {
  year: number;
  /** 1 to 12 */
  month: number;
  day: number;
  /** 0 is Sunday */
  weekday: number;
}

export function dayOf(dayNumber: number): Day {
  const date = new Date(dayNumber * MILLISECONDS_PER_DAY);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

interface Hours {
  opens: number;
  /** Visits per hour from the opening on, in proportion to each other. */
  visits: Weighted;
  closes: number;
}

function hours(opens: number, visits: number[]): Hours {
  return { opens, visits: new Weighted(visits), closes: opens + visits.length };
}

const workday = hours(8, [6, 18, 30, 33, 40, 34, 31, 30, 20, 12]);
const sunday = hours(10, [18, 30, 38, 33, 28, 20]);

/** undefined when the shop is closed: 1 January, 25 and 26 December. */
export function openingHours({ month, day, weekday }: Day): Hours | undefined {
  if ((month === 1 && day === 1) || (month === 12 && (day === 25 || day === 26))) return undefined;
  return weekday === 0 ? sunday : workday;
}

const weekdays = [0.5, 1, 1.1, 1.15, 1.3, 1.05, 0.9];
const months = [0.8, 0.75, 0.9, 0.85, 0.95, 0.9, 0.9, 0.85, 1.15, 1.3, 1.6, 1.05];

/** How busy a day is; 1 is a day like most. */
export function season({ month, weekday }: Day): number {
  return (weekdays[weekday] as number) * (months[month - 1] as number);
}

/** Minutes since 1970 at which somebody buys: without end, ascending, within the opening hours. */
export function* visits(perDay: number, random: Random): Generator<number> {
  for (let dayNumber = FIRST_DAY; ; dayNumber++) {
    const day = dayOf(dayNumber);
    const open = openingHours(day);
    if (!open) continue;
    const count = Math.round(perDay * season(day) * (0.8 + 0.4 * random.unit()));
    const minutes = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const hour = open.opens + open.visits.draw(random);
      minutes[i] = dayNumber * MINUTES_PER_DAY + hour * 60 + random.below(60);
    }
    yield* minutes.sort();
  }
}

/** The minute itself if the shop is open then, else one in the first half hour of the next opening. */
export function whenOpen(minute: number, random: Random): number {
  for (let dayNumber = Math.floor(minute / MINUTES_PER_DAY); ; dayNumber++) {
    const open = openingHours(dayOf(dayNumber));
    if (!open) continue;
    const opens = dayNumber * MINUTES_PER_DAY + open.opens * 60;
    const closes = dayNumber * MINUTES_PER_DAY + open.closes * 60;
    if (minute < opens) return opens + random.below(30);
    if (minute < closes) return minute;
  }
}
