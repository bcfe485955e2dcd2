/** A cleaned value: text, a 32-bit integer, or null. Decimals and timestamps are canonical text. */
export type Value = string | number | null;

/** A cleaned row by column name, in the contract's order. Decimals have no trailing zeros; timestamps are ISO, UTC. */
export type Row = Readonly<Record<string, Value>>;

/** A row that its contract accepts. `line_id` is 32 hex digits. */
export interface KeptRow {
  readonly line_id: string;
  readonly row: Row;
}

/**
 * What the contract says of one row. Every row in gets exactly one of these out; of the kept ones, those that came
 * before end as duplicates.
 */
export type Verdict = ({ readonly kind: 'kept' } & KeptRow) | Rejected;

/** Why a row was refused. `field` is the column, or what stands beyond the columns. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: string;
  readonly field: string;
  /** What the row says, where it could be read and a rule refuses it. */
  readonly cleaned?: Row;
}

/** Reasons that do not come from a contract's list: an empty required value, a value that is not of its type. */
export const MISSING = 'missing';
export const UNPARSEABLE = 'unparseable';

/** Rows counted by what became of them; `received = kept + duplicate + sum(rejected)` once all are through. */
export interface Counts {
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
}

export const rejectedTotal = (counts: Pick<Counts, 'rejected'>): number =>
  Object.values(counts.rejected).reduce((sum, n) => sum + n, 0);

export const accountedFor = (counts: Counts): number => counts.kept + counts.duplicate + rejectedTotal(counts);

/** The sum of counts, reasons in alphabetical order. */
export function addCounts(all: Iterable<Counts>): Counts {
  let kept = 0;
  let duplicate = 0;
  const rejected = new Map<string, number>();
  for (const counts of all) {
    kept += counts.kept;
    duplicate += counts.duplicate;
    for (const [reason, n] of Object.entries(counts.rejected)) rejected.set(reason, (rejected.get(reason) ?? 0) + n);
  }
  return { kept, duplicate, rejected: Object.fromEntries([...rejected].sort(([a], [b]) => (a < b ? -1 : 1))) };
}
