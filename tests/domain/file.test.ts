import { createHash, randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { readBody } from '../../shared/domain/body';
import { datasets } from '../../shared/domain/dataset';
import {
  beginningOf,
  beginningText,
  compressionOf,
  decompressed,
  type FileSource,
  hashOf,
  partsOf,
  type Survey,
  survey,
  TooMuchText,
  typeOf,
} from '../../shared/domain/file';
import { PART_BYTES, type Part } from '../../shared/domain/parts';
import { Problem } from '../../shared/domain/problem';

const transactions = datasets.get('transactions')!;
const HEADER = 'invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country\n';
const ROW = '536365,85123A,LANTERN,6,12/1/2010 8:26,2.55,17850,United Kingdom\n';
/** Some megabyte that compresses to about its half. */
const NUMBERS = Array.from({ length: 40_000 }, (_, i) => `${i},${(i * 7919) % 10007},${Math.sin(i)}\n`).join('');

/** A source of bytes in pieces of the sizes given, over and over; what became of its readers is counted. */
class Pieces implements FileSource {
  readonly bytes: number;
  opened = 0;
  closed = 0;
  constructor(
    private readonly content: Buffer,
    private readonly sizes: readonly number[] = [64 * 1024],
    /** Thrown behind so many bytes. */
    private readonly fault?: { readonly behind: number; readonly error: Error },
  ) {
    this.bytes = content.length;
  }
  async *read(from: number): AsyncGenerator<Uint8Array> {
    this.opened++;
    try {
      const end = this.fault?.behind ?? this.bytes;
      for (let at = from, n = 0; at < end; n++) {
        const size = Math.min(this.sizes[n % this.sizes.length]!, end - at);
        yield this.content.subarray(at, at + size);
        at += size;
      }
      if (this.fault) throw this.fault.error;
    } finally {
      this.closed++;
    }
  }
}

const tick = () => new Promise((wake) => setImmediate(wake));
const pause = () => new Promise((wake) => setTimeout(wake, 4));

async function textOf(source: FileSource, between?: () => Promise<unknown>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const bytes of decompressed(source)) {
    pieces.push(bytes);
    await between?.();
  }
  return Buffer.concat(pieces).toString('latin1');
}

/** What a walk refuses with; undefined when it does not. */
async function refusal(walk: Promise<unknown>): Promise<Problem | undefined> {
  try {
    await walk;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  return undefined;
}

const CSV = { name: 'a.csv', charset: 'utf-8' } as const;
async function all(source: FileSource, options: Partial<Parameters<typeof partsOf>[1]> = {}): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of partsOf(source, { ...CSV, ...options })) parts.push(part);
  return parts;
}
const surveyed = (bytes: Buffer | string, options: Partial<Survey> = {}) =>
  survey(new Pieces(Buffer.from(bytes)), { ...CSV, dataset: transactions, ...options });

/** What ingest says of the same bytes over HTTP. */
function overHttp(bytes: Buffer, type = 'csv'): string | undefined {
  try {
    readBody({ bytes, asText: false, contentType: 'application/octet-stream', type }, transactions);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return undefined;
}

const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });

