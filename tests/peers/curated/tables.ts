import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contract } from '../../../shared/domain/contract';
import {
  athenaDialect,
  createTable,
  curatedColumns,
  type Dialect,
  MOST_DAYS,
  merge,
  touchedDays,
} from '../../../shared/domain/curated';
import { contracts } from '../../../shared/domain/warehouse';
import { curate } from '../../../shared/pipeline/curate';
import type { Curation, LandedFiles, QueryAnswer } from '../../../shared/pipeline/ports';
import type { TestWorld } from '../../support/world';
import { deployed } from '../conversion/deployed';
import type { Asked } from './engine';
import { trinoType } from './samples';

/** The schema that has the lake's tables. */
export const LAKE = 'lake';

/** Curated tables on an engine that merges. */
export interface Tables {
  readonly dialect: Dialect;
  /** Brings what arrived on a day into all of them. `anew`: with nothing known of what was merged before. */
  arrive(day: string, anew?: boolean): Promise<void>;
  /** Makes an empty one of a data set's columns, under another name. */
  make(contract: Contract, table: string): Promise<void>;
  run(sql: string): Promise<QueryAnswer>;
  /** Data files as they are now; a table with deletes in it is refused. */
  files(table: string): Promise<string[]>;
}

const columnsAs = (contract: Contract, typeOf: (type: string) => string) =>
  curatedColumns(contract)
    .map(({ name, type }) => `${name} ${typeOf(type)}`)
    .join(', ');

const dataFiles = ({ rows }: QueryAnswer): string[] => {
  for (const [content] of rows) expect(content).toBe('0'); // 1 and 2 are deletes
  return rows.map(([, path]) => path!.replace(/^file:\/*/, '/')).sort();
};

/** Spark's words for the parts that differ; its merge is Athena's otherwise. */
const sparkDialect: Dialect = {
  ...athenaDialect,
  quoted: (name) => `\`${name}\``,
  instant: (time) => `cast(${time} as timestamp_ntz)`, // the session's zone is UTC
  day: (time, zone) => `to_date(from_utc_timestamp(${time}, '${zone}'))`,
};

export async function sparkTables(spark: Asked, world: TestWorld): Promise<Tables> {
  const run = (sql: string) => spark.ask(LAKE, sql);
  const make = async (contract: Contract, table: string) => {
    const columns = columnsAs(contract, (type) => type.replace(/^timestamp$/, 'timestamp_ntz'));
    await run(`create table ${table} (${columns}) using iceberg partitioned by (event_date)`);
  };
  for (const contract of contracts()) {
    await make(contract, sparkDialect.curated(contract.name));
    const path = join(world.directory, 'landing', contract.name);
    await run(
      `create temporary view ${sparkDialect.landing(contract.name)} using parquet options (path '${path}', mergeSchema 'true')`,
    );
  }
  return {
    dialect: sparkDialect,
    make,
    run,
    async arrive(day) {
      for (const contract of contracts()) {
        const { rows } = await run(touchedDays(contract, [day], sparkDialect));
        const days = [...new Set(rows.map(([, event_date]) => event_date!))].sort();
        for (let at = 0; at < days.length; at += MOST_DAYS)
          await run(merge(contract, [day], days.slice(at, at + MOST_DAYS), sparkDialect));
      }
    },
    files: async (table) => dataFiles(await run(`select content, file_path from iceberg.${LAKE}.${table}.files`)),
  };
}

/** As Glue has the tables of a zone, in the words of Trino's connector for Hive. */
const zoneTable = (zone: string, dataset: string, columns: string, format: string, directory: string) => `
create table hive.${LAKE}.${zone}_${dataset} (
  ${columns},
  dt varchar with (
    partition_projection_type = 'DATE',
    partition_projection_format = 'yyyy-MM-dd',
    partition_projection_range = array['2025-01-01', '2027-12-31']
  )
) with (
  external_location = 'file://${join(directory, zone, dataset)}',
  format = '${format}',
  partitioned_by = array['dt'],
  partition_projection_enabled = true
)`;

/** Trino's, filled by the stage that fills Athena's, with its statements as they are; what Athena alone says is put as Trino has it. */
export async function trinoTables(trino: Asked, world: TestWorld): Promise<Tables> {
  const run = (sql: string) => trino.ask(LAKE, sql);
  const make = async (contract: Contract, table: string) => {
    const columns = columnsAs(contract, trinoType);
    await run(
      `create table if not exists iceberg.${LAKE}.${table} (${columns}) with (partitioning = array['event_date'])`,
    );
  };
  await run(`create schema hive.${LAKE}`);
  for (const { name } of contracts()) {
    const { columns } = await deployed(name);
    const landed = columns.map(({ Name, Type }) => `${Name} ${Type === 'timestamp' ? 'timestamp' : trinoType(Type)}`);
    await run(zoneTable('landing', name, landed.join(', '), 'PARQUET', world.directory));
    const refused = 'batch_id varchar, reason varchar, field varchar, cleaned map(varchar, varchar)';
    mkdirSync(join(world.directory, 'rejected', name), { recursive: true }); // S3 has no folders; Trino wants one here
    await run(zoneTable('rejected', name, refused, 'JSON', world.directory));
  }

  const notes = new Map<string, string>();
  const curation: Curation = {
    lake: 's3://lake',
    async run(statement) {
      const made = contracts().find((contract) => statement === createTable(contract, 's3://lake'));
      if (!made) return run(statement);
      await make(made, athenaDialect.curated(made.name));
      return { columns: [], rows: [] };
    },
    noted: async (dataset) => notes.get(dataset),
    note: async (dataset, json) => void notes.set(dataset, json),
    alone: async (_seconds, work) => work().then(() => true),
  };
  const until = (last: string): LandedFiles => ({
    ...world.landed,
    async *list(dataset, since) {
      for await (const file of world.landed.list(dataset, since)) if (file.day <= last) yield file;
    },
  });
  return {
    dialect: athenaDialect,
    make,
    run,
    async arrive(day, anew = false) {
      if (anew) notes.clear();
      const { done } = await curate({}, { clock: world.clock, landed: until(day), curation });
      expect(done).toBe(true);
    },
    files: async (table) => dataFiles(await run(`select content, file_path from iceberg.${LAKE}."${table}$files"`)),
  };
}
