import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { python, pythonEnvironment } from '../support/install';
import { execute } from '../support/processes';

/** In what two sets of Parquet files differ; `cells` by column, where a row that one side lacks counts in all. */
export interface Differences {
  readonly rows: readonly [ours: number, theirs: number];
  readonly types: readonly string[];
  readonly cells: Readonly<Record<string, number>>;
}

interface Compared extends Differences {
  /** Rows that only one side has, every column told; counted as often as they are there. */
  readonly only: readonly [ours: number, theirs: number];
}

/** Compares Parquet files cell by cell with DuckDB; `ours` and `theirs` are globs. */
export async function compare(duckdb: DuckDBConnection, ours: string, theirs: string): Promise<Compared> {
  const ask = async (sql: string) => (await duckdb.runAndReadAll(sql)).getRowsJson();
  await duckdb.run(`create or replace temp table ours as ${await reading(duckdb, ours)}`);
  await duckdb.run(`create or replace temp table theirs as ${await reading(duckdb, theirs)}`);
  const typesOf = async (table: string) => (await ask(`describe ${table}`)).map(([name, type]) => `${name} ${type}`);
  const [types, theirTypes] = [await typesOf('ours'), await typesOf('theirs')];
  const numbers = async (sql: string) => (await ask(sql))[0]!.map(Number);
  const [a, b] = await numbers('select (select count(*) from ours), (select count(*) from theirs)');
  const except = (left: string, right: string) => `(select count(*) from (from ${left} except all from ${right}))`;
  const [onlyOurs, onlyTheirs] = await numbers(`select ${except('ours', 'theirs')}, ${except('theirs', 'ours')}`);

  const columns = types.map((column) => column.split(' ')[0]!);
  const numbered = (table: string) =>
    `(select *, row_number() over (partition by line_id, batch_id) as copy from ${table})`;
  const unlike = columns.map(
    (name) => `count_if(o.copy is null or t.copy is null or o.${name} is distinct from t.${name})`,
  );
  const counts = await numbers(
    `select ${unlike.join(', ')} from ${numbered('ours')} o full join ${numbered('theirs')} t
     on o.line_id = t.line_id and o.batch_id = t.batch_id and o.copy = t.copy`,
  );
  return {
    rows: [a!, b!],
    types: types.flatMap((type, i) => (type === theirTypes[i] ? [] : [`${type}, ${theirTypes[i]}`])),
    only: [onlyOurs!, onlyTheirs!],
    cells: Object.fromEntries(columns.map((name, i) => [name, counts[i]!] as const).filter(([, n]) => n > 0)),
  };
}

/** A query of Parquet files. INT96 has no word for the zone; whoever writes it means UTC. */
export async function reading(duckdb: DuckDBConnection, files: string): Promise<string> {
  const instants = await duckdb.runAndReadAll(
    `select distinct name from parquet_schema('${files}') where type = 'INT96'`,
  );
  const replaced = instants.getRows().map(([name]) => `${name} at time zone 'UTC' as ${name}`);
  const columns = replaced.length > 0 ? `* replace (${replaced.join(', ')})` : '*';
  return `select ${columns} from read_parquet('${files}', hive_partitioning = false)`;
}

/** What pyarrow says of pairs of globs. */
export async function pyarrow(pairs: readonly (readonly [ours: string, theirs: string])[]): Promise<Differences[]> {
  const bin = await python('spark');
  const script = join(__dirname, 'compare.py');
  const options = { env: pythonEnvironment(), timeout: 120_000 };
  const { stdout } = await execute(join(bin, 'python'), [script, JSON.stringify(pairs)], options);
  return JSON.parse(stdout) as Differences[];
}
