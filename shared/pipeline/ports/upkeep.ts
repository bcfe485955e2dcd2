import type { RejectedRow } from '../../domain/clean';
import type { InvoicePart } from '../../domain/invoice';
import type { Batch } from '../../domain/ledger';
import type { Chunk } from '../../domain/packing';
import type { Attempt, RedriveOrder } from '../../domain/redrive';

/* For those who look after it: every store from end to end, and what is to go through again. */

/** The ledger from end to end: for those who look after it, not for the flow of rows. */
export interface History {
  /** Every batch that came at or after a time (ISO), in no order. */
  batches(since?: string): AsyncIterable<Batch>;
}

/** Redrives of a chunk's rows, judged once: what is begun is carried out as it was begun. */
export interface Attempts {
  /** Keeps the attempt unless the chunk has one of this revision; the stored one either way. */
  begin(attempt: Attempt): Promise<Attempt>;
  find(chunk: Pick<Chunk, 'dataset' | 'chunk_id'>, revision: number): Promise<Attempt | undefined>;
}

/** Redrives that were asked for and are to be done by somebody who has time. */
export interface Orders {
  put(order: RedriveOrder): Promise<void>;
}

/** What could not be cleaned, delivered or landed: objects below `failed/`, and those of Lambda's failure destination. */
export interface Failures {
  list(): AsyncIterable<{ readonly key: string; readonly bytes: number }>;
  /** Undefined when it is gone. */
  read(key: string): Promise<Uint8Array | undefined>;
  remove(key: string): Promise<void>;
}

/** What came, as it came: stream records, joined. */
export interface RawZone {
  /** Objects that were written on a day (as 2026-03-01) or later. */
  list(since?: string): AsyncIterable<{ readonly key: string; readonly bytes: number }>;
  /** Undefined when it is gone. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** Keeps records that did not get there, under a name (its beginning is the day: `dt=2026-03-01/...`). */
  keep(name: string, records: Uint8Array): Promise<void>;
}

/** The refused rows of all chunks, whoever wrote them. */
export interface RejectedZone {
  /** One object for each chunk; those of batches that came on a day or later. */
  list(dataset: string, since?: string): AsyncIterable<{ readonly key: string; readonly chunk_id: string }>;
  read(key: string): Promise<readonly RejectedRow[]>;
}

/** The Invoices table from end to end. */
export interface InvoiceLines {
  /** Every part; those of one invoice behind each other. */
  all(): AsyncIterable<InvoicePart>;
}
