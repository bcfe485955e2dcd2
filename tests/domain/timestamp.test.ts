import fc from 'fast-check';
import type { TimestampFormat } from '../../shared/domain/contract';
import { onClock, timestampParser, zoneOf } from '../../shared/domain/timestamp';

const ALL: readonly TimestampFormat[] = [
  'M/D/YYYY H:MM',
  'M/D/YYYY H:MM:SS',
  'YYYY-MM-DD HH:MM:SS',
  'YYYY-MM-DD HH:MM:SS UTC',
  'ISO 8601',
];
const read = timestampParser(ALL, 'UTC');

describe('a time', () => {
  test.each([
    ['12/1/2010 8:26', '2010-12-01T08:26:00Z'],
    ['1/02/2011 08:05', '2011-01-02T08:05:00Z'],
    ['12/1/2010 8:26:59', '2010-12-01T08:26:59Z'],
    ['2010-12-01 08:26:30', '2010-12-01T08:26:30Z'],
    ['2019-10-01 00:00:00 UTC', '2019-10-01T00:00:00Z'],
    ['2010-12-01T08:26', '2010-12-01T08:26:00Z'],
    ['2010-12-01T08:26:30', '2010-12-01T08:26:30Z'],
    ['2010-12-01T08:26:30Z', '2010-12-01T08:26:30Z'],
    ['2010-12-01t08:26:30z', '2010-12-01T08:26:30Z'],
    ['2010-12-01T08:26:30+01:00', '2010-12-01T07:26:30Z'],
    ['2010-12-01T08:26:30-0530', '2010-12-01T13:56:30Z'],
    ['2010-12-01T08:26:30+02', '2010-12-01T06:26:30Z'],
    ['2010-12-01T08:26-00:00', '2010-12-01T08:26:00Z'],
    ['2011-01-01T00:30:00+01:00', '2010-12-31T23:30:00Z'],
    ['2010-12-01T23:59:59.9-18:59', '2010-12-02T18:58:59.9Z'],
  ])('%s is %s', (written, canonical) => {
    expect(read(written)).toBe(canonical);
  });

  test.each([
    ['.5', '.5'],
    [',5', '.5'],
    ['.500000000', '.5'],
    ['.000', ''],
    ['.123456', '.123456'],
    ['.123456000', '.123456'],
    ['.000001', '.000001'],
  ])('with the fraction %s has %j', (written, canonical) => {
    expect(read(`2010-12-01T08:26:30${written}Z`)).toBe(`2010-12-01T08:26:30${canonical}Z`);
  });

  test.each([
    ['2/28/2011 0:00', '2011-02-28T00:00:00Z'],
    ['2/29/2012 0:00', '2012-02-29T00:00:00Z'],
    ['2/29/2000 0:00', '2000-02-29T00:00:00Z'],
    ['1900-01-01 00:00:00', '1900-01-01T00:00:00Z'],
    ['9999-12-31 23:59:59', '9999-12-31T23:59:59Z'],
    ['1969-12-31 23:59:59', '1969-12-31T23:59:59Z'],
  ])('on the day %s exists', (written, canonical) => {
    expect(read(written)).toBe(canonical);
  });

  test.each([
    ['31 February', '2/31/2010 8:26'],
    ['29 February of a common year', '2/29/2011 8:26'],
    ['29 February of 1900', '1900-02-29 00:00:00'],
    ['31 April', '2011-04-31T00:00:00Z'],
    ['the day 0', '12/0/2010 8:26'],
    ['the day 32', '12/32/2010 8:26'],
    ['the month 0', '2010-00-10 00:00:00'],
    ['the month 13', '13/1/2010 8:26'],
    ['the day before the month', '31/12/2010 8:26'],
    ['the hour 24', '2010-12-01T24:00:00Z'],
    ['the minute 60', '12/1/2010 8:60'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['a year before 1900', '1899-12-31 23:59:59'],
    ['a year before 1900 in UTC', '1900-01-01T00:00:00+01:00'],
    ['a year after 9999 in UTC', '9999-12-31T23:59:59-01:00'],
    ['a year of five digits', '10000-01-01 00:00:00'],
    ['a year of two digits', '12/1/10 8:26'],
    ['more digits than a microsecond has', '2010-12-01T08:26:30.1234567Z'],
    ['ten digits of a second', '2010-12-01T08:26:30.1234560000Z'],
    ['a zone beyond 18 hours', '2010-12-01T08:26:30+19:00'],
    ['a zone of 60 minutes', '2010-12-01T08:26:30+01:60'],
    ['a named zone', '2010-12-01T08:26:30 CET'],
    ['another named zone', '2010-12-01 08:26:30 GMT'],
    ['a day alone', '2010-12-01'],
    ['a number of days', '40513.35'],
    ['a number of seconds', '1291191960'],
    ['a word', 'yesterday'],
    ['text behind', '12/1/2010 8:26 PM'],
    ['two spaces', '12/1/2010  8:26'],
    ['a line end', '12/1/2010 8:26\n'],
    ['digits that are not ASCII', '１２/1/2010 8:26'],
    ['nothing', ''],
  ])('is not %s', (_, written) => {
    expect(read(written)).toBeUndefined();
  });

  test('is read only by the formats that its column names', () => {
    const one = timestampParser(['YYYY-MM-DD HH:MM:SS UTC'], 'Europe/Berlin');
    expect(one('2019-10-01 00:00:00 UTC')).toBe('2019-10-01T00:00:00Z');
    expect(one('2019-10-01 00:00:00')).toBeUndefined();
    expect(one('10/1/2019 0:00')).toBeUndefined();
  });

  test('is the same when it is read again, and does not stick to the next one', () => {
    expect(['12/1/2010 8:26', '12/1/2010 8:26', 'x', 'x', '12/1/2010 8:27', '12/1/2010 8:26'].map(read)).toEqual([
      '2010-12-01T08:26:00Z',
      '2010-12-01T08:26:00Z',
      undefined,
      undefined,
      '2010-12-01T08:27:00Z',
      '2010-12-01T08:26:00Z',
    ]);
  });

  test('of any second between 1900 and 9999 is read from every format', () => {
    const second = fc.integer({ min: Date.UTC(1900, 0, 2) / 1000, max: Date.UTC(9999, 11, 30) / 1000 });
    fc.assert(
      fc.property(second, fc.integer({ min: -18 * 60, max: 18 * 60 }), (seconds, minutes) => {
        const canonical = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
        const [date = '', time = ''] = canonical.slice(0, -1).split('T');
        const [year, month, day] = date.split('-').map(Number);
        expect(read(canonical)).toBe(canonical);
        expect(read(`${date} ${time}`)).toBe(canonical);
        expect(read(`${date} ${time} UTC`)).toBe(canonical);
        expect(read(`${month}/${day}/${year} ${time}`)).toBe(canonical);

        const there = new Date((seconds + minutes * 60) * 1000).toISOString().slice(0, 19);
        const far = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0');
        const rest = String(Math.abs(minutes) % 60).padStart(2, '0');
        expect(read(`${there}${minutes < 0 ? '-' : '+'}${far}:${rest}`)).toBe(canonical);
      }),
    );
  });
});

describe('a time without a zone', () => {
  const inBerlin = timestampParser(ALL, 'Europe/Berlin');

  test.each([
    ['in winter is an hour ahead', '2011-01-15 12:00:00', '2011-01-15T11:00:00Z'],
    ['in summer is two hours ahead', '7/15/2011 12:00', '2011-07-15T10:00:00Z'],
    ['just before spring', '2011-03-27 01:59:59', '2011-03-27T00:59:59Z'],
    ['in the hour that spring leaves out moves on by it', '2011-03-27 02:30:00', '2011-03-27T01:30:00Z'],
    ['just after spring', '2011-03-27 03:00:00', '2011-03-27T01:00:00Z'],
    ['just before autumn', '2011-10-30 01:59:59', '2011-10-29T23:59:59Z'],
    ['in the hour that autumn repeats is the earlier one', '2011-10-30T02:30:00', '2011-10-30T00:30:00Z'],
    ['just after autumn', '2011-10-30 03:00:00', '2011-10-30T02:00:00Z'],
    ['the day before a change', '2011-03-26 12:00:00', '2011-03-26T11:00:00Z'],
    ['the day after a change', '2011-03-27 12:00:00', '2011-03-27T10:00:00Z'],
  ])('in Europe/Berlin %s', (_, written, canonical) => {
    expect(inBerlin(written)).toBe(canonical);
  });

  test('with a zone of its own does not care for the contract', () => {
    expect(inBerlin('2011-07-15T12:00:00Z')).toBe('2011-07-15T12:00:00Z');
    expect(inBerlin('2011-07-15T12:00:00+05:00')).toBe('2011-07-15T07:00:00Z');
    expect(inBerlin('2011-07-15 12:00:00 UTC')).toBe('2011-07-15T12:00:00Z');
  });

  test.each([
    ['Asia/Kolkata', '2011-07-15T06:30:00Z'],
    ['America/New_York', '2011-07-15T16:00:00Z'],
    ['Pacific/Kiritimati', '2011-07-14T22:00:00Z'],
  ])('in %s is read there', (zone, canonical) => {
    expect(timestampParser(ALL, zone)('2011-07-15 12:00:00')).toBe(canonical);
  });

  test('moves the half hour of Lord Howe both ways', () => {
    const there = timestampParser(ALL, 'Australia/Lord_Howe');
    expect(there('2011-10-02 02:15:00')).toBe('2011-10-01T15:45:00Z');
    expect(there('2011-04-03 01:45:00')).toBe('2011-04-02T14:45:00Z');
  });
});

describe('a clock in a zone', () => {
  it.each([
    ['2026-03-01T12:00:00Z', 'UTC', '2026-03-01T12'],
    ['2026-03-01T23:30:00.5Z', 'Europe/Berlin', '2026-03-02T00'],
    ['2026-07-01T23:30:00Z', 'America/New_York', '2026-07-01T19'],
    ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29T03'],
  ])('shows at %s in %s the hour %s', (instant, zone, hour) => {
    expect(onClock(instant, zone).slice(0, 13)).toBe(hour);
  });

  it('is in UTC where a contract names none', () => {
    expect([zoneOf({}), zoneOf({ timezone: 'Europe/Berlin' })]).toEqual(['UTC', 'Europe/Berlin']);
  });
});
