import { createHash } from 'node:crypto';
import type { Contract } from './contract';

/*
 * Curated tables: each row of landing once, by its line_id, in the partition of its event's day on the contract's
 * clock. These are the statements that make and fill them, for Athena over Iceberg; `Dialect` is what other engines
 * that can merge say in another way.
 *
 * A row that came late lies in its own day, and a duplicate has the day of the row that it repeats: so a merge looks at
 * no more than the days of what it brings.
 */

/** How an engine says what differs. */
export interface Dialect {
  /** The landed rows of a data set: the contract's columns, line_id, batch_id, and dt, the day of arrival as text. */
  readonly landing: (dataset: string) => string;
  readonly curated: (dataset: string) => string;
  /** A column's name. */
  readonly quoted: (name: string) => string;
  /** A landed time, in UTC, as curated keeps it. */
  readonly instant: (time: string) => string;
  /** The day of a landed time on a zone's clock. */
  readonly day: (time: string, zone: string) => string;
}

/** Athena's, with engine version 3; Trino's as well, on which that is built. */
export const athenaDialect: Dialect = {
  landing: (dataset) => `landing_${dataset}`,
  curated: (dataset) => `curated_${dataset}`,
  quoted: (name) => `"${name}"`,
  instant: (time) => `cast(${time} as timestamp(6))`, // Iceberg's; landing's has milliseconds
  day: (time, zone) =>
    zone === 'UTC' ? `cast(${time} as date)` : `cast(at_timezone(with_timezone(${time}, 'UTC'), '${zone}') as date)`,
};

/** A statement of Athena writes to 100 partitions at most (its limit for CTAS and INSERT INTO). */
export const MOST_DAYS = 100;

/** A curated table's columns in order, with Hive's types; the contract's stand last, where it grows. */
export const curatedColumns = ({
  columns,
}: Contract): { readonly name: string; readonly type: string; readonly comment: string }[] => [
  { name: 'line_id', type: 'string', comment: 'Identity of the row, 32 hex digits' },
  { name: 'batch_id', type: 'string', comment: 'Batch that brought it first' },
  { name: 'event_date', type: 'date', comment: "Day of the event on the clock of the contract's time zone" },
  ...columns.map(({ name, type, description }) => ({ name, type, comment: description })),
];

type CuratedColumn = ReturnType<typeof curatedColumns>[number];

/** Hive's quotes, which are those of Athena's data definition. */
const defined = ({ name, type }: CuratedColumn) => `\`${name}\` ${type}`;
/** What Glue takes of a comment. */
const LONGEST_COMMENT = 255;
/** A comment with what ends it, or escapes, written otherwise: no engine has to agree on how that is quoted. */
const commented = (column: CuratedColumn) => {
  const comment = column.comment.replaceAll("'", '’').replaceAll('\\', '/').slice(0, LONGEST_COMMENT);
  return `${defined(column)} comment '${comment}'`;
};

/**
 * What Athena is told of files and snapshots (its properties of Iceberg tables). Snapshots older than three days are
 * taken away by `vacuumTable`, with the files that only they have.
 */
const PROPERTIES = {
  table_type: 'ICEBERG',
  format: 'parquet',
  write_compression: 'zstd',
  vacuum_max_snapshot_age_seconds: '259200',
  vacuum_min_snapshots_to_keep: '1',
};

/** Makes a data set's table unless it is there, its files below curated/ in the lake (s3://bucket). Athena's alone. */
export function createTable(contract: Contract, lake: string): string {
  const properties = Object.entries(PROPERTIES).map(([name, value]) => `'${name}' = '${value}'`);
  return `create table if not exists ${athenaDialect.curated(contract.name)} (
  ${curatedColumns(contract).map(commented).join(',\n  ')}
)
partitioned by (event_date)
location '${lake}/curated/${contract.name}/'
tblproperties (${properties.join(', ')})`;
}

/** Nothing but the names of the columns that a table has. */
export const askColumns = (contract: Contract, dialect: Dialect = athenaDialect): string =>
  `select * from ${dialect.curated(contract.name)} limit 0`;

