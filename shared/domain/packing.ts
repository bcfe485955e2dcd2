import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { RowFormat } from './dataset';
import { chunkId } from './identity';

/** A slice of a batch, cut between rows. */
export interface Chunk {
  readonly dataset: string;
  readonly contract_version: number;
  readonly batch_id: string;
  /** Place in the batch, counted from 1. */
  readonly number: number;
  readonly chunk_id: string;
  /** Line of the batch (or of its file) that the first row starts in, counted from 1. */
  readonly first_line: number;
  readonly rows: number;
  readonly format: RowFormat;
  /** For CSV, the contract column that each field holds, in the file's order. */
  readonly columns: readonly string[];
  /** When the batch came, ISO; dates the chunk's place in the lake, also when it is delivered again. */
  readonly received_at: string;
  /** The rows as they came, decoded, without the header. */
  readonly text: string;
}

/** Bytes that are no chunk of ours, or were changed on their way. */
export class NotAChunk extends Error {
  override readonly name = 'NotAChunk';
}

/** Kinesis takes 1 MiB a record, the partition key (our chunk id, under 64 bytes) included. */
export const MAX_RECORD_BYTES = 1_048_576 - 64;
/** More text than ingest ever puts into a chunk: a bomb in the stream ends here. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

const MAGIC = Buffer.from('ECF1');
const PREFIX = MAGIC.length + 8;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };

/** A chunk from its text; the id follows from the content. */
export function chunkOf(fields: Omit<Chunk, 'chunk_id'>): Chunk {
  return { ...fields, chunk_id: chunkId(fields.batch_id, fields.first_line, Buffer.from(fields.text)) };
}

/**
 * Packs a chunk into one stream record. Records say how long they are, so a file of joined records (the `raw/` zone)
 * can be taken apart again: `ECF1`, header length, payload length (32 bits, big endian), header as JSON, zstd payload.
 */
export function pack(chunk: Chunk): Buffer {
  const { text, ...header } = chunk;
  const head = Buffer.from(JSON.stringify(header));
  const payload = zstdCompressSync(text, ZSTD);
  const prefix = Buffer.alloc(PREFIX);
  MAGIC.copy(prefix);
  prefix.writeUInt32BE(head.length, 4);
  prefix.writeUInt32BE(payload.length, 8);
  return Buffer.concat([prefix, head, payload]);
}

/** Reads one stream record. @throws NotAChunk */
export function unpack(record: Uint8Array): Chunk {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const length = recordLength(bytes, 0);
  if (length !== bytes.length) throw new NotAChunk(`the record says ${length} bytes and has ${bytes.length}`);
  const headEnd = PREFIX + bytes.readUInt32BE(4);
  let chunk: Chunk;
  try {
    const header = JSON.parse(bytes.toString('utf8', PREFIX, headEnd)) as Omit<Chunk, 'text'>;
    const text = zstdDecompressSync(bytes.subarray(headEnd), { maxOutputLength: MAX_TEXT_BYTES }).toString('utf8');
    chunk = { ...header, text };
  } catch (cause) {
    throw new NotAChunk('the record cannot be read', { cause });
  }
  const id = chunkId(chunk.batch_id, chunk.first_line, Buffer.from(chunk.text));
  if (id !== chunk.chunk_id) throw new NotAChunk(`the record calls itself ${chunk.chunk_id} and is ${id}`);
  return chunk;
}

/** Takes joined records apart. @throws NotAChunk */
export function* unpackAll(joined: Buffer): Generator<Chunk> {
  for (let at = 0; at < joined.length; ) {
    const length = recordLength(joined, at);
    yield unpack(joined.subarray(at, at + length));
    at += length;
  }
}

function recordLength(bytes: Buffer, at: number): number {
  if (bytes.length - at < PREFIX || !bytes.subarray(at, at + MAGIC.length).equals(MAGIC)) {
    throw new NotAChunk('the bytes do not start like a record');
  }
  const length = PREFIX + bytes.readUInt32BE(at + 4) + bytes.readUInt32BE(at + 8);
  if (length > bytes.length - at) throw new NotAChunk('the record is cut short');
  return length;
}
