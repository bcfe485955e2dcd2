import { createHash } from 'node:crypto';
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { type BodyType, LIMITS, MOST_FRAMES, readBody } from './body';
import { type Charset, Decoder, NotInCharset } from './charset';
import { UnterminatedQuote } from './csv';
import type { Dataset, RowFormat } from './dataset';
import { BrokenArray } from './json';
import { MAX_PAYLOAD_BYTES, seal } from './packing';
import { type Cutter, cutter, EndlessRow, PART_BYTES, type Part } from './parts';
import { Problem } from './problem';

/** Where a file's bytes come from. */
export interface FileSource {
  /** As stored, compressed or not. */
  readonly bytes: number;
  /** The bytes from an offset on. */
  read(from: number): AsyncIterable<Uint8Array>;
}

export interface FileOptions {
  /** Tells the type where `type` does not. */
  readonly name: string;
  readonly charset: Charset;
  /** By default told by the file's name, else by its first character. */
  readonly type?: BodyType | undefined;
  readonly partBytes?: number | undefined;
  /** A compressed file that ends too soon: its whole rows are taken, and this is told. Without it, it is refused. */
  readonly onBreak?: ((problem: Problem) => void) | undefined;
}

/** What a first walk over a file finds out. */
export interface FileFacts {
  /** SHA-256 of the decompressed bytes. */
  readonly hash: string;
  /** Decompressed bytes. */
  readonly textBytes: number;
  readonly parts: number;
  readonly rows: number;
  /** How the parts are written: a JSON array is sent as NDJSON. */
  readonly format: RowFormat;
}

/** A walk that was ended because there is more text than its reader takes. */
export class TooMuchText extends Error {
  override readonly name = 'TooMuchText';
  constructor(
    readonly textBytes: number,
    readonly type: BodyType,
  ) {
    super(`there are more than ${textBytes} bytes of text`);
  }
}

/** SHA-256 of a file's decompressed bytes, by which the ledger knows it. @throws Problem */
export async function hashOf(source: FileSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of decompressed(source)) hash.update(bytes);
  return hash.digest('hex');
}

export interface Survey extends FileOptions {
  /** Rows are held against its header and its limits: what ingest would refuse is refused before anything is sent. */
  readonly dataset?: Dataset;
  /** The walk ends with TooMuchText behind so many bytes of text of a type. */
  readonly mostText?: (type: BodyType) => number;
  /** What it throws ends the walk. */
  readonly onBytes?: (textBytes: number) => void;
}

/** Walks over a file once for its hash, its rows and its parts. @throws Problem, TooMuchText */
export async function survey(source: FileSource, options: Survey): Promise<FileFacts> {
  const { dataset, mostText = () => Number.POSITIVE_INFINITY, onBytes = () => undefined } = options;
  const hash = createHash('sha256');
  let [parts, rows, textBytes] = [0, 0, 0];
  let type: BodyType = 'csv';
  let broken: Problem | undefined;
  const onBreak = (problem: Problem) => {
    broken = problem;
    options.onBreak!(problem);
  };
  const walk = partsOf(source, options.onBreak ? { ...options, onBreak } : options, {
    bytes(bytes) {
      hash.update(bytes);
      textBytes += bytes.length;
      onBytes(textBytes);
    },
    type(found) {
      type = found;
    },
    row: dataset ? notTooLarge : () => undefined,
    text() {
      if (textBytes > mostText(type)) throw new TooMuchText(textBytes, type);
    },
  });
  for await (const part of walk) {
    if (dataset && part.number === 1) readBody(bodyOf(part, type), dataset);
    if (dataset && Buffer.byteLength(part.text) > LIMITS.sentBytes) throw partTooLarge(part);
    parts++;
    rows += part.rows;
  }
  if (rows === 0)
    throw broken ?? new Problem('empty_body', textBytes === 0 ? 'The file is empty.' : 'The file has no rows.');
  return { hash: hash.digest('hex'), textBytes, parts, rows, format: formatOf(type) };
}

/** A JSON array is sent as NDJSON. */
export const formatOf = (type: BodyType): RowFormat => (type === 'csv' ? 'csv' : 'ndjson');

/** A part as the body of a request. */
export const bodyOf = ({ text }: Pick<Part, 'text'>, type: BodyType) => ({
  bytes: Buffer.from(text),
  asText: false,
  contentType: 'application/octet-stream',
  type: formatOf(type),
});

/** What a walk over a file tells while it goes. */
interface Watch {
  /** Decompressed bytes. */
  bytes(bytes: Uint8Array): void;
  type(type: BodyType): void;
  /** With its line end. */
  row(text: string, line: number): void;
  /** After each piece of text. */
  text(): void;
}

const UNWATCHED: Watch = {
  bytes: () => undefined,
  type: () => undefined,
  row: () => undefined,
  text: () => undefined,
};

