import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { datasets } from '../../domain/dataset';
import {
  columnList,
  contracts,
  definition,
  FACTS,
  FOUNDATION,
  LOADED,
  SCHEMA,
  tableMigration,
  tableOf,
  viewsOf,
} from '../../domain/warehouse';
import { type OpenWarehouse, Unavailable, type Warehouse } from '../../pipeline/ports';
import { inTurn, openFile, WAREHOUSE_FILE } from './duckdb';

/** A laptop has other things to do: more than this DuckDB puts on disk. */
const BOUNDS = { memory_limit: '512MB', threads: '2', preserve_insertion_order: 'false' };
const LATE_DAYS = 7;
/** Questions end in less, and let others in after a while; a program of the analyst's may have the file for hours. */
const PATIENCE_MS = 10_000;

type Value = string | number | bigint;

/**
 * The warehouse as a DuckDB file, which any tool that knows DuckDB opens. It lets in one process that writes or many
 * that read: so it is open only while something is loaded, and Unavailable while another program has it.
 */
export function duckdbWarehouse(directory: string, patienceMs = PATIENCE_MS): Warehouse {
  const file = join(directory, WAREHOUSE_FILE);
  return {
    lateDays: LATE_DAYS,
    use: (work) =>
      inTurn(file, async () => {
        mkdirSync(directory, { recursive: true });
        const instance = await openFile(file, { ...BOUNDS, temp_directory: `${file}.tmp` }, patienceMs);
        try {
          const connection = await instance.connect();
          try {
            await connection.run("set TimeZone = 'UTC'");
            await migrate(connection);
            return await work(openOn(connection, directory));
          } finally {
            connection.closeSync();
          }
        } finally {
          instance.closeSync();
        }
      }),
  };
}

async function rowsOf(
  connection: DuckDBConnection,
  sql: string,
  ...values: Value[]
): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql, values)).getRowObjects();
}

/** All of `work` or nothing of it. */
async function transaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  try {
    await connection.run('begin');
    const result = await work();
    await connection.run('commit');
    return result;
  } catch (error) {
    await connection.run('rollback').catch(() => undefined); // it may have ended by itself: the first error says why
    throw judged(error as Error);
  }
}

/** What is full is the world's fault and passes; all else is about what was asked. DuckDB tells them apart in words. */
function judged(cause: Error): Error {
  const full = /^(Out of Memory|IO) Error: .*(could not allocate|failed to allocate|No space left)/is.test(
    cause.message,
  );
  const [message] = cause.message.split('\n');
  return full ? new Unavailable(`${WAREHOUSE_FILE}: ${message}`, { cause }) : new Error(message, { cause });
}

/** Tables as the contracts have them, and the views over them. */
async function migrate(connection: DuckDBConnection): Promise<void> {
  for (const sql of FOUNDATION) await connection.run(sql);
  const wanted = definition(contracts());
  const [stored] = await rowsOf(connection, `select value from ${FACTS} where name = 'definition'`);
  if (stored?.value === wanted) return;
  await transaction(connection, async () => {
    for (const contract of contracts()) {
      const columns = `select column_name from information_schema.columns where table_schema = $1 and table_name = $2`;
      const found = await rowsOf(connection, columns, SCHEMA, contract.name);
      const names = found.map(({ column_name }) => String(column_name));
      for (const sql of tableMigration(contract, names)) await connection.run(sql);
      for (const { name, select } of viewsOf(contract))
        await connection.run(`create or replace view ${SCHEMA}.${name} as ${select}`);
    }
    await connection.run(`insert or replace into ${FACTS} values ('definition', $1)`, [wanted]);
  });
}

function openOn(connection: DuckDBConnection, directory: string): OpenWarehouse {
  return {
    async newestDay(dataset) {
      const [found] = await rowsOf(connection, `select max(day) as day from ${LOADED} where dataset = $1`, dataset);
      return (found!.day as string | null) ?? undefined;
    },

    async loaded(dataset, since = '') {
      const marks = `select key, etag from ${LOADED} where dataset = $1 and day >= $2`;
      const found = await rowsOf(connection, marks, dataset, since);
      return new Map(found.map(({ key, etag }) => [String(key), String(etag)]));
    },

    // DuckDB reads the file by itself. A hash join of the file's rows finds what is there: a key's index would be memory.
    load: (dataset, { key, etag, day }) =>
      transaction(connection, async () => {
        const { contract } = datasets.get(dataset)!;
        const [table, columns] = [tableOf(dataset), columnList(contract)];
        await connection.run(`create or replace temp table staged as from ${table} limit 0`);
        const read = `insert into staged by name select * from read_parquet($1, hive_partitioning = false)`;
        const { rowsChanged: rows } = await connection.run(read, [join(directory, key)]);
        const { rowsChanged: added } = await connection.run(
          `insert into ${table} (${columns}) select distinct on (line_id) ${columns} from staged
           where not exists (from ${table} there where there.line_id = staged.line_id)`,
        );
        await connection.run(
          `insert or replace into ${LOADED} (key, dataset, day, etag, rows, added, loaded_at)
           values ($1, $2, $3, $4, $5, $6, now())`,
          [key, dataset, day, etag, rows, added],
        );
        return { rows, added };
      }),

    refresh: async () => undefined, // views are asked anew each time

    async count(dataset) {
      const counts = `count(*) as rows, count(distinct line_id) as "distinct"`;
      const [all] = await rowsOf(connection, `select ${counts} from ${tableOf(dataset)}`);
      const last = `select epoch_ms(max(loaded_at)) as last from ${LOADED} where dataset = $1`;
      const [loaded] = await rowsOf(connection, last, dataset);
      const by = await rowsOf(connection, `select batch_id, ${counts} from ${tableOf(dataset)} group by batch_id`);
      const counted = ({ rows, distinct }: Record<string, unknown>) => ({
        rows: Number(rows),
        distinct: Number(distinct),
      });
      return {
        ...counted(all!),
        loaded_at: loaded!.last === null ? undefined : new Date(Number(loaded!.last)).toISOString(),
        batches: new Map(by.map((batch) => [String(batch.batch_id), counted(batch)])),
      };
    },
  };
}
