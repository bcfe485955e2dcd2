import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { oneAtATime } from '../../shared/adapters/local/alone';
import { curatedColumns } from '../../shared/domain/curated';
import { contracts } from '../../shared/domain/warehouse';
import type { Curation, QueryAnswer } from '../../shared/pipeline/ports';

/** Curated tables on DuckDB, which runs what Athena is told: merges and selects as they are, the rest in its own words. */
export interface TestCuration extends Curation {
  /** What was run, by its first word. */
  readonly ran: { readonly word: string; readonly statement: string; readonly round: string }[];
  readonly notes: Map<string, string>;
  /** Called before a statement or a note; what it throws is thrown there. */
  before: (what: string) => void;
  ask(sql: string): Promise<unknown[][]>;
  close(): void;
}

const ofDuckDb = (type: string) => (type === 'string' ? 'varchar' : type);

export async function duckdbCuration(lake: string): Promise<TestCuration> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run("set TimeZone = 'UTC'");
  const answers = new Map<string, QueryAnswer>();
  const curation: TestCuration = {
    lake,
    ran: [],
    notes: new Map(),
    before: () => undefined,
    async run(statement, { round }) {
      const word = statement.slice(0, statement.indexOf(' '));
      curation.before(word);
      const key = `${round}\n${statement}`;
      const known = answers.get(key);
      if (known) return known;
      curation.ran.push({ word, statement, round });
      const answer = await answerOf(connection, lake, word, statement);
      answers.set(key, answer);
      return answer;
    },
    noted: async (dataset) => curation.notes.get(dataset),
    async note(dataset, json) {
      curation.before('note');
      curation.notes.set(dataset, json);
    },
    alone: oneAtATime(),
    ask: async (sql) => (await connection.runAndReadAll(sql)).getRowsJson(),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
  return curation;
}

async function answerOf(
  connection: DuckDBConnection,
  lake: string,
  word: string,
  statement: string,
): Promise<QueryAnswer> {
  const nothing: QueryAnswer = { columns: [], rows: [] };
  if (word === 'optimize' || word === 'vacuum') return nothing;
  if (word === 'create') {
    const contract = contracts().find(({ name }) => statement.includes(`curated_${name} (`))!;
    const columns = curatedColumns(contract).map(({ name, type }) => `"${name}" ${ofDuckDb(type)}`);
    await connection.run(`create table if not exists curated_${contract.name} (${columns.join(', ')})`);
    return nothing;
  }
  if (word === 'alter') {
    const [, table, columns] = /^alter table (\w+) add columns \((.+)\)$/.exec(statement)!;
    for (const [, name, type] of columns!.matchAll(/`(\w+)` (\w+(?:\(\d+,\d+\))?)/g))
      await connection.run(`alter table ${table} add column "${name}" ${ofDuckDb(type!)}`);
    return nothing;
  }
  for (const { name, event_time } of contracts()) {
    if (!existsSync(join(lake, 'landing', name))) continue;
    const files = `read_parquet('${lake}/landing/${name}/dt=*/*.parquet', hive_partitioning = true, hive_types = {'dt': varchar}, union_by_name = true)`;
    // Athena has no zone of a landed time: it is in UTC.
    const plain = `replace (timezone('UTC', "${event_time}") as "${event_time}")`;
    await connection.run(`create or replace view landing_${name} as select * ${plain} from ${files}`);
  }
  const answer = await connection.runAndReadAll(statement);
  const rows = answer.getRowsJson().map((row) => row.map((value) => (value === null ? null : String(value))));
  return { columns: answer.columnNames(), rows };
}
