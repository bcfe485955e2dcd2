import type { Counts } from './outcome';

/** What a mail is about; people subscribe to kinds and severities. */
export const KINDS = [
  'arrived', // rows of batches and files that are through: the digest
  'file_refused', // a file that is no file of rows
  'file_failed', // Spark gave a file up
  'chunk_failed', // a chunk that a defect keeps from being cleaned, or that was given up
  'landing_failed', // rows that Firehose could not write
  'unbalanced', // a batch that does not balance within its time
  'rejected_share', // too large a share of a batch was refused
  'nightly', // a nightly run: what the warehouse has taken up, or why it failed
  'reconcile', // stores and ledger differ
] as const;
export type Kind = (typeof KINDS)[number];

/** `failure`: something is to be done; `warning`: something is to be looked at; `info`: it went well. */
export const SEVERITIES = ['failure', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A thing that went wrong and is to be told. */
export interface Incident {
  /** The same for the same event, however often it is heard of. */
  readonly id: string;
  readonly kind: Exclude<Kind, 'arrived'>;
  readonly dataset?: string | undefined;
  /** ISO. */
  readonly at: string;
  /** What the kind's template asks for: plain JSON, small. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A mail as it is handed over. */
export interface Mail {
  /** Made from what it tells: sent once. */
  readonly id: string;
  readonly kind: Kind;
  readonly severity: Severity;
  readonly dataset?: string | undefined;
  /** Printable ASCII, fewer than 100 characters, beginning with a letter. */
  readonly subject: string;
  readonly body: string;
}

/** What was told of a batch. */
export interface Told extends Counts {
  /** ISO. */
  readonly at: string;
}
