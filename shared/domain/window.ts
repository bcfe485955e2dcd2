/*
 * Windows of arrival, UTC: a day `2026-03-01`, an hour `2026-03-01T12`, a minute `2026-03-01T12:34`. Each is within the
 * one before, and days are within ALL.
 */
export const ALL = '';

const [DAY, HOUR, MINUTE] = [10, 13, 16]; // characters
const MS = { [DAY]: 86_400_000, [HOUR]: 3_600_000, [MINUTE]: 60_000 };

/** A window of a data set. */
export interface Window {
  readonly dataset: string;
  readonly at: string;
}

export const minuteOf = (instant: string): string => instant.slice(0, MINUTE);
export const isMinute = (at: string): boolean => at.length === MINUTE;

/** The window that a minute, an hour or a day is in. */
export const parentOf = (at: string): string =>
  at.length === MINUTE ? at.slice(0, HOUR) : at.length === HOUR ? at.slice(0, DAY) : ALL;

/** A minute with the hour and the day that it is in, from the inside out. */
export const upwards = (minute: string): string[] => [minute, minute.slice(0, HOUR), minute.slice(0, DAY)];

const beginOf = (at: string): number =>
  Date.parse(at.length === DAY ? at : at.length === HOUR ? `${at}:00Z` : `${at}Z`);
const endOf = (at: string): number => beginOf(at) + MS[at.length as keyof typeof MS]!;

/** The hours of a day, or the minutes of an hour, that have begun. */
export function withinOf(at: string, now: Date): string[] {
  const [count, mark] = at.length === DAY ? [24, 'T'] : [60, ':'];
  const all = Array.from({ length: count }, (_, i) => `${at}${mark}${String(i).padStart(2, '0')}`);
  return all.filter((child) => beginOf(child) <= now.getTime() + SKEW_MS);
}

/** Clocks of those who stamp, clean and ask differ by less. */
const SKEW_MS = 60_000;

/**
 * A window is summed when it has been over for two clock skews, and what is put when it has been over for one is late.
 * So whoever sums a window finds all that was put in time, by whichever of their clocks.
 */
export const isClosed = (at: string, now: Date): boolean => now.getTime() >= endOf(at) + 2 * SKEW_MS;
export const isLate = (minute: string, now: Date): boolean => now.getTime() >= endOf(minute) + SKEW_MS;

/** Days of arrival, UTC, in which a row of today can have come: a shop's day may begin a day earlier than UTC's. */
export const DAYS_BACK = 2;
export const liveDays = (now: Date): string[] =>
  Array.from({ length: DAYS_BACK + 1 }, (_, i) =>
    new Date(now.getTime() - (DAYS_BACK - i) * MS[DAY]!).toISOString().slice(0, DAY),
  );
