import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Charset, charsetNamed } from '../../../shared/domain/charset';
import { ROOT } from '../../support/processes';
import type { Case, CaseOptions, caseOf } from './agree';
import type { Refusal } from './files';
import { linesOf } from './reference';

/*
 * The fixtures of requests whose bodies a file can hold: rows that are taken, and bodies that are refused as a whole.
 * The router judges headers, names and types before Spark is asked, so those stay out.
 */
const FOLDER = join(ROOT, 'tests', 'fixtures', 'requests');

interface Request {
  readonly route?: string;
  readonly params?: { readonly dataset?: string };
  readonly query?: { readonly type?: string; readonly charset?: string };
  readonly content_type?: string | null;
  readonly body?: readonly Piece[];
  readonly compress?: 'gzip' | 'zstd';
  readonly keep?: number;
  readonly behind?: string;
  readonly token?: string;
}
type Piece = { text?: string; base64?: string; file?: string; repeat?: string; times?: number; noise?: number };

/** Why a fixture says nothing of files. */
const NOT_FOR_FILES = new Map([
  ['quote-unterminated-in-header', 'the router reads the header'],
  ['quote-unterminated-in-a-part', 'its line is counted from where the part stands in its file'],
  ['row-too-large', 'it does not fit a stream record; Spark writes none'],
  ['gzip-truncated', 'of a file the rows before the break are taken'],
  ['zstd-truncated', 'of a file the rows before the break are taken'],
  ['gzip-head-only', 'of a file the rows before the break are taken'],
  ['zstd-head-only', 'of a file the rows before the break are taken'],
  ['empty-of-spaces', 'the router looks for the header'],
  ['gzip-with-noise-behind', 'so few bytes may be another member that is cut short: rows before them are taken'],
  ['gzip-bomb', 'a file may be larger'],
  ['zstd-bomb', 'a file may be larger'],
  ['damaged-zstd-json', 'JSON arrays are sent as NDJSON'],
]);
const CODES = ['not_in_charset', 'unterminated_quote', 'empty_body', 'broken_compression', 'too_large'];

function bytesOf(name: string, body: readonly Piece[]): Buffer {
  return Buffer.concat(
    body.map(({ text, base64, file, repeat, times = 1, noise }) => {
      if (base64 !== undefined) return Buffer.from(base64, 'base64');
      if (file !== undefined) return readFileSync(join(FOLDER, name, file));
      if (repeat !== undefined) return Buffer.from(repeat.repeat(times));
      if (noise !== undefined)
        return Buffer.from(createHash('sha512').update(name).digest('hex').repeat(noise).slice(0, noise));
      return Buffer.from(text!);
    }),
  );
}

const packedBy = (bytes: Buffer): 'gzip' | 'zstd' | undefined =>
  bytes[0] === 0x1f && bytes[1] === 0x8b
    ? 'gzip'
    : bytes.subarray(0, 4).toString('hex') === '28b52ffd'
      ? 'zstd'
      : undefined;

export function requestCases(
  make: (...args: Parameters<typeof caseOf> extends [string, ...infer R] ? R : never) => Case,
) {
  const taken: Case[] = [];
  const refused: Refusal[] = [];
  for (const name of readdirSync(FOLDER)) {
    const read = <T>(file: string): T => JSON.parse(readFileSync(join(FOLDER, name, file), 'utf8'));
    const request = read<Request>('request.json');
    const { status, code, facts = {} } = read<{ status: number; code?: string; facts?: object }>('response.json');
    const [mime, said] = (request.content_type ?? 'text/csv').toLowerCase().split(/;\s*charset=/) as [string, string?];
    const type = request.query?.type ?? /csv|ndjson|json/.exec(mime)?.[0];
    const charset = charsetNamed(request.query?.charset ?? said?.replaceAll('"', '') ?? 'utf-8') as Charset | undefined;
    const judged = status < 300 ? name.startsWith('taken-') : CODES.includes(code ?? '');
    if (!judged || !type || !charset || !request.body || request.token || NOT_FOR_FILES.has(name)) continue;
    const dataset = request.params?.dataset ?? (request.route?.includes('events') ? 'events' : 'transactions');
    const plain = bytesOf(name, request.body);
    const packed =
      request.compress === 'gzip' ? gzipSync(plain) : request.compress === 'zstd' ? zstdCompressSync(plain) : plain;
    const stored = Buffer.concat([packed.subarray(0, request.keep), Buffer.from(request.behind ?? '')]);
    if (code !== undefined) {
      if (type === 'json' || (code === 'too_large' && !('line' in facts))) continue;
      const header = Buffer.from('InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n');
      const one = make(`request ${name}`, dataset, 'csv', header, { stored, charset, compression: packedBy(stored) });
      refused.push({ one, code, facts: facts as Refusal['facts'] });
    } else if (packedBy(plain) === undefined) {
      const lines = type === 'json' ? linesOf(plain, dataset) : plain;
      const compression = type === 'json' ? undefined : packedBy(stored);
      const how: CaseOptions = type === 'json' ? {} : { stored, charset, compression };
      taken.push(make(`request ${name}`, dataset, type === 'csv' ? 'csv' : 'ndjson', lines, how));
    }
  }
  return { taken, refused };
}
