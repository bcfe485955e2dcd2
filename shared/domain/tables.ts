import { type Column, type Contract, decimalShape } from './contract';
import { datasets } from './dataset';
import type { Tables } from './insight';
import { tableOf } from './warehouse';

/*
 * What stands behind the relations of insights (insight.ts) on each engine, made from the contracts.
 */

/** How an engine says what differs. */
interface Dialect {
  /** A data set's deduplicated table. */
  readonly table: (dataset: string) => string;
  /** Day and time of a kept row on the shop's clock, and its line_id. */
  readonly time: (contract: Contract) => { readonly day: string; readonly at: string; readonly line_id: string };
  /** Refused rows with `reason` and `cleaned`. */
  readonly refused: (dataset: string) => string;
  /** A field of `cleaned` as text. */
  readonly field: (name: string) => string;
  /** ISO text, in UTC, as a time on the shop's clock. */
  readonly clock: (text: string, zone: string) => string;
  readonly hashByte: Tables['hashByte'];
  /** How many digits a decimal is to have so that its product with a quantity is exact. */
  readonly digits: (precision: number) => number;
}

const zoneOf = ({ timezone }: Contract) => timezone ?? 'UTC';
/** Of the contracts' integers, which have 32 bits. */
const INT_DIGITS = 10;
const quoted = (name: string) => `"${name}"`;

/** Where contracts are looked up. */
type Contracts = (dataset: string) => Contract;
const declared: Contracts = (dataset) => datasets.get(dataset)!.contract;

/** DuckDB's, over the tables of the warehouse's file. `refused` is a table expression; undefined while none is refused. */
export const duckdbTables = (refused: (dataset: string) => string | undefined, contracts = declared): Tables => {
  const clock = (time: string, zone: string) => `${time} at time zone '${zone}'`;
  return tablesOf(contracts, {
    table: tableOf,
    time(contract) {
      const at = clock(quoted(contract.event_time), zoneOf(contract));
      return { at, day: `cast(${at} as date)`, line_id: `replace(cast(line_id as varchar), '-', '')` };
    },
    refused: (dataset) => refused(dataset) ?? `(select '' as reason, cast(null as json) as cleaned where false)`,
    field: (name) => `(cleaned ->> '${name}')`,
    clock: (text, zone) => clock(`cast(${text} as timestamptz)`, zone),
    hashByte: (text) => `left(sha256(${text}), 2)`,
    digits: (precision) => precision + INT_DIGITS, // a product has 18 there, unless one of the two has more itself
  });
};

/** Athena's, over the tables of the catalog; times in them are in UTC, and event_date is on the shop's clock. */
export const athenaTablesOf = (contracts: Contracts): Tables =>
  tablesOf(contracts, {
    table: (dataset) => `curated_${dataset}`,
    time(contract) {
      const [at, zone] = [quoted(contract.event_time), zoneOf(contract)];
      const local = `cast(at_timezone(with_timezone(${at}, 'UTC'), '${zone}') as timestamp(6))`;
      return { at: zone === 'UTC' ? at : local, day: 'event_date', line_id: 'line_id' };
    },
    refused: (dataset) => `rejected_${dataset}`,
    field: (name) => `cleaned['${name}']`,
    clock: (text, zone) => `cast(at_timezone(from_iso8601_timestamp(${text}), '${zone}') as timestamp(6))`,
    hashByte: (text) => `lower(substr(to_hex(sha256(to_utf8(${text}))), 1, 2))`,
    digits: (precision) => precision,
  });
export const athenaTables: Tables = athenaTablesOf(declared);

function tablesOf(contracts: Contracts, dialect: Dialect): Tables {
  const transactions = contracts('transactions');
  return {
    transactions: (from, to) => kept(transactions, dialect, from, to),
    events: (from, to) => kept(contracts('events'), dialect, from, to),
    refused: (from, to) => refusedRows(transactions, dialect, from, to),
    hashByte: dialect.hashByte,
  };
}

const between = (day: string, from: string | undefined, to: string) =>
  `${from === undefined ? '' : `${day} >= date '${from}' and `}${day} <= date '${to}'`;

/** Columns beside the time. Who is nobody (the default of a contract's customers) is null. */
const others = ({ columns, event_time }: Contract) => columns.filter(({ name }) => name !== event_time);
const known = ({ claim }: Contract, { name, default: nobody }: Column, value: string) =>
  claim?.customer === name && nobody !== undefined ? `nullif(${value}, '${nobody}')` : value;

/** A contract's type in SQL, its decimals ready to be multiplied. */
function sqlType({ type }: Column, { digits }: Dialect): string {
  if (!type.startsWith('decimal')) return type;
  const { precision, scale } = decimalShape(type);
  return `decimal(${digits(precision)},${scale})`;
}

function kept(contract: Contract, dialect: Dialect, from: string | undefined, to: string): string {
  const { day, at, line_id } = dialect.time(contract);
  const columns = others(contract).map((column) => {
    const [name, type] = [quoted(column.name), sqlType(column, dialect)];
    const value = type === column.type ? name : `cast(${name} as ${type})`;
    return `${known(contract, column, value)} as ${name}`;
  });
  return `select ${day} as day, ${at} as happened_at, ${line_id} as line_id, ${columns.join(', ')}
from ${dialect.table(contract.name)} where ${between(day, from, to)}`;
}

/** The same row may be refused in several batches: it is one. */
function refusedRows(contract: Contract, dialect: Dialect, from: string | undefined, to: string): string {
  const at = dialect.clock(dialect.field(contract.event_time), zoneOf(contract));
  const columns = others(contract).map((column) => {
    const text = dialect.field(column.name);
    const value = column.type === 'string' ? text : `cast(${text} as ${sqlType(column, dialect)})`;
    return `${known(contract, column, value)} as ${quoted(column.name)}`;
  });
  return `select * from (
  select distinct cast(${at} as date) as day, ${at} as happened_at, reason, ${columns.join(', ')}
  from ${dialect.refused(contract.name)} where cleaned is not null
) as refused_rows where ${between('day', from, to)}`;
}