describe('a compressed file', () => {
  const frames = fc.array(
    fc.oneof(fc.string({ maxLength: 20 }), fc.constant(''), fc.constant(NUMBERS.slice(0, 3000))),
    { minLength: 1, maxLength: 5 },
  );

  it.each([
    ['zstd frames', zstdCompressSync],
    ['gzip members', gzipSync],
  ])('of several %s is read whole, wherever its borders and those of its pieces are', async (_, compress) => {
    await fc.assert(
      fc.asyncProperty(frames, sizes, async (texts, cut) => {
        const source = new Pieces(Buffer.concat(texts.map((text) => compress(text))), cut);
        expect(await textOf(source)).toBe(Buffer.from(texts.join('')).toString('latin1'));
        expect(source.closed).toBe(source.opened);
      }),
      { numRuns: 60 },
    );
  });

  it('of many frames is read in one go', async () => {
    const source = new Pieces(Buffer.concat(Array.from({ length: 500 }, (_, i) => zstdCompressSync(`${i},`))));
    expect(await textOf(source)).toHaveLength(1890);
    expect(source.opened).toBe(2); // once to tell how it is compressed
  });

  it('of more frames than any compressor makes is refused, as ingest does', async () => {
    const many = (frames: number) => Buffer.concat(new Array(frames).fill(zstdCompressSync('')));
    expect(await textOf(new Pieces(many(1024)))).toBe('');
    expect(await refusal(textOf(new Pieces(many(1025))))).toMatchObject({ code: 'broken_compression' });
    expect(overHttp(many(1025))).toBe('broken_compression');
  });

  it.each([
    ['zeros that pad a gzip', gzipSync, Buffer.alloc(10), undefined],
    ['other bytes behind a gzip', gzipSync, Buffer.from('and so on'), 'broken_compression'],
    ['what begins like another gzip', gzipSync, Buffer.from([0x1f, 0x8b, 0xff, 0xff]), 'broken_compression'],
    ['half a header of another gzip', gzipSync, Buffer.from([0x1f, 0x8b]), 'broken_compression'],
    ['zeros behind a zstd', zstdCompressSync, Buffer.alloc(10), 'broken_compression'],
    ['other bytes behind a zstd', zstdCompressSync, Buffer.from('and so on'), 'broken_compression'],
    ['half a header of another zstd', zstdCompressSync, Buffer.from([0x28, 0xb5, 0x2f]), 'broken_compression'],
  ])('with %s is what ingest says of it', async (_, compress, behind, code) => {
    const bytes = Buffer.concat([compress(HEADER + ROW), compress(ROW), behind]);
    expect(overHttp(bytes)).toBe(code);
    for (const size of [1, 2, 3, 7, 100, 10_000])
      expect((await refusal(textOf(new Pieces(bytes, [size]))))?.code).toBe(code);
  });

  it.each([
    ['gzip', gzipSync, 10],
    ['zstd', zstdCompressSync, 6],
  ])('that is damaged anywhere is never taken for another text: %s', async (_, compress, header) => {
    const whole = Buffer.from(compress(NUMBERS.slice(0, 2000)));
    for (let at = header; at < whole.length; at += 41) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x55;
      const problem = await refusal(hashOf(new Pieces(bytes, [50])));
      if (compress === gzipSync) expect(problem).toMatchObject({ code: 'broken_compression' }); // zstd has no checksum here
    }
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('that ends too soon gives the same bytes to slow readers as to fast ones: %s', async (_, compress) => {
    const bytes = compress(NUMBERS);
    const cut = bytes.subarray(0, Math.floor(bytes.length * 0.7));
    const upToTheBreak = async (size: number, between?: () => Promise<unknown>) => {
      let read = '';
      const source = new Pieces(cut, [size]);
      const problem = await refusal(
        (async () => {
          for await (const piece of decompressed(source)) {
            read += Buffer.from(piece).toString('latin1');
            await between?.();
          }
        })(),
      );
      expect(problem).toMatchObject({ code: 'broken_compression', facts: { cut_short: true } });
      expect(problem!.detail).toContain(`behind ${cut.length} bytes`);
      expect(source.closed).toBe(source.opened);
      return read;
    };
    const fast = await upToTheBreak(64 * 1024);
    expect(NUMBERS.startsWith(fast)).toBe(true);
    expect(fast.length).toBeGreaterThan(NUMBERS.length / 2);
    for (const [size, between] of [
      [1000, tick],
      [64 * 1024, pause],
      [10_000_000, pause],
    ] as const)
      expect((await upToTheBreak(size, between)).length).toBe(fast.length);
  });

  it('that ends within a later frame has all before it', async () => {
    const bytes = Buffer.concat([zstdCompressSync('first,'), zstdCompressSync('second')]);
    for (let cut = zstdCompressSync('first,').length + 1; cut < bytes.length; cut++) {
      let read = '';
      const walk = (async () => {
        for await (const piece of decompressed(new Pieces(bytes.subarray(0, cut), [5]))) read += Buffer.from(piece);
      })();
      expect(await refusal(walk)).toMatchObject({ facts: { cut_short: true } });
      expect(read.startsWith('first,')).toBe(true);
    }
  });

  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('is let go of by readers that stop early: %s', async (_, compress) => {
    const source = new Pieces(Buffer.from(compress(NUMBERS)), [1000]);
    for await (const _piece of decompressed(source)) break;
    const parts = partsOf(source, { ...CSV, partBytes: 10_000 });
    await parts.next();
    await parts.return(undefined);
    await refusal(
      survey(source, {
        ...CSV,
        onBytes: () => {
          throw new Problem('conflict', 'stop');
        },
      }),
    );
    expect(source.opened).toBeGreaterThan(3);
    expect(source.closed).toBe(source.opened);
  });

  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('whose source breaks says so, and is not called damaged: %s', async (_, compress) => {
    const error = new Error('the line is dead');
    const bytes = Buffer.from(compress(NUMBERS));
    for (const behind of [0, 3, 1000, bytes.length - 1, bytes.length]) {
      const source = new Pieces(bytes, [500], { behind, error });
      const onBreak = jest.fn();
      await expect(survey(source, { ...CSV, onBreak })).rejects.toBe(error);
      expect(onBreak).not.toHaveBeenCalled();
      expect(source.closed).toBe(source.opened);
    }
  });

  it('may come from a source that cannot be closed', async () => {
    const bytes = gzipSync('abc');
    const iterator = () => {
      let done = false;
      const next = async () => {
        const was = done;
        done = true;
        return was ? { value: undefined, done: true as const } : { value: bytes, done: false as const };
      };
      return { next };
    };
    const source = { bytes: bytes.length, read: () => ({ [Symbol.asyncIterator]: iterator }) };
    expect(await textOf(source as unknown as FileSource)).toBe('abc');
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('that grows beyond measure is refused before it is through: %s', async (_, compress) => {
    const bytes = compress(Buffer.alloc(100_000_000));
    let grown = 0;
    const walk = async () => {
      for await (const piece of decompressed(new Pieces(bytes))) grown += piece.length;
    };
    expect(await refusal(walk())).toMatchObject({ code: 'too_large', facts: { most_growth: 250 } });
    expect(grown).toBeLessThan(70_000_000);
  });

  it('is named by its text: plain, gzip and zstd alike', async () => {
    const hash = createHash('sha256').update(NUMBERS).digest('hex');
    for (const bytes of [Buffer.from(NUMBERS), gzipSync(NUMBERS), zstdCompressSync(NUMBERS)])
      expect(await hashOf(new Pieces(bytes, [999]))).toBe(hash);
  });
});

describe('how a file is compressed', () => {
  it.each([
    ['none', []],
    ['none', [0x1f]],
    ['gzip', [0x1f, 0x8b]],
    ['none', [0x28, 0xb5, 0x2f]],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
    ['none', [0x28, 0xb5, 0x2f, 0xfe]],
    ['none', [0x28, 0, 0x2f, 0xfd]],
    ['none', [0x28, 0xb5, 0, 0xfd]],
    ['none', [0x50, 0x4b, 3, 4]],
  ])('is told by its first bytes: %s', (kind, bytes) => {
    expect(compressionOf(Uint8Array.from(bytes))).toBe(kind);
  });

  it('is asked of no more than the first piece, and of nothing in an empty file', async () => {
    const source = new Pieces(Buffer.from('abcdef'), [1, 2, 1]);
    expect(Buffer.from(await beginningOf(source, 4)).toString()).toBe('abcd');
    expect([source.opened, source.closed]).toEqual([1, 1]);
    expect(Buffer.from(await beginningOf(new Pieces(Buffer.from('ab')), 4)).toString()).toBe('ab');
    const empty = new Pieces(Buffer.alloc(0));
    expect(await beginningOf(empty, 4)).toHaveLength(0);
    expect(empty.opened).toBe(0);
  });
});

describe('what a file holds', () => {
  it.each([
    ['a.csv', '[1]', 'csv'],
    ['A.CSV.GZ', '{', 'csv'],
    ['a.csv.zst', '', 'csv'],
    ['a.ndjson', 'x', 'ndjson'],
    ['a.jsonl.gz', '[', 'ndjson'],
    ['a.json', ' \n[{"a":1}]', 'json'],
    ['a.json', '\t{"a":1}', 'ndjson'],
    ['a', 'invoice_no,', 'csv'],
    ['a.gz', '', 'csv'],
  ])('is told by its name, else by its first character: %s with %j', (name, text, type) => {
    expect(typeOf(name, text)).toBe(type);
  });

  it('is not told by white space, however it comes', async () => {
    const array = `${' \n'.repeat(300)}[{"a":1},{"a":2}]`;
    for (const size of [1, 7, 10_000])
      expect(await all(new Pieces(Buffer.from(array), [size]), { name: 'rows' })).toEqual([
        { number: 1, text: '{"a":1}\n{"a":2}\n', rows: 2, line: 1 },
      ]);
  });

  it('is not looked for behind pages of white space', async () => {
    const [part] = await all(new Pieces(Buffer.from(`${'\n'.repeat(70_000)}[h]\n1\n`), [66_000, 10]), { name: 'rows' });
    expect(part).toEqual({ number: 1, text: '[h]\n1\n', rows: 1, line: 70_002 });
  });
});

describe('parts', () => {
  const cell = fc.oneof(fc.constantFrom('a', '"x,\ny"', 'é🧀', '""', ''), fc.string({ maxLength: 5 }));
  const row = fc
    .array(
      cell.map((text) => (text.startsWith('"') ? text : text.replace(/["\r\n,]/g, '.'))),
      { minLength: 1, maxLength: 4 },
    )
    .map((cells) => cells.join(','));
  const csv = fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 25 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([rows, end, last]) => `${rows.join(end)}${last ? end : ''}`);
  const compressed = fc.constantFrom((text: string) => Buffer.from(text), gzipSync, zstdCompressSync);

  it('are the same however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(csv, compressed, sizes, async (text, compress, cut) => {
        const cutUp = (bytes: Uint8Array, pieces: number[]) =>
          all(new Pieces(Buffer.from(bytes), pieces), { partBytes: 40 }).catch(({ code, facts }: Problem) => ({
            code,
            facts,
          }));
        const whole = await cutUp(Buffer.from(text), [1_000_000]);
        expect(await cutUp(compress(text), cut)).toEqual(whole);
        expect(await cutUp(Buffer.from(text), cut)).toEqual(whole);
      }),
      { numRuns: 150 },
    );
  });

  it('of arrays and of lines are the same however the bytes come', async () => {
    const rows = fc.array(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      { minLength: 1, maxLength: 10 },
    );
    await fc.assert(
      fc.asyncProperty(rows, sizes, async (values, cut) => {
        const expected = values.map((value) => `${value}\n`).join('');
        const texts = async (text: string, name: string) =>
          (await all(new Pieces(Buffer.from(text), cut), { name, partBytes: 30 })).map((part) => part.text).join('');
        expect(await texts(`[${values.join(' ,\n')}]`, 'a.json')).toBe(expected);
        expect(await texts(values.join('\n'), 'a.ndjson')).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['csv', 'h\n1\n2\n3', 'h\n1\n2\n'],
    ['csv', 'h\n1\n"2\n3', 'h\n1\n'],
    ['ndjson', '{"a":1}\n{"a":', '{"a":1}\n'],
    ['json', '[{"a":1},{"a":', '{"a":1}\n'],
  ] as const)('of a compressed file that ends too soon are its whole rows: %s', async (type, text, taken) => {
    const frame = zstdCompressSync('more'); // cut within its header: nothing of it can be read
    const bytes = Buffer.concat([zstdCompressSync(text), frame.subarray(0, 5)]);
    const broken: Problem[] = [];
    const parts = await all(new Pieces(bytes), { type, onBreak: (problem) => broken.push(problem) });
    expect(parts.map((part) => part.text)).toEqual([taken]);
    expect(broken).toMatchObject([{ code: 'broken_compression' }]);
    await expect(all(new Pieces(bytes), { type })).rejects.toMatchObject({ code: 'broken_compression' });
  });

  it('are none where a compressed file ends before its text begins', async () => {
    const onBreak = jest.fn();
    expect(await all(new Pieces(gzipSync('abc').subarray(0, 9)), { onBreak })).toEqual([]);
    expect(onBreak).toHaveBeenCalledTimes(1);
  });

  it('of a damaged file are none that are whole, even where a break would be taken', async () => {
    const bytes = gzipSync(NUMBERS);
    bytes[bytes.length - 6]! ^= 0xff;
    const onBreak = jest.fn();
    expect(await refusal(all(new Pieces(bytes), { onBreak }))).toMatchObject({ code: 'broken_compression' });
    expect(onBreak).not.toHaveBeenCalled();
  });
});

describe('a walk over a file', () => {
  it('finds what is sent: an array as lines', async () => {
    const hash = createHash('sha256').update('[{"a":1}]').digest('hex');
    expect(await survey(new Pieces(Buffer.from('[{"a":1}]')), { ...CSV, name: 'a.json' })).toEqual({
      hash,
      textBytes: 9,
      parts: 1,
      rows: 1,
      format: 'ndjson',
    });
  });

  it.each([
    ['nothing', '', 'empty_body', 'The file is empty.'],
    ['white space', ' \n\n', 'empty_body', 'The file has no rows.'],
    ['a header', HEADER, 'empty_body', 'The file has no rows.'],
    ['a byte that is not its charset', Buffer.from([104, 10, 0xe9, 10]), 'not_in_charset', 'Byte 2 is not utf-8.'],
    ['half a character at its end', Buffer.from([104, 10, 0xc3]), 'not_in_charset', 'Byte 2 is not utf-8.'],
    ['a quote that is never closed', 'h\n"1', 'unterminated_quote', 'A quote that opens in line 2 is never closed.'],
    ['a header of something else', 'a,b\n1,2\n', 'unknown_column', 'The column "a" is not one of'],
  ])('refuses a file of %s', async (_, bytes, code, detail) => {
    expect(await refusal(surveyed(bytes))).toMatchObject({ code, detail: expect.stringContaining(detail) });
  });

  it.each([
    ['[{"a":1}', 'The text ends within the array at character 8.'],
    ['[{"a":1}] x', 'There is text behind the array at character 10.'],
  ])('refuses a broken array as ingest does: %s', async (text, detail) => {
    expect(await refusal(surveyed(text, { name: 'a.json' }))).toMatchObject({ code: 'broken_json', detail });
    expect(overHttp(Buffer.from(text), 'json')).toBe('broken_json');
  });

  it('calls a file that ends before its first row broken, not empty', async () => {
    const bytes = Buffer.concat([zstdCompressSync(HEADER), zstdCompressSync(ROW).subarray(0, 5)]);
    const onBreak = jest.fn();
    expect(await refusal(surveyed(bytes, { onBreak }))).toMatchObject({ code: 'broken_compression' });
    expect(onBreak).toHaveBeenCalledTimes(1);
  });

  it('refuses a row that ingest would refuse in a later part, before any is sent', async () => {
    const before = HEADER + ROW.repeat(70_000); // more than a part
    const noise = randomBytes(900_000).toString('hex'); // halves when compressed, more or less
    const loud = randomBytes(1_500_000).toString('base64').replaceAll('\n', '');
    expect(await surveyed(`${before}${noise}\n`)).toMatchObject({ parts: 2, rows: 70_001 });
    for (const row of [loud, 'x'.repeat(2 * 1024 * 1024)])
      expect(await refusal(surveyed(`${before}${row}\n`))).toMatchObject({
        code: 'too_large',
        facts: { line: 70_002 },
      });
    expect(await refusal(surveyed(`${before}${'€'.repeat(1_900_000)}\n`))).toMatchObject({
      code: 'too_large',
      facts: { line: 70_002 },
    });
  });

  it('refuses a row without an end before it fills the memory', async () => {
    const endless = { bytes: 1, read: () => zeros() };
    async function* zeros() {
      yield Buffer.from('h\n');
      for (;;) yield Buffer.alloc(100_000, 'x');
    }
    expect(await refusal(survey(endless, CSV))).toMatchObject({ code: 'too_large', facts: { line: 2 } });
  });

  it('ends behind as much text as its reader takes, of a type', async () => {
    const mostText = (type: string) => (type === 'csv' ? 1000 : 1);
    const error = await surveyed(HEADER + ROW.repeat(20), { mostText }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TooMuchText);
    expect(error).toMatchObject({ type: 'csv', textBytes: HEADER.length + 20 * ROW.length });
    expect(await surveyed(HEADER + ROW.repeat(5), { mostText })).toMatchObject({ rows: 5 });
  });

  it('tells how far it is', async () => {
    const told: number[] = [];
    await survey(new Pieces(Buffer.from('h\n1\n2\n'), [4]), { ...CSV, onBytes: (bytes) => told.push(bytes) });
    expect(told).toEqual([4, 6]);
  });
});

describe('the beginning of a file', () => {
  const beginning = (source: FileSource, characters = 10) => beginningText(source, 'utf-8', characters);

  it('is as much text as was asked for, or all there is', async () => {
    const source = new Pieces(gzipSync(NUMBERS), [100]);
    const text = await beginning(source, 1000);
    expect(text.length).toBeGreaterThanOrEqual(1000);
    expect(NUMBERS.startsWith(text)).toBe(true);
    expect(source.closed).toBe(source.opened);
    expect(await beginning(new Pieces(Buffer.from('\ufeffab'), [1]))).toBe('ab');
  });

  it.each(['', ' \n'])('of %j is none', async (text) => {
    expect(await refusal(beginning(new Pieces(Buffer.from(text))))).toMatchObject({ code: 'empty_body' });
  });

  it('leaves a break behind it to the walk', async () => {
    const bytes = Buffer.concat([zstdCompressSync('abc'), zstdCompressSync('def').subarray(0, 5)]);
    expect(await beginning(new Pieces(bytes))).toBe('abc');
    expect(await refusal(beginning(new Pieces(gzipSync('abc').subarray(0, 5))))).toMatchObject({
      code: 'broken_compression',
    });
  });

  it('is not taken for the whole where the source breaks: a header would be judged by its half', async () => {
    const error = new Error('the line is dead');
    const source = new Pieces(Buffer.from(HEADER), [5], { behind: 20, error });
    await expect(beginning(source, 1000)).rejects.toBe(error);
  });
});

test('the real limits fit each other: a part, sent as it is, is no larger than a request may be', () => {
  expect(PART_BYTES + HEADER.length).toBeLessThan(4 * 1024 * 1024);
});
