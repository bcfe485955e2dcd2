import { type Contract, ContractError, normalizeHeader, readContract } from './contract';
import eventsContract from './contracts/events.json';
import transactionsContract from './contracts/transactions.json';
import { csvFields } from './csv';
import { lineId, SEPARATOR } from './identity';
import { jsonFields, NO_CELL } from './json';
import { MISSING, type Rejected, type Row, UNPARSEABLE, type Value, type Verdict } from './outcome';
import { predicate } from './rules';
import { isText, valueParser } from './values';

/** How rows are written down within a chunk. A JSON array is cut into NDJSON on the way in. */
export type RowFormat = 'csv' | 'ndjson';

/** Where each contract column stands in a row's fields; -1 where the file does not have it. */
export type Positions = readonly number[];

/** A header that does not fit its contract. */
export interface HeaderFault {
  readonly kind: 'unknown_column' | 'missing_column' | 'repeated_column';
  readonly column: string;
}

/** Cleans one row's original text. */
export type RowCleaner = (text: string) => Verdict;

/** A contract compiled to what the stages ask of it. */
export interface Dataset {
  readonly contract: Contract;
  readonly name: string;
  /** Finds the columns in a CSV header row: its text, then where each contract column stands, or what is wrong. */
  header(fields: readonly string[]): { readonly positions: Positions } | HeaderFault;
  /** The first key of a JSON row that is no column, if any. */
  unknownKey(text: string): string | undefined;
  /**
   * Cleans rows of a format; for CSV, `columns` names the contract column that each field holds. `areText` says that
   * all rows pass isText, which is much cheaper to ask once.
   */
  cleaner(format: RowFormat, columns: readonly string[], areText?: boolean): RowCleaner;
  /** A row's value of one column before cleaning, trimmed; for cutting between invoices. */
  peek(format: RowFormat, columns: readonly string[], column: string): (text: string) => string;
  /**
   * A row's values as they were written, in the order of `columns` (CSV) or of the contract; undefined when it cannot
   * be split into them, or one of them is no text.
   */
  split(format: RowFormat, columns: readonly string[]): (text: string) => readonly string[] | undefined;
}

/** Beyond the columns: a row that has more fields than its header. */
const beyond = (columns: number) => `column ${columns + 1}`;
/** The whole row: it is not even a row. */
const WHOLE_ROW = 'row';

const rejected = (reason: string, field: string): Rejected => ({ kind: 'rejected', reason, field });

/** Compiles a contract to closures, once, at load. */
export function compile(contract: Contract): Dataset {
  const { columns } = contract;
  const columnOf = new Map<string, number>();
  columns.forEach((column, i) => {
    for (const spelling of [column.name, ...column.from]) columnOf.set(normalizeHeader(spelling), i);
  });
  const position = (key: string) => columnOf.get(key) ?? columnOf.get(normalizeHeader(key));
  const cleanFields = fieldCleaner(contract);
  const inOrder = columns.map((_, i) => i);

  /** Where the contract's columns stand in a file whose fields hold `names`. */
  const positionsOf = (names: readonly string[]) => columns.map((column) => names.indexOf(column.name));

  return {
    contract,
    name: contract.name,

    header(fields) {
      const positions = columns.map(() => -1);
      for (const [at, field] of fields.entries()) {
        const i = position(field.trim());
        if (i === undefined) return { kind: 'unknown_column', column: field.trim() };
        if (positions[i] !== -1) return { kind: 'repeated_column', column: columns[i]!.name };
        positions[i] = at;
      }
      // Only what came after the first version may be absent: an old file is whole, a cut one is told.
      const absent = columns.find((column, i) => positions[i] === -1 && contract.identity.includes(column.name));
      return absent ? { kind: 'missing_column', column: absent.name } : { positions };
    },

    unknownKey(text) {
      const row = jsonFields(text, position, columns.length);
      return row && 'unknown' in row ? row.unknown : undefined;
    },

    cleaner(format, names, areText = false) {
      if (format === 'csv') {
        const positions = positionsOf(names);
        return (text) => {
          const fields = csvFields(text, names.length + 1);
          if (fields.length > names.length) return rejected(UNPARSEABLE, beyond(names.length));
          if (fields.length < names.length) return rejected(MISSING, names[fields.length]!);
          return cleanFields(fields, positions, areText || isText(text));
        };
      }
      return (text) => {
        const row = jsonFields(text, position, columns.length);
        if (row === undefined) return rejected(UNPARSEABLE, WHOLE_ROW);
        if (!('fields' in row))
          return rejected(UNPARSEABLE, ('unknown' in row ? row.unknown : row.repeated).slice(0, 64));
        return cleanFields(row.fields, inOrder, false); // escapes hide what a text is made of
      };
    },

    peek(format, names, column) {
      const at = format === 'csv' ? names.indexOf(column) : columns.findIndex(({ name }) => name === column);
      return (text) => {
        const row = format === 'csv' ? { fields: csvFields(text) } : jsonFields(text, position, columns.length);
        return (row && 'fields' in row ? (row.fields[at] ?? '') : '').trim();
      };
    },

    split(format, names) {
      if (format === 'csv') {
        return (text) => {
          const fields = csvFields(text, names.length + 1);
          return fields.length === names.length ? fields : undefined;
        };
      }
      return (text) => {
        const row = jsonFields(text, position, columns.length);
        return row && 'fields' in row && !row.fields.includes(NO_CELL) ? row.fields : undefined;
      };
    },
  };
}