/** Cuts a file (plain, gzip or zstd) into parts as it is read; the same file always gives the same parts. @throws Problem */
export async function* partsOf(
  source: FileSource,
  options: FileOptions,
  watch: Watch = UNWATCHED,
): AsyncGenerator<Part> {
  let cuts: Cutter | undefined;
  let blank = '';
  try {
    for await (const piece of decoded(source, options.charset, watch.bytes)) {
      const text: string = blank + piece;
      if (!cuts) {
        blank = text;
        if (text.trim() === '' && text.length < MOST_BLANK) continue;
        blank = '';
        const type = options.type ?? typeOf(options.name, text);
        watch.type(type);
        cuts = cutter(type, options.partBytes ?? PART_BYTES, watch.row);
      }
      yield* readable(() => cuts!.push(text));
      watch.text();
    }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'broken_compression' || !error.facts.cut_short) throw error;
    if (!options.onBreak) throw error;
    options.onBreak(error);
    if (cuts) yield* cuts.breakOff();
    return;
  }
  if (cuts) yield* readable(() => cuts.end());
}

/** White space in front of a text tells nothing of its type; more than this is no beginning of one. */
const MOST_BLANK = 64 * 1024;

/** Reads text; how it is broken is told as ingest tells it. @throws Problem */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw problemOf(cause as Error);
  }
}

function problemOf(cause: Error): Error {
  const sentence = `${cause.message.charAt(0).toUpperCase()}${cause.message.slice(1)}.`;
  if (cause instanceof NotInCharset) {
    const { charset, offset } = cause;
    return new Problem('not_in_charset', sentence, { charset, offset }, { cause });
  }
  if (cause instanceof UnterminatedQuote)
    return new Problem('unterminated_quote', sentence, { line: cause.line }, { cause });
  if (cause instanceof BrokenArray) return new Problem('broken_json', sentence, { offset: cause.offset }, { cause });
  if (cause instanceof EndlessRow) return new Problem('too_large', sentence, { line: cause.line }, { cause });
  return cause;
}

/** What ingest would say of the row in its part is said before another part is sent. */
function notTooLarge(row: string, line: number): void {
  const fits = row.length <= LIMITS.rowCharacters;
  if (fits && (Buffer.byteLength(row) <= MAX_PAYLOAD_BYTES || seal(row).payload.length <= MAX_PAYLOAD_BYTES)) return;
  throw new Problem(
    'too_large',
    `The row in line ${line} is too large: a row may have ${LIMITS.rowCharacters} characters, and ${MAX_PAYLOAD_BYTES} bytes when compressed.`,
    { line },
  );
}

const partTooLarge = ({ line }: Part) =>
  new Problem(
    'too_large',
    `The header and the row in line ${line} are over ${LIMITS.sentBytes} bytes together with what goes with them.`,
    { line, limit: LIMITS.sentBytes },
  );

/**
 * The first text of a file, about so many characters of it: it may end anywhere. A break behind it is left for the walk
 * to come to. @throws Problem empty_body, not_in_charset, broken_compression
 */
export async function beginningText(source: FileSource, charset: Charset, characters: number): Promise<string> {
  let text = '';
  try {
    for await (const piece of decoded(source, charset)) {
      text += piece;
      if (text.length >= characters) return text;
    }
  } catch (error) {
    if (text === '' || !(error instanceof Problem)) throw error;
    return text;
  }
  if (text.trim() === '') throw new Problem('empty_body', 'The file is empty.');
  return text;
}

/** What a file holds, by its name, else by its first character. */
export function typeOf(path: string, text: string): BodyType {
  const name = path.toLowerCase().replace(/\.(gz|zst)$/, '');
  if (name.endsWith('.csv')) return 'csv';
  if (name.endsWith('.ndjson') || name.endsWith('.jsonl')) return 'ndjson';
  const first = text.trimStart()[0];
  return first === '[' ? 'json' : first === '{' ? 'ndjson' : 'csv';
}

/** The file's text in pieces, decompressed and decoded, without a byte order mark. */
async function* decoded(
  source: FileSource,
  charset: Charset,
  onBytes: (bytes: Uint8Array) => void = () => undefined,
): AsyncGenerator<string> {
  const decoder = new Decoder(charset);
  for await (const bytes of decompressed(source)) {
    onBytes(bytes);
    yield readable(() => decoder.push(bytes));
  }
  yield readable(() => decoder.end());
}

/** How a file is compressed, told by its first bytes. */
export function compressionOf(beginning: Uint8Array): 'none' | 'gzip' | 'zstd' {
  const [a, b, c, d] = beginning;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? 'zstd' : 'none';
}

