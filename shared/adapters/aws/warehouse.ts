import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { datasets } from '../../domain/dataset';
import type { Value } from '../../domain/outcome';
import { readLanded } from '../../domain/parquet-reader';
import {
  columnList,
  contracts,
  definition,
  FACTS,
  FOUNDATION,
  LOADED,
  SCHEMA,
  tableColumns,
  tableMigration,
  tableOf,
  viewsOf,
} from '../../domain/warehouse';
import type { OpenWarehouse, Warehouse } from '../../pipeline/ports';
import { ask, type Connection, connected } from './postgres';

/** A number of our own: whoever holds the advisory lock of it loads or migrates. */
const LOADER = 6_306_120;
/** Who may read. People are made members of it: grant ecomflow_analyst to anna. */
export const ANALYST = 'ecomflow_analyst';

/** The warehouse in PostgreSQL: rows come by COPY into a table of the session, and from there those that are new. */
export function postgresWarehouse(connection: Connection, lateDays: number): Warehouse {
  return {
    lateDays,
    use: (work) =>
      connected(connection, async (client) => {
        await query(client, 'waiting for another loader', `select pg_advisory_lock(${LOADER})`);
        await migrate(client);
        return work(openOn(client));
      }),
  };
}

type Rows = Record<string, string | null>[];

async function query(client: pg.Client, doing: string, sql: string, ...values: unknown[]) {
  return ask(doing, () => client.query<Rows[number]>(sql, values));
}

/** All of `work` or nothing of it. */
async function transaction<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await query(client, 'beginning', 'begin');
  try {
    const result = await work();
    await query(client, 'committing', 'commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined); // no connection, no transaction: the first error says why
    throw error;
  }
}

const MIGRATING = 'bringing the tables up to date';

/** Tables as the contracts have them, the views over them, and a role that may read both. */
async function migrate(client: pg.Client): Promise<void> {
  const run = (sql: string, ...values: unknown[]) => query(client, MIGRATING, sql, ...values);
  const wanted = definition(contracts());
  await transaction(client, async () => {
    for (const sql of FOUNDATION) await run(sql);
    const { rows: stored } = await run(`select value from ${FACTS} where name = 'definition'`);
    if (stored[0]?.value === wanted) return;

    for (const contract of contracts()) {
      const columns = 'select column_name from information_schema.columns where table_schema = $1 and table_name = $2';
      const { rows: found } = await run(columns, SCHEMA, contract.name);
      const names = found.map(({ column_name }) => column_name!);
      for (const sql of tableMigration(contract, names)) await run(sql);
      if (names.length === 0) {
        await run(`alter table ${tableOf(contract.name)} add primary key (line_id)`);
        // Rows come roughly in the order of their time: a range of it for each stretch of the table, in a few KB.
        await run(`create index on ${tableOf(contract.name)} using brin ("${contract.event_time}")`);
      }
      for (const { name, key, select } of viewsOf(contract)) {
        await run(`drop materialized view if exists ${SCHEMA}.${name}`);
        await run(`create materialized view ${SCHEMA}.${name} as ${select}`);
        await run(`create unique index on ${SCHEMA}.${name} (${key.join(', ')})`); // REFRESH CONCURRENTLY asks for it
      }
    }
    const { rows: role } = await run('select 1 from pg_roles where rolname = $1', ANALYST);
    if (role.length === 0) await run(`create role ${ANALYST} nologin`);
    await run(`grant usage on schema ${SCHEMA} to ${ANALYST}`);
    await run(`grant select on all tables in schema ${SCHEMA} to ${ANALYST}`);
    await run(
      `insert into ${FACTS} values ('definition', $1) on conflict (name) do update set value = excluded.value`,
      wanted,
    );
  });
}

