import { lineOf } from '../../shared/domain/facts';

/** As a line is written. */
const written = (facts: Record<string, unknown>) => JSON.parse(JSON.stringify(lineOf('m', facts).facts));

test('Facts stand in a line as they are', () => {
  expect(
    written({ batch_id: 'b', rows: 3, again: false, none: null, left_out: undefined, of: { some: [1, 'x'] } }),
  ).toEqual({ batch_id: 'b', rows: 3, again: false, none: null, of: { some: [1, 'x'] } });
});

test('What JSON has no word for is written as text, and bytes by their number', () => {
  const at = new Date('2026-03-01T12:00:00Z');
  expect(
    written({
      nan: Number.NaN,
      big: 12n,
      word: Symbol('s'),
      at,
      never: new Date(Number.NaN),
      bytes: Buffer.from('secret'),
    }),
  ).toEqual({
    nan: 'NaN',
    big: '12',
    word: 'Symbol(s)',
    at: '2026-03-01T12:00:00.000Z',
    never: null,
    bytes: '6 bytes',
  });
});

test('An error has its name, message, code and trace, and so have its causes', () => {
  const root = Object.assign(new Error('no route to host'), { code: 'EHOSTUNREACH' });
  const middle = new RangeError('writing batches', { cause: root });
  const top = new Error('the table is busy', { cause: middle });
  expect(written({ error: top })).toEqual({
    error: {
      name: 'Error',
      message: 'the table is busy',
      stack: expect.stringContaining('the table is busy'),
      cause: {
        name: 'RangeError',
        message: 'writing batches',
        stack: expect.stringContaining('writing batches'),
        cause: { name: 'Error', message: 'no route to host', code: 'EHOSTUNREACH', stack: expect.any(String) },
      },
    },
  });
});

test('A cause that is no error is written too, and an error without a trace', () => {
  const error = new Error('x', { cause: 'text' });
  delete error.stack;
  expect(written({ error, thrown: 'text' })).toEqual({
    error: { name: 'Error', message: 'x', cause: 'text' },
    thrown: 'text',
  });
});

test('Members of a line keep their meaning: a fact of such a name gets an underscore', () => {
  expect(written({ level: 'x', message: 'y', service: 'z', timestamp: 1 })).toEqual({
    level_: 'x',
    message_: 'y',
    service_: 'z',
    timestamp_: 1,
  });
});

test('Long texts, long lists and deep or circular things are cut short', () => {
  expect(lineOf('m'.repeat(1001), {}).message).toBe(`${'m'.repeat(1000)}…`);
  const circle: Record<string, unknown> = { name: 'circle' };
  circle.itself = circle;
  const {
    text,
    list,
    circle: around,
  } = written({ text: 't'.repeat(2001), list: Array.from({ length: 60 }, (_, i) => i), circle });
  expect(text).toBe(`${'t'.repeat(2000)}…`);
  expect(list).toHaveLength(50);
  expect(JSON.stringify(around)).toBe(
    '{"name":"circle","itself":{"name":"circle","itself":{"name":"circle","itself":{"name":"circle","itself":{"name":"circle","itself":"…"}}}}}',
  );
});

test.each<[string, unknown]>([
  ['many long texts', Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`fact${i}`, 't'.repeat(5000)]))],
  ['long lists in lists', Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => 't'.repeat(100)))],
  [
    'long names',
    Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}${'n'.repeat(5000)}`, 't'.repeat(5000)])),
  ],
  ['characters that JSON spells out', '\u0000'.repeat(1_000_000)],
])('A line is bounded, whatever it is given: %s', (_, given) => {
  const { message, facts } = lineOf('m', {
    given,
    and: given,
    error: new Error('x'.repeat(1_000_000), { cause: given }),
  });
  expect(Buffer.byteLength(JSON.stringify({ message, ...facts }))).toBeLessThan(200_000);
  expect(JSON.stringify(facts)).not.toContain('"…":'); // what there is no room for is left out
});

test('What a line is made of is not changed', () => {
  const facts = Object.freeze({ list: Object.freeze([1, 2]), error: Object.freeze(new Error('x')) });
  expect(() => lineOf('m', facts)).not.toThrow();
});
