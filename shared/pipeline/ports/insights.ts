import type { Tables } from '../../domain/insight';
import type { Figures } from '../../domain/live';
import type { Profile, Share } from '../../domain/profile';
import type { Window } from '../../domain/window';
import type { BulkRef } from './flow';

/* Answers: SQL over the curated tables, what was built of it, and the figures of the day. */

/** An answer of SQL, values as text. */
export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** What the engine read of its tables; undefined where it does not say. */
  readonly scanned_bytes?: number | undefined;
}

/** SQL that only reads, over the curated tables: DuckDB, Athena. */
export interface Engine {
  /** The relations of insights in this engine's words. */
  tables(): Promise<Tables>;
  /**
   * Runs a statement, its answer whole: statements say how much they want. The same statement asked again while it runs
   * is the same run, and for a while behind its end; with `since` (ISO) only of those who say the same. @throws
   * StillRunning when it takes longer than somebody waits, TooMuch when it may not go on
   */
  query(statement: string, since?: string): Promise<QueryAnswer>;
}

/** Insights as they were built last, in the lake: JSON by name. */
export interface BuiltInsights {
  keep(name: string, json: string): Promise<void>;
  /** Undefined when it was never built. */
  find(name: string): Promise<string | undefined>;
}

/** Customers' profiles as they were built last. */
export interface Profiles {
  /** Puts these in the place of all that are there of the share; they come in any order. */
  keep(share: Share, profiles: readonly Profile[]): Promise<void>;
  find(customer_id: string): Promise<Profile | undefined>;
}

/** Curated tables where they are not the warehouse's: statements that change them, and what was merged. */
export interface Curation {
  /** Where the lake is, for statements that make tables: curated/ lies below it. */
  readonly lake: string;
  /**
   * Runs a statement to its end. The same statement of the same round is run once, and again only where it failed.
   * `within`: milliseconds that it is waited for. @throws StillRunning when it takes longer, or needs another run to go
   * on; TooMuch
   */
  run(statement: string, how: { readonly round: string; readonly within: number }): Promise<QueryAnswer>;
  /** What was noted of a data set last, as JSON; `removed_duplicates` in it is how many rows were taken out so far. */
  noted(dataset: string): Promise<string | undefined>;
  note(dataset: string, json: string): Promise<void>;
  /**
   * Does work while nobody else does any; false, and nothing is done, while somebody does. Who dies at it keeps the
   * others out for `seconds` at most.
   */
  alone(seconds: number, work: () => Promise<void>): Promise<boolean>;
}

/** The sum of a window's figures. It holds while the window's mark is no higher. */
export interface Summed {
  readonly mark: number;
  readonly figures: Figures;
}

/** What chunks came to, for the figures of the day: pieces by the minute in which a batch came, and sums of windows. */
export interface LiveFigures {
  /** Puts a chunk's figures into its minute, in the place of what is there: the same chunk has the same figures. */
  put(chunk: BulkRef, figures: Figures): Promise<void>;
  /** Raises a window's mark: its sum does not hold any more. Once more raises it again, which does no harm. */
  touch(window: Window): Promise<void>;
  /** The figures of every chunk of an hour from a minute to another, in the order of minutes; all that is there by then. */
  pieces(
    dataset: string,
    first: string,
    last: string,
  ): AsyncIterable<{ readonly minute: string; readonly figures: Figures }>;
  /** Marks of the windows within one; those that are not there are 0. */
  marks(within: Window): Promise<ReadonlyMap<string, number>>;
  /** Sums that are kept of the windows within one, from a window to another. */
  sums(within: Window, first: string, last: string): Promise<ReadonlyMap<string, Summed>>;
  /** Keeps a sum, which was made after its mark was read. */
  keep(window: Window, summed: Summed): Promise<void>;
}
