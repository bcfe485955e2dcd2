import { type Cutter, cutter, EndlessRow, type Part } from '../../shared/domain/parts';

/** All parts of a text that comes in pieces of a size. */
function cut(cuts: Cutter, text: string, size: number): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(...cuts.push(text.slice(at, at + size)));
  return [...parts, ...cuts.end()];
}

describe('a text cut into parts', () => {
  it.each([1, 3, 100])('has its header in front of each, and the line of its first row: pieces of %d', (size) => {
    const text = '\n\r\nh,i\r\n1,"a\nb"\n\n22,c\n3,"x""y"\n4,é';
    expect(cut(cutter('csv', 12), text, size)).toEqual([
      { number: 1, text: 'h,i\n1,"a\nb"\n', rows: 1, line: 4 },
      { number: 2, text: 'h,i\n22,c\n', rows: 1, line: 7 },
      { number: 3, text: 'h,i\n3,"x""y"\n', rows: 1, line: 8 },
      { number: 4, text: 'h,i\n4,é\n', rows: 1, line: 9 },
    ]);
  });

  it('fills a part to its bytes, not its characters', () => {
    const parts = cut(cutter('ndjson', 9), 'éé\nab\nc\n€€\nd', 2);
    expect(parts.map(({ text }) => text)).toEqual(['éé\nab\n', 'c\n€€\n', 'd\n']);
    expect(parts.map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  it.each([1, 2, 100])('keeps empty lines between the rows of a part, which count: pieces of %d', (size) => {
    expect(cut(cutter('csv', 6), '\nh\n\n1\n\n\n2\n\n\n3\n\n', size)).toEqual([
      { number: 1, text: 'h\n1\n\n\n2\n', rows: 2, line: 4 },
      { number: 2, text: 'h\n3\n', rows: 1, line: 10 },
    ]);
  });

  it('takes blank lines for no rows of NDJSON, as ingest does, and for rows of CSV', () => {
    expect(cut(cutter('ndjson'), ' \n{}\n\t\n\n{}\n ', 3)).toEqual([
      { number: 1, text: '{}\n\n\n{}\n', rows: 2, line: 2 },
    ]);
    expect(cut(cutter('csv'), 'h\n \n', 3)).toEqual([{ number: 1, text: 'h\n \n', rows: 1, line: 2 }]);
  });

  it('comes to the end of a long row of small pieces in time', () => {
    const began = performance.now();
    const row = `1,"${'""'.repeat(1_500_000)}"\n`;
    expect(cut(cutter('csv'), `h\n${row}2\n`, 2000)).toEqual([{ number: 1, text: `h\n${row}2\n`, rows: 2, line: 2 }]);
    expect(performance.now() - began).toBeLessThan(5000); // each piece by itself: a minute
  });

  it('takes no quote of a JSON line for one of CSV', () => {
    expect(cut(cutter('ndjson'), '{"a":"\n\\"}\n"', 4)).toEqual([
      { number: 1, text: '{"a":"\n\\"}\n"\n', rows: 3, line: 1 },
    ]);
  });

  it('counts the elements of an array, whatever lines they are on', () => {
    expect(cut(cutter('json', 4), '[1,\n\n2\n,"3"]', 3)).toEqual([
      { number: 1, text: '1\n2\n', rows: 2, line: 1 },
      { number: 2, text: '"3"\n', rows: 1, line: 3 },
    ]);
  });

  it('has no more rows in a part than a request may have', () => {
    const parts = cut(cutter('ndjson'), '1\n'.repeat(500_001), 100_000);
    expect(parts.map(({ rows, line }) => [rows, line])).toEqual([
      [500_000, 1],
      [1, 500_001],
    ]);
  });

  it('tells of each row with its line end and its line', () => {
    const rows: [string, number][] = [];
    const onRow = (text: string, line: number) => rows.push([text, line]);
    cut(cutter('csv', 5, onRow), 'h\r\n1\r\n\r\n22\r\n', 2);
    cut(cutter('json', 5, onRow), '[1,2]', 2);
    expect(rows).toEqual([
      ['1\n', 2],
      ['22\n', 4],
      ['1\n', 1],
      ['2\n', 2],
    ]);
  });

  it('is whole rows where it breaks off, and nothing where there are none', () => {
    const csv = cutter('csv');
    csv.push('h\n1\n"2');
    expect(csv.breakOff()).toEqual([{ number: 1, text: 'h\n1\n', rows: 1, line: 2 }]);
    const array = cutter('json');
    array.push('[1,2');
    expect(array.breakOff()).toEqual([{ number: 1, text: '1\n', rows: 1, line: 1 }]);
    expect(cutter('csv').breakOff()).toEqual([]);
    const waiting = cutter('ndjson');
    waiting.push('{"a":1');
    waiting.push('}\n2');
    expect(waiting.breakOff()).toEqual([{ number: 1, text: '{"a":1}\n', rows: 1, line: 1 }]);
  });

  it.each([
    ['csv', 'h\n1\n"', 3],
    ['ndjson', '1\n2\n', 3],
    ['json', '[1,2,', 3],
  ] as const)('is given up in a row that does not end: %s', (type, before, line) => {
    const cuts = cutter(type);
    cuts.push(before);
    const row = () => {
      for (let i = 0; i < 100; i++) cuts.push('x'.repeat(100_000));
    };
    expect(row).toThrow(EndlessRow);
    expect(row).toThrow(expect.objectContaining({ line }));
  });
});
