import fc from 'fast-check';
import { CHARSETS, type Charset, charsetNamed, Decoder, decodeText, NotInCharset } from '../../shared/domain/charset';

function badByte(bytes: Buffer, charset: Charset = 'utf-8'): number | undefined {
  try {
    decodeText(bytes, charset);
  } catch (error) {
    if (error instanceof NotInCharset) return error.offset;
    throw error;
  }
  return undefined;
}

/** Reads UTF-8 by the table of well-formed sequences (Unicode, table 3-7), byte by byte. */
function slowly(bytes: Buffer): number | undefined {
  const within = (at: number, low: number, high: number) =>
    at < bytes.length && bytes[at]! >= low && bytes[at]! <= high;
  const sequences: readonly (readonly [first: number, last: number, low: number, high: number, more: number])[] = [
    [0x00, 0x7f, 0, 0, 0],
    [0xc2, 0xdf, 0x80, 0xbf, 1],
    [0xe0, 0xe0, 0xa0, 0xbf, 2],
    [0xe1, 0xec, 0x80, 0xbf, 2],
    [0xed, 0xed, 0x80, 0x9f, 2],
    [0xee, 0xef, 0x80, 0xbf, 2],
    [0xf0, 0xf0, 0x90, 0xbf, 3],
    [0xf1, 0xf3, 0x80, 0xbf, 3],
    [0xf4, 0xf4, 0x80, 0x8f, 3],
  ];
  for (let at = 0; at < bytes.length; ) {
    const found = sequences.find(([first, last]) => within(at, first, last));
    if (!found) return at;
    const [, , low, high, more] = found;
    if (more > 0 && !within(at + 1, low, high)) return at;
    for (let k = 2; k <= more; k++) if (!within(at + k, 0x80, 0xbf)) return at;
    at += 1 + more;
  }
  return undefined;
}

describe('a charset', () => {
  test.each([
    ['UTF-8', 'utf-8'],
    [' utf8 ', 'utf-8'],
    ['US-ASCII', 'us-ascii'],
    ['ascii', 'us-ascii'],
    ['ISO-8859-1', 'iso-8859-1'],
    ['latin1', 'iso-8859-1'],
    ['Windows-1252', 'windows-1252'],
    ['cp1252', 'windows-1252'],
  ])('is meant by %j', (name, charset) => {
    expect(charsetNamed(name)).toBe(charset);
  });

  test.each(['', 'utf-16', 'ebcdic', 'utf-8x', '__proto__', 'constructor'])('is not meant by %j', (name) => {
    expect(charsetNamed(name)).toBeUndefined();
  });
});

describe('a text', () => {
  test('loses its byte order mark, and only that one', () => {
    expect(decodeText(Buffer.from('\ufeffa\ufeff'), 'utf-8')).toBe('a\ufeff');
    expect(decodeText(Buffer.from(''), 'utf-8')).toBe('');
  });

  test.each([
    ['iso-8859-1', '£é\u0080'],
    ['windows-1252', '£é€'],
  ] as const)('in %s is decoded byte by byte', (charset, text) => {
    expect(decodeText(Buffer.from([0xa3, 0xe9, 0x80]), charset)).toBe(text);
  });

  test('in us-ascii has no byte over 127', () => {
    expect(decodeText(Buffer.from('abc'), 'us-ascii')).toBe('abc');
    expect(badByte(Buffer.from('abc\u00e9', 'latin1'), 'us-ascii')).toBe(3);
  });

  test('of any bytes is taken in the charsets that have them all', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    expect(CHARSETS.map((charset) => badByte(bytes, charset))).toEqual([128, 128, undefined, undefined]);
  });
});

