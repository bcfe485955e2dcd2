import type { TimestampFormat } from './contract';

/*
 * Times are read by fixed patterns, not by Date: Date guesses, and no two engines guess alike. The canonical form is
 * ISO 8601 in UTC with up to six digits of a second and no trailing zeros: 2010-12-01T08:26:00Z.
 */
const DATE = String.raw`(\d{4})-(\d{2})-(\d{2})`;
const PATTERNS: Record<TimestampFormat, RegExp> = {
  'M/D/YYYY H:MM': /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})$/,
  'M/D/YYYY H:MM:SS': /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})$/,
  'YYYY-MM-DD HH:MM:SS': new RegExp(`^${DATE} (\\d{2}):(\\d{2}):(\\d{2})$`),
  'YYYY-MM-DD HH:MM:SS UTC': new RegExp(`^${DATE} (\\d{2}):(\\d{2}):(\\d{2}) UTC$`),
  'ISO 8601': new RegExp(
    `^${DATE}T(\\d{2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,9}))?)?(Z|[+-]\\d{2}(?::?\\d{2})?)?$`,
    'i',
  ),
};

/**
 * Compiles the formats to a parser from text to canonical time, undefined when none fits or the day does not exist.
 * Years are 1900 to 9999: before, engines disagree about the calendar.
 */
export function timestampParser(formats: readonly TimestampFormat[], timezone: string) {
  const readers = formats.map((format) => [PATTERNS[format], format] as const);
  const read = (text: string): string | undefined => {
    for (const [pattern, format] of readers) {
      const match = pattern.exec(text);
      if (match) return canonical(match, format, timezone);
    }
    return undefined;
  };
  // The lines of an invoice carry the same time: remembering the last text saves most of the work.
  let lastText = '';
  let last: string | undefined;
  return (text: string): string | undefined => {
    if (text !== lastText) {
      last = read(text);
      lastText = text;
    }
    return last;
  };
}

function canonical(match: RegExpExecArray, format: TimestampFormat, timezone: string): string | undefined {
  const american = format.startsWith('M/');
  const [year, month, day] = american
    ? [Number(match[3]), Number(match[1]), Number(match[2])]
    : [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6] ?? 0)];
  if (year < 1900 || hour > 23 || minute > 59 || second > 59) return undefined;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(local);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;

  const fraction = (match[7] ?? '').replace(/0+$/, '');
  if (fraction.length > 6) return undefined;
  const offset = zoneOffset(match[8], format, timezone, local);
  if (offset === undefined) return undefined;
  const utc = new Date(local - offset);
  if (utc.getUTCFullYear() < 1900 || utc.getUTCFullYear() > 9999) return undefined;
  return `${utc.toISOString().slice(0, 19)}${fraction && `.${fraction}`}Z`;
}

/** Milliseconds that the written time is ahead of UTC. */
function zoneOffset(zone: string | undefined, format: string, timezone: string, local: number): number | undefined {
  if (zone === undefined) return format.endsWith('UTC') || timezone === 'UTC' ? 0 : offsetIn(timezone, local);
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || 0);
  if (hours > 18 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/**
 * The offset of a wall-clock time in an IANA zone. In the hour that autumn repeats, the earlier one; in the hour that
 * spring leaves out, the offset from before, which moves the time on by the gap (as java.time and Spark do).
 */
function offsetIn(timezone: string, local: number): number {
  const day = 86_400_000;
  const before = offsetAt(timezone, local - day);
  const after = offsetAt(timezone, local + day);
  if (before === after || offsetAt(timezone, local - before) === before) return before;
  return offsetAt(timezone, local - after) === after ? after : before;
}

/** The zone of a contract's clock. */
export const zoneOf = ({ timezone = 'UTC' }: { readonly timezone?: string | undefined }): string => timezone;

/** What a clock in an IANA zone shows at an instant: `2026-03-01T13:34:56`, with what else is behind it. */
export function onClock(instant: string, timezone: string): string {
  if (timezone === 'UTC') return instant;
  const at = Date.parse(instant);
  return new Date(at + offsetAt(timezone, at)).toISOString();
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function offsetAt(timezone: string, instant: number): number {
  let clock = clocks.get(timezone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    clocks.set(timezone, clock);
  }
  const part = Object.fromEntries(clock.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second) - instant;
}
