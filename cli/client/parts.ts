import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress, type ZstdDecompress } from 'node:zlib';
import type { BodyType } from '../../shared/domain/body';
import type { Charset } from '../../shared/domain/charset';
import { CsvRows } from '../../shared/domain/csv';
import { JsonArrayRows } from '../../shared/domain/json';

/** Text of one part: it fits a request even where it does not compress. */
export const PART_BYTES = 3_750_000;

/** A slice of a file, cut between rows, ready to be sent as one request. */
export interface Part {
  /** Counted from 1. */
  readonly number: number;
  /** For CSV with the file's header in front. */
  readonly text: string;
  readonly rows: number;
  /** Line of the file (or place in its array) of the part's first row. */
  readonly line: number;
}

/** A file that cannot be cut; the message says where. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}

export interface FileOptions {
  readonly path: string;
  readonly charset: Charset;
  /** By default told by the file's name, else by its first character. */
  readonly type?: BodyType | undefined;
  readonly partBytes?: number;
}

/** What a first walk over a file finds out. */
export interface FileFacts {
  /** SHA-256 of the decompressed bytes. */
  readonly hash: string;
  readonly parts: number;
  readonly rows: number;
  /** How the parts are written: a JSON array is sent as NDJSON. */
  readonly format: 'csv' | 'ndjson';
}

/** SHA-256 of a file's decompressed bytes, by which the ledger knows it. @throws FileRefused */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of decompressed(path)) hash.update(bytes);
  return hash.digest('hex');
}

/**
 * Walks over a file once for its hash and its number of parts. What `onBytes` throws ends the walk.
 * @throws FileRefused
 */
export async function survey(
  options: FileOptions,
  onBytes: (bytes: Buffer) => void = () => undefined,
): Promise<FileFacts> {
  const hash = createHash('sha256');
  let parts = 0;
  let rows = 0;
  let format: FileFacts['format'] = 'csv';
  for await (const part of partsOf(
    options,
    (bytes) => {
      onBytes(bytes);
      hash.update(bytes);
    },
    (type) => (format = type === 'csv' ? 'csv' : 'ndjson'),
  )) {
    parts++;
    rows += part.rows;
  }
  if (rows === 0) throw new FileRefused(`${options.path} has no rows.`);
  return { hash: hash.digest('hex'), parts, rows, format };
}

/** Cuts a file (plain, gzip or zstd) into parts as it is read; the same file always gives the same parts. @throws FileRefused */
export async function* partsOf(
  options: FileOptions,
  onBytes: (bytes: Buffer) => void = () => undefined,
  onType: (type: BodyType) => void = () => undefined,
): AsyncGenerator<Part> {
  const most = options.partBytes ?? PART_BYTES;
  let cutter: Cutter | undefined;
  for await (const text of decoded(options, onBytes)) {
    if (!cutter) {
      const type = options.type ?? typeOf(options.path, text);
      onType(type);
      cutter = type === 'json' ? new ArrayCutter(most) : new LineCutter(most, type === 'csv');
    }
    yield* withPlace(options.path, () => cutter!.push(text));
  }
  if (cutter) yield* withPlace(options.path, () => cutter!.end());
}

function withPlace<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new FileRefused(`${path}: ${(cause as Error).message}.`, { cause });
  }
}

