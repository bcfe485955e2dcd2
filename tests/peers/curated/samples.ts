import { contracts, tableOf } from '../../../shared/domain/warehouse';
import type { Sample } from '../../support/insights';

/** How Trino has a contract's types. */
export const trinoType = (type: string): string =>
  ({ string: 'varchar', int: 'integer', timestamp: 'timestamp(6)' })[type] ?? type;

const text = (value: unknown) => (value === null ? 'null' : `'${String(value).replaceAll("'", "''")}'`);

/** A select of rows that are written down in the statement. A row of nulls gives columns their type, and is not among them. */
function written(columns: readonly { name: string; type: string }[], rows: readonly (readonly unknown[])[]): string {
  const lines = [columns.map(() => 'cast(null as varchar)'), ...rows.map((row) => row.map(text))];
  const values = lines.map((line, i) => `(${i}, ${line.join(', ')})`).join(',\n');
  const cast = columns.map(({ name, type }) => `cast("${name}" as ${type}) as "${name}"`);
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  return `select ${cast.join(', ')} from (values ${values}) as written (written_line, ${names}) where written_line > 0`;
}

/** Statements that make a sample's tables on Trino, as views, from what DuckDB read of its files. */
export async function samplesTables({ connection }: Sample, schema: string): Promise<string[]> {
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const statements = [`create schema hive.${schema}`];
  const add = (name: string, select: string) => statements.push(`create view hive.${schema}.${name} as ${select}`);
  for (const contract of contracts()) {
    const time = `"${contract.event_time}" at time zone 'UTC'`;
    const columns = [
      { name: 'line_id', type: 'varchar' },
      { name: 'event_date', type: 'date' },
      ...contract.columns.map(({ name, type }) => ({ name, type: trinoType(type) })),
    ];
    const cells = contract.columns.map(({ name }) => `(${name === contract.event_time ? time : `"${name}"`})::varchar`);
    const select = `select line_id::varchar, (${time})::date::varchar, ${cells.join(', ')} from ${tableOf(contract.name)}`;
    add(`curated_${contract.name}`, written(columns, await rowsOf(select)));
  }
  const isThere = "select 1 from information_schema.tables where table_name = 'refused_rows'";
  const refused =
    (await rowsOf(isThere)).length > 0 ? await rowsOf('select reason, cleaned::varchar from refused_rows') : [];
  const json = written(
    [
      { name: 'reason', type: 'varchar' },
      { name: 'json', type: 'varchar' },
    ],
    refused,
  );
  const map = 'cast(json_parse(json) as map(varchar, varchar))';
  add('rejected_transactions', `select reason, ${map} as cleaned from (${json})`);
  return statements;
}
