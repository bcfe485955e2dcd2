import { csvOf } from '../../shared/domain/spreadsheet';

const COLUMNS = [
  { name: 'what', type: 'text' },
  { name: 'much', type: 'decimal' },
];

describe('an answer as CSV', () => {
  it('has a header, and a line for each row', () => {
    const rows = [
      { what: 'JAM', much: '1.50' },
      { what: null, much: null },
    ];
    expect(csvOf(COLUMNS, rows)).toBe('what,much\r\nJAM,1.50\r\n,\r\n');
    expect(csvOf(COLUMNS, [])).toBe('what,much\r\n');
  });

  it('quotes what CSV would read otherwise', () => {
    const rows = ['a, b', 'a "b"', 'a\nb', 'a\rb', ' a '].map((what) => ({ what, much: 1 }));
    expect(csvOf(COLUMNS, rows)).toBe('what,much\r\n"a, b",1\r\n"a ""b""",1\r\n"a\nb",1\r\n"a\rb",1\r\n a ,1\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '＝1+1', '＋1', '－1', '＠SUM(A1)'])(
    'puts an apostrophe before text that may be a formula: %j',
    (what) => {
      expect(csvOf(COLUMNS, [{ what, much: '2' }])).toBe(`what,much\r\n'${what},2\r\n`);
    },
  );

  it('leaves numbers alone, those below zero too', () => {
    expect(csvOf(COLUMNS, [{ what: '1-1', much: '-2.50' }])).toBe('what,much\r\n1-1,-2.50\r\n');
  });

  it('quotes a formula, too', () => {
    expect(csvOf(COLUMNS, [{ what: '\r=1,2', much: 1 }])).toBe('what,much\r\n"\'\r=1,2",1\r\n');
    expect(csvOf(COLUMNS, [{ what: '\n=1', much: 1 }])).toBe('what,much\r\n"\'\n=1",1\r\n');
  });
});
