import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { type ShopBook as Name, simulate } from '../../cli/simulator/index';
import { readHeader } from '../../shared/domain/body';
import { type CleanedChunk, cleanRows } from '../../shared/domain/clean';
import { type CutOptions, cut } from '../../shared/domain/cutting';
import { type Dataset, datasets } from '../../shared/domain/dataset';
import { pack, seal, unpack } from '../../shared/domain/packing';

/** Rows of a text in slices as they are told, packed, unpacked and cleaned. */
function cleaned(text: string, dataset: Dataset, options: CutOptions): { rows: number; chunks: CleanedChunk[] } {
  const slices = cut(text, dataset, options);
  const chunks = slices.map(({ start, end, first_line, rows }, i) => {
    const { format, columns } = options;
    const header = {
      dataset: dataset.name,
      contract_version: dataset.contract.version,
      batch_id: 'b'.repeat(32),
      number: i + 1,
      received_at: '2025-01-01T00:00:00.000Z',
      first_line,
      rows,
      format,
      columns,
    };
    return cleanRows(unpack(pack(header, seal(text.slice(start, end))).data), dataset);
  });
  return { rows: slices.reduce((sum, slice) => sum + slice.rows, 0), chunks };
}

/** A simulated CSV file: its rows, and how they are read. */
function file(name: Name, rows: number, seed: number, dirty: number) {
  const dataset = datasets.get(name)!;
  const text = [...simulate({ dataset: name, rows, seed, dirty })].join('');
  const { header, columns } = readHeader(text, dataset);
  const options: CutOptions = { format: 'csv', columns, firstLine: header.nextLine };
  return { dataset, text: text.slice(header.end), options, whole: text };
}

const accountedFor = ({ accepted, repeated, rejected }: CleanedChunk) => accepted.length + repeated + rejected.length;

/** What must not depend on how a file is cut: the distinct identities, and each refusal with its line. */
function essence(chunks: readonly CleanedChunk[]) {
  const ids = new Set(chunks.flatMap(({ accepted }) => accepted.map(({ line_id }) => line_id)));
  return { ids: [...ids].toSorted(), rejected: chunks.flatMap(({ rejected }) => rejected) };
}

const any = fc.record({
  name: fc.constantFrom('transactions' as const, 'events' as const),
  rows: fc.integer({ min: 1, max: 300 }),
  seed: fc.nat(),
  dirty: fc.constantFrom(0, 0.1, 0.5, 1),
});
const sizes = fc.record({
  characters: fc.integer({ min: 50, max: 20_000 }),
  rows: fc.integer({ min: 1, max: 200 }),
  stretch: fc.constantFrom(0, 0.25),
});

describe('the rows of any file, with dirt or without,', () => {
  test('each have exactly one outcome', () => {
    fc.assert(
      fc.property(any, sizes, ({ name, rows, seed, dirty }, size) => {
        const { dataset, text, options } = file(name, rows, seed, dirty);
        const result = cleaned(text, dataset, { ...options, ...size });
        expect(result.rows).toBe(rows);
        expect(result.chunks.reduce((sum, chunk) => sum + accountedFor(chunk), 0)).toBe(rows);
      }),
      { numRuns: 40 },
    );
  });

  test('come out the same however the file is cut', () => {
    fc.assert(
      fc.property(any, sizes, ({ name, rows, seed, dirty }, size) => {
        const { dataset, text, options } = file(name, rows, seed, dirty);
        const whole = cleaned(text, dataset, options);
        expect(whole.chunks).toHaveLength(1);
        expect(essence(cleaned(text, dataset, { ...options, ...size }).chunks)).toEqual(essence(whole.chunks));
      }),
      { numRuns: 40 },
    );
  });

  test('come out the same as NDJSON', () => {
    fc.assert(
      fc.property(any, ({ name, rows, seed, dirty }) => {
        const { dataset, text, options, whole } = file(name, rows, seed, dirty);
        const width = dataset.contract.columns.length;
        const [names = [], ...records]: string[][] = parse(whole, { relax_column_count: true });
        const right = records.filter((record) => record.length === width);
        const lines = right.map((record) =>
          JSON.stringify(Object.fromEntries(names.map((key, i) => [key, record[i]]))),
        );
        const json = cleaned(lines.join('\n'), dataset, { format: 'ndjson', columns: [], firstLine: 1 });

        const [chunk] = cleaned(text, dataset, options).chunks;
        const narrow = (refused: CleanedChunk['rejected']) => refused.map(({ reason, field }) => `${reason} ${field}`);
        // Rows of another width have no like in JSON.
        const csv = chunk!.rejected.filter(
          ({ text: row }) => parse(row, { relax_column_count: true })[0].length === width,
        );
        expect(essence(json.chunks).ids).toEqual(essence([chunk!]).ids);
        expect(narrow(json.chunks.flatMap(({ rejected }) => rejected))).toEqual(narrow(csv));
      }),
      { numRuns: 20 },
    );
  });
});

