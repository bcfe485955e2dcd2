import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { simulate } from '../../../cli/simulator';
import { readContract } from '../../../shared/domain/contract';
import { CsvRows } from '../../../shared/domain/csv';
import { compile, datasets } from '../../../shared/domain/dataset';
import { ROOT } from '../../support/processes';
import { type Case, type CaseOptions, caseOf } from './agree';
import { linesOf } from './reference';
import { WIDE, wideCsv, wideNdjson } from './wide';

type Make = (name: string, dataset: string, format: 'csv' | 'ndjson', plain: Buffer, options?: CaseOptions) => Case;

/** Makes cases under a folder. */
export const maker =
  (work: string): Make =>
  (...args) =>
    caseOf(work, ...args);

const FIXTURES = join(ROOT, 'tests', 'fixtures', 'rows');

interface RowFixture {
  readonly dataset: string;
  readonly name: string;
  readonly format: 'csv' | 'ndjson';
  readonly bytes: Buffer;
  readonly charset?: CaseOptions['charset'];
}

function rowFixtures(): RowFixture[] {
  return readdirSync(FIXTURES).flatMap((dataset) =>
    readdirSync(join(FIXTURES, dataset))
      .filter((file) => file.includes('.in.'))
      .map((file) => {
        const [name, type] = file.split('.in.') as [string, 'csv' | 'ndjson' | 'json'];
        const bytes = readFileSync(join(FIXTURES, dataset, file));
        const { charset } = JSON.parse(readFileSync(join(FIXTURES, dataset, `${name}.out.json`), 'utf8')) as RowFixture;
        if (type === 'json') return { dataset, name, format: 'ndjson' as const, bytes: linesOf(bytes, dataset) };
        return { dataset, name, format: type, bytes, charset };
      }),
  );
}

