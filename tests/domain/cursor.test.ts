import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { decodeCursor, encodeCursor } from '../../shared/domain/cursor';
import { Problem } from '../../shared/domain/problem';

const anything = (_place: unknown): _place is unknown => true;
const text = (place: unknown): place is string => typeof place === 'string';

function refused(resource: string, cursor: string, isPlace: (place: unknown) => place is unknown = anything): string {
  try {
    decodeCursor(resource, cursor, isPlace);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'taken';
}

test('a cursor gives back the place that it was made of, and needs no escaping in an address', () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue({ maxDepth: 2 }), (resource, place) => {
      const cursor = encodeCursor(resource, place);
      fc.pre(cursor.length <= 1024);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(decodeCursor(resource, cursor, anything)).toEqual(JSON.parse(JSON.stringify(place)));
    }),
  );
});

test('a cursor of another resource is refused', () => {
  expect(refused('/v1/customers/1', encodeCursor('/v1/customers/2', 'x'))).toBe('invalid_cursor');
});

test('a cursor with any letter changed, added or left out is refused', () => {
  const cursor = encodeCursor('/v1/x', { chunk: 3, row: 14 });
  expect(refused('/v1/x', cursor)).toBe('taken');
  for (let at = 0; at < cursor.length; at++) {
    for (const letter of 'Ab9_-') {
      if (cursor[at] !== letter)
        expect(refused('/v1/x', cursor.slice(0, at) + letter + cursor.slice(at + 1))).toBe('invalid_cursor');
    }
    expect(refused('/v1/x', cursor.slice(0, at))).toBe('invalid_cursor');
  }
  expect(refused('/v1/x', `${cursor}A`)).toBe('invalid_cursor');
});

test.each(['', ' ', 'null', '=', '../..', 'é', '\u0000', 'A'.repeat(12), 'A'.repeat(5000)])(
  '%j is no cursor',
  (cursor) => {
    expect(refused('/v1/x', cursor)).toBe('invalid_cursor');
  },
);

test('a cursor for a place of another kind is refused', () => {
  expect(refused('/v1/x', encodeCursor('/v1/x', 5), text)).toBe('invalid_cursor');
  expect(refused('/v1/x', encodeCursor('/v1/x', 'five'), text)).toBe('taken');
});

test('a cursor that is too long is refused, even if it is ours', () => {
  expect(refused('/v1/x', encodeCursor('/v1/x', 'x'.repeat(2000)))).toBe('invalid_cursor');
});

test('a forged cursor with the right digest over what is no JSON is refused', () => {
  const body = Buffer.from('{nope');
  const digest = createHash('sha256').update('ecomflow cursor 1\n/v1/x\n').update(body).digest().subarray(0, 9);
  expect(refused('/v1/x', Buffer.concat([digest, body]).toString('base64url'), text)).toBe('invalid_cursor');
});
