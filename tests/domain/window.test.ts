import { isClosed, isLate, liveDays, parentOf, upwards, withinOf } from '../../shared/domain/window';

const at = (time: string) => new Date(time);

it('finds what a window is in', () => {
  expect(parentOf('2026-03-01T12:34')).toBe('2026-03-01T12');
  expect(parentOf('2026-03-01T12')).toBe('2026-03-01');
  expect(parentOf('2026-03-01')).toBe('');
  expect(upwards('2026-03-01T12:34')).toEqual(['2026-03-01T12:34', '2026-03-01T12', '2026-03-01']);
});

it('finds what has begun within it, and what begins within a minute', () => {
  expect(withinOf('2026-03-01', at('2026-03-02T00:00:00Z'))).toHaveLength(24);
  expect(withinOf('2026-03-01', at('2026-03-01T01:30:00Z'))).toEqual(['2026-03-01T00', '2026-03-01T01']);
  expect(withinOf('2026-03-01T12', at('2026-03-01T12:01:30Z'))).toEqual([
    '2026-03-01T12:00',
    '2026-03-01T12:01',
    '2026-03-01T12:02',
  ]);
});

it.each([
  ['2026-03-01T12:34', '2026-03-01T12:37:00Z'],
  ['2026-03-01T12', '2026-03-01T13:02:00Z'],
  ['2026-03-01', '2026-03-02T00:02:00Z'],
])('sums %s from %s on, and calls late what is put a minute before that', (window, closed) => {
  expect(isClosed(window, at(closed))).toBe(true);
  const before = new Date(at(closed).getTime() - 1);
  expect(isClosed(window, before)).toBe(false);
  const late = new Date(at(closed).getTime() - 60_000);
  expect(isLate(window, late)).toBe(true);
  expect(isLate(window, new Date(late.getTime() - 1))).toBe(false);
});

it('asks for the days in which a row of today can have come, wherever the shop is', () => {
  expect(liveDays(at('2026-03-01T12:00:00Z'))).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
});