describe('a chunk', () => {
  const transactions = datasets.get('transactions')!;
  const columns = transactions.contract.columns.map(({ name }) => name);
  const options: CutOptions = { format: 'csv', columns, firstLine: 2 };
  const good = '536365,85123A,HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom';

  test('accepts an identity once, however it is written', () => {
    const again = ' 536365,85123A,HEART,+6,2010-12-01T08:26:00Z,2.5500,17850.0,"United Kingdom"';
    const [chunk] = cleaned(`${good}\n${again}\n${good}\n`, transactions, options).chunks;
    expect(chunk).toMatchObject({ repeated: 2, rejected: [] });
    expect(chunk!.accepted).toMatchObject([{ row: { quantity: 6, unit_price: '2.55' } }]);
  });

  test('keeps a refused row as it came, with its line, its reason, its field, and what it says if it can be read', () => {
    const text = `${good}\r\n"C1",A,"two\nlines",1,12/1/2010 8:26,1,,UK\r\n\r\nonly, one\r\n`;
    expect(cleaned(text, transactions, options).chunks[0]!.rejected).toEqual([
      {
        line: 3,
        reason: 'cancellation',
        field: 'invoice_no',
        text: '"C1",A,"two\nlines",1,12/1/2010 8:26,1,,UK',
        cleaned: {
          invoice_no: 'C1',
          stock_code: 'A',
          description: 'two\nlines',
          quantity: 1,
          invoice_date: '2010-12-01T08:26:00Z',
          unit_price: '1',
          customer_id: 'Unknown',
          country: 'UK',
        },
      },
      { line: 6, reason: 'missing', field: 'description', text: 'only, one' },
    ]);
  });

  test('refuses the same rows however often they come: a refused row is never a duplicate', () => {
    const bad = good.replace('536365', 'C536365');
    const [chunk] = cleaned(`${bad}\n${bad}\n`, transactions, options).chunks;
    expect(chunk).toMatchObject({ accepted: [], repeated: 0, rejected: { length: 2 } });
  });

  test('of one row of megabytes is cleaned at once', () => {
    const rows = [
      `536365,85123A,${'x'.repeat(1_000_000)},6,12/1/2010 8:26,2.55,17850,United Kingdom`,
      `536365,85123A,HEART,6,12/1/2010 8:26,2.${'0'.repeat(1_000_000)}10,17850,United Kingdom`,
      ','.repeat(5_000_000),
      `"${'""'.repeat(1_000_000)}"${',""'.repeat(7)}`,
    ];
    const before = performance.now();
    const { chunks } = cleaned(rows.join('\n'), transactions, options);
    expect(chunks.flatMap(({ rejected }) => rejected.map(({ reason, field }) => [reason, field]))).toEqual([
      ['unparseable', 'description'],
      ['unparseable', 'unit_price'],
      ['unparseable', 'column 9'],
      ['unparseable', 'invoice_no'],
    ]);
    expect(performance.now() - before).toBeLessThan(3000);
  });
});
