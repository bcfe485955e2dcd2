import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { chunkId, digestOf } from '../../shared/domain/identity';
import { type ChunkHeader, NotAChunk, pack, seal, unpack, unpackAll } from '../../shared/domain/packing';

const header: ChunkHeader = {
  dataset: 'transactions',
  contract_version: 1,
  batch_id: 'b'.repeat(32),
  number: 2,
  first_line: 17,
  rows: 2,
  format: 'csv',
  columns: ['invoice_no', 'country'],
  received_at: '2025-01-02T03:04:05.678Z',
};
const text = '536365,Île de Ré 🧀\n"536,366","say ""yes"""';
const { chunk_id, data } = pack(header, seal(text));

/** A record with parts of its own: magic, header text and payload. */
function forged(head: string, payload: Buffer, magic = 'ECF1', headLength = Buffer.byteLength(head)): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(headLength, 0);
  lengths.writeUInt32BE(payload.length, 4);
  return Buffer.concat([Buffer.from(magic), lengths, Buffer.from(head), payload]);
}

describe('a packed chunk', () => {
  test('comes out as it went in', () => {
    expect(unpack(data)).toEqual({ ...header, chunk_id, text });
  });

  test('comes out of the middle of a larger buffer', () => {
    const within = Buffer.concat([Buffer.from('xxx'), data, Buffer.from('yyy')]);
    expect(unpack(new Uint8Array(within.buffer, within.byteOffset + 3, data.length))).toEqual({
      ...header,
      chunk_id,
      text,
    });
  });

  test('comes out as it went in, whatever its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (any) => {
        expect(unpack(pack(header, seal(any)).data).text).toBe(any);
      }),
    );
  });

  test('is called by its batch, its first line and its bytes', () => {
    expect(chunk_id).toBe(chunkId(header.batch_id, 17, digestOf(Buffer.from(text))));
    expect(pack(header, seal(text))).toEqual({ chunk_id, data });
    expect(pack(header, seal(`${text} `)).chunk_id).not.toBe(chunk_id);
    expect(pack({ ...header, first_line: 18 }, seal(text)).chunk_id).not.toBe(chunk_id);
  });

  test('is small where its text repeats', () => {
    expect(pack(header, seal('536365,United Kingdom\n'.repeat(20_000))).data.length).toBeLessThan(2000);
  });
});

describe('bytes that are no chunk', () => {
  const id = chunkId(header.batch_id, header.first_line, digestOf(Buffer.from(text)));
  const good = JSON.stringify({ ...header, chunk_id: id });
  const payload = zstdCompressSync(Buffer.from(text));

  /** A record that is right but for members of its header, its id included. */
  const outside = (members: Partial<ChunkHeader>): Buffer => pack({ ...header, ...members }, seal(text)).data;

  test('a forged record of these tests is a chunk when nothing is wrong with it', () => {
    expect(unpack(forged(good, payload)).text).toBe(text);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a few bytes', Buffer.from('ECF1')],
    ['something else', Buffer.from('{"rows":[1,2,3]} and more')],
    ['another version', forged(good, payload, 'ECF2')],
    ['a record with bytes behind', Buffer.concat([data, Buffer.from('x')])],
    ['two records', Buffer.concat([data, data])],
    ['a header that is no JSON', forged('{', payload)],
    ['a header that is null', forged('null', payload)],
    ['a header of the wrong length', forged(good, payload, 'ECF1', good.length - 1).subarray(0, -1)],
    ['a payload that is not compressed', forged(good, Buffer.from(text))],
    ['a payload of another text', forged(good, zstdCompressSync(Buffer.from('536365,France\n')))],
    ['an empty payload', forged(good, Buffer.alloc(0))],
    ['a header that names another chunk', forged(JSON.stringify({ ...header, chunk_id: `${id}0` }), payload)],
    ['a header of another batch', forged(JSON.stringify({ ...header, batch_id: 'c', chunk_id: id }), payload)],
    ['a header of nothing', forged('{}', payload)],
    ['a batch that would lead out of the lake', outside({ batch_id: '../../../../etc/passwd' })],
    ['a data set that would', outside({ dataset: '../..' })],
    ['a day that would', outside({ received_at: '../../../x' })],
    ['a place that is none', outside({ number: 0 })],
  ])('are told: %s', (_, bytes) => {
    expect(() => unpack(bytes)).toThrow(NotAChunk);
  });

  test('are told wherever a record is cut', () => {
    for (let length = 0; length < data.length; length++) {
      expect(() => unpack(data.subarray(0, length))).toThrow(NotAChunk);
    }
  });

  test('are told wherever a bit of the text is turned', () => {
    const start = data.length - seal(text).payload.length;
    for (let at = start; at < data.length; at++) {
      const damaged = Buffer.from(data);
      damaged[at]! ^= 1;
      expect(() => unpack(damaged)).toThrow(NotAChunk);
    }
  });

  test('are told when they would fill the memory', () => {
    const bomb = zstdCompressSync(Buffer.alloc(65 * 1024 * 1024));
    expect(() => unpack(forged(good, bomb))).toThrow(NotAChunk);
  });
});

describe('joined records', () => {
  const others = ['a\n', 'b\n', 'c\n'].map((one, i) => pack({ ...header, number: i + 1 }, seal(one)).data);

  test('are taken apart in order', () => {
    expect([...unpackAll(Buffer.concat(others))].map((chunk) => [chunk.number, chunk.text])).toEqual([
      [1, 'a\n'],
      [2, 'b\n'],
      [3, 'c\n'],
    ]);
    expect([...unpackAll(Buffer.alloc(0))]).toEqual([]);
  });

  test('give what is whole before they are found to be cut', () => {
    const chunks = unpackAll(Buffer.concat(others).subarray(0, -1));
    expect([chunks.next().value?.text, chunks.next().value?.text]).toEqual(['a\n', 'b\n']);
    expect(() => chunks.next()).toThrow('the record is cut short');
  });

  test('with something between are told', () => {
    const chunks = unpackAll(Buffer.concat([others[0]!, Buffer.from('\n'), others[1]!]));
    chunks.next();
    expect(() => chunks.next()).toThrow(NotAChunk);
  });
});
