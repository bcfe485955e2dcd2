import { gunzipSync } from 'node:zlib';
import { decodeRejected, encodeRejected, failedKey, landingKey, rejectedKey } from '../../shared/domain/lake';

const chunk = {
  dataset: 'events',
  received_at: '2025-03-01T23:59:59.999Z',
  batch_id: 'b',
  chunk_id: 'b-2-abc',
  contract_version: 3,
};

test('objects lie by zone, data set and the day on which their batch came', () => {
  expect(landingKey(chunk)).toBe('landing/events/dt=2025-03-01/b-2-abc.parquet');
  expect(rejectedKey(chunk, 'b-9-def')).toBe('rejected/events/dt=2025-03-01/b-9-def.ndjson.gz');
  expect(failedKey('x')).toEqual({ record: 'failed/x.chunk', error: 'failed/x.error.json' });
});

describe('refused rows', () => {
  const rows = [
    { line: 2, reason: 'missing', field: 'price', text: 'a,"two\nlines",\u0000' },
    { line: 4, reason: 'unparseable', field: '\ud800', text: 'é🧀\u2028' },
  ];

  test('are one JSON object a line, with their chunk', () => {
    const lines = gunzipSync(encodeRejected(chunk, rows)).toString('utf8').split('\n');
    expect(lines.pop()).toBe('');
    const where = { batch_id: 'b', chunk_id: 'b-2-abc', contract_version: 3 };
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows.map((row) => ({ ...where, ...row })));
  });

  test('come back as they were written', () => {
    expect(decodeRejected(encodeRejected(chunk, rows))).toEqual(rows);
    expect(decodeRejected(encodeRejected(chunk, []))).toEqual([]);
  });

  test('are the same bytes each time, on every system', () => {
    const bytes = encodeRejected(chunk, rows);
    expect(bytes.equals(encodeRejected(chunk, rows))).toBe(true);
    expect([...bytes.subarray(4, 8), bytes[9]]).toEqual([0, 0, 0, 0, 255]);
  });
});
