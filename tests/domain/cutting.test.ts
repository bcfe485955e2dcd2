import fc from 'fast-check';
import Papa from 'papaparse';
import { UnterminatedQuote } from '../../shared/domain/csv';
import { type CutOptions, csvHeader, cut, rowBorders, rowsOf, type Slice } from '../../shared/domain/cutting';
import { datasets } from '../../shared/domain/dataset';

const transactions = datasets.get('transactions')!;
const events = datasets.get('events')!;
const csv: CutOptions = { format: 'csv', columns: ['invoice_no', 'country'], firstLine: 2 };
const ndjson: CutOptions = { format: 'ndjson', columns: [], firstLine: 1 };

const pieces = (text: string, slices: readonly Slice[]) => slices.map(({ start, end }) => text.slice(start, end));
const again = (text: string, slices: readonly Slice[], { format }: CutOptions) =>
  slices.flatMap(({ start, end, first_line }) => [...rowsOf(text.slice(start, end), format, first_line)]);

describe('a text of rows', () => {
  test('that is short is one slice', () => {
    expect(cut('1,a\n2,b\n', transactions, csv)).toEqual([{ start: 0, end: 7, first_line: 2, rows: 2 }]);
  });

  test('without rows has no slice', () => {
    expect(cut('', transactions, csv)).toEqual([]);
    expect(cut('\n\r\n\n', transactions, csv)).toEqual([]);
    expect(cut(' \n\t\n', transactions, ndjson)).toEqual([]);
  });

  test('is cut by the number of rows', () => {
    const text = '1,a\n2,b\n3,c\n4,d\n5,e\n';
    expect(pieces(text, cut(text, transactions, { ...csv, rows: 2 }))).toEqual(['1,a\n2,b', '3,c\n4,d', '5,e']);
  });

  test('is cut by the number of characters, a row that is longer being a slice of its own', () => {
    const text = '1,a\n2,b\n3,cccccccccccc\n4,d\n';
    expect(cut(text, transactions, { ...csv, characters: 8, stretch: 0 })).toEqual([
      { start: 0, end: 7, first_line: 2, rows: 2 },
      { start: 8, end: 22, first_line: 4, rows: 1 },
      { start: 23, end: 26, first_line: 5, rows: 1 },
    ]);
  });

  test('keeps an invoice together where that costs little', () => {
    const text = '1,a\n2,b\n2,c\n2,d\n3,e\n';
    expect(pieces(text, cut(text, transactions, { ...csv, rows: 2, stretch: 1 }))).toEqual([
      '1,a\n2,b\n2,c\n2,d',
      '3,e',
    ]);
    expect(pieces(text, cut(text, transactions, { ...csv, characters: 8, stretch: 1 }))).toEqual([
      '1,a\n2,b\n2,c\n2,d',
      '3,e',
    ]);
  });

  test('is cut through an invoice that is too long to be kept together', () => {
    const text = '1,a\n1,b\n1,c\n1,d\n1,e\n';
    expect(pieces(text, cut(text, transactions, { ...csv, rows: 2, stretch: 0.5 }))).toEqual([
      '1,a\n1,b\n1,c',
      '1,d\n1,e',
    ]);
    expect(pieces(text, cut(text, transactions, { ...csv, characters: 8, stretch: 0.5 }))).toEqual([
      '1,a\n1,b\n1,c',
      '1,d\n1,e',
    ]);
  });

  test('of a data set that is not claimed is cut anywhere', () => {
    const text = '1,a\n1,b\n1,c\n';
    const options = { ...csv, columns: ['user_id', 'brand'], rows: 2, stretch: 9 };
    expect(pieces(text, cut(text, events, options))).toEqual(['1,a\n1,b', '1,c']);
  });

  test('of JSON keeps invoices together too, and skips blank lines', () => {
    const text = '{"invoice":1}\n{"invoice":2}\n\n  \t\r\n{"invoice":"2"}\n{"invoice":3}';
    const slices = cut(text, transactions, { ...ndjson, rows: 2 });
    expect(pieces(text, slices)).toEqual([text.slice(0, text.lastIndexOf('\n')), '{"invoice":3}']);
    expect(slices.map(({ first_line, rows }) => [first_line, rows])).toEqual([
      [1, 3],
      [6, 1],
    ]);
  });

  test('of JSON may have a line that starts with much space', () => {
    const text = `${' '.repeat(100)}{"invoice":1}\n${' '.repeat(200)}\n`;
    expect([...rowsOf(text, 'ndjson', 1)]).toEqual([{ text: text.split('\n')[0], line: 1 }]);
  });
});

