import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { datasets } from '../../shared/domain/dataset';
import { type Insight, type Period, statementOf, told } from '../../shared/domain/insight';
import { duckdbTables } from '../../shared/domain/tables';
import { contracts, SCHEMA, tableMigration, tableOf } from '../../shared/domain/warehouse';

/** A small shop in tables as the warehouse has them, filled from a folder of CSV files. */
export interface Sample {
  readonly connection: DuckDBConnection;
  readonly period: Period;
  close(): void;
}

const ALWAYS: Period = { first_day: '2000-01-01', last_day: '2099-12-31' };

/**
 * Reads transactions.csv, events.csv (columns of the contracts) and refused.csv (those of transactions, and a reason),
 * as far as they are there; period.json may say which days are asked for.
 */
export async function sampleIn(folder: string): Promise<Sample> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  await connection.run(`create schema ${SCHEMA}`);
  for (const contract of contracts()) {
    for (const sql of tableMigration(contract, [])) await connection.run(sql);
    const file = join(folder, `${contract.name}.csv`);
    if (!existsSync(file)) continue;
    const columns = contract.columns.map(({ name }) => `"${name}"`).join(', ');
    await connection.run(
      `insert into ${tableOf(contract.name)} (line_id, batch_id, ${columns})
       select uuid(), 'batch', ${columns} from read_csv('${file}', header = true, all_varchar = true, nullstr = '')`,
    );
  }
  const refused = join(folder, 'refused.csv');
  if (existsSync(refused)) {
    const row = datasets.get('transactions')!.contract.columns.map(({ name }) => `"${name}" := "${name}"`);
    await connection.run(
      `create table refused_rows as select reason, to_json(struct_pack(${row.join(', ')})) as cleaned
       from read_csv('${refused}', header = true, all_varchar = true, nullstr = '')`,
    );
  }
  const asked = join(folder, 'period.json');
  return {
    connection,
    period: existsSync(asked) ? JSON.parse(readFileSync(asked, 'utf8')) : ALWAYS,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** What DuckDB answers, as CSV; null is nothing between commas. */
export async function answerOn({ connection, period }: Sample, insight: Insight): Promise<string> {
  const has = (
    await connection.runAndReadAll("select 1 from information_schema.tables where table_name = 'refused_rows'")
  ).currentRowCount;
  const tables = duckdbTables(() => (has ? 'refused_rows' : undefined));
  const answer = await connection.runAndReadAll(statementOf(insight, period, tables, 1000));
  expect(answer.columnNames()).toEqual(insight.columns.map(({ name }) => name));
  const rows = answer
    .getRowsJson()
    .map((row) =>
      row.map((value, i) => told(insight.columns[i]!, value === null ? null : String(value)) ?? '').join(','),
    );
  return `${[answer.columnNames().join(','), ...rows].join('\n')}\n`;
}
