import {
  asArgument,
  claimedEntry,
  entryOfChunk,
  headOfManifest,
  NotAManifest,
  readManifest,
} from '../../shared/domain/bulk';
import { balanceOf } from '../../shared/domain/ledger';

const BATCH = 'b'.repeat(32);
const chunk = (number: number) => ({
  number,
  chunk_id: `${BATCH}-s0000${number}`,
  rows: 10,
  kept: 6,
  duplicate: 1,
  rejected: { missing: 2, cancellation: 1 },
});
const MANIFEST = {
  batch_id: BATCH,
  dataset: 'transactions',
  contract_version: 1,
  key: 'inbox/transactions/large ü.csv',
  version: 'v1',
  sent_by: 'someone',
  received_at: '2026-03-01T10:00:00.000Z',
  format: 'csv' as const,
  columns: ['invoice_no'],
  received: 20,
  chunks: [chunk(1), chunk(2)],
};
const read = (changes: object = {}) => readManifest(JSON.stringify({ ...MANIFEST, ...changes }));
const IDENTITY = { received: undefined, chunks: undefined };

describe('a manifest', () => {
  test('is what Spark says of a batch', () => {
    expect(read()).toEqual(MANIFEST);
  });

  test('says where a compressed file breaks off', () => {
    const broken = { code: 'broken_compression', detail: 'It ends too soon.', bytes: 7 };
    expect(read({ broken }).broken).toEqual({
      code: 'broken_compression',
      detail: 'It ends too soon.',
      facts: { bytes: 7 },
    });
  });

  test('says why a file is refused, and has no chunks then', () => {
    const refused = { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.', offset: 7 };
    expect(read({ ...IDENTITY, refused })).toEqual({
      ...MANIFEST,
      received: 0,
      chunks: [],
      refused: { code: 'not_in_charset', detail: 'Byte 7 is not utf-8.', facts: { offset: 7 } },
    });
  });

  test.each([
    ['that is cut short', '{"batch_id":"b"', 'not JSON'],
    ['that is null', 'null', 'no object'],
    ['that is a number', '7', 'no object'],
  ])('is none %s', (_, text, message) => {
    expect(() => readManifest(text)).toThrow(NotAManifest);
    expect(() => readManifest(text)).toThrow(message);
  });

  test.each([
    ['a chunk is missing', { received: 10, chunks: [chunk(2)] }, 'chunk 2'],
    ['chunks are out of order', { chunks: [chunk(2), chunk(1)] }, 'chunk 2'],
    ['a chunk does not add up', { chunks: [chunk(1), { ...chunk(2), kept: 5 }] }, 'chunk 2'],
    ['a count is missing', { chunks: [chunk(1), { ...chunk(2), duplicate: undefined }] }, 'chunk 2'],
    ['the chunks are not the batch', { received: 21 }, '21 rows, and its chunks 20'],
    ['a code is none of ours', { refused: { code: 'oops', detail: '' } }, '"oops"'],
    ['a code is none of ours, though every object has it', { broken: { code: 'toString', detail: '' } }, '"toString"'],
  ])('is none where %s', (_, changes, message) => {
    expect(() => read(changes)).toThrow(NotAManifest);
    expect(() => read(changes)).toThrow(message);
  });
});

describe('the ledger of a batch that Spark cleaned', () => {
  const CLAIMED_AT = '2026-03-01T11:00:00.000Z';
  const head = headOfManifest(read(), CLAIMED_AT);

  test('has a head with a slice for each chunk, and the file that it is from', () => {
    expect(head).toEqual({
      batch_id: BATCH,
      dataset: 'transactions',
      contract_version: 1,
      format: 'csv',
      columns: ['invoice_no'],
      received: 20,
      slices: [
        { start: 0, end: 0, first_line: 0, rows: 10 },
        { start: 0, end: 0, first_line: 0, rows: 10 },
      ],
      received_at: '2026-03-01T10:00:00.000Z',
      accepted_at: CLAIMED_AT,
      sent_by: 'someone',
      origin: { key: 'inbox/transactions/large ü.csv', version: 'v1' },
    });
  });

  test('counts a chunk provisionally, and for good once its rows are claimed: the sum stays', () => {
    const entries = [1, 2].map((number) => entryOfChunk(BATCH, chunk(number), true, CLAIMED_AT));
    expect(balanceOf({ head, entries, failures: [] })).toMatchObject({ status: 'provisional', kept: 12, pending: 0 });
    const claimed = [claimedEntry(entries[0]!, 6, '2026-03-01T11:01:00.000Z'), claimedEntry(entries[1]!, 4, 'later')];
    expect(claimed[0]).toEqual({
      batch_id: BATCH,
      number: 1,
      chunk_id: `${BATCH}-s00001`,
      revision: 1,
      kept: 6,
      duplicate: 1,
      rejected: { missing: 2, cancellation: 1 },
      cleaned_at: '2026-03-01T11:01:00.000Z',
    });
    expect(claimed[1]).toMatchObject({ revision: 1, kept: 4, duplicate: 3 });
    expect(balanceOf({ head, entries: claimed, failures: [] })).toMatchObject({ status: 'complete', balanced: true });
  });

  test('counts it for good at once where nothing is claimed', () => {
    expect(entryOfChunk(BATCH, chunk(1), false, CLAIMED_AT)).toEqual({
      batch_id: BATCH,
      number: 1,
      chunk_id: `${BATCH}-s00001`,
      revision: 0,
      kept: 6,
      duplicate: 1,
      rejected: { missing: 2, cancellation: 1 },
      cleaned_at: CLAIMED_AT,
    });
  });
});

test('An argument of the job has plain letters only, and is never taken for an option', () => {
  expect(asArgument('inbox/März +1.csv')).toBe('inbox%2FM%C3%A4rz%20%2B1.csv');
  expect(asArgument('-x-')).toBe('%2Dx-');
  expect(asArgument('half \ud83d')).toBe('half%20%EF%BF%BD');
});