/** Compressors pack a table ten- or twentyfold: what grows more than this, and is large, is made to fill memories. */
export const MOST_GROWTH = 250;
const HARMLESS_TEXT = LIMITS.textBytes;

/** The file's bytes, decompressed. @throws Problem broken_compression, too_large */
export async function* decompressed(source: FileSource): AsyncGenerator<Uint8Array> {
  const kind = compressionOf(await beginningOf(source, 4));
  if (kind === 'none') {
    yield* source.read(0);
    return;
  }
  const input = new Input(source.read(0));
  let text = 0;
  try {
    // Node's zstd ends with a frame, and files that were made by several threads, or joined, have more than one.
    for (let frames = 1; await input.next(); frames++) {
      if (frames > MOST_FRAMES * Math.max(1, input.taken / LIMITS.sentBytes)) throw tooManyFrames();
      for await (const bytes of through(kind === 'zstd' ? createZstdDecompress() : createGunzip(), input)) {
        text += bytes.length;
        if (text > HARMLESS_TEXT && text > MOST_GROWTH * input.read) throw grownTooMuch();
        yield bytes;
      }
      if (kind === 'gzip') return; // all members, and the zeros that pad them
    }
  } finally {
    await input.close();
  }
}

const tooManyFrames = () =>
  new Problem('broken_compression', `The compressed file has more than ${MOST_FRAMES} frames in so few bytes.`);

const grownTooMuch = () =>
  new Problem(
    'too_large',
    `The file grows more than ${MOST_GROWTH}-fold when it is decompressed, which no table of rows does.`,
    { most_growth: MOST_GROWTH },
  );

/** The first bytes of a file, at most so many. */
export async function beginningOf(source: FileSource, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (source.bytes > 0) {
    for await (const bytes of source.read(0)) {
      pieces.push(bytes);
      length += bytes.length;
      if (length >= most) break;
    }
  }
  return Buffer.concat(pieces).subarray(0, most);
}

/** What zlib says of input that ends before it is over. */
const CUT_SHORT = 'Z_BUF_ERROR';

/** A source's bytes: what one decoder leaves of a piece is the next one's. */
class Input {
  private readonly pieces: AsyncIterator<Uint8Array>;
  private piece: Uint8Array = new Uint8Array();
  /** Bytes that came, and of these the ones that decoders took. */
  read = 0;
  taken = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.pieces = bytes[Symbol.asyncIterator]();
  }

  /** What is not taken of the piece, or the next one; undefined behind the last. */
  async next(): Promise<Uint8Array | undefined> {
    while (this.piece.length === 0) {
      const { value, done } = await this.pieces.next();
      if (done) return undefined;
      this.piece = value;
      this.read += value.length;
    }
    return this.piece;
  }

  take(bytes: number): void {
    this.piece = this.piece.subarray(bytes);
    this.taken += bytes;
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }
}

/** Bytes through a decoder until either ends. Where the source breaks, its own error is thrown. @throws Problem */
async function* through(decoder: Gunzip | ZstdDecompress, input: Input): AsyncGenerator<Buffer> {
  const pieces = (decoder as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let broken: { readonly error: unknown } | undefined;
  let fed = false;
  // An end that comes too soon is an error, and an error throws away what is not read by then.
  const endWhenRead = () => {
    if (fed && decoder.readableLength === 0) decoder.end();
  };
  const feeding = feed(decoder, input).then(
    (sourceEnded) => {
      fed = sourceEnded;
      endWhenRead();
    },
    (error) => {
      broken = { error };
      decoder.destroy();
    },
  );
  try {
    for (;;) {
      const next = pieces.next();
      endWhenRead();
      const { value, done } = await next;
      if (done) break;
      yield value;
    }
  } catch (cause) {
    if (broken) throw broken.error;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === CUT_SHORT)
      throw new Problem(
        'broken_compression',
        `The compressed file ends too soon, behind ${input.taken} bytes.`,
        { cut_short: true },
        { cause },
      );
    throw new Problem('broken_compression', `The compressed file is damaged: ${message}.`, {}, { cause });
  } finally {
    decoder.destroy();
    await feeding;
  }
}

/** Whether the source ended before the decoder did. */
async function feed(decoder: Gunzip | ZstdDecompress, input: Input): Promise<boolean> {
  let over = false;
  let wake = (): void => undefined;
  const stop = () => {
    over = true;
    wake();
  };
  decoder.once('end', stop).once('close', stop);
  for (;;) {
    const bytes = await input.next();
    if (!bytes || over) return !over;
    const before = decoder.bytesWritten;
    // A decoder that is through with its frame never calls back for bytes that it does not want.
    await new Promise<void>((resolve) => {
      wake = resolve;
      decoder.write(bytes, () => resolve());
    });
    input.take(decoder.bytesWritten - before);
    if (over) return false;
  }
}
