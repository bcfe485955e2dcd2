import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Charset } from '../../../shared/domain/charset';
import type { Dataset } from '../../../shared/domain/dataset';
import { addCounts } from '../../../shared/domain/outcome';
import { compare } from '../conversion/compare';
import { byTypeScript, namesIn, type Outcome, type Rows, refusedIn, rowsOf } from './reference';
import { manifestOf, RECEIVED_AT, type SparkFile } from './spark';

/** A file that both sides read. */
export interface Case {
  readonly name: string;
  readonly spark: SparkFile;
  readonly rows: Rows;
  /** Of a contract that is no data set's. */
  readonly compiled?: Dataset;
}

export interface CaseOptions {
  readonly charset?: Charset | undefined;
  /** What is on disk, when it is not the plain bytes. */
  readonly stored?: Buffer;
  readonly compression?: 'gzip' | 'zstd';
  readonly more?: readonly string[];
  readonly contract?: { readonly file: string; readonly compiled: Dataset };
  readonly fileName?: string;
}

/** Puts a file into a folder of its own, which becomes its lake. */
export function caseOf(
  work: string,
  name: string,
  dataset: string,
  format: 'csv' | 'ndjson',
  plain: Buffer,
  { charset, stored = plain, compression, more, contract, fileName = 'rows' }: CaseOptions = {},
): Case {
  const lake = join(work, name.replace(/[^\w]+/g, '-'));
  mkdirSync(lake, { recursive: true });
  const file = join(lake, fileName);
  writeFileSync(file, stored);
  const rows = rowsOf(plain, dataset, format, charset, contract?.compiled);
  const batch_id = hash('sha256', name).slice(0, 32);
  const { columns, header_lines } = rows;
  const spark = { file, lake, dataset, batch_id, format, columns, header_lines, charset, compression, more };
  return {
    name,
    rows,
    spark: { ...spark, contract: contract?.file },
    ...(contract && { compiled: contract.compiled }),
  };
}

/** Where two readings of a file differ; empty when they agree. */
export type Disagreement = Readonly<Record<string, unknown>>;

/** Holds what Spark left of a file against what TypeScript makes of it: rows cell by cell, refused ones, counts. */
export async function disagreement(duckdb: DuckDBConnection, { spark, rows, compiled }: Case): Promise<Disagreement> {
  const ours = join(spark.lake, 'ours');
  const expected = byTypeScript(rows, spark.batch_id, ours, compiled);
  return { ...(await unlikeRows(duckdb, spark, expected, ours)), ...unlikeRefused(spark, expected) };
}

const landing = ({ lake, dataset }: SparkFile) => join(lake, 'landing', dataset, `dt=${RECEIVED_AT.slice(0, 10)}`);

async function unlikeRows(duckdb: DuckDBConnection, spark: SparkFile, expected: Outcome, ours: string) {
  const folder = landing(spark);
  const manifest = manifestOf(spark);
  if (!manifest) return { manifest: 'there is none' };
  const { kept, duplicate } = addCounts(manifest.chunks);
  const counts = { received: manifest.received, kept, duplicate };
  const wanted = { received: expected.received, kept: expected.kept, duplicate: expected.duplicate };
  const differing =
    JSON.stringify(counts) === JSON.stringify(wanted) ? {} : { counts: { spark: counts, ours: wanted } };
  if (namesIn(folder).length === 0 || expected.kept === 0)
    return namesIn(folder).length === expected.kept ? differing : { ...differing, landing: namesIn(folder) };

  const { rows, types, only, cells } = await compare(duckdb, join(ours, '*.parquet'), join(folder, '*.parquet'));
  const same = rows[0] === rows[1] && types.length === 0 && only[0] + only[1] === 0 && Object.keys(cells).length === 0;
  const perChunk = await duckdb.runAndReadAll(
    `select parse_filename(filename, true), count(*)::int from read_parquet('${folder}/*.parquet', filename = true, hive_partitioning = false) group by 1`,
  );
  const written = Object.fromEntries(perChunk.getRows());
  const said = Object.fromEntries(manifest.chunks.filter((one) => one.kept > 0).map((one) => [one.chunk_id, one.kept]));
  const chunks = Object.keys({ ...written, ...said }).filter((id) => written[id] !== said[id]);
  return { ...differing, ...(!same && { rows, types, only, cells }), ...(chunks.length > 0 && { landed: chunks }) };
}

function unlikeRefused(spark: SparkFile, expected: Outcome) {
  const found = refusedIn(spark.lake, spark.dataset);
  const all = [...found.values()].flat().sort();
  const [missing, surplus] = [without(expected.refused, all), without(all, expected.refused)];
  const chunks = (manifestOf(spark)?.chunks ?? []).filter(({ chunk_id, rejected }) => {
    const reasons: Record<string, number> = {};
    for (const row of found.get(chunk_id) ?? []) {
      const reason = (JSON.parse(row) as [number, string])[1];
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    const sorted = (counts: Readonly<Record<string, number>>) => JSON.stringify(Object.entries(counts).sort());
    return sorted(reasons) !== sorted(rejected);
  });
  return {
    ...(missing.length + surplus.length > 0 && { missing: some(missing), surplus: some(surplus) }),
    ...(chunks.length > 0 && { reasons: chunks.map(({ chunk_id }) => chunk_id) }),
  };
}

/** The first of rows, shortened. */
const some = (rows: readonly string[]) => rows.slice(0, 5).map((row) => row.slice(0, 500));

/** What is in one sorted list and not in the other, counted as often as it is there. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const one of others) left.set(one, (left.get(one) ?? 0) + 1);
  return rows.filter((one) => {
    const n = left.get(one) ?? 0;
    left.set(one, n - 1);
    return n <= 0;
  });
}
