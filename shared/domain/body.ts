import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CHARSETS, charsetNamed, decodeText, NotInCharset } from './charset';
import { UnterminatedQuote } from './csv';
import { csvHeader } from './cutting';
import { type Dataset, datasets, type HeaderFault, type RowFormat } from './dataset';
import { BrokenArray, JsonArrayRows } from './json';
import { Problem } from './problem';

/** Limits of one request. Larger files go in parts, or as uploads. */
export const LIMITS = {
  /** Bytes as sent: base64 in a function's event must stay under Lambda's 6 MB. */
  sentBytes: 4 * 1024 * 1024,
  /** Bytes when decompressed. */
  textBytes: 64 * 1024 * 1024,
  /** Rows; 64 MB of real ones are fewer. */
  rows: 1_000_000,
  /** Characters of one row: what a function's memory holds many times over, and no real row has. */
  rowCharacters: 2 * 1024 * 1024,
} as const;

/** Types that a body may have, by content type or by `?type=`. */
export type BodyType = 'csv' | 'json' | 'ndjson';

const CONTENT_TYPES: ReadonlyMap<string, BodyType> = new Map([
  ['text/csv', 'csv'],
  ['application/csv', 'csv'],
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
]);
const ACCEPTED_TYPES = [
  'text/csv',
  'application/json',
  'application/x-ndjson',
  'application/octet-stream with ?type=csv|json|ndjson',
];
const SEND_AS_BYTES =
  'Send compressed bodies and bodies that are not UTF-8 as application/octet-stream with ?type=csv|json|ndjson and, if not UTF-8, &charset=.';
const FOR_LARGE_FILES = 'Send large files in parts: npm run ingest -- FILE --url URL does.';

/** A request's body as it arrived. */
export interface Sent {
  readonly bytes: Buffer;
  /** The gateway took it for UTF-8 text, which ruins everything else. */
  readonly asText: boolean;
  readonly contentType: string;
  /** `?type=` and `?charset=`. */
  readonly type?: string | undefined;
  readonly charset?: string | undefined;
}

/** Rows ready to be cut: text without header. */
export interface Body {
  readonly format: RowFormat;
  readonly columns: readonly string[];
  readonly text: string;
  /** Where the first row stands: its offset in `text`, and its line counted from the body's first. */
  readonly start: number;
  readonly line: number;
}

/** The data set of that name. @throws Problem not_found */
export function datasetNamed(name: string): Dataset {
  const dataset = datasets.get(name);
  if (!dataset)
    throw new Problem('not_found', `There is no data set "${name.slice(0, 64)}".`, { datasets: [...datasets.keys()] });
  return dataset;
}

/**
 * Decompresses, decodes and checks a body as far as its header. What is `continued` from an earlier part of a file
 * begins with any of its rows: a bad one is that row's outcome, and no reason to refuse the part. @throws Problem
 */
export function readBody(sent: Sent, dataset: Dataset, continued = false): Body {
  const [mime, ...parameters] = sent.contentType.toLowerCase().split(';') as [string, ...string[]];
  const type = bodyType(mime.trim(), sent.type);
  const declared = sent.charset ?? parameters.map((p) => /^\s*charset="?([^"]*)"?\s*$/.exec(p)?.[1]).find(Boolean);
  const charset = charsetNamed(declared ?? 'utf-8');
  if (!charset) {
    throw new Problem('invalid_parameter', `The charset "${declared?.slice(0, 64)}" is not taken.`, {
      parameter: 'charset',
      accepted: CHARSETS,
    });
  }
  if (sent.bytes.length > LIMITS.sentBytes) {
    throw new Problem(
      'too_large',
      `The body has ${sent.bytes.length} bytes; ${LIMITS.sentBytes} are taken. ${FOR_LARGE_FILES}`,
      { limit: LIMITS.sentBytes },
    );
  }
  const damage = sent.asText ? sent.bytes.indexOf('\ufffd') : -1;
  if (damage !== -1) {
    throw new Problem(
      'damaged_text',
      `The body was sent as ${mime.trim()} and is not UTF-8 text any more from byte ${damage} on. ${SEND_AS_BYTES}`,
      { offset: damage },
    );
  }
  const text = decoded(decompressed(sent.bytes), charset);
  if (!continued && text.trim() === '') throw new Problem('empty_body', 'The body is empty.');
  if (type === 'csv') return csvBody(text, dataset);
  return ndjsonBody(type === 'json' ? elements(text) : text, dataset, continued);
}

function bodyType(mime: string, named: string | undefined): BodyType {
  if (mime === 'application/octet-stream' && named !== undefined) {
    if (named === 'csv' || named === 'json' || named === 'ndjson') return named;
    throw new Problem('invalid_parameter', `The type "${named.slice(0, 64)}" is not taken.`, {
      parameter: 'type',
      accepted: ['csv', 'json', 'ndjson'],
    });
  }
  const type = CONTENT_TYPES.get(mime);
  if (type) return type;
  throw new Problem('unsupported_type', `The content type "${mime.slice(0, 64)}" is not taken.`, {
    accepted: ACCEPTED_TYPES,
  });
}

