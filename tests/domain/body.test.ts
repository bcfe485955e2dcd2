import { gzipSync, zstdCompressSync } from 'node:zlib';
import { datasetNamed, LIMITS, readBody, readHeader, type Sent, withQuotesClosed } from '../../shared/domain/body';
import { UnterminatedQuote } from '../../shared/domain/csv';
import { Problem } from '../../shared/domain/problem';

// What is refused, and how, is told by the folders of fixtures/requests.
const transactions = datasetNamed('transactions');
const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
const row = '10001,A1,RED MUG,2,1/15/2024 9:30,3.50,501,France\n';
const names = transactions.contract.columns.map(({ name }) => name);

const read = (bytes: Buffer | string, more: Partial<Sent> = {}) =>
  readBody({ bytes: Buffer.from(bytes), asText: false, contentType: 'text/csv', ...more }, transactions);

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'taken';
}

describe('a body', () => {
  test('of more zstd frames than a compressor makes is refused', () => {
    const empty = zstdCompressSync('');
    const frames = Buffer.concat([zstdCompressSync(header + row), ...Array.from({ length: 2000 }, () => empty)]);
    expect(codeOf(() => read(frames))).toBe('broken_compression');
  });

  test('of CSV is its text, with the place and the line of the first row', () => {
    const text = `\n${header}${row}`;
    expect(read(text)).toEqual({ format: 'csv', columns: names, text, start: header.length + 1, line: 3 });
  });

  test('of an array is NDJSON', () => {
    const sent = '[{"invoice_no":1},\n {"invoice_no":2}]';
    const text = '{"invoice_no":1}\n{"invoice_no":2}';
    expect(read(sent, { contentType: 'application/json' })).toEqual({
      format: 'ndjson',
      columns: [],
      text,
      start: 0,
      line: 1,
    });
  });

  test.each(['text/csv', 'application/csv', 'TEXT/CSV ; charset=utf-8'])('of %s is CSV', (contentType) => {
    expect(read(header + row, { contentType }).format).toBe('csv');
  });

  test.each(['application/x-ndjson', 'application/ndjson'])('of %s is NDJSON', (contentType) => {
    expect(read('{}', { contentType }).format).toBe('ndjson');
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('in %s is the same as without', (_, compress) => {
    expect(read(compress(Buffer.from(`\ufeff${header}${row}`)))).toEqual(read(header + row));
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('in several members of %s is the same as in one', (_, compress) => {
    const parts = [header, row, '', row].map((part) => compress(Buffer.from(part)));
    expect(read(Buffer.concat(parts)).text).toBe(header + row + row);
  });

  test('in many frames of zstd meets the limit of their sum', () => {
    const frame = zstdCompressSync(Buffer.alloc(LIMITS.textBytes / 4, 'x'));
    const frames = (n: number) => Buffer.concat(Array.from({ length: n }, () => frame));
    expect(codeOf(() => read(frames(5)))).toBe('too_large');
    expect(codeOf(() => read(Buffer.concat([frames(4), zstdCompressSync(Buffer.from('xy'))])))).toBe('too_large');
    expect(codeOf(() => read(frames(4)))).toBe('unknown_column');
  });

  test('at the limit is taken, and one byte over it is not', () => {
    const rest = Buffer.alloc(LIMITS.sentBytes - header.length, '\n');
    expect(codeOf(() => read(Buffer.concat([Buffer.from(header), rest])))).toBe('taken');
    expect(codeOf(() => read(Buffer.concat([Buffer.from(header), rest, Buffer.from('\n')])))).toBe('too_large');
  });
});

test('a header says which column each field holds', () => {
  expect(
    readHeader('Country,Invoice,Price,Quantity,StockCode,InvoiceDate,Customer ID,Description\n', transactions),
  ).toMatchObject({
    columns: [
      'country',
      'invoice_no',
      'unit_price',
      'quantity',
      'stock_code',
      'invoice_date',
      'customer_id',
      'description',
    ],
  });
});

test("a quote that is never closed is the sender's fault; any other error stays what it is", () => {
  const thrower = (error: Error) => () => {
    throw error;
  };
  expect(codeOf(() => withQuotesClosed(thrower(new UnterminatedQuote(7))))).toBe('unterminated_quote');
  expect(() => withQuotesClosed(thrower(new RangeError('ours')))).toThrow(RangeError);
  expect(withQuotesClosed(() => 'closed')).toBe('closed');
});

test('a data set that does not exist is not found', () => {
  expect(codeOf(() => datasetNamed('__proto__'))).toBe('not_found');
});

test('a later part of a file may begin with any of its rows', () => {
  const part = (text: string) => ({
    bytes: Buffer.from(text),
    asText: false,
    contentType: 'application/octet-stream',
    type: 'ndjson',
  });
  for (const text of ['{"nothing":1}\n{"invoice_no":2}\n', ' \n ']) {
    expect(['unknown_column', 'empty_body']).toContain(codeOf(() => readBody(part(text), transactions)));
    expect(readBody(part(text), transactions, true).text).toBe(text);
  }
});
