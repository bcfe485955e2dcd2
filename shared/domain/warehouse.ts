import type { Contract } from './contract';
import { datasets } from './dataset';

/*
 * The warehouse as SQL, one text for every engine: a table for each contract, what was loaded, and views that report.
 * Names are quoted where a contract gives them, since a column may be called `at` or `order`.
 */

/** The schema that holds all of it. */
export const SCHEMA = 'ecomflow';
/** Counts changes that the contracts do not make by themselves. */
export const VERSION = 1;

/** What a view's text is made of, by engine; where an engine has none, its views are plain. */
export interface View {
  readonly name: string;
  readonly dataset: string;
  /** Columns that tell its rows apart. */
  readonly key: readonly string[];
  readonly select: string;
}

const quoted = (name: string) => `"${name}"`;

/** A data set's table, schema included. */
export const tableOf = (dataset: string): string => `${SCHEMA}.${quoted(dataset)}`;

/**
 * A table's columns in order, with their types. line_id is its 128 bits, half the size of its digits; batch_id stays
 * text, as the API has it. The contract's columns are last, where it grows.
 */
export function tableColumns({ columns }: Contract): { readonly name: string; readonly definition: string }[] {
  return [
    { name: 'line_id', definition: 'uuid not null' },
    { name: 'batch_id', definition: 'text not null' },
    ...columns.map(({ name, type, nullable }) => ({
      name,
      definition: `${sqlType(type)}${nullable ? '' : ' not null'}`,
    })),
  ];
}

/** Names of a table's columns, for a statement. */
export const columnList = (contract: Contract): string =>
  tableColumns(contract)
    .map(({ name }) => quoted(name))
    .join(', ');

function sqlType(type: string): string {
  if (type === 'string') return 'text';
  if (type === 'int') return 'integer';
  if (type === 'timestamp') return 'timestamp with time zone';
  return type.replace('decimal', 'numeric');
}

/** Files that are in, by what they were; a file whose content changes has another etag. */
export const LOADED = `${SCHEMA}.loaded`;
/** Facts about the warehouse itself, by name. */
export const FACTS = `${SCHEMA}.facts`;

/** What has to be there before anything can be asked. */
export const FOUNDATION: readonly string[] = [
  `create schema if not exists ${SCHEMA}`,
  `create table if not exists ${FACTS} (name text primary key, value text not null)`,
  `create table if not exists ${LOADED} (
     key text primary key,
     dataset text not null,
     day text not null,
     etag text not null,
     rows bigint not null,
     added bigint not null,
     loaded_at timestamp with time zone not null
   )`,
];

/**
 * Statements that bring a contract's table to what the contract says, given the columns that it has; none when it is
 * there already. Columns that the contract does not know, because it was rolled back, stay.
 */
export function tableMigration(contract: Contract, found: readonly string[]): string[] {
  const table = tableOf(contract.name);
  const columns = tableColumns(contract);
  if (found.length === 0) {
    const definitions = columns.map(({ name, definition }) => `${quoted(name)} ${definition}`);
    return [`create table ${table} (${definitions.join(', ')})`];
  }
  return columns
    .filter(({ name }) => !found.includes(name))
    .map(({ name, definition }) => `alter table ${table} add column ${quoted(name)} ${definition}`);
}

/** Everything that a migration looks at, as one text: where it is the stored one, there is nothing to do. */
export const definition = (contracts: readonly Contract[]): string =>
  JSON.stringify([VERSION, contracts.map((contract) => [contract.name, tableColumns(contract), viewsOf(contract)])]);

/** Exact, to the last of four decimals, on every engine. */
const money = (sum: string) => `cast(${sum} as numeric(38, 4))`;
const whole = (sum: string) => `cast(${sum} as bigint)`;

/** The views of a data set; days and hours are those of the contract's time zone. */
export function viewsOf(contract: Contract): View[] {
  const make = VIEWS[contract.name];
  if (!make) return [];
  const local = `${quoted(contract.event_time)} at time zone '${contract.timezone ?? 'UTC'}'`;
  const unknown = contract.columns.find(({ name }) => name === contract.claim?.customer)?.default;
  return make({ table: tableOf(contract.name), local, unknown: `'${unknown}'` }).map((view) => ({
    ...view,
    dataset: contract.name,
  }));
}

interface Names {
  readonly table: string;
  /** The event's time on the shop's clock. */
  readonly local: string;
  /** Who is no customer. */
  readonly unknown: string;
}

const VIEWS: Readonly<Record<string, (names: Names) => Omit<View, 'dataset'>[]>> = {
  transactions: ({ table, local, unknown }) => {
    // The price is given room first: DuckDB's product of two numbers has 18 digits, unless one of them has more itself.
    const revenue = `${money('sum(quantity * cast(unit_price as numeric(22, 4)))')} as revenue`;
    const sold = `${revenue}, ${whole('sum(quantity)')} as pieces, count(*) as lines, count(distinct invoice_no) as orders`;
    const customers = `count(distinct nullif(customer_id, ${unknown})) as customers`;
    return [
      {
        name: 'revenue_by_day',
        key: ['day'],
        select: `select cast(${local} as date) as day, ${sold}, ${customers} from ${table} group by 1`,
      },
      {
        name: 'revenue_by_country',
        key: ['country'],
        select: `select country, ${sold}, ${customers} from ${table} group by 1`,
      },
      {
        name: 'revenue_by_product',
        key: ['stock_code'],
        // Products have many spellings: the first in the alphabet of bytes, which no locale orders otherwise.
        select: `select stock_code, min(description collate "C") as description, ${sold}, ${customers} from ${table} group by 1`,
      },
      {
        name: 'orders_by_hour',
        key: ['day', 'hour'],
        select: `select cast(${local} as date) as day, cast(extract(hour from ${local}) as integer) as hour, ${sold} from ${table} group by 1, 2`,
      },
    ];
  },
  events: ({ table, local }) => [
    {
      name: 'events_by_day',
      key: ['day', 'event_type'],
      select: `select cast(${local} as date) as day, event_type, count(*) as events, count(distinct user_id) as visitors, count(distinct user_session) as visits, ${money('sum(price)')} as value from ${table} group by 1, 2`,
    },
  ],
};

/** The contracts of this build. */
export const contracts = (): Contract[] => [...datasets.values()].map(({ contract }) => contract);

/** The day of arrival in a landed file's key, `landing/transactions/dt=2026-03-01/...`; undefined in another key. */
export const dayOf = (key: string): string | undefined => /\/dt=(\d{4}-\d{2}-\d{2})\//.exec(key)?.[1];

/** The day so many days before one, both as 2026-03-01. */
export const daysBefore = (day: string, days: number): string =>
  new Date(Date.parse(day) - days * 86_400_000).toISOString().slice(0, 10);
