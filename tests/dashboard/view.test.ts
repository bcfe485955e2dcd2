import { daysOf, hashOf, lengthOf, type View, viewOf } from '../../dashboard/view';

const FIRST: View = { shown: 'both', range: 'all', from: '', to: '' };
const SALES = { first_day: '2010-12-01', last_day: '2011-12-09' };

describe('A view', () => {
  test.each<[string, View]>([
    ['', FIRST],
    ['#', FIRST],
    ['#dataset=sales&range=30', { ...FIRST, shown: 'sales', range: '30' }],
    ['#from=2011-01-01&to=2011-03-31', { ...FIRST, range: 'custom', from: '2011-01-01', to: '2011-03-31' }],
    ['#dataset=visitors&to=2011-03-31', { ...FIRST, shown: 'visitors', range: 'custom', to: '2011-03-31' }],
  ])('stands in the address as "%s"', (hash, view) => {
    expect(viewOf(hash)).toEqual(view);
    expect(viewOf(hashOf(view))).toEqual(view);
  });

  test.each(['#dataset=toString&range=constructor', '#from=1&to=2011-1-1', '#from=2011-01-01%27%20or%201'])(
    'is the first one where an address says what it cannot: %s',
    (hash) => expect(viewOf(hash)).toEqual(FIRST),
  );
});

describe('The days of a view', () => {
  const days = (range: View['range'], from = '', to = '') => daysOf({ ...FIRST, range, from, to }, SALES);

  test('are those of the data: the last ones end with its last day', () => {
    expect(days('all')).toEqual({});
    expect(days('7')).toEqual({ from: '2011-12-03', to: '2011-12-09' });
    expect(days('30')).toEqual({ from: '2011-11-10', to: '2011-12-09' });
    expect(days('90')).toEqual({ from: '2011-09-11', to: '2011-12-09' });
    expect(days('year')).toEqual({ from: '2011-01-01', to: '2011-12-09' });
  });

  test('do not begin before the data does', () => {
    const young = { first_day: '2019-10-20', last_day: '2019-10-31' };
    expect(daysOf({ ...FIRST, range: '30' }, young)).toEqual({ from: '2019-10-20', to: '2019-10-31' });
    expect(daysOf({ ...FIRST, range: '30' }, { first_day: null, last_day: null })).toEqual({});
  });

  test('are those that somebody names, open where none is named', () => {
    expect(days('custom', '2011-01-01', '2011-03-31')).toEqual({ from: '2011-01-01', to: '2011-03-31' });
    expect(days('custom', '', '2011-03-31')).toEqual({ to: '2011-03-31' });
  });

  test('are so many', () => {
    expect(lengthOf({ from: '2011-02-27', to: '2011-03-01' }, SALES)).toBe(3);
    expect(lengthOf({}, SALES)).toBe(374);
    expect(lengthOf({}, { first_day: null, last_day: null })).toBe(0);
  });
});
