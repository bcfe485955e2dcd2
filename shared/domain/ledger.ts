import type { Slice } from './cutting';
import type { RowFormat } from './dataset';
import { accountedFor, addCounts, type Counts } from './outcome';

/** The head of a batch in the ledger: what was received, and how it was cut. */
export interface BatchHead {
  readonly batch_id: string;
  readonly dataset: string;
  readonly contract_version: number;
  readonly format: RowFormat;
  /** For CSV, the contract column that each field holds. */
  readonly columns: readonly string[];
  /** Rows received. */
  readonly received: number;
  /** Where the chunks begin and end, so that a second try cuts the same, also after a deploy. */
  readonly slices: readonly Slice[];
  readonly received_at: string;
  /** When the last chunk was in the stream; absent while the batch is open. */
  readonly accepted_at?: string;
  /** Who sent it: the token's subject. */
  readonly sent_by: string;
  readonly file?: FilePart;
}

/** Which part of which file a batch is. */
export interface FilePart {
  /** SHA-256 of the file's decompressed bytes, 64 hex digits. */
  readonly hash: string;
  /** Counted from 1. */
  readonly part: number;
  readonly parts: number;
}

/** What became of one chunk. Revisions count redrives; the sum of the counts never changes. */
export interface ChunkEntry extends Counts {
  readonly batch_id: string;
  /** The chunk's place in the batch, counted from 1. */
  readonly number: number;
  readonly chunk_id: string;
  readonly revision: number;
  readonly cleaned_at: string;
}

/** A batch as the ledger has it. */
export interface Batch {
  readonly head: BatchHead;
  /** By number; chunks that are not through yet are absent. */
  readonly entries: readonly ChunkEntry[];
}

/** `open`: not wholly in the stream; `accepted`: being cleaned; `complete`: every row has its outcome. */
export type BatchStatus = 'open' | 'accepted' | 'complete';

/** Counts over a batch or a file. `pending` rows have no outcome yet; balanced when none is left. */
export interface Balance extends Counts {
  readonly status: BatchStatus;
  readonly received: number;
  readonly pending: number;
  readonly balanced: boolean;
}

/** `received = kept + duplicate + rejected`, or how many rows are still on their way. */
export function balanceOf({ head, entries }: Batch): Balance {
  const counts = addCounts(entries);
  const pending = head.received - accountedFor(counts);
  const through = head.accepted_at !== undefined && entries.length === head.slices.length;
  const status = head.accepted_at === undefined ? 'open' : through ? 'complete' : 'accepted';
  return { status, received: head.received, ...counts, pending, balanced: through && pending === 0 };
}

/** The sum over batches; as far as the one that is furthest behind. */
export function sumBalances(balances: readonly Balance[]): Balance {
  const sum = (of: (balance: Balance) => number) => balances.reduce((total, balance) => total + of(balance), 0);
  const all = (status: BatchStatus) => balances.every((balance) => balance.status === status);
  const status = balances.some((balance) => balance.status === 'open')
    ? 'open'
    : all('complete')
      ? 'complete'
      : 'accepted';
  return {
    status,
    received: sum((balance) => balance.received),
    ...addCounts(balances),
    pending: sum((balance) => balance.pending),
    balanced: balances.length > 0 && balances.every((balance) => balance.balanced),
  };
}
