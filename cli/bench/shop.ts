import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { cleanRows } from '../../shared/domain/clean';
import type { Period, Tables } from '../../shared/domain/insight';
import { pack, seal, unpack } from '../../shared/domain/packing';
import { duckdbTables } from '../../shared/domain/tables';
import { columnList, contracts, SCHEMA, tableMigration, tableOf } from '../../shared/domain/warehouse';
import { slicesOf } from './input';

/** A whole shop in DuckDB: its kept rows, each once, in the tables of the warehouse, and the refused ones. */
export interface Shop {
  readonly connection: DuckDBConnection;
  /** Where all of it lies. */
  readonly folder: string;
  /** The file of its refused transactions. */
  readonly refused: string;
  readonly tables: Tables;
  /** From the first day of any row to the last. */
  readonly period: Period;
  close(): void;
}

/** The bounds that a laptop's warehouse has. */
const BOUNDS = { memory_limit: '512MB', threads: '2' };
const BATCH = 'b'.repeat(32);
const JSON_TYPES: Readonly<Record<string, string>> = { string: 'varchar', timestamp: 'timestamptz' };

/** A text in a statement. */
export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** Cleans CSV texts, by data set, as clean does, and loads what is kept; everything lies in `folder`, which is new. */
export async function openShop(folder: string, texts: Readonly<Record<string, string>>): Promise<Shop> {
  mkdirSync(folder);
  for (const [dataset, text] of Object.entries(texts)) land(folder, dataset, text);
  const instance = await DuckDBInstance.create(join(folder, 'warehouse.duckdb'), BOUNDS);
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  await connection.run(`create schema ${SCHEMA}`);
  for (const contract of contracts()) {
    for (const sql of tableMigration(contract, [])) await connection.run(sql);
    if (texts[contract.name] === undefined) continue;
    const columns = columnList(contract);
    const types = contract.columns.map(({ name, type }) => `"${name}": '${JSON_TYPES[type] ?? type}'`).join(', ');
    const files = quoted(join(folder, contract.name, 'kept-*.ndjson'));
    await connection.run(
      `insert into ${tableOf(contract.name)} (${columns}) select distinct on (line_id) ${columns} from (
         select *, '${BATCH}' as batch_id from read_json(${files}, format = 'newline_delimited',
           columns = { line_id: 'uuid', ${types} })
       )`,
    );
  }
  for (const dataset of Object.keys(texts))
    await connection.run(
      `create table refused_${dataset} as
       select * from read_json(${quoted(join(folder, dataset, 'refused.ndjson'))}, format = 'newline_delimited',
         columns = { reason: 'varchar', cleaned: 'json' })`,
    );
  return {
    connection,
    folder,
    refused: join(folder, 'transactions', 'refused.ndjson'),
    tables: duckdbTables((dataset) => (texts[dataset] === undefined ? undefined : `refused_${dataset}`)),
    period: await periodOf(connection),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Kept rows as a file of NDJSON for each chunk, and the refused ones as one. */
function land(folder: string, name: string, text: string): void {
  mkdirSync(join(folder, name));
  const { dataset, columns, slices } = slicesOf(text, name);
  const refused = join(folder, name, 'refused.ndjson');
  writeFileSync(refused, '');
  for (const [i, slice] of slices.entries()) {
    const head = {
      dataset: name,
      contract_version: 1,
      batch_id: BATCH,
      number: i + 1,
      received_at: '2026-01-01T00:00:00.000Z',
      format: 'csv' as const,
      first_line: slice.first_line,
      rows: slice.rows,
      columns,
    };
    const { accepted, rejected } = cleanRows(unpack(pack(head, seal(slice.text)).data), dataset);
    const kept = accepted.map(({ line_id, row }) => `${JSON.stringify({ line_id, ...row })}\n`);
    writeFileSync(join(folder, name, `kept-${i}.ndjson`), kept.join(''));
    appendFileSync(refused, rejected.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}

async function periodOf(connection: DuckDBConnection): Promise<Period> {
  const days = contracts().map(
    ({ name, event_time }) => `select cast("${event_time}" as date) as day from ${tableOf(name)}`,
  );
  const sql = `select cast(min(day) as varchar) as first_day, cast(max(day) as varchar) as last_day from (${days.join(' union all ')})`;
  const [row] = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  return row as unknown as Period;
}
