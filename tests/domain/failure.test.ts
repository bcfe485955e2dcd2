import { datasets } from '../../shared/domain/dataset';
import { discardedRecords, failureKind, undelivered, unlandedRows } from '../../shared/domain/failure';

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const base64 = (text: string) => Buffer.from(text).toString('base64');

test.each([
  ['failed/b-2-abc.chunk', { kind: 'chunk', id: 'b-2-abc' }],
  ['failed/b-2-abc.error.json', { kind: 'beside' }],
  ['failed/landing/events/format-conversion-failed/dt=2026-03-01/x', { kind: 'landing', dataset: 'events' }],
  ['failed/raw/processing-failed/dt=2026-03-01/x', { kind: 'raw' }],
  ['failed/discarded/1-2.json', { kind: 'discarded' }],
  ['aws/lambda/0b0b/shardId-000000000000/2026/03/01/x', { kind: 'discarded' }],
  ['failed/landing/x', { kind: 'unknown' }],
  ['failed/a/b.chunk', { kind: 'unknown' }],
  ['other/failed/raw/x', { kind: 'unknown' }],
])('what failed is known by its key: %s', (key, kind) => {
  expect(failureKind(key)).toEqual(kind);
});

describe('an invocation that was given up', () => {
  const event = { Records: [{ kinesis: { data: base64('one') } }, { kinesis: { data: base64('two') } }] };

  test.each([
    ['an object', event],
    ['a text', JSON.stringify(event)],
  ])('has its records, the event being %s', (_, payload) => {
    expect(discardedRecords(bytes({ version: '1.0', payload })).map(String)).toEqual(['one', 'two']);
  });

  test.each([
    ['x', 'it is not JSON'],
    ['1', 'it is no object'],
    ['null', 'it is no object'],
    [{}, 'it has no records of a stream'],
    [{ payload: null }, 'it has no records of a stream'],
    [{ payload: 'x' }, 'it is not JSON'],
    [{ payload: { Records: {} } }, 'it has no records of a stream'],
    [{ payload: { Records: [] } }, 'it has no records of a stream'],
    [{ payload: { Records: [null] } }, 'a record has no data'],
    [{ payload: { Records: [{ s3: {} }] } }, 'a record has no data'],
    [{ payload: { Records: [{ kinesis: { data: 7 } }] } }, 'a record has no data'],
    [{ payload: { Records: [{ kinesis: { data: '' } }] } }, 'a record has no data'],
  ])('is none: %j', (value, why) => {
    expect(() => discardedRecords(bytes(value))).toThrow(why);
  });
});

describe('what Firehose could not deliver', () => {
  test('is one document a line, each with its time and data', () => {
    const lines = [
      { arrivalTimestamp: 1_772_366_400_000, rawData: base64('one') },
      { arrivalTimestamp: 1_772_366_400_001, rawData: base64('two') },
    ];
    const read = undelivered(bytes(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`));
    expect(read.map(({ arrived_at, data }) => [arrived_at, String(data)])).toEqual([
      ['2026-03-01T12:00:00.000Z', 'one'],
      ['2026-03-01T12:00:00.001Z', 'two'],
    ]);
  });

  test.each([
    ['', 'it is empty'],
    ['{}\nx', 'a record does not say when it arrived'],
    [{ arrivalTimestamp: '1772366400000', rawData: 'b25l' }, 'a record does not say when it arrived'],
    [{ arrivalTimestamp: 1e300, rawData: 'b25l' }, 'a record does not say when it arrived'],
    [{ arrivalTimestamp: 0 }, 'a record has no data'],
  ])('is none: %j', (value, why) => {
    expect(() => undelivered(bytes(value))).toThrow(why);
  });
});

describe('rows that were on their way to landing', () => {
  const transactions = datasets.get('transactions')!;
  const IDS = { line_id: '0a'.repeat(16), batch_id: '0b'.repeat(16) };
  const ROW = {
    invoice_no: '1',
    stock_code: 'A',
    quantity: 1,
    invoice_date: '2010-12-01 08:26:00.25',
    unit_price: '2.55',
    customer_id: '17850',
    country: 'United Kingdom',
  };

  test('have every value as clean made it', () => {
    const described = { ...ROW, description: 'A thing', invoice_date: '2010-12-01 08:26:00' };
    const lines = [ROW, described].map((row) => JSON.stringify({ ...row, ...IDS })).join('\n');
    expect(unlandedRows(bytes(lines), transactions)).toEqual([
      { ...IDS, row: { ...ROW, description: null, invoice_date: '2010-12-01T08:26:00.25Z' } },
      { ...IDS, row: { ...described, invoice_date: '2010-12-01T08:26:00Z' } },
    ]);
  });

  test.each([
    [{ ...ROW, ...IDS, line_id: 'x' }, 'a row does not say what row of what batch it is'],
    [{ ...ROW, ...IDS, batch_id: 7 }, 'a row does not say what row of what batch it is'],
    [{ ...ROW, ...IDS, quantity: '1' }, 'a row has no quantity'],
    [{ ...ROW, ...IDS, quantity: 1.5 }, 'a row has no quantity'],
    [{ ...ROW, ...IDS, unit_price: 2.55 }, 'a row has no unit_price'],
    [{ ...ROW, ...IDS, country: null }, 'a row has no country'],
    [[], 'a row does not say what row of what batch it is'],
  ])('are none: %j', (value, why) => {
    expect(() => unlandedRows(bytes(value), transactions)).toThrow(why);
  });
});
