import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import Papa from 'papaparse';
import { CsvRows, csvFields, UnterminatedQuote } from '../../shared/domain/csv';

interface Found {
  readonly line: number;
  readonly fields: readonly string[];
}

function read(text: string, line = 1): Found[] {
  const rows = new CsvRows(text, line);
  const found: Found[] = [];
  for (let row = rows.next(); row; row = rows.next()) {
    found.push({ line: row.line, fields: csvFields(text.slice(row.start, row.end)) });
  }
  return found;
}

const fields = (text: string) => read(text).map((row) => row.fields);

function unterminated(text: string, line?: number): number {
  try {
    read(text, line);
  } catch (error) {
    if (error instanceof UnterminatedQuote) return error.line;
    throw error;
  }
  throw new Error('every quote is closed');
}

describe('rows of CSV', () => {
  test.each([
    ['LF', 'a,b\nc,d\n'],
    ['CRLF', 'a,b\r\nc,d\r\n'],
    ['a last row without a line end', 'a,b\nc,d'],
    ['line ends of both kinds', 'a,b\r\nc,d\n'],
    ['empty lines of both kinds, which are no rows', '\n\na,b\n\r\n\nc,d\n\n\r\n'],
  ])('end at %s', (_, text) => {
    expect(fields(text)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  test('are none in an empty text, and none in a text of line ends', () => {
    expect(fields('')).toEqual([]);
    expect(fields('\r\n\n\n')).toEqual([]);
  });

  test('may be of any width', () => {
    expect(fields('a\nb,c\n,\n,,\n')).toEqual([['a'], ['b', 'c'], ['', ''], ['', '', '']]);
  });

  test('keep quotes, commas and line ends that stand within quotes', () => {
    expect(fields('"a,1","say ""yes""","two\nlines"\r\n"","""",","\n')).toEqual([
      ['a,1', 'say "yes"', 'two\nlines'],
      ['', '"', ','],
    ]);
  });

  test('keep a quote that does not start a field as it is', () => {
    expect(fields('5" disc,a"b"c, "x"\nnext,1,2\n')).toEqual([
      ['5" disc', 'a"b"c', ' "x"'],
      ['next', '1', '2'],
    ]);
  });

  test('keep text behind a closing quote in its field', () => {
    expect(fields('"a"b,"c" "d"\n"e"f"g",h\n')).toEqual([
      ['ab', 'c "d"'],
      ['ef"g"', 'h'],
    ]);
  });

  test('know the lines that they start in', () => {
    const text = 'a\n\n"b\nb\r\nb"\r\nc\n"d","\n"\n\ne';
    expect(read(text, 10).map(({ line }) => line)).toEqual([10, 12, 15, 16, 19]);
  });

  test('are walked over with the place and line of what comes next', () => {
    const rows = new CsvRows('"a\na"\nb\n', 5);
    rows.next();
    expect([rows.position, rows.currentLine]).toEqual([6, 7]);
    rows.next();
    expect([rows.position, rows.currentLine]).toEqual([8, 8]);
  });

  test('keep a byte order mark, which is not theirs to drop', () => {
    expect(fields('\ufeffa,b\n')).toEqual([['\ufeffa', 'b']]);
  });

  test('keep a carriage return that no line feed follows', () => {
    expect(fields('a\rb,c\n')).toEqual([['a\rb', 'c']]);
  });
});

describe('a quote that is never closed', () => {
  test.each([
    [1, '"'],
    [1, '"a,b\nc,d\n'],
    [3, 'a,b\nc,d\n"e,f\n'],
    [2, 'a\nb,"c""\nd'],
    [4, '"a\n\n",b\n"c","d""'],
    [5, '"a\n\n",b\n"c\n","d""'],
  ])('is told by line %d', (line, text) => {
    expect(unterminated(text)).toBe(line);
    expect(unterminated(text, 100)).toBe(line + 99);
  });

  test('goes on to the end of a row that is read alone', () => {
    expect(csvFields('a,"b,c')).toEqual(['a', 'b,c']);
    expect(csvFields('"a""')).toEqual(['a"']);
  });
});

describe('fields of a row', () => {
  test('are read as far as they are asked for', () => {
    const long = 'b'.repeat(2000);
    expect(csvFields(`a,${long},c`, 2)).toEqual(['a', long]);
    expect(csvFields('"a",b,c', 2)).toEqual(['a', 'b']);
    expect(csvFields('"a",b', 3)).toEqual(['a', 'b']);
  });

  test('by the ten million take no time when only some are asked for', () => {
    const row = ','.repeat(10_000_000);
    const before = performance.now();
    expect(csvFields(row, 9)).toHaveLength(9);
    expect(csvFields(`"",${row}`, 9)).toHaveLength(9);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

/** Tables whose fields are full of what CSV must quote; no row is a single empty field, which CSV cannot say. */
const cell = fc.string({
  unit: fc.constantFrom('"', ',', '\n', '\r\n', ' ', 'a', 'é', '🧀', ';', '\t'),
  maxLength: 6,
});
const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 8 });
const ends = fc.constantFrom('\n', '\r\n');

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const needsQuotes = /[",\r\n]/;

describe('tables written by others', () => {
  test('by PapaParse are read back', () => {
    fc.assert(
      fc.property(table, ends, fc.boolean(), (rows, newline, quotes) => {
        expect(fields(Papa.unparse(rows, { newline, quotes }))).toEqual(rows);
      }),
    );
  });

  test('with quotes where they are needed and some more, are read as csv-parse reads them', () => {
    const more = fc.infiniteStream(fc.boolean());
    fc.assert(
      fc.property(table, ends, more, fc.boolean(), (rows, newline, wanted, last) => {
        const write = (text: string) => (needsQuotes.test(text) || wanted.next().value ? quoted(text) : text);
        const text = rows.map((row) => row.map(write).join(',')).join(newline) + (last ? newline : '');
        const options = { relax_column_count: true, record_delimiter: ['\n', '\r\n'], skip_empty_lines: true };
        expect(fields(text)).toEqual(parse(text, options));
        expect(fields(text)).toEqual(rows);
      }),
    );
  });

  test('have the line numbers that counting line feeds gives', () => {
    fc.assert(
      fc.property(table, ends, (rows, newline) => {
        let line = 1;
        const expected = rows.map((row) => {
          const start = line;
          line += row.map(quoted).join(',').split('\n').length;
          return start;
        });
        const text = rows.map((row) => row.map(quoted).join(',') + newline).join('');
        expect(read(text).map((row) => row.line)).toEqual(expected);
      }),
    );
  });
});

describe('an open text', () => {
  /** Reads a text that comes in two pieces, as a file does. */
  function inPieces(text: string, cut: number): Found[] {
    const first = text.slice(0, cut);
    const open = new CsvRows(first, 1, true);
    const found: Found[] = [];
    for (let row = open.next(); row; row = open.next()) {
      found.push({ line: row.line, fields: csvFields(first.slice(row.start, row.end)) });
    }
    return [...found, ...read(text.slice(open.position), open.currentLine)];
  }

  test('gives the same rows wherever it is cut', () => {
    const text = 'a,"b\r\n""c""",d\r\n\n"e"f,\n"","\n",""""\r\ng,5" h,\n';
    for (let cut = 0; cut <= text.length; cut++) expect(inPieces(text, cut)).toEqual(read(text));
  });

  test('gives the same rows wherever a random table is cut', () => {
    fc.assert(
      fc.property(table, ends, fc.nat(), (rows, newline, at) => {
        const text = Papa.unparse(rows, { newline });
        expect(inPieces(text, at % (text.length + 1))).toEqual(read(text));
      }),
    );
  });

  test('leaves a row without its line end for the next piece', () => {
    const rows = new CsvRows('a,b\n"c,d"', 1, true);
    expect(rows.next()).toMatchObject({ line: 1 });
    expect(rows.next()).toBeUndefined();
    expect([rows.position, rows.currentLine]).toEqual([4, 2]);
  });
});