/** All fixtures of rows. Those that begin alike are one file: starting a job takes longer than most of them. */
export function fixtureCases(make: Make): Case[] {
  const alike = new Map<string, RowFixture[]>();
  for (const one of rowFixtures()) {
    const header = one.format === 'csv' ? one.bytes.subarray(0, one.bytes.indexOf('\n')).toString('latin1') : '';
    const key = [one.dataset, one.format, one.charset, header].join();
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap((group) => {
    const [{ dataset, name, format, charset }] = group as [RowFixture];
    const texts = group.map(({ bytes }, i) => {
      const rows = bytes.subarray(format === 'csv' && i > 0 ? bytes.indexOf('\n') + 1 : 0);
      return rows.at(-1) === 10 || i === group.length - 1 ? rows : Buffer.concat([rows, Buffer.from('\n')]);
    });
    const label = `${dataset} ${format} ${name} and ${group.length - 1} like it`;
    return make(label, dataset, format, Buffer.concat(texts), { charset });
  });
}

/** Files of the contract that has everything. */
export function wideCases(make: Make, contractFile: string): Case[] {
  const contract = { file: contractFile, compiled: compile(readContract(WIDE)) };
  return [
    make('wide csv', 'wide', 'csv', wideCsv(), { contract }),
    make('wide ndjson', 'wide', 'ndjson', wideNdjson(), { contract }),
  ];
}

const text = (dataset: 'transactions' | 'events', rows: number, dirty = 0.1, seed = 11) =>
  [...simulate({ dataset, rows, dirty, seed })].join('');

/** CSV as NDJSON, in which numbers are numbers where they can be. */
function asNdjson(csv: string, dataset: string): Buffer {
  const { columns } = datasets.get(dataset)!.contract;
  const lines = csv.split('\n').slice(1, -1);
  return Buffer.from(
    lines
      .map((line) => {
        const fields = line.split(',');
        const members = columns.map(({ name, from }, i) => {
          const key = i % 2 ? name : (from[0] ?? name);
          const value = fields[i] ?? '';
          return `"${key}": ${/^-?(0|[1-9]\d*)(\.\d+)?$/.test(value) ? value : JSON.stringify(value)}`;
        });
        return `{${members.join(', ')}}\n`;
      })
      .join(''),
  );
}

/** A million simulated rows, a tenth of them dirty. */
export function simulatedCases(make: Make): Case[] {
  return [
    make('simulated transactions', 'transactions', 'csv', Buffer.from(text('transactions', 650_000))),
    make('simulated events', 'events', 'csv', Buffer.from(text('events', 200_000))),
    make(
      'simulated transactions as ndjson',
      'transactions',
      'ndjson',
      asNdjson(text('transactions', 100_000, 0.1, 12), 'transactions'),
    ),
    make('simulated events as ndjson', 'events', 'ndjson', asNdjson(text('events', 50_000, 0.1, 12), 'events')),
  ];
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';
export const sale = (invoice: number | string, code: number | string, description = 'MUG') =>
  `${invoice},${code},${description},1,1/2/2020 3:04,2.50,17850,France\n`;
export const sales = (n: number, row: (i: number) => string) =>
  Buffer.from(HEADER + Array.from({ length: n }, (_, i) => row(i)).join(''));

/** A generator of numbers below 2^32 that is the same everywhere. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

/** Rows of which many hold quotes, commas and line ends, and some are longer than a piece of the file. */
export function quotedSales(n: number, seed: number): Buffer {
  const next = numbers(seed);
  const words = [
    'MUG',
    '""',
    ',',
    '\n',
    '\r\n',
    '\n\n',
    ' "" ',
    'a""b',
    '\n,x\n',
    'é😀',
    'x'.repeat(50),
    '\n""',
    '""\n',
    `${'long\n'.repeat(2000)}`,
  ];
  return sales(n, (i) => {
    const kind = next() % 4;
    if (kind === 0) return sale(i % 97, i);
    if (kind === 1) return sale(i % 97, i, `5" ${next() % 3 ? 'PIPE' : '"'}`).replace('\n', '\r\n');
    const some = Array.from(
      { length: next() % 5 },
      () => words[next() % (next() % 9 ? words.length - 1 : words.length)],
    );
    return sale(i % 97, i, `"${some.join('')}"${next() % 5 ? '' : 'behind "it"'}`);
  });
}

/** What files are like that people send: compressed, cut short, skewed, with line ends in fields. */
export function fileCases(make: Make): Case[] {
  const some = sales(5000, (i) => sale(i % 300, i, i % 7 ? 'MUG' : '"MUG, RED"'));
  const pieces = ['--split-bytes', '4096', '--chunk-rows', '800'];
  const parts = [some.subarray(0, 70_001), some.subarray(70_001, 70_002), some.subarray(70_002)];
  const giant = sales(30_000, (i) =>
    i % 3 === 0 ? sale(i % 500, i) : i % 3 === 1 ? sale('GIANT', i) : sale('TWIN', 1),
  );
  const cells = (i: number) => `"${'x'.repeat(3900)}${i}"`;
  return [
    make('several members of gzip', 'transactions', 'csv', some, {
      stored: Buffer.concat(parts.map((one) => gzipSync(one))),
      compression: 'gzip',
    }),
    make('several frames of zstd', 'transactions', 'csv', some, {
      stored: Buffer.concat(parts.map((one) => zstdCompressSync(one))),
      compression: 'zstd',
    }),
    make('small pieces', 'transactions', 'csv', some, { more: pieces }),
    make('a name with everything', 'transactions', 'csv', some, { fileName: '_a b+c%20[1]{x}*?ü#.csv' }),
    ...[1, 2, 3].map((seed) =>
      make(`line ends in quotes ${seed}`, 'transactions', 'csv', quotedSales(1500, seed), { more: pieces }),
    ),
    make('one giant invoice and one giant row', 'transactions', 'csv', giant, {
      more: ['--chunk-rows', '2000', '--heavy-rows', '1000'],
    }),
    make(
      'long fields',
      'transactions',
      'csv',
      sales(2000, (i) => sale(i % 9, i, cells(i))),
    ),
    make(
      'the same refused row',
      'transactions',
      'csv',
      sales(20_000, () => sale('C1', 1)),
      { more: ['--chunk-rows', '2000'] },
    ),
    make(
      'a mark that is text',
      'transactions',
      'ndjson',
      Buffer.concat([Buffer.from('\ufeff'), Buffer.from('{"invoice_no":"1"}\n{"quantity":1}')]),
      {
        charset: 'iso-8859-1',
      },
    ),
  ];
}

/** Files that are broken off, with what is whole of them. */
export function brokenCases(make: Make): Case[] {
  const quotes = quotedSales(4000, 9);
  const long = sales(40_000, (i) => sale(i * 7919, i, `${i * 31}`));
  return [
    ['gzip', quotes, 0.6],
    ['gzip', long, 0.5],
    ['zstd', long, 0.5],
    ['gzip', long, 0.999_99],
  ].map(([kind, plain, share], i) => {
    const packed = kind === 'gzip' ? gzipSync(plain as Buffer) : zstdCompressSync(plain as Buffer);
    const stored = packed.subarray(0, Math.floor(packed.length * (share as number)));
    const left =
      kind === 'gzip'
        ? gunzipSync(stored, { finishFlush: constants.Z_SYNC_FLUSH })
        : zstdDecompressSync(stored, { finishFlush: constants.ZSTD_e_flush });
    const rows = new CsvRows(left.toString('latin1'), 1, true);
    while (rows.next());
    const compression = kind as 'gzip' | 'zstd';
    return make(`cut short ${i}`, 'transactions', 'csv', left.subarray(0, rows.position), { stored, compression });
  });
}

/** A file that is refused as a whole, with the code and the facts that must be told. */
export interface Refusal {
  readonly one: Case;
  readonly code: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export function refusals(make: Make): Refusal[] {
  const some = sales(3000, (i) => sale(i % 300, i));
  const bad = Buffer.concat([some, Buffer.from(sale(1, 'x', 'caf\xe9'), 'latin1'), Buffer.from(sale(2, 2))]);
  const offset = some.length + '1,x,caf'.length;
  const closed = sale(1, 1, '"two\nlines"');
  const open = Buffer.concat([some, Buffer.from(`${closed}1,1,"a\nb","never closed, ""\nand on\n`)]);
  const row = (characters: number) =>
    Buffer.concat([some, Buffer.from(sale(1, 1, 'x'.repeat(characters))), some.subarray(HEADER.length)]);
  const zipped = gzipSync(some);
  const damaged = Buffer.from(zipped);
  damaged.fill(0x55, 2000, 2100);
  const frame = zstdCompressSync(Buffer.from(sales(3000, (i) => sale(i * 7919, i, `${i * 31}`))));
  const damagedFrame = Buffer.from(frame);
  damagedFrame.fill(0x55, 2000, 2100);
  const pieces = ['--split-bytes', '4096'];
  const head = Buffer.from(HEADER);
  const refused = (name: string, stored: Buffer, code: string, facts: object, options: CaseOptions = {}): Refusal => ({
    one: make(`refused: ${name}`, 'transactions', 'csv', head, { stored, ...options }),
    code,
    facts: facts as Refusal['facts'],
  });
  return [
    refused('not UTF-8', bad, 'not_in_charset', { charset: 'utf-8', offset }, { more: pieces }),
    refused('not ASCII', bad, 'not_in_charset', { charset: 'us-ascii', offset }, { charset: 'us-ascii' }),
    refused('an open quote', open, 'unterminated_quote', { line: 3005 }, { more: pieces }),
    refused('a row of three million characters', row(3_000_000), 'too_large', { line: 3002 }),
    refused(
      'a row of many lines',
      Buffer.concat([some, Buffer.from(sale(1, 1, `"${'x\n'.repeat(1_500_000)}"`))]),
      'too_large',
      {
        line: 3002,
      },
    ),
    refused('a line of 64 MB', row(64_000_000), 'too_large', {}),
    refused('no rows', head, 'empty_body', {}),
    refused('nothing at all', Buffer.alloc(0), 'empty_body', {}),
    refused('a mark alone', Buffer.from('\ufeff'), 'empty_body', {}),
    refused('blank lines', Buffer.from(`${HEADER}\n\r\n\n`), 'empty_body', {}),
    refused('damaged gzip', damaged, 'broken_compression', {}, { compression: 'gzip' }),
    refused('damaged zstd', damagedFrame, 'broken_compression', {}, { compression: 'zstd' }),
    refused(
      'noise behind gzip',
      Buffer.concat([zipped, Buffer.from('noise and more of it')]),
      'broken_compression',
      {},
      { compression: 'gzip' },
    ),
    refused('no gzip', some, 'broken_compression', {}, { compression: 'gzip' }),
    refused('a bomb', gzipSync(Buffer.alloc(100_000_000)), 'too_large', { most_growth: 250 }, { compression: 'gzip' }),
    refused(
      'too much text',
      zipped,
      'too_large',
      { limit: 50_000 },
      { compression: 'gzip', more: ['--max-text-bytes', '50000'] },
    ),
  ];
}

/** Two gigabytes without a line end, which take no space on the disk. */
export function endlessLine(file: string): void {
  const handle = openSync(file, 'w');
  writeSync(handle, HEADER + sale(1, 1));
  ftruncateSync(handle, 2 * 1024 ** 3);
  closeSync(handle);
}
