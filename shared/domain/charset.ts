import { isUtf8 } from 'node:buffer';

/** Charsets that rows may be sent in. */
export const CHARSETS = ['utf-8', 'us-ascii', 'iso-8859-1', 'windows-1252'] as const;
export type Charset = (typeof CHARSETS)[number];

const ALIASES: ReadonlyMap<string, Charset> = new Map([
  ['utf8', 'utf-8'],
  ['ascii', 'us-ascii'],
  ['latin1', 'iso-8859-1'],
  ['cp1252', 'windows-1252'],
]);

/** The charset that a name means, undefined when it is none of ours. */
export function charsetNamed(name: string): Charset | undefined {
  const lower = name.trim().toLowerCase();
  return ALIASES.get(lower) ?? CHARSETS.find((charset) => charset === lower);
}

/** A byte that the declared charset does not have there. `offset` counts bytes from 0. */
export class NotInCharset extends Error {
  override readonly name = 'NotInCharset';
  constructor(
    readonly charset: Charset,
    readonly offset: number,
  ) {
    super(`byte ${offset} is not ${charset}`);
  }
}

/**
 * Decodes a whole text and drops a byte order mark.
 * @throws NotInCharset naming the first byte that does not fit
 */
export function decodeText(bytes: Buffer, charset: Charset): string {
  return unmarked(decodeBytes(bytes, charset), charset);
}

const unmarked = (text: string, charset: Charset): string =>
  charset === 'utf-8' && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;

/** Decodes a text, or a piece of one that begins `from` bytes behind its start. @throws NotInCharset */
function decodeBytes(bytes: Buffer, charset: Charset, from = 0): string {
  if (charset === 'iso-8859-1') return bytes.toString('latin1');
  if (charset === 'windows-1252') return new TextDecoder('windows-1252').decode(bytes);
  if (charset === 'us-ascii') {
    const offset = bytes.findIndex((byte) => byte > 127);
    if (offset !== -1) throw new NotInCharset(charset, from + offset);
    return bytes.toString('latin1');
  }
  if (!isUtf8(bytes)) throw new NotInCharset(charset, from + firstInvalidUtf8(bytes));
  return bytes.toString('utf8');
}

/** Decodes a text that arrives in pieces, and drops a byte order mark. */
export class Decoder {
  /** The beginning of a character whose end is to come. */
  private rest: Buffer = Buffer.alloc(0);
  private decodedBytes = 0;

  constructor(private readonly charset: Charset) {}

  /** The characters that are whole by now. @throws NotInCharset */
  push(bytes: Uint8Array): string {
    const all =
      this.rest.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.rest, bytes]);
    const whole = all.subarray(0, all.length - (this.charset === 'utf-8' ? unfinished(all) : 0));
    this.rest = Buffer.from(all.subarray(whole.length));
    return this.decode(whole);
  }

  /** @throws NotInCharset when the text ended within a character */
  end(): string {
    return this.decode(this.rest);
  }

  private decode(bytes: Buffer): string {
    const before = this.decodedBytes;
    this.decodedBytes += bytes.length;
    const text = decodeBytes(bytes, this.charset, before);
    return before === 0 ? unmarked(text, this.charset) : text;
  }
}

/** How many bytes at the end of a text begin a UTF-8 sequence without ending it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}

/** Halves bytes, which are not UTF-8 as a whole, until the first sequence that is not is found. */
function firstInvalidUtf8(bytes: Buffer): number {
  let valid = 0; // everything before is UTF-8 and ends between characters
  let end = bytes.length;
  while (end - valid > 8) {
    let middle = (valid + end) >> 1;
    while (middle > valid && (bytes[middle]! & 0xc0) === 0x80) middle--;
    if (middle === valid) break;
    if (isUtf8(bytes.subarray(valid, middle))) valid = middle;
    else end = middle;
  }
  for (;;) {
    let length = 1;
    while (length <= 4 && !isUtf8(bytes.subarray(valid, valid + length))) length++;
    if (length > 4) return valid;
    valid += length;
  }
}
