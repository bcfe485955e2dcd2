import type { Slice } from './cutting';
import type { RowFormat } from './dataset';
import { accountedFor, addCounts, type Counts } from './outcome';

/*
 * Keys of the ledger, in every store: a batch has its head under entry `head`, its chunks under `chunk#00001` and so
 * on, and chunks that failed under `failed#00001`; a file, `file#<hash>`, has one entry for each part, `part#00001`.
 */
const numbered = (kind: string) => (number: number) => `${kind}#${String(number).padStart(5, '0')}`;
export const HEAD_ENTRY = 'head';
export const chunkEntryKey = numbered('chunk');
export const failureEntryKey = numbered('failed');
export const partEntryKey = numbered('part');
export const fileKey = (hash: string): string => `file#${hash}`;

/** Whether an entry is of a kind: `chunk`, `failed`. */
export const isEntry = (kind: 'chunk' | 'failed', entry: string): boolean => entry.startsWith(`${kind}#`);

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
  /** The file in the inbox that it came from. */
  readonly origin?: Origin;
}

/** Where the original is kept. */
export interface Origin {
  readonly key: string;
  readonly version: string;
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
  /** Rows kept may yet turn out to be duplicates of other batches: the next revision says. */
  readonly provisional?: true;
  readonly cleaned_at: string;
}

/** That a defect of ours keeps a chunk from being cleaned; its record is in `failed/`. An entry supersedes it. */
export interface ChunkFailure {
  readonly batch_id: string;
  readonly number: number;
  readonly chunk_id: string;
  readonly failed_at: string;
}

/** A batch as the ledger has it. */
export interface Batch {
  readonly head: BatchHead;
  /** By number; chunks that are not through yet are absent. */
  readonly entries: readonly ChunkEntry[];
  /** By number; also of chunks that went through later. */
  readonly failures: readonly ChunkFailure[];
}

/**
 * `open`: not wholly in the stream; `accepted`: being cleaned; `failed`: some chunks cannot be cleaned, all others are;
 * `provisional`: cleaned, but not yet told from the rows of other batches; `complete`: every row has its outcome.
 */
export type BatchStatus = 'open' | 'accepted' | 'failed' | 'provisional' | 'complete';

/** Counts over a batch or a file. `pending` rows have no outcome yet; balanced when none is left. */
export interface Balance extends Counts {
  readonly status: BatchStatus;
  readonly received: number;
  readonly pending: number;
  readonly balanced: boolean;
  /** Ids of chunks that cannot be cleaned. */
  readonly failed: readonly string[];
}

/** `received = kept + duplicate + rejected`, or how many rows are still on their way. */
export function balanceOf({ head, entries, failures }: Batch): Balance {
  const counts = addCounts(entries);
  const pending = head.received - accountedFor(counts);
  const cleaned = new Set(entries.map(({ number }) => number));
  const failed = failures.filter(({ number }) => !cleaned.has(number)).map(({ chunk_id }) => chunk_id);
  const provisional = entries.some((entry) => entry.provisional);
  const status = statusOf(head, entries.length, failed.length, provisional);
  return {
    status,
    received: head.received,
    ...counts,
    pending,
    balanced: status === 'complete' && pending === 0,
    failed,
  };
}

function statusOf(
  { accepted_at, slices }: BatchHead,
  cleaned: number,
  failed: number,
  provisional: boolean,
): BatchStatus {
  if (accepted_at === undefined) return 'open';
  if (cleaned + failed < slices.length) return 'accepted';
  if (failed > 0) return 'failed';
  return provisional ? 'provisional' : 'complete';
}

const FURTHEST_BEHIND: readonly BatchStatus[] = ['open', 'accepted', 'failed', 'provisional', 'complete'];

/** The sum over batches; as far as the one that is furthest behind. */
export function sumBalances(balances: readonly Balance[]): Balance {
  const sum = (of: (balance: Balance) => number) => balances.reduce((total, balance) => total + of(balance), 0);
  const status = FURTHEST_BEHIND.find((one) => balances.some((balance) => balance.status === one)) ?? 'open';
  return {
    status,
    received: sum((balance) => balance.received),
    ...addCounts(balances),
    pending: sum((balance) => balance.pending),
    balanced: balances.length > 0 && balances.every((balance) => balance.balanced),
    failed: balances.flatMap((balance) => balance.failed),
  };
}

/** What the ledger says of a file: the sum over its parts, balanced only when each of them is there. */
export interface FileBalance extends Balance {
  readonly parts: { readonly total: number; readonly accepted: readonly number[] };
  /** The batches of the accepted parts, in their order. */
  readonly batches: readonly string[];
}

/** The parts of a file that have come, as one balance. All name the same number of parts; see Files.claim. */
export function fileBalance(found: readonly Batch[]): FileBalance {
  const sum = sumBalances(found.map(balanceOf));
  const total = found[0]?.head.file?.parts ?? 0;
  const accepted = found.filter(({ head }) => head.accepted_at !== undefined);
  const whole =
    found.length === total && found.every(({ head }, i) => head.file?.part === i + 1 && head.file.parts === total);
  return {
    ...sum,
    status: whole ? sum.status : 'open',
    balanced: whole && sum.balanced,
    parts: { total, accepted: accepted.map(({ head }) => head.file!.part) },
    batches: accepted.map(({ head }) => head.batch_id),
  };
}