/** Gzip and zstd are told by their first bytes. */
function decompressed(bytes: Buffer): Buffer {
  const decompress =
    bytes[0] === 0x1f && bytes[1] === 0x8b
      ? gunzipSync
      : bytes.length > 3 && bytes.readUInt32LE() === 0xfd2fb528
        ? zstdFrames
        : undefined;
  let plain = bytes;
  try {
    if (decompress) plain = decompress(bytes, { maxOutputLength: LIMITS.textBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Problem(
        'too_large',
        `The body is over ${LIMITS.textBytes} bytes when decompressed. ${FOR_LARGE_FILES}`,
        { limit: LIMITS.textBytes },
        { cause },
      );
    }
    throw new Problem(
      'broken_compression',
      'The compressed body is damaged or cut short. Compress it again and send it again.',
      {},
      { cause },
    );
  }
  return plain;
}

/** No compressor makes so many of one body; each costs time, also an empty one. */
export const MOST_FRAMES = 1024;

/** All frames of a zstd text: what several threads or `cat` wrote has more than one, and Node stops after the first. */
function zstdFrames(bytes: Buffer, { maxOutputLength }: { readonly maxOutputLength: number }): Buffer {
  const frames: Buffer[] = [];
  let left = maxOutputLength;
  for (let at = 0; at < bytes.length; ) {
    const options = { maxOutputLength: Math.max(left, 1), info: true };
    const frame = zstdDecompressSync(bytes.subarray(at), options) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    if (frames.push(frame.buffer) > MOST_FRAMES) throw new Error(`more than ${MOST_FRAMES} zstd frames`);
    left -= frame.buffer.length;
    at += frame.engine.bytesWritten;
  }
  return Buffer.concat(frames);
}

function decoded(bytes: Buffer, charset: (typeof CHARSETS)[number]): string {
  const problem = (cause: NotInCharset) =>
    new Problem(
      'not_in_charset',
      `Byte ${cause.offset} is not ${charset}. Name the body's charset with ?charset=.`,
      { charset, offset: cause.offset },
      { cause },
    );
  return refusing(NotInCharset, problem, () => decodeText(bytes, charset));
}

/** What `work` gives. An error of the kind is the sender's: a problem; any other stays what it is. @throws Problem */
function refusing<T, E extends Error>(
  kind: abstract new (...parts: never[]) => E,
  problem: (cause: E) => Problem,
  work: () => T,
): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof kind ? problem(cause) : cause;
  }
}

function csvBody(text: string, dataset: Dataset): Body {
  const { header, columns } = readHeader(text, dataset);
  return { format: 'csv', columns, text, start: header.end, line: header.nextLine };
}

/** A CSV text's header, and which contract column each field holds. @throws Problem */
export function readHeader(text: string, dataset: Dataset) {
  const header = withQuotesClosed(() => csvHeader(text)!);
  const found = dataset.header(header.fields);
  if ('kind' in found) throw headerProblem(found, dataset);
  const columns = header.fields.map((_, at) => dataset.contract.columns[found.positions.indexOf(at)]!.name);
  return { header, columns };
}

/** Walks over CSV rows. @throws Problem unterminated_quote with its line */
export function withQuotesClosed<T>(walk: () => T): T {
  const problem = (cause: UnterminatedQuote) =>
    new Problem(
      'unterminated_quote',
      `The quote that opens in line ${cause.line} is never closed.`,
      { line: cause.line },
      { cause },
    );
  return refusing(UnterminatedQuote, problem, walk);
}

function headerProblem({ kind, column }: HeaderFault, { contract }: Dataset): Problem {
  const said = {
    unknown_column: 'is not one of',
    missing_column: 'is missing from the header of',
    repeated_column: 'stands twice in the header of',
  }[kind];
  const accepted = Object.fromEntries(contract.columns.map(({ name, from }) => [name, from]));
  return new Problem(
    kind,
    `The column "${column.slice(0, 64)}" ${said} ${contract.name}; case, spaces and underscores do not count.`,
    {
      column: column.slice(0, 64),
      accepted,
    },
  );
}

function ndjsonBody(text: string, dataset: Dataset, continued: boolean): Body {
  const first = text.trimStart().split('\n', 1)[0]!;
  const column = continued ? undefined : dataset.unknownKey(first);
  if (column !== undefined) throw headerProblem({ kind: 'unknown_column', column }, dataset);
  return { format: 'ndjson', columns: [], text, start: 0, line: 1 };
}

/** A JSON array as NDJSON. Its rows are numbered by their place in the array. */
function elements(text: string): string {
  const problem = (cause: BrokenArray) =>
    new Problem('broken_json', `The body cannot be read: ${cause.message}.`, { offset: cause.offset }, { cause });
  const found = refusing(BrokenArray, problem, () => {
    const rows = new JsonArrayRows();
    const all: string[] = [];
    for (let at = 0; at < text.length; at += PIECE) {
      for (const row of rows.push(text.slice(at, at + PIECE))) all.push(row);
      notTooMany(all.length); // while they are gathered: a small body can hold millions
    }
    rows.end();
    return all;
  });
  if (found.length === 0) throw new Problem('empty_body', 'The array is empty.');
  return found.join('\n');
}

const PIECE = 64 * 1024;

/** @throws Problem too_large when a body has more rows than one request may */
export function notTooMany(rows: number): void {
  if (rows > LIMITS.rows) {
    throw new Problem('too_large', `The body has more than ${LIMITS.rows} rows. ${FOR_LARGE_FILES}`, {
      limit: LIMITS.rows,
    });
  }
}
