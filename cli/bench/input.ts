import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readHeader } from '../../shared/domain/body';
import { csvHeader, cut, rowBorders } from '../../shared/domain/cutting';
import { type Dataset, datasets } from '../../shared/domain/dataset';
import { simulate } from '../simulator';

const REAL_FILE = 'online-retail.csv.gz';
const SIMULATED_ROWS = 541_909; // as many as the real file has

/** The transactions that are measured with. */
export interface Input {
  readonly path: string;
  /** For the report. */
  readonly description: string;
  readonly rows: number;
}

/** The file named, else the real one, else simulated rows in `scratch`. */
export function findInput(root: string, named: string | undefined, scratch: string): Input {
  const folder = process.env.ECOMFLOW_DATA ?? resolve(root, '../shared/data');
  const path = named ?? join(folder, REAL_FILE);
  if (named !== undefined || existsSync(path))
    return { path, description: basename(path), rows: countRows(textOf(path)) };

  console.error(`${path} is not there: measuring with ${SIMULATED_ROWS} simulated rows.`);
  const simulated = join(scratch, 'simulated.csv');
  writeFileSync(simulated, [...simulate({ dataset: 'transactions', rows: SIMULATED_ROWS, seed: 1 })].join(''));
  return { path: simulated, description: 'simulated shop, seed 1', rows: SIMULATED_ROWS };
}

/** A file's text; `.gz` is unpacked. */
export function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').replace(/^\ufeff/, '');
}

function countRows(text: string): number {
  const borders = rowBorders(text, 'csv');
  let rows = -1; // the header
  while (borders.next()) rows++;
  return rows;
}

/** The first `most` rows of a CSV text, each with its line end, after its header. */
export function firstRows(text: string, most = Number.POSITIVE_INFINITY): { header: string; rows: string[] } {
  const { end } = csvHeader(text)!;
  const body = text.slice(end);
  const borders = rowBorders(body, 'csv');
  const rows: string[] = [];
  for (let row = borders.next(); row && rows.length < most; row = borders.next()) {
    rows.push(`${body.slice(row.start, row.end)}\n`);
  }
  return { header: text.slice(0, end), rows };
}

/** Writes the first rows of a file as a file of its own, packed as the original is. */
export function partOf(path: string, rows: number, target: string): string {
  const { header, rows: first } = firstRows(textOf(path), rows);
  const name = path.endsWith('.gz') ? `${target}.gz` : target;
  const text = header + first.join('');
  writeFileSync(name, path.endsWith('.gz') ? gzipSync(text) : text);
  return name;
}

/** A text's rows cut as ingest cuts them, without the header. */
export function slicesOf(
  text: string,
  name = 'transactions',
): { dataset: Dataset; columns: string[]; slices: Slice[] } {
  const dataset = datasets.get(name)!;
  const { header, columns } = readHeader(text, dataset);
  const body = text.slice(header.end);
  const cuts = cut(body, dataset, { format: 'csv', columns, firstLine: header.nextLine });
  // A copy: a slice of a string keeps the whole of it in memory.
  const own = (part: string) => Buffer.from(part).toString();
  return { dataset, columns, slices: cuts.map((c) => ({ ...c, text: own(body.slice(c.start, c.end)) })) };
}

/** What a CSV of transactions has before its rows. */
export interface Head {
  /** The contract column that each field holds. */
  readonly columns: readonly string[];
  /** Lines that the header takes. */
  readonly lines: number;
}

/** The head of a plain CSV; its header stands within the first 64 KB. */
export function headOf(path: string): Head {
  const bytes = Buffer.alloc(64 * 1024);
  const file = openSync(path, 'r');
  const length = readSync(file, bytes);
  closeSync(file);
  const text = bytes.toString('utf8', 0, length).replace(/^\ufeff/, '');
  const { header, columns } = readHeader(text, datasets.get('transactions')!);
  return { columns, lines: header.nextLine - 1 };
}

export interface Slice {
  readonly text: string;
  readonly first_line: number;
  readonly rows: number;
}

export const scratchFolder = () => mkdtempSync(join(tmpdir(), 'ecomflow-bench-'));

/** The machine, and how busy it is now, for the report. */
export function machine(): string {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 1024 ** 3);
  return `${cpu?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${gigabytes} GB, ${type()} ${release().split('-')[0]}, Node ${process.versions.node}, load average before ${loadavg()[0]!.toFixed(1)}`;
}