const cell = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', '1', '2', 'é'), maxLength: 4 });
const table = fc.array(fc.tuple(fc.constantFrom('1', '1', '2', '3'), cell), { minLength: 1, maxLength: 30 });
const sizes = fc.record({
  characters: fc.integer({ min: 1, max: 60 }),
  rows: fc.integer({ min: 1, max: 8 }),
  stretch: fc.constantFrom(0, 0.25, 1),
});

describe('slices of any sizes', () => {
  test('of CSV hold every row exactly once, with its line', () => {
    fc.assert(
      fc.property(table, sizes, fc.constantFrom('\n', '\r\n', '\n\n'), (rows, size, newline) => {
        const text = Papa.unparse(rows, { newline, quotes: true });
        const slices = cut(text, transactions, { ...csv, ...size });
        const found = again(text, slices, csv);
        expect(found).toEqual([...rowsOf(text, 'csv', 2)]);
        expect(found.map((row) => text.split('\n')[row.line - 2]!.slice(0, 3))).toEqual(rows.map(([no]) => `"${no}"`));
        expect(slices.map((slice) => slice.rows).reduce((a, b) => a + b)).toBe(rows.length);
        expect(Math.max(...slices.map((slice) => slice.rows))).toBeLessThanOrEqual(
          Math.ceil(size.rows * (1 + size.stretch)),
        );
      }),
    );
  });

  test('of any text hold the rows that reading them again finds, so that none is counted and then not seen', () => {
    const piece = fc.constantFrom('\r', '\n', '"', ',', 'a', ' ', '""', '\r\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), sizes, (pieces, size) => {
        const text = pieces.join('');
        let slices: Slice[];
        try {
          slices = cut(text, transactions, { ...csv, ...size });
        } catch (error) {
          expect(error).toBeInstanceOf(UnterminatedQuote);
          return;
        }
        for (const { start, end, rows } of slices) {
          expect([...rowsOf(text.slice(start, end), 'csv', 1)]).toHaveLength(rows);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('of NDJSON hold every row exactly once, with its line', () => {
    const line = fc.oneof(
      fc.constantFrom('', ' ', '\t\r'),
      fc.constantFrom('1', '2').map((n) => `{"invoice":${n}}`),
    );
    fc.assert(
      fc.property(fc.array(line), sizes, (lines, size) => {
        const text = lines.join('\n');
        const expected = lines.flatMap((row, i) => (row.trim() === '' ? [] : [{ text: row, line: i + 1 }]));
        expect(again(text, cut(text, transactions, { ...ndjson, ...size }), ndjson)).toEqual(expected);
      }),
    );
  });
});

describe('borders of rows', () => {
  test('count lines from 1 unless told otherwise', () => {
    expect(rowBorders('a\nb', 'csv').next()).toEqual({ start: 0, end: 1, line: 1 });
    expect(rowBorders('a\nb', 'ndjson').next()).toEqual({ start: 0, end: 1, line: 1 });
    expect(rowBorders('a\nb', 'ndjson', 7).next()).toEqual({ start: 0, end: 1, line: 7 });
  });
});

describe('a header of CSV', () => {
  test('is the first row, with the place and the line of the next', () => {
    expect(csvHeader('\n"a\nb",c\r\n1,2\n')).toEqual({ fields: ['a\nb', 'c'], end: 10, nextLine: 4 });
  });

  test('is none in a text without rows', () => {
    expect(csvHeader('\n\r\n')).toBeUndefined();
  });

  test('is read no further than tells what is wrong with it', () => {
    expect(csvHeader(','.repeat(1_000_000))?.fields).toHaveLength(201);
  });
});
