const DAY = /^(\d{4})-\d{2}-\d{2}$/;

/** Whether a text is a day of the calendar, as 2011-01-31, of the year 1 or later. */
export function isDay(text: string): boolean {
  if (!DAY.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text); // 2026-02-30 is read as 2 March
}