describe('the first byte that is not UTF-8', () => {
  test.each([
    ['a lone continuation', 'a\x80', 1],
    ['an overlong slash', 'ab\xc0\xaf', 2],
    ['a surrogate', '\xed\xa0\x80', 0],
    ['beyond U+10FFFF', 'abc\xf4\x90\x80\x80', 3],
    ['a character that is cut short at the end', 'abc\xf0\x9f\xa7', 3],
    ['a character that another one cuts short', '\xe2\x82a', 0],
    ['Latin-1', `${'x'.repeat(1000)}\xe9${'x'.repeat(1000)}`, 1000],
    ['a gzip', '\x1f\x8b\x08', 1],
  ])('is found: %s', (_, bytes, offset) => {
    expect(badByte(Buffer.from(bytes, 'latin1'))).toBe(offset);
  });

  test('is the one that reading byte by byte finds', () => {
    const good = fc
      .string({ unit: fc.constantFrom('a', 'é', '€', '🧀', '\u0000', '\ud7ff'), maxLength: 40 })
      .map((text) => Buffer.from(text));
    const bad = fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.oneof(good, good, bad), { maxLength: 6 }), (parts) => {
        const bytes = Buffer.concat(parts);
        expect(badByte(bytes)).toBe(slowly(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test('is the one that reading byte by byte finds in bytes that are nearly all continuations', () => {
    const bytes = fc
      .array(fc.constantFrom(0x80, 0x9f, 0xbf, 0xe2, 0xf0, 0x61), { maxLength: 60 })
      .map((all) => Buffer.from(all));
    fc.assert(
      fc.property(bytes, (all) => expect(badByte(all)).toBe(slowly(all))),
      { numRuns: 2000 },
    );
  });

  test('is found in many megabytes at once', () => {
    const bytes = Buffer.concat([
      Buffer.from('€'.repeat(3_000_000)),
      Buffer.from([0xff]),
      Buffer.from('€'.repeat(100_000)),
    ]);
    const before = performance.now();
    expect(badByte(bytes)).toBe(9_000_000);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('a text that arrives in pieces', () => {
  /** The text, or the byte that is not of the charset. */
  function decoded(bytes: Buffer, charset: Charset, sizes: readonly number[]): string | number {
    const decoder = new Decoder(charset);
    let text = '';
    try {
      for (let at = 0, n = 0; at < bytes.length; n++) {
        const size = sizes[n % sizes.length]!;
        text += decoder.push(bytes.subarray(at, at + size));
        at += size;
      }
      return text + decoder.end();
    } catch (error) {
      if (error instanceof NotInCharset && error.charset === charset) return error.offset;
      throw error;
    }
  }
  const whole = (bytes: Buffer, charset: Charset) => badByte(bytes, charset) ?? decodeText(bytes, charset);

  const good = fc
    .string({ unit: fc.constantFrom('a', '\n', 'é', '€', '🧀', '\ufeff', '\u0000'), maxLength: 12 })
    .map((text) => Buffer.from(text));
  const bad = fc
    .array(fc.constantFrom(0x00, 0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf8, 0xff), {
      maxLength: 5,
    })
    .map((bytes) => Buffer.from(bytes));
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

  test.each(CHARSETS)('is what it is as a whole, wherever it is cut, and so is its first bad byte: %s', (charset) => {
    fc.assert(
      fc.property(fc.array(fc.oneof(good, good, bad), { maxLength: 5 }), sizes, (pieces, cut) => {
        const bytes = Buffer.concat(pieces);
        expect(decoded(bytes, charset, cut)).toBe(whole(bytes, charset));
      }),
      { numRuns: 1500 },
    );
  });

  test.each([1, 2, 3])('loses its byte order mark, and only that one, in pieces of %d', (size) => {
    expect(decoded(Buffer.from('\ufeff\ufeffa\ufeff'), 'utf-8', [size])).toBe('\ufeffa\ufeff');
  });

  test('is not written over by whoever fills its pieces again', () => {
    const decoder = new Decoder('utf-8');
    const piece = Buffer.from([0x61, 0xe2, 0x82]);
    expect(decoder.push(piece)).toBe('a');
    piece.fill(0);
    expect(decoder.push(Buffer.from([0xac]))).toBe('€');
    expect(decoder.end()).toBe('');
  });
});
