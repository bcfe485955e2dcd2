import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { RowFormat } from './dataset';
import { chunkId, digestOf } from './identity';

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

/** Kinesis takes 1 MiB a record, partition key included; 16 KiB are left for it and for our header. */
export const MAX_PAYLOAD_BYTES = 1_048_576 - 16_384;
/** More text than ingest ever puts into a chunk, one row of two million characters: a bomb in the stream ends here. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

const MAGIC = Buffer.from('ECF1');
const PREFIX = MAGIC.length + 8;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };

/** What the stream carries beside the text. */
export type ChunkHeader = Omit<Chunk, 'text' | 'chunk_id'>;

/** A chunk's text, compressed, and the digest that its id is made with. */
export interface Sealed {
  readonly payload: Buffer;
  readonly digest: string;
}

/** Compresses a chunk's text. Alone, because how it was cut must be in the ledger before records are made. */
export function seal(text: string): Sealed {
  const bytes = Buffer.from(text);
  return { payload: zstdCompressSync(bytes, ZSTD), digest: digestOf(bytes) };
}

/**
 * Packs a chunk into one stream record. Records say how long they are, so a file of joined records (the `raw/` zone)
 * can be taken apart again: `ECF1`, header length, payload length (32 bits, big endian), header as JSON, zstd payload.
 */
export function pack(header: ChunkHeader, { payload, digest }: Sealed): { chunk_id: string; data: Buffer } {
  const chunk_id = chunkId(header.batch_id, header.first_line, digest);
  const head = Buffer.from(JSON.stringify({ ...header, chunk_id }));
  const prefix = Buffer.alloc(PREFIX);
  MAGIC.copy(prefix);
  prefix.writeUInt32BE(head.length, 4);
  prefix.writeUInt32BE(payload.length, 8);
  return { chunk_id, data: Buffer.concat([prefix, head, payload]) };
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;

/** The members that keys of stores are made of: what is not of their form never gets that far. */
function isHeader(header: Omit<Chunk, 'text'>): boolean {
  return (
    /^[a-z][a-z0-9_]{0,62}$/.test(header.dataset) &&
    /^[0-9a-f]{32}$/.test(header.batch_id) &&
    /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(header.received_at) &&
    [header.number, header.first_line, header.rows].every(isCount)
  );
}

/** Reads one stream record. @throws NotAChunk */
export function unpack(record: Uint8Array): Chunk {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const length = recordLength(bytes, 0);
  if (length !== bytes.length) throw new NotAChunk(`the record says ${length} bytes and has ${bytes.length}`);
  const headEnd = PREFIX + bytes.readUInt32BE(4);
  let header: Omit<Chunk, 'text'>;
  let text: Buffer;
  let id: string;
  try {
    header = JSON.parse(bytes.toString('utf8', PREFIX, headEnd)) as Omit<Chunk, 'text'>;
    text = zstdDecompressSync(bytes.subarray(headEnd), { maxOutputLength: MAX_TEXT_BYTES });
    id = chunkId(header.batch_id, header.first_line, digestOf(text));
  } catch (cause) {
    throw new NotAChunk('the record cannot be read', { cause });
  }
  if (!isHeader(header)) throw new NotAChunk('the record has no header of ours');
  if (id !== header.chunk_id) throw new NotAChunk(`the record calls itself ${header.chunk_id} and is ${id}`);
  return { ...header, text: text.toString('utf8') };
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
