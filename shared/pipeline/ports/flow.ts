import type { RejectedRow } from '../../domain/clean';
import type { InvoicePart } from '../../domain/invoice';
import type { Batch, BatchHead, ChunkEntry, ChunkFailure, FilePart } from '../../domain/ledger';
import type { KeptRow } from '../../domain/outcome';
import type { Chunk } from '../../domain/packing';

/* The flow of rows: the stream, the ledger, the tables and the lake. */

/** A record on its way into the stream. */
export interface StreamRecord {
  /** The chunk's id, which is also the partition key: order does not matter. */
  readonly chunk_id: string;
  readonly data: Uint8Array;
}

export interface ChunkStream {
  /** Resolves once every record is in the stream; what was in before a failure may be in twice after a second try. */
  append(records: readonly StreamRecord[]): Promise<void>;
}

/** Heads of batches. */
export interface Batches {
  /** Writes the head unless the batch is known; the stored head either way. */
  open(head: BatchHead): Promise<BatchHead>;
  /** Marks the batch as wholly in the stream; a later call changes nothing. */
  accept(batch_id: string, accepted_at: string): Promise<void>;
  /** The head and the entries of its chunks by number; undefined when the batch is unknown. */
  find(batch_id: string): Promise<Batch | undefined>;
}

/** Entries of chunks. */
export interface ChunkLedger {
  find(batch_id: string, number: number): Promise<ChunkEntry | undefined>;
  /** Writes the entry if the chunk has none; the stored entry either way, which is the very one given if it was written. */
  record(entry: ChunkEntry): Promise<ChunkEntry>;
  /** Writes a later revision of the entry, unless it has come that far; the stored entry either way, as with record. */
  revise(entry: ChunkEntry): Promise<ChunkEntry>;
  /** Notes that the chunk cannot be cleaned; a later call changes nothing. */
  fail(failure: ChunkFailure): Promise<void>;
}

/** Files that came in parts. */
export interface Files {
  /**
   * Makes a batch the file's part unless another batch, or another number of parts, came first; who has it either way.
   * A batch that is claimed and never opened is no part yet.
   */
  claim(file: FilePart, batch_id: string): Promise<{ readonly batch_id: string; readonly parts: number }>;
  /** The batches that are parts of the file, by part; empty when the file is unknown. */
  batches(file_hash: string): Promise<readonly Batch[]>;
}

export interface Invoices {
  /** All parts of each invoice, in order, as the last write left them; an unknown invoice has none. */
  read(invoice_nos: readonly string[]): Promise<ReadonlyMap<string, readonly InvoicePart[]>>;
  /**
   * Writes parts whose stored version is one less (or that do not exist, for version 1); those of one invoice in the
   * order given, ending at its first conflict. The invoices that had a conflict.
   */
  write(parts: readonly InvoicePart[]): Promise<readonly string[]>;
}

/** That a customer is on an invoice. */
export interface CustomerInvoice {
  readonly customer_id: string;
  readonly invoice_no: string;
  /** ISO, UTC. */
  readonly invoice_date: string;
  readonly country: string;
}

export interface Customers {
  put(entries: readonly CustomerInvoice[]): Promise<void>;
  /** A page of the customer's invoices by number, those after `after`. */
  invoices(
    customer_id: string,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<readonly CustomerInvoice[]>;
}

/** A chunk as landing has it: cleaned by clean or Spark, or what a redrive brought of it. */
export type BulkRef = Pick<Chunk, 'dataset' | 'batch_id' | 'chunk_id' | 'received_at'>;

export interface Landing {
  /** Adds kept rows to the lake. What is added twice is taken out in curated, by line_id. */
  append(chunk: BulkRef, rows: readonly KeptRow[]): Promise<void>;
}

/** Refused rows, kept by chunk. */
export interface Rejects {
  /** Puts the rows, which may be none, in the place of those that are there. */
  put(chunk: BulkRef & Pick<Chunk, 'contract_version'>, rows: readonly RejectedRow[]): Promise<void>;
  /** The refused rows of a chunk by line; empty when it has none. */
  read(head: Pick<BatchHead, 'dataset' | 'received_at'>, chunk_id: string): Promise<readonly RejectedRow[]>;
}

/** Records that a defect of ours keeps from being cleaned. */
export interface FailedChunks {
  /** Keeps the record as it was, with what went wrong. `id` is the chunk's, or the record's when it is no chunk. */
  put(id: string, record: Uint8Array, error: Error): Promise<void>;
}
