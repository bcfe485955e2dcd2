import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Insight, statementOf, type Tables } from '../../shared/domain/insight';
import { athenaTables } from '../../shared/domain/tables';
import { contracts, tableOf } from '../../shared/domain/warehouse';
import { PRICES } from './prices';
import { quoted, type Shop } from './shop';

const MB = 1024 ** 2;
/** Athena bills whole megabytes, and at least ten of them a query. */
const LEAST_MB = 10;

/** What Athena takes for a query that reads so many bytes, in USD. */
export const athenaUsd = (bytes: number): number => Math.max(LEAST_MB, Math.ceil(bytes / MB)) * MB * PRICES.athenaByte;

/** An operator of DuckDB's plan. */
export interface Operator {
  readonly name: string;
  readonly extra_info: { readonly Projections?: string | readonly string[]; readonly Table?: string };
  readonly children: readonly Operator[];
}

/** Bytes that a plan reads, given those of each column and each table by their names. */
export function bytesOf({ name, extra_info, children }: Operator, stored: ReadonlyMap<string, number>): number {
  const { Projections = [], Table } = extra_info;
  const read = name.trim() === 'READ_PARQUET' ? [Projections].flat() : Table === undefined ? [] : [Table];
  const own = read.reduce((sum, what) => sum + (stored.get(what.split('.').slice(-2).join('.')) ?? 0), 0);
  return children.reduce((sum, child) => sum + bytesOf(child, stored), own);
}

/**
 * Lays a shop down as Athena would find it: Parquet (zstd), a folder for each day. Answers how many bytes Athena reads
 * for an insight: those of the columns that DuckDB's plan reads, as often as it reads them. A relation that is named
 * twice is read twice, as Athena does, which puts it in wherever it is named. Refused rows are read whole.
 */
export async function scannedFrom(shop: Shop): Promise<(insight: Insight) => Promise<number>> {
  const { connection, period, folder } = shop;
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const stored = new Map([['main.refused_transactions', gzipSync(readFileSync(shop.refused)).length]]);
  for (const { name, event_time, columns } of contracts()) {
    const files = quoted(join(folder, `curated-${name}`, '*', '*.parquet'));
    // Columns are named with their data set in the files: a plan says nothing else about where they come from.
    const named = ['line_id', ...columns.map((column) => column.name)].map((column) => [
      `"${column}"`,
      `"${name}.${column}"`,
    ]);
    await connection.run(
      `copy (select ${named.map(([own, full]) => `${own} as ${full}`).join(', ')}, cast("${event_time}" as date) as event_date
         from ${tableOf(name)} order by event_date)
       to ${quoted(join(folder, `curated-${name}`))} (format parquet, compression zstd, partition_by (event_date))`,
    );
    await connection.run(
      `create view curated_${name} as select event_date, ${named.map(([own, full]) => `${full} as ${own}`).join(', ')}
       from read_parquet(${files}, hive_partitioning = true)`,
    );
    const sizes = `select path_in_schema, sum(total_compressed_size) from parquet_metadata(${files}) group by 1`;
    for (const [column, size] of await ask(sizes)) stored.set(String(column), Number(size));
  }
  const tables: Tables = { ...athenaTables, refused: shop.tables.refused, hashByte: shop.tables.hashByte };
  await connection.run("set disabled_optimizers = 'common_subplan'"); // which finds what is read twice
  return async (insight) => {
    const statement = statementOf(insight, period, tables, 1).replaceAll(' as (\n', ' as not materialized (\n');
    const [[, plan]] = (await ask(`explain (format json) ${statement}`)) as [[string, string]];
    return (JSON.parse(plan) as Operator[]).reduce((sum, operator) => sum + bytesOf(operator, stored), 0);
  };
}