function typeOf(path: string, text: string): BodyType {
  const name = path.toLowerCase().replace(/\.(gz|zst)$/, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.ndjson') || name.endsWith('.jsonl')) return 'ndjson';
  const first = text.trimStart()[0];
  return first === '[' ? 'json' : first === '{' ? 'ndjson' : 'csv';
}

/** The file's text in pieces, decompressed and decoded, without a byte order mark. */
async function* decoded({ path, charset }: FileOptions, onBytes: (bytes: Buffer) => void): AsyncGenerator<string> {
  const decoder =
    charset === 'iso-8859-1' ? undefined : new TextDecoder(charset === 'us-ascii' ? 'utf-8' : charset, { fatal: true });
  let read = 0;
  for await (const bytes of decompressed(path)) {
    onBytes(bytes);
    try {
      if (charset === 'us-ascii' && bytes.some((byte) => byte > 127)) throw new RangeError('not ASCII');
      yield decoder ? decoder.decode(bytes, { stream: true }) : bytes.toString('latin1');
    } catch (cause) {
      throw new FileRefused(
        `${path} is not ${charset}: look between bytes ${read} and ${read + bytes.length}. Name its charset with --charset.`,
        { cause },
      );
    }
    read += bytes.length;
  }
  try {
    yield decoder?.decode() ?? '';
  } catch (cause) {
    throw new FileRefused(`${path} is not ${charset}: it ends within a character.`, { cause });
  }
}

async function* decompressed(path: string): AsyncGenerator<Buffer> {
  const { magic, size } = await beginningOf(path);
  const zstd = magic.readUInt32LE() === 0xfd2fb528;
  const gzip = magic[0] === 0x1f && magic[1] === 0x8b;
  try {
    // Node's zstd ends with a frame, and files that were made by several threads, or joined, have more than one.
    for (let start = 0; start < size; ) {
      const stream = zstd ? createZstdDecompress() : gzip ? createGunzip() : new PassThrough();
      const done = pipeline(createReadStream(path, { start, highWaterMark: 256 * 1024 }), stream);
      done.catch(() => undefined); // awaited below, unless the reader stops early
      yield* stream as AsyncIterable<Buffer>;
      await done;
      start = zstd ? start + (stream as ZstdDecompress).bytesWritten : size;
    }
  } catch (cause) {
    throw new FileRefused(`${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

async function beginningOf(path: string): Promise<{ magic: Buffer; size: number }> {
  const file = await open(path);
  try {
    const magic = Buffer.alloc(4);
    await file.read(magic, 0, 4, 0);
    return { magic, size: (await file.stat()).size };
  } finally {
    await file.close();
  }
}

interface Cutter {
  push(text: string): Part[];
  end(): Part[];
}

/** Gathers rows until a part is full. */
abstract class Gathering {
  protected header = '';
  private pieces: string[] = [];
  private bytes = 0;
  private rows = 0;
  private line = 0;
  private number = 0;

  constructor(private readonly most: number) {}

  /** Adds a row with its line end; the part before it, when the row did not fit any more. */
  protected add(row: string, line: number): Part[] {
    const bytes = Buffer.byteLength(row);
    const full = this.rows > 0 && this.bytes + bytes > this.most ? [this.finish()] : [];
    if (this.rows === 0) this.line = line;
    this.pieces.push(row);
    this.bytes += bytes;
    this.rows++;
    return full;
  }

  protected last(): Part[] {
    return this.rows > 0 ? [this.finish()] : [];
  }

  private finish(): Part {
    this.number++;
    const part = { number: this.number, text: this.header + this.pieces.join(''), rows: this.rows, line: this.line };
    this.pieces = [];
    this.bytes = 0;
    this.rows = 0;
    return part;
  }
}

/** CSV and NDJSON: rows end with lines, for CSV outside of quotes. */
class LineCutter extends Gathering implements Cutter {
  private rest = '';
  private nextLine = 1;
  private hasHeader: boolean;

  constructor(
    most: number,
    private readonly csv: boolean,
  ) {
    super(most);
    this.hasHeader = !csv;
  }

  push(text: string): Part[] {
    return this.take(text, true);
  }

  end(): Part[] {
    return [...this.take('', false), ...this.last()];
  }

  private take(piece: string, open: boolean): Part[] {
    const text = this.rest + piece;
    const rows = new CsvRows(this.csv ? text : quoteless(text), this.nextLine, open);
    const parts: Part[] = [];
    for (let row = rows.next(); row; row = rows.next()) {
      const written = `${text.slice(row.start, row.end)}\n`;
      if (this.hasHeader) parts.push(...this.add(written, row.line));
      else {
        this.header = written;
        this.hasHeader = true;
      }
    }
    this.rest = text.slice(rows.position);
    this.nextLine = rows.currentLine;
    if (this.rest.length > PART_BYTES) {
      throw new Error(
        `the row in line ${this.nextLine} is longer than ${PART_BYTES} characters, or a quote in it is never closed`,
      );
    }
    return parts;
  }
}

/** For walking over NDJSON by lines: quotes mean nothing there. */
const quoteless = (text: string) => text.replaceAll('"', "'");

class ArrayCutter extends Gathering implements Cutter {
  private readonly array = new JsonArrayRows();
  private seen = 0;

  push(text: string): Part[] {
    return this.array.push(text).flatMap((row) => this.add(`${row}\n`, ++this.seen));
  }

  end(): Part[] {
    this.array.end();
    return this.last();
  }
}
