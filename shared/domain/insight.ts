import { INSIGHTS, RELATIONS } from './insights';

/*
 * Insights: questions that SQL answers from the curated tables, one file each in insights/. The SQL is one dialect for
 * every engine: it reads relations, never tables. What stands behind a relation, and that only the days asked for are
 * read, is the engine's part of the statement (`Tables`), put in front of it.
 *
 * Relations that every engine has (`SOURCES`), a row each:
 *   transactions  day, happened_at, line_id, and the contract's columns; customer_id is null where nobody is known
 *   events        day, happened_at, line_id, and the contract's columns
 *   refused       invoice lines that a rule refused (cancellations among them), each once: day, happened_at,
 *                 reason, and the columns of transactions
 *   period        one row: first_day, last_day of what is asked
 * `day` is a date and `happened_at` a timestamp without zone, both on the clock of the contract's time zone.
 */
export const SOURCES = ['transactions', 'events', 'refused'] as const;
export type Source = (typeof SOURCES)[number];

/** A column of an answer. `unit` is what a number counts. */
export interface InsightColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly unit: string | undefined;
  readonly description: string;
}
/** `decimal` is exact and told as text, `number` a binary float. */
export type ColumnType = 'text' | 'date' | 'timestamp' | 'integer' | 'decimal' | 'number';
const TYPES: readonly string[] = ['text', 'date', 'timestamp', 'integer', 'decimal', 'number'];

/** An insight as its file declares it. */
export interface Insight {
  readonly name: string;
  readonly question: string;
  readonly grain: string;
  readonly reads: readonly Source[];
  /** Relations of insights/relations that it starts from, those that they start from before them. */
  readonly uses: readonly string[];
  /** Which rows it reads: those of the days asked for, or all up to the last of them. */
  readonly range: 'rows' | 'until';
  /** What its rows are ordered by, so that any two runs agree. */
  readonly order: string;
  readonly columns: readonly InsightColumn[];
  readonly cannot: readonly string[];
  readonly sql: string;
}

/** Days that are asked for, both included, as 2026-03-01. */
export interface Period {
  readonly first_day: string;
  readonly last_day: string;
}

/** What stands behind the sources on an engine: a select each, of the rows from one day to another, both included. */
export type Tables = Readonly<Record<Source, (first_day: string | undefined, last_day: string) => string>> & {
  /** The first byte of a text's SHA-256, as two digits. */
  readonly hashByte: (text: string) => string;
};

/** A file of insights/ that does not say what it has to. Thrown at load. */
export class InsightError extends Error {
  override readonly name = 'InsightError';
}

const HEADER = /^-- (\w+): (.*)$/;
const COLUMN = /^(\w+) (\w+)(?: (\S+))?: (.+)$/;

interface Header {
  readonly of: (field: string) => string[];
  readonly one: (field: string) => string;
  readonly names: (field: string) => string[];
  readonly sql: string;
}

/** Splits a file into the fields of its header, each of which may stand several times, and the statement. */
function headerOf(name: string, text: string): Header {
  const lines = text.trimEnd().split('\n');
  const end = lines.findIndex((line) => !line.startsWith('--'));
  const fields = lines.slice(0, end).map((line) => {
    const [, field, value] = HEADER.exec(line) ?? [];
    if (field === undefined) throw new InsightError(`${name}: "${line}" is no line of a header`);
    return { field, value: value! };
  });
  const of = (wanted: string) => fields.filter(({ field }) => field === wanted).map(({ value }) => value);
  return {
    of,
    one(field) {
      const [value, more] = of(field);
      if (value === undefined || more !== undefined) throw new InsightError(`${name}: one line says its ${field}`);
      return value;
    },
    names: (field) => of(field).flatMap((value) => value.split(', ')),
    sql: lines.slice(end).join('\n'),
  };
}

/** Reads a file of insights/. @throws InsightError */
export function readInsight(name: string, text: string, relations: Readonly<Record<string, string>>): Insight {
  const header = headerOf(name, text);
  const uses = withTheirOwn(name, header.names('uses'), relations);
  const reads = [header, ...uses.map((used) => headerOf(used, relations[used]!))].flatMap(({ names }) =>
    names('reads'),
  );
  const unknown = reads.find((source) => !SOURCES.includes(source as Source));
  if (reads.length === 0 || unknown !== undefined)
    throw new InsightError(`${name}: it reads ${unknown ?? 'nothing'}, and can read ${SOURCES.join(', ')}`);
  const range = header.one('range');
  if (range !== 'rows' && range !== 'until') throw new InsightError(`${name}: its range is rows or until`);
  return {
    name,
    question: header.one('question'),
    grain: header.one('grain'),
    reads: SOURCES.filter((source) => reads.includes(source)),
    uses,
    range,
    order: header.one('order'),
    columns: header.of('column').map((line) => columnOf(name, line)),
    cannot: header.of('cannot'),
    sql: header.sql,
  };
}

function columnOf(name: string, line: string): InsightColumn {
  const [, column, type, unit, description] = COLUMN.exec(line) ?? [];
  if (column === undefined || !TYPES.includes(type!))
    throw new InsightError(
      `${name}: "${line}" is not NAME TYPE UNIT: what it is (UNIT of numbers), with a type of ${TYPES.join(', ')}`,
    );
  return { name: column, type: type as ColumnType, unit, description: description! };
}

/** Relations with those that they use themselves, each once and behind what it uses. */
function withTheirOwn(name: string, used: readonly string[], relations: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const relation of used) {
    const text = relations[relation];
    if (text === undefined) throw new InsightError(`${name}: there is no relation ${relation}`);
    const own = withTheirOwn(relation, headerOf(relation, text).names('uses'), relations);
    for (const each of [...own, relation]) if (!found.includes(each)) found.push(each);
  }
  return found;
}

/** Every insight by its name. */
export const insights: ReadonlyMap<string, Insight> = new Map(
  Object.entries(INSIGHTS).map(([name, text]) => [name, readInsight(name, text, RELATIONS)]),
);

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const date = (day: string): string => {
  if (!DAY.test(day)) throw new InsightError(`${day} is no day`); // what reaches a statement is a day and nothing else
  return `date '${day}'`;
};

/** The whole statement of an insight on an engine: at most so many rows, in the insight's order; some of them with `where`. */
export function statementOf(
  { sql, reads, uses, range, order }: Insight,
  { first_day, last_day }: Period,
  tables: Tables,
  most: number,
  where?: string,
): string {
  const from = range === 'rows' ? first_day : undefined;
  const relations: [string, string][] = [
    ['period', `select ${date(first_day)} as first_day, ${date(last_day)} as last_day`],
    ...reads.map((source): [string, string] => [source, tables[source](from, last_day)]),
    ...uses.map((name): [string, string] => [name, headerOf(name, RELATIONS[name]!).sql]),
    ['insight', sql],
  ];
  const parts = relations.map(([name, select]) => `${name} as (\n${select}\n)`);
  return `with ${parts.join(',\n')}\nselect * from insight${where === undefined ? '' : ` where ${where}`} order by ${order} limit ${Math.trunc(most)}`;
}

/** A value as an answer has it: integers and numbers as such, all else as text. `text` is what the engine says. */
export const told = ({ type }: InsightColumn, text: string | null): string | number | null =>
  text === null || !(type === 'integer' || type === 'number') ? text : Number(text);