/** The contract's reading and rules as one function over a row's fields. */
function fieldCleaner(
  contract: Contract,
): (fields: readonly string[], positions: Positions, areText: boolean) => Verdict {
  const { columns } = contract;
  const width = columns.length;
  const names = columns.map(({ name }) => name);
  const timezone = contract.timezone ?? 'UTC';
  const parsers = columns.map((column) => valueParser(column, timezone));
  const textParsers = columns.map((column) => valueParser(column, timezone, 'text'));
  const absent = columns.map((column, i) => {
    if (column.default === undefined) return column.nullable ? null : undefined;
    const value = parsers[i]!(column.default);
    if (value === undefined)
      throw new ContractError(`${contract.name}: the default of ${column.name} is not of its type`);
    return value;
  });
  const rules = contract.reject.map((rule) => {
    const i = names.indexOf(rule.column);
    return { refuses: predicate(rule, columns[i]!), i, outcome: rejected(rule.reason, rule.column) };
  });
  const identity = contract.identity.map((name) => names.indexOf(name));
  const toRow = rowMaker(names);
  const values = new Array<Value>(width); // these two are filled anew for every row
  const canonical = new Array<Value>(identity.length); // null joins as the empty text

  return (fields, positions, areText) => {
    const parse = areText ? textParsers : parsers;
    for (let i = 0; i < width; i++) {
      const at = positions[i]!;
      const text = at === -1 ? '' : fields[at]!.trim();
      const value = text === '' ? absent[i] : parse[i]!(text);
      if (value === undefined) return rejected(text === '' ? MISSING : UNPARSEABLE, names[i]!);
      values[i] = value;
    }
    for (const { refuses, i, outcome } of rules) if (refuses(values[i]!)) return { ...outcome, cleaned: toRow(values) };

    for (let k = 0; k < identity.length; k++) canonical[k] = values[identity[k]!]!;
    return { kind: 'kept', line_id: lineId(canonical.join(SEPARATOR)), row: toRow(values) };
  };
}

/**
 * Compiles column names to a function that makes a row of their values. Written out as one object literal, because
 * adding keys by variable takes a fifth of all cleaning; the schema lets nothing but plain words be names.
 */
export function rowMaker(names: readonly string[]): (values: readonly Value[]) => Row {
  const members = names.map((name, i) => `${name}: values[${i}]`);
  return new Function('values', `return { ${members.join(', ')} };`) as (values: readonly Value[]) => Row;
}

/** The data sets of this build, by name. */
export const datasets: ReadonlyMap<string, Dataset> = new Map(
  [transactionsContract, eventsContract].map((document) => {
    const dataset = compile(readContract(document));
    return [dataset.name, dataset];
  }),
);
