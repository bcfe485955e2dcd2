import { type Insight, type InsightColumn, type Period, type Source, told } from './insight';
import { type Batch, balanceOf } from './ledger';
import { addCounts, type Counts } from './outcome';

/*
 * What a build of the insights leaves behind, as plain JSON: each insight's answer, and one page over all of them.
 */

/** So many rows of an insight are kept, and told. */
export const MOST_ROWS = 10_000;
/** What the page over all of them is kept under, beside the insights' names. */
export const OVERVIEW = 'overview';

/** An insight's answer over the whole span of what it reads. */
export interface Built {
  readonly name: string;
  /** The days that it is about; null while there are no rows. */
  readonly period: Period | null;
  /** ISO; null while it was never built. */
  readonly built_at: string | null;
  /** ISO. When the last build failed at it, if it did: the answer is of the build before. */
  readonly failed_at: string | null;
  /** Names of the columns, in the order of a row. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Whether there were more rows than are kept. */
  readonly truncated: boolean;
}
export type Cell = string | number | null;

/** What there is of a source. */
export interface Span {
  readonly first_day: string | null;
  readonly last_day: string | null;
  readonly rows: number;
  /** Different customers, where it has any. */
  readonly customers: number;
}
export type Spans = Readonly<Record<Source, Span>>;

/** Everything at one look: what `GET /v1/insights` says, but for what is declared. */
export interface Overview {
  readonly built_at: string;
  readonly datasets: readonly DatasetOverview[];
  readonly insights: Readonly<Record<string, InsightState>>;
}

/** What became of an insight in the last build. */
export interface InsightState {
  /** Of its answer; null where there is none. */
  readonly rows: number | null;
  readonly built_at: string | null;
  /** When the last build failed at it, if it did: its answer is of the build before. */
  readonly failed_at: string | null;
}

/** A data set: what there is of it, and what the ledger says of it. */
export interface DatasetOverview extends Pick<Span, 'first_day' | 'last_day' | 'rows'>, LedgerSum {
  readonly dataset: string;
  /** Rows that clean kept, and that had come before all the same. */
  readonly removed_duplicates: number;
}

/** The ledger's sum over the batches of a data set. */
export interface LedgerSum extends Counts {
  readonly batches: number;
  readonly received: number;
  readonly pending: number;
  /** Whether every row of every batch has its outcome. */
  readonly balanced: boolean;
}

export const NO_BATCHES: LedgerSum = {
  batches: 0,
  received: 0,
  kept: 0,
  duplicate: 0,
  rejected: {},
  pending: 0,
  balanced: true,
};

/** The sum with one batch more. */
export function withBatch(sum: LedgerSum, batch: Batch): LedgerSum {
  const { received, pending, balanced, ...counts } = balanceOf(batch);
  return {
    batches: sum.batches + 1,
    received: sum.received + received,
    ...addCounts([sum, counts]),
    pending: sum.pending + pending,
    balanced: sum.balanced && balanced,
  };
}

/** An answer without rows. */
export const nothingBuilt = ({ name, columns }: Pick<Insight, 'name' | 'columns'>): Built => ({
  name,
  period: null,
  built_at: null,
  failed_at: null,
  columns: columns.map((column) => column.name),
  rows: [],
  truncated: false,
});

/** The days from the first to the last of what an insight reads; undefined while there is nothing. */
export function periodOf({ reads }: Pick<Insight, 'reads'>, spans: Spans): Period | undefined {
  const days = reads.flatMap((source) => [spans[source].first_day, spans[source].last_day]);
  const found = days.filter((day) => day !== null).sort();
  return found.length === 0 ? undefined : { first_day: found[0]!, last_day: found.at(-1)! };
}

/** A row by its columns. */
export const rowByColumn = (columns: readonly Pick<InsightColumn, 'name'>[], row: readonly Cell[]) =>
  Object.fromEntries(columns.map(({ name }, i) => [name, row[i]!]));

/** What was built of an insight; nothing, where that has other columns than the insight has by now. */
export function builtBefore(insight: Insight, json: string | undefined): Built {
  const nothing = nothingBuilt(insight);
  const found = json === undefined ? nothing : (JSON.parse(json) as Built);
  return found.columns.join() === nothing.columns.join() ? found : nothing;
}

/** Rows of an engine's answer, each value as its column tells it. */
export const rowsOf = (
  { columns }: Pick<Insight, 'columns'>,
  { rows }: { readonly rows: readonly (readonly (string | null)[])[] },
): Cell[][] => rows.map((row) => row.map((value, i) => told(columns[i]!, value)));