function openOn(client: pg.Client): OpenWarehouse {
  return {
    async newestDay(dataset) {
      const sql = `select max(day) as day from ${LOADED} where dataset = $1`;
      const { rows } = await query(client, 'asking for the newest day', sql, dataset);
      return rows[0]!.day ?? undefined;
    },

    async loaded(dataset, since = '') {
      const sql = `select key, etag from ${LOADED} where dataset = $1 and day >= $2`;
      const { rows } = await query(client, 'asking for what is loaded', sql, dataset, since);
      return new Map(rows.map(({ key, etag }) => [key!, etag!]));
    },

    load: (dataset, file, content) =>
      transaction(client, async () => {
        const { contract } = datasets.get(dataset)!;
        const [table, columns, staged] = [tableOf(dataset), columnList(contract), `staged_${dataset}`];
        const run = (sql: string, ...values: unknown[]) => query(client, `loading ${file.key}`, sql, ...values);
        await run(`create temp table if not exists ${staged} (like ${table}) on commit delete rows`);

        const names = tableColumns(contract)
          .slice(2)
          .map(({ name }) => name);
        let rows = 0;
        const lines = async function* () {
          for await (const block of readLanded(content, datasets.get(dataset)!)) {
            rows += block.length;
            let text = '';
            for (const { line_id, batch_id, row } of block) {
              text += `${line_id}\t${batch_id}`;
              for (const name of names) text += `\t${copied(row[name] ?? null)}`;
              text += '\n';
            }
            yield Buffer.from(text);
          }
        };
        const copy = `copy ${staged} (${columns}) from stdin`;
        await ask(`loading ${file.key}`, () => pipeline(lines, client.query(copyFrom(copy))));

        const { rowCount } = await run(
          `insert into ${table} (${columns}) select ${columns} from ${staged} on conflict (line_id) do nothing`,
        );
        const added = rowCount!;
        await run(
          `insert into ${LOADED} (key, dataset, day, etag, rows, added, loaded_at) values ($1, $2, $3, $4, $5, $6, now())
           on conflict (key) do update set etag = excluded.etag, rows = excluded.rows, added = excluded.added, loaded_at = now()`,
          file.key,
          dataset,
          file.day,
          file.etag,
          rows,
          added,
        );
        return { rows, added };
      }),

    refresh: (dataset) =>
      transaction(client, async () => {
        const { contract } = datasets.get(dataset)!;
        const run = (sql: string, ...values: unknown[]) =>
          query(client, `refreshing the views of ${dataset}`, sql, ...values);
        const fact = `refreshed ${dataset}`;
        const newer = `select 1 from ${LOADED} where dataset = $1 and loaded_at > coalesce(
          (select value::timestamptz from ${FACTS} where name = $2), '-infinity') limit 1`;
        const { rows } = await run(newer, dataset, fact);
        if (rows.length === 0) return;
        // Concurrently: whoever is reading goes on, with what was there before.
        for (const { name } of viewsOf(contract)) await run(`refresh materialized view concurrently ${SCHEMA}.${name}`);
        await run(
          `insert into ${FACTS} values ($1, now()::text) on conflict (name) do update set value = excluded.value`,
          fact,
        );
      }),

    // line_id is the table's key: no row is there twice.
    async count(dataset) {
      const run = (sql: string, ...values: unknown[]) => query(client, `counting ${dataset}`, sql, ...values);
      const { rows } = await run(`select batch_id, count(*) as rows from ${tableOf(dataset)} group by batch_id`);
      const batches = new Map(
        rows.map((row) => [row.batch_id!, { rows: Number(row.rows), distinct: Number(row.rows) }]),
      );
      const last = `select (extract(epoch from max(loaded_at)) * 1000)::bigint as last from ${LOADED} where dataset = $1`;
      const loaded = (await run(last, dataset)).rows[0]!.last;
      const all = [...batches.values()].reduce((sum, one) => sum + one.rows, 0);
      const loaded_at = loaded == null ? undefined : new Date(Number(loaded)).toISOString();
      return { rows: all, distinct: all, loaded_at, batches };
    },
  };
}

const ESCAPED = /[\\\b\f\n\r\t\v]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** A value in COPY's text format. */
function copied(value: Value): string {
  if (value === null) return '\\N';
  return typeof value === 'number' ? String(value) : value.replace(ESCAPED, (character) => ESCAPES[character]!);
}
