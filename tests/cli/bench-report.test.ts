import { OURS } from '../../cli/bench/readers';
import { between, median, NoMarkers, number, type Report, toMarkdown } from '../../cli/bench/report';
import { CASES, judge } from '../../cli/bench/tricky';

const REPORT: Report = {
  title: 'Speed',
  limits: [
    { what: 'fast', measured: 300, unit: 'rows/s', bound: 'at least', limit: 250 },
    { what: 'small', measured: 12_345, unit: 'MB', bound: 'at most', limit: 700 },
  ],
  tables: [{ title: 'All', head: ['a', 'b'], rows: [['x|y', '1']] }],
  notes: ['how'],
  figures: {},
};

describe('the place for figures in a document', () => {
  const document = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';

  it('gets new ones, and nothing else changes', () => {
    const once = between(document, 'new\n');
    expect(once).toBe('before\n<!-- bench:start -->\nnew\n<!-- bench:end -->\nafter\n');
    expect(between(once, 'new')).toBe(once);
  });

  it('keeps figures that look like replacement patterns', () => {
    expect(between(document, "$& $1 $'")).toContain("$& $1 $'");
  });

  it.each(['no markers', '<!-- bench:start -->', '<!-- bench:end --> <!-- bench:start -->'])(
    'is missed in "%s"',
    (text) => {
      expect(() => between(text, 'new')).toThrow(NoMarkers);
    },
  );
});

it('says in its tables what was wanted and whether it was met', () => {
  expect(toMarkdown(REPORT)).toBe(
    [
      '### Speed',
      '| aim | measured | wanted |  |\n| --- | ---: | ---: | ---: |\n| fast | 300 rows/s | at least 250 | met |\n| small | 12,345 MB | at most 700 | **missed** |',
      'All:',
      '| a | b |\n| --- | ---: |\n| x\\|y | 1 |',
      '- how',
    ].join('\n\n'),
  );
});

it('writes numbers for people, and takes the middle of many', () => {
  expect([0.1234, 5, 98.76, 123_456.7].map(number)).toEqual(['0.123', '5', '98.8', '123,457']);
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});

it.each(CASES.map((tricky) => [tricky.name, tricky] as const))('Our reader passes: %s', (_, tricky) => {
  expect(judge(OURS, tricky)).toBe(true);
});