/**
 * Adds what the contract has and the table does not; undefined when there is nothing. Columns that the contract does not
 * know, because it was rolled back, stay. Athena's alone.
 */
export function addColumns(contract: Contract, found: readonly string[]): string | undefined {
  const missing = curatedColumns(contract).filter(({ name }) => !found.includes(name));
  if (missing.length === 0) return undefined;
  return `alter table ${athenaDialect.curated(contract.name)} add columns (${missing.map(defined).join(', ')})`;
}

const text = (day: string) => `'${isDay(day)}'`;
const date = (day: string) => `date '${isDay(day)}'`;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const isDay = (day: string): string => {
  if (!DAY.test(day)) throw new Error(`${day} is no day`); // what reaches a statement is a day and nothing else
  return day;
};
const among = (days: readonly string[], written: (day: string) => string) => `in (${days.map(written).join(', ')})`;

const zoneOf = ({ timezone }: Contract) => timezone ?? 'UTC';
const eventDay = (contract: Contract, { quoted, day }: Dialect) => day(quoted(contract.event_time), zoneOf(contract));

/** How many rows landed on each of some days, by the days of their events: dt, event_date, landed_rows, a line each. */
export const touchedDays = (
  contract: Contract,
  arrivals: readonly string[],
  dialect: Dialect = athenaDialect,
): string => `select dt, ${eventDay(contract, dialect)} as event_date, count(*) as landed_rows
from ${dialect.landing(contract.name)} where dt ${among(arrivals, text)}
group by 1, 2 order by 1, 2`;

/** How many rows the table has: one line. */
export const curatedRows = (contract: Contract, dialect: Dialect = athenaDialect): string =>
  `select count(*) as curated_rows from ${dialect.curated(contract.name)}`;

/**
 * Brings the rows of some arrival days whose events are of some days, MOST_DAYS at most, into the table: each line_id
 * that it does not have, once. Of rows with one line_id the one that came first is taken. The days stand in the
 * condition as such, so that files of others are not read.
 */
export function merge(
  contract: Contract,
  arrivals: readonly string[],
  days: readonly string[],
  dialect: Dialect = athenaDialect,
): string {
  if (days.length > MOST_DAYS) throw new Error(`${days.length} days are more than a merge may write to`);
  const { quoted, instant } = dialect;
  const columns = curatedColumns(contract).map(({ name }) => quoted(name));
  const values = contract.columns.map(({ name, type }) =>
    type === 'timestamp' ? `${instant(quoted(name))} as ${quoted(name)}` : quoted(name),
  );
  const touched = among(days, date);
  return `merge into ${dialect.curated(contract.name)} as t
using (
  select ${columns.join(', ')} from (
    select line_id, batch_id, event_date, ${values.join(', ')},
      row_number() over (partition by line_id order by dt, batch_id) as place
    from (
      select *, ${eventDay(contract, dialect)} as event_date
      from ${dialect.landing(contract.name)} where dt ${among(arrivals, text)}
    ) as landed where event_date ${touched}
  ) as numbered where place = 1
) as s
on t.line_id = s.line_id and t.event_date = s.event_date and t.event_date ${touched}
when not matched then insert (${columns.join(', ')}) values (${columns.map((name) => `s.${name}`).join(', ')})`;
}

/** Joins the small files that merges have left in some days. Athena's alone. */
export const optimizeTable = (contract: Contract, days: readonly string[]): string =>
  `optimize ${athenaDialect.curated(contract.name)} rewrite data using bin_pack where event_date ${among(days, date)}`;

/** Takes away old snapshots, and the files that only they have. Athena's alone. */
export const vacuumTable = (contract: Contract): string => `vacuum ${athenaDialect.curated(contract.name)}`;

/** A print of some texts behind a print of others: the same texts in the same order have the same. 32 hex digits. */
export const printed = (before: string, ...texts: readonly string[]): string =>
  createHash('sha256')
    .update([before, ...texts].join('\n'))
    .digest('hex')
    .slice(0, 32);
