import { everyDay } from '../../dashboard/days';

describe('a line over days', () => {
  it('has the days between two rows, with nothing but their day', () => {
    const rows = [
      { day: '2026-02-27', revenue: '1.5000' },
      { day: '2026-03-01', revenue: '2.0000' },
    ];
    expect(everyDay(rows)).toEqual([rows[0], { day: '2026-02-28' }, rows[1]]);
  });

  it('leaves rows as they are that lie years apart, have no day, or are none', () => {
    for (const rows of [
      [{ day: '2010-12-01' }, { day: '2026-03-01' }],
      [{ month: '2026-03-01' }, { month: '2026-04-01' }],
      [],
    ])
      expect(everyDay(rows)).toBe(rows);
  });
});
