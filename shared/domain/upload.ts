import { INBOX } from './arrival';
import type { BodyType } from './body';
import { CHARSETS, type Charset, charsetNamed } from './charset';
import { datasets } from './dataset';
import { Problem } from './problem';

export const UPLOADS = {
  /** The most that S3 takes in one PUT. https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html */
  bytes: 5 * 1024 ** 3,
  /** How long an address is good; a PUT that began in time may last longer. */
  seconds: 15 * 60,
  /** Bytes of a request for an address. */
  requestBytes: 4096,
} as const;

/** A key of S3 has at most so many bytes. */
export const MOST_KEY_BYTES = 1024;

/** Types that can be said of a file, with the one that it is stored as. */
export const FILE_TYPES: Readonly<Record<BodyType, string>> = {
  csv: 'text/csv',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
};
const TYPE_OF_EXTENSION: ReadonlyMap<string, BodyType> = new Map([
  ['csv', 'csv'],
  ['json', 'json'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
]);
/** Endings of a name that say what a file holds, each also before `.gz` or `.zst`. */
export const EXTENSIONS = [...TYPE_OF_EXTENSION.keys()].map((extension) => `.${extension}`);

/** A file that its owner wants to put into the inbox. */
export interface Upload {
  readonly dataset: string;
  /** As it is sent, compressed or not. */
  readonly bytes: number;
  /** `.csv.gz`: how its key ends. */
  readonly extension: string;
  /** With its charset, which is not told by the bytes. */
  readonly contentType: string;
}

const MEMBERS = ['dataset', 'bytes', 'name', 'type', 'charset'];

/** Reads a request for an address. @throws Problem invalid_parameter, too_large */
export function readUpload(body: Buffer): Upload {
  const said = membersOf(body);
  const unknown = Object.keys(said).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw wrong('body', `has no member "${unknown.slice(0, 64)}"`, { accepted: MEMBERS });
  const { extension, type } = endingOf(said);
  return {
    dataset: datasetOf(said.dataset),
    bytes: bytesOf(said.bytes),
    extension,
    contentType: `${FILE_TYPES[type]}; charset=${charsetOf(said.charset)}`,
  };
}

/** Where the file of an upload goes. `id` is nobody else's. */
export const uploadKey = ({ dataset, extension }: Pick<Upload, 'dataset' | 'extension'>, id: string): string =>
  `${INBOX}/${dataset}/${id}${extension}`;

/** The key that is asked for. @throws Problem invalid_parameter */
export function keyNamed(key: string | undefined): string {
  if (key?.startsWith(`${INBOX}/`) && Buffer.byteLength(key) <= MOST_KEY_BYTES) return key;
  throw wrong('key', `is a key of the inbox, ${INBOX}/DATASET/NAME, of at most ${MOST_KEY_BYTES} bytes`);
}

function membersOf(body: Buffer): Readonly<Record<string, unknown>> {
  const { requestBytes: limit } = UPLOADS;
  if (body.length > limit)
    throw new Problem(
      'too_large',
      `The body has ${body.length} bytes; ${limit} are taken. The file itself goes to the address that is answered.`,
      { limit },
    );
  const value = parsed(body.toString());
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong('body', 'is a JSON object: {"dataset": "transactions", "bytes": 1048576, "name": "sales.csv.gz"}');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which is no object either
  }
}

function datasetOf(name: unknown): string {
  if (typeof name === 'string' && datasets.has(name)) return name;
  const accepted = [...datasets.keys()];
  throw wrong('dataset', `is one of ${accepted.join(', ')}`, { accepted });
}

function bytesOf(bytes: unknown): number {
  if (!Number.isInteger(bytes) || (bytes as number) < 1)
    throw wrong('bytes', `is the size of the file as it is sent, a whole number from 1 to ${UPLOADS.bytes}`);
  if ((bytes as number) <= UPLOADS.bytes) return bytes as number;
  throw new Problem(
    'too_large',
    `The file has ${bytes} bytes; an upload has at most ${UPLOADS.bytes}, which is what S3 takes in one request. ` +
      'Compress the file, split it, or copy it to the bucket: aws s3 cp FILE s3://BUCKET/inbox/DATASET/.',
    { limit: UPLOADS.bytes },
  );
}

/** What a file holds, by its type, else by its name; CSV where neither is said. */
function endingOf({ name = '.csv', type }: { readonly name?: unknown; readonly type?: unknown }): {
  readonly extension: string;
  readonly type: BodyType;
} {
  if (typeof name !== 'string') throw wrong('name', 'is the name of the file');
  if (type !== undefined && !isType(type))
    throw wrong('type', 'is csv, json or ndjson', { accepted: Object.keys(FILE_TYPES) });
  const [, extension = '', compression = ''] = /(\.\w+)??(\.gz|\.zst)?$/.exec(name.toLowerCase())!;
  if (type !== undefined) return { extension: `.${type}${compression}`, type };
  const told = TYPE_OF_EXTENSION.get(extension.slice(1));
  if (told) return { extension: `${extension}${compression}`, type: told };
  throw wrong('name', `ends in ${EXTENSIONS.join(', ')}, or in one of these and .gz or .zst; else say the type`, {
    accepted: EXTENSIONS,
  });
}

const isType = (type: unknown): type is BodyType => typeof type === 'string' && Object.hasOwn(FILE_TYPES, type);

function charsetOf(name: unknown = 'utf-8'): Charset {
  const charset = typeof name === 'string' ? charsetNamed(name) : undefined;
  if (charset) return charset;
  throw wrong('charset', `is one of ${CHARSETS.join(', ')}`, { accepted: CHARSETS });
}

const wrong = (parameter: string, why: string, facts: Readonly<Record<string, unknown>> = {}) =>
  new Problem('invalid_parameter', `${parameter === 'body' ? 'The body' : parameter} ${why}.`, {
    parameter,
    ...facts,
  });
