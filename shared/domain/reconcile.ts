import { type Batch, balanceOf } from './ledger';

/*
 * What the stores should have by the ledger, and what they have. A batch's id is how each of its chunks' ids begins, and
 * a chunk's id how each of its redrives is called (domain/redrive.ts).
 */
export const STORES = ['invoices', 'landing', 'rejected', 'raw', 'warehouse'] as const;
export type Store = (typeof STORES)[number];

/** Something that a store has not as the ledger says. */
export interface Difference {
  /** Null: which batch cannot be told. */
  readonly batch_id: string | null;
  readonly dataset: string;
  readonly store: Store;
  /** `doubled`: the same row again; `unknown`: rows that the ledger counts nowhere. */
  readonly kind: 'missing' | 'doubled' | 'unknown';
  /** Rows; in raw, chunks. */
  readonly expected: number;
  readonly found: number;
  /** Which of the batch's chunks, and for what reason, where that is known. */
  readonly detail?: string;
}

export const batchOf = (chunk_id: string): string => chunk_id.slice(0, 32);
export const chunkOf = (claimant: string): string => claimant.replace(/-r\d+$/, '');

/**
 * `young`: the ledger has not been silent about it for long enough, and stores may be behind; `unbalanced`: rows of it
 * have no outcome yet. Neither of them is judged.
 */
export type Standing = 'judged' | 'young' | 'unbalanced';

/** Whether a batch can be judged by what stores have at `settled` (ISO) or later. */
export function standingOf(batch: Batch, settled: string): Standing {
  if (lastSign(batch) > settled) return 'young';
  return balanceOf(batch).balanced ? 'judged' : 'unbalanced';
}

/** When the ledger last heard of a batch, ISO. */
export const lastSign = ({ head, entries }: Batch): string =>
  [head.received_at, head.accepted_at ?? '', ...entries.map(({ cleaned_at }) => cleaned_at)].sort().at(-1)!;

/** Whether its chunks were in the stream: those of Spark are no slices of a text. */
export const wasInStream = ({ head }: Batch): boolean => head.slices.some(({ end }) => end > 0);

export const keptOf = ({ entries }: Batch): number => entries.reduce((sum, { kept }) => sum + kept, 0);

/**
 * How often one line_id may be among a batch's kept rows. Where the contract claims, once; elsewhere a chunk knows its
 * own rows only, and a redrive what it brings.
 */
export const mostOf = ({ entries }: Batch, claims: boolean): number =>
  claims ? 1 : entries.reduce((sum, { revision }) => sum + 1 + revision, 0);

/** Rows that a store has under a name, and how many of them are there once too often. */
export interface Tally {
  rows: number;
  surplus: number;
}

type Place = Pick<Difference, 'batch_id' | 'dataset' | 'store' | 'detail'>;

/**
 * Holds rows against the number that the ledger says. `more`: what rows above it are that do not repeat another one.
 */
export function* compared(
  place: Place,
  expected: number,
  { rows, surplus }: Readonly<Tally>,
  more: 'doubled' | 'unknown',
): Generator<Difference> {
  const different = rows - surplus;
  const above = Math.max(different - expected, 0);
  const doubled = surplus + (more === 'doubled' ? above : 0);
  if (different < expected) yield { ...place, kind: 'missing', expected, found: different };
  if (doubled > 0) yield { ...place, kind: 'doubled', expected: different - (doubled - surplus), found: rows };
  if (above > 0 && more === 'unknown') yield { ...place, kind: 'unknown', expected, found: different };
}

const NOTHING: Readonly<Tally> = { rows: 0, surplus: 0 };

/** An invoice's lines by the chunk that brought them. */
export function* invoiceDifferences(
  { head: { batch_id, dataset }, entries }: Batch,
  lines: ReadonlyMap<string, Readonly<Tally>>,
): Generator<Difference> {
  const place = { batch_id, dataset, store: 'invoices' } as const;
  for (const { chunk_id, kept } of entries)
    yield* compared({ ...place, detail: chunk_id }, kept, lines.get(chunk_id) ?? NOTHING, 'unknown');
  const known = new Set(entries.map(({ chunk_id }) => chunk_id));
  for (const [chunk_id, { rows }] of lines)
    if (!known.has(chunk_id)) yield { ...place, detail: chunk_id, kind: 'unknown', expected: 0, found: rows };
}

/**
 * Landing's rows of a batch. Where a line_id may come from several chunks, whether a row above the ledger's number is
 * another row or the same again cannot be told: it is called the same.
 */
