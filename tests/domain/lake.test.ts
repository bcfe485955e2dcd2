import { gunzipSync, gzipSync } from 'node:zlib';
import {
  decodeRejected,
  encodeRejected,
  failedKey,
  inputKey,
  landingKey,
  manifestKey,
  refusedKey,
  rejectedKey,
  reportKey,
} from '../../shared/domain/lake';

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

test('what Spark reads and says lies in a folder of its batch', () => {
  const batch = { dataset: 'events', batch_id: 'b' };
  expect([inputKey(batch), manifestKey(batch)]).toEqual(['work/events/b/input', 'work/events/b/manifest.json']);
  expect(reportKey({ id: 'n1', began_at: '2026-03-02T01:00:00.000Z' })).toBe('reports/nightly/dt=2026-03-02/n1.json');
});

describe('a file that is no file of rows', () => {
  const file = { key: 'inbox/events/a.csv', version: 'v1', arrived_at: '2026-03-01T23:59:59.000Z' };
  const KEPT = /^rejected\/files\/events\/dt=2026-03-01\/[0-9a-f]{16}-a\.csv$/;

  test('lies beside its reason, by data set and day', () => {
    const kept = refusedKey('events', file);
    expect(kept.file).toMatch(KEPT);
    expect(kept.reason).toBe(kept.file.replace('-a.csv', '.reason.json'));
    expect(refusedKey('events', file)).toEqual(kept);
  });

  test('takes the place of no other: not of another key, nor of what came under its key in the same second', () => {
    const others = [file, { ...file, version: 'v2' }, { ...file, key: 'inbox/events/b/a.csv' }];
    expect(new Set(others.map((one) => refusedKey('events', one).file.slice(0, -6)))).toHaveProperty('size', 3);
  });

  test.each([
    ['inbox/events/a b+ü;c.csv', 'a_b_c.csv'],
    ['inbox/events/../../etc/passwd', '.._.._etc_passwd'],
    [`inbox/events/${'x'.repeat(900)}.csv`, `${'x'.repeat(96)}.csv`],
    ['inbox', ''],
  ])('has a name that every file system takes: %s', (key, name) => {
    expect(
      refusedKey('events', { ...file, key })
        .file.split('/')[4]!
        .slice(17),
    ).toBe(name);
  });

  test.each([
    ['..', '_'],
    ['a b/../c', 'a_b_c'],
    ['日本', '_'],
    ['x'.repeat(300), 'x'.repeat(100)],
  ])('is not led elsewhere by a folder that is no data set: %s', (folder, name) => {
    expect(refusedKey(folder, file).file).toMatch(new RegExp(KEPT.source.replace('events', name)));
  });
});

describe('refused rows', () => {
  const rows = [
    { line: 2, reason: 'missing', field: 'price', text: 'a,"two\nlines",\u0000' },
    { line: 4, reason: 'unparseable', field: '\ud800', text: 'é🧀\u2028' },
    {
      line: 5,
      reason: 'bad_debt',
      field: 'id',
      text: 'A1,2',
      cleaned: { id: 'A1', pieces: -2, price: '0.5', note: null },
    },
  ];

  test('are one JSON object a line, with their chunk', () => {
    const lines = gunzipSync(encodeRejected(chunk, rows)).toString('utf8').split('\n');
    expect(lines.pop()).toBe('');
    const where = { batch_id: 'b', chunk_id: 'b-2-abc', contract_version: 3 };
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows.map((row) => ({ ...where, ...row })));
  });

  test('have their values last, and none where they could not be read', () => {
    const [, unread, read] = gunzipSync(encodeRejected(chunk, rows)).toString('utf8').split('\n');
    expect(unread).toMatch(/"text":"é🧀\u2028"}$/);
    expect(read).toMatch(/"text":"A1,2","cleaned":{"id":"A1","pieces":-2,"price":"0\.5","note":null}}$/);
  });

  test('that were written before values were kept are read as before', () => {
    const before = `${JSON.stringify({ batch_id: 'b', chunk_id: 'c', contract_version: 1, ...rows[0] })}\n`;
    expect(decodeRejected(gzipSync(before))).toStrictEqual([rows[0]]);
  });

  test('come back as they were written', () => {
    expect(decodeRejected(encodeRejected(chunk, rows))).toStrictEqual(rows);
    expect(decodeRejected(encodeRejected(chunk, []))).toEqual([]);
  });

  test('are the same bytes each time, on every system', () => {
    const bytes = encodeRejected(chunk, rows);
    expect(bytes.equals(encodeRejected(chunk, rows))).toBe(true);
    expect([...bytes.subarray(4, 8), bytes[9]]).toEqual([0, 0, 0, 0, 255]);
  });
});
