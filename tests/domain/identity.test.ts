import { createHash } from 'node:crypto';
import { batchId, chunkId, digestOf, lineId } from '../../shared/domain/identity';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test('a line id is the first 32 hex digits of SHA-256', () => {
  expect(lineId('a\x1fb\x1f')).toBe(sha256('a\x1fb\x1f').slice(0, 32));
  expect(lineId('é🧀')).toBe(sha256('é🧀').slice(0, 32));
});

test('a digest is the first 12 hex digits of SHA-256', () => {
  expect(digestOf(Buffer.from('rows'))).toBe(sha256('rows').slice(0, 12));
});

test('a chunk id names its batch, its first line and its bytes', () => {
  expect(chunkId('b', 17, 'd')).toBe('b-17-d');
});

describe('a batch id', () => {
  const content = { dataset: 'transactions', format: 'csv', text: 'a,b\n1,2\n' };
  const file = { hash: 'f'.repeat(64), part: 1 };

  test('is 32 hex digits and the same for the same content', () => {
    expect(batchId(content)).toMatch(/^[0-9a-f]{32}$/);
    expect(batchId({ ...content })).toBe(batchId(content));
    expect(batchId({ ...content, file: { ...file } })).toBe(batchId({ ...content, file }));
  });

  test('differs where anything differs', () => {
    const ids = [
      content,
      { ...content, dataset: 'events' },
      { ...content, format: 'ndjson' },
      { ...content, text: 'a,b\n1,3\n' },
      { ...content, file },
      { ...content, file: { ...file, part: 2 } },
      { ...content, file: { ...file, hash: 'e'.repeat(64) } },
    ].map(batchId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