export function* landingDifferences(batch: Batch, found: Readonly<Tally>, most: number): Generator<Difference> {
  const { batch_id, dataset } = batch.head;
  yield* compared({ batch_id, dataset, store: 'landing' }, keptOf(batch), found, most === 1 ? 'unknown' : 'doubled');
}

/** Refused rows by chunk and reason. */
export function* rejectedDifferences(
  { head: { batch_id, dataset }, entries }: Batch,
  refused: ReadonlyMap<string, Readonly<Record<string, number>>>,
): Generator<Difference> {
  const place = { batch_id, dataset, store: 'rejected' } as const;
  const known = new Map(entries.map(({ chunk_id, rejected }) => [chunk_id, rejected]));
  for (const chunk_id of new Set([...known.keys(), ...refused.keys()])) {
    const expected = known.get(chunk_id) ?? {};
    const found = refused.get(chunk_id) ?? {};
    for (const reason of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const [rows, wanted] = [found[reason] ?? 0, expected[reason] ?? 0];
      const more = wanted > 0 ? 'doubled' : 'unknown';
      yield* compared({ ...place, detail: `${chunk_id} ${reason}` }, wanted, { rows, surplus: 0 }, more);
    }
  }
}

/** A batch's chunks in raw, by their ids. That one is there twice is usual: the stream may bring it again. */
export function* rawDifferences(
  { head: { batch_id, dataset }, entries }: Batch,
  chunks: ReadonlySet<string>,
): Generator<Difference> {
  const place = { batch_id, dataset, store: 'raw' } as const;
  for (const { chunk_id, number } of entries)
    if (!chunks.has(chunk_id))
      yield { ...place, kind: 'missing', expected: 1, found: 0, detail: `${chunk_id} number ${number}` };
  const known = new Set(entries.map(({ chunk_id }) => chunk_id));
  for (const detail of chunks)
    if (!known.has(detail)) yield { ...place, kind: 'unknown', expected: 0, found: 1, detail };
}

/** Rows and different line_ids that a warehouse has. */
export interface Counted {
  readonly rows: number;
  readonly distinct: number;
}

/** A batch's rows in the warehouse, where the contract claims: every kept row is there, and no other one. */
export function* claimedInWarehouse(batch: Batch, { rows, distinct }: Counted): Generator<Difference> {
  const { batch_id, dataset } = batch.head;
  yield* compared(
    { batch_id, dataset, store: 'warehouse' },
    keptOf(batch),
    { rows, surplus: rows - distinct },
    'unknown',
  );
}

/**
 * A batch's rows in the warehouse, where batches may have rows in common, which count for the one that was loaded first:
 * it has no more than were kept, and none of them twice.
 */
export function* mixedInWarehouse(batch: Batch, { rows, distinct }: Counted): Generator<Difference> {
  const { batch_id, dataset } = batch.head;
  const expected = Math.min(distinct, keptOf(batch));
  yield* compared({ batch_id, dataset, store: 'warehouse' }, expected, { rows, surplus: rows - distinct }, 'unknown');
}

/** line_ids by their first 64 bits, 8 bytes each. */
export class LineIds {
  private words: Uint32Array<ArrayBuffer>;
  private count = 0;

  /** @param expected how many will come; more may */
  constructor(expected = 0) {
    this.words = new Uint32Array(2 * expected);
  }

  get size(): number {
    return this.count;
  }

  /** @param line_id 32 hex digits */
  add(line_id: string): void {
    if (2 * this.count === this.words.length) this.grow(this.count + (this.count >> 1) + 16);
    this.words[2 * this.count] = Number.parseInt(line_id.slice(0, 8), 16);
    this.words[2 * this.count + 1] = Number.parseInt(line_id.slice(8, 16), 16);
    this.count++;
  }

  addAll(others: LineIds): void {
    this.grow(this.count + others.count);
    this.words.set(others.words.subarray(0, 2 * others.count), 2 * this.count);
    this.count += others.count;
  }

  /** How many are different. */
  different(): number {
    return this.count - this.surplus(1);
  }

  /** How many are there more often than `most` times. */
  surplus(most: number): number {
    const sorted = new BigUint64Array(this.words.buffer, 0, this.count).sort();
    let [surplus, run] = [0, 0];
    for (let at = 0; at < sorted.length; at++) {
      run = at > 0 && sorted[at] === sorted[at - 1] ? run + 1 : 1;
      if (run > most) surplus++;
    }
    return surplus;
  }

  private grow(room: number): void {
    const words = new Uint32Array(2 * room);
    words.set(this.words.subarray(0, 2 * this.count));
    this.words = words;
  }
}
