import {
  arrivalEntryKey,
  arrivalKey,
  bulkBatchId,
  datasetOfKey,
  isFolder,
  isUnfinished,
} from '../../shared/domain/arrival';

describe('the data set of a key', () => {
  test.each([
    ['inbox/transactions/a.csv', 'transactions'],
    ['inbox/transactions/2026/03/a b+c.csv', 'transactions'],
    ['inbox/transactions/../events/a.csv', 'transactions'],
    ['inbox/nothing we know/a', 'nothing we know'],
  ])('is its folder in the inbox: %s', (key, dataset) => {
    expect(datasetOfKey(key)).toBe(dataset);
  });

  test.each(['inbox/a.csv', 'inbox//a.csv', 'landing/transactions/a', 'Inbox/transactions/a', ''])(
    'is none for %j',
    (key) => {
      expect(datasetOfKey(key)).toBeUndefined();
    },
  );
});

test.each([
  ['inbox/transactions/', 0, true],
  ['inbox/transactions/', 1, false],
  ['inbox/transactions/a', 0, false],
])('a folder is marked by its name, and has nothing in it: %s of %d bytes', (key, bytes, folder) => {
  expect(isFolder({ key, bytes })).toBe(folder);
});

test('a file is unfinished until its rows are in, or it is given up', () => {
  const states = ['reading', 'waiting', 'running', 'claiming', 'done', 'refused', 'failed'] as const;
  expect(states.map((state) => isUnfinished({ state }))).toEqual([true, true, true, true, false, false, false]);
});

test('the longest key that S3 takes has a short one in the ledger, and no two the same', () => {
  const keys = ['x'.repeat(1024), `${'x'.repeat(1023)}y`, 'ü'.repeat(512)].map(arrivalKey);
  for (const key of keys) expect(key).toMatch(/^arrival#[0-9a-f]{64}$/);
  expect(new Set(keys).size).toBe(3);
  expect(arrivalEntryKey('v')).toBe('version#v');
});

describe('the batch of a large file', () => {
  const file = { checksum: 'sha256:abc', bytes: 5 };
  const how = { dataset: 'events', format: 'csv', charset: 'utf-8' };

  test('is the same when the file comes again, under whatever name', () => {
    const again = { ...file, key: 'inbox/events/other.csv', version: 'v2' };
    expect(bulkBatchId(file, how)).toMatch(/^[0-9a-f]{32}$/);
    expect(bulkBatchId(again, how)).toBe(bulkBatchId(file, how));
  });

  test('is another one for all that makes its rows others', () => {
    const ids = [
      bulkBatchId(file, how),
      bulkBatchId({ ...file, checksum: 'sha256:abd' }, how),
      bulkBatchId({ ...file, bytes: 6 }, how),
      bulkBatchId(file, { ...how, dataset: 'transactions' }),
      bulkBatchId(file, { ...how, format: 'ndjson' }),
      bulkBatchId(file, { ...how, charset: 'iso-8859-1' }),
    ];
    expect(new Set(ids).size).toBe(6);
  });
});
