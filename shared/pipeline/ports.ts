/*
 * The outside world on one page, in the pipeline's words. `adapters/aws` and `adapters/local` each offer all of it;
 * a stage asks for what it uses: Pick<Ports, 'invoices' | 'clock'>.
 *
 * Every method may be called again with the same arguments and leaves the same state. When the world is broken or
 * busy, a method throws Unavailable; any other error is a defect of ours.
 */
import type { RejectedRow } from '../domain/clean';
import type { InvoicePart } from '../domain/invoice';
import type { Batch, BatchHead, ChunkEntry, ChunkFailure, FilePart } from '../domain/ledger';
import type { KeptRow } from '../domain/outcome';
import type { Chunk } from '../domain/packing';

export interface Ports {
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly stream: ChunkStream;
  readonly batches: Batches;
  readonly chunks: ChunkLedger;
  readonly files: Files;
  readonly invoices: Invoices;
  readonly customers: Customers;
  readonly landing: Landing;
  readonly rejects: Rejects;
  readonly failed: FailedChunks;
}

export interface Clock {
  now(): Date;
}

/** Access tokens. */
export interface Tokens {
  /** The claims of a token whose signature, issuer, client, use and time are right; undefined otherwise. */
  verify(token: string): Promise<Claims | undefined>;
}

/** What a verified access token says of its bearer. */
export interface Claims {
  readonly sub: string;
  readonly client_id: string;
  /** A person's groups. */
  readonly groups: readonly string[];
  /** A machine's scopes. */
  readonly scopes: readonly string[];
}

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
  /** Writes the entry if the chunk has none; the stored entry either way. */
  record(entry: ChunkEntry): Promise<ChunkEntry>;
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

export interface Landing {
  /** Adds kept rows to the lake. What is added twice is taken out in curated, by line_id. */
  append(chunk: Chunk, rows: readonly KeptRow[]): Promise<void>;
}

/** Refused rows, kept by chunk. */
export interface Rejects {
  put(chunk: Chunk, rows: readonly RejectedRow[]): Promise<void>;
  /** The refused rows of a chunk by line; empty when it has none. */
  read(head: BatchHead, chunk_id: string): Promise<readonly RejectedRow[]>;
}

/** Records that a defect of ours keeps from being cleaned. */
export interface FailedChunks {
  /** Keeps the record as it was, with what went wrong. `id` is the chunk's, or the record's when it is no chunk. */
  put(id: string, record: Uint8Array, error: Error): Promise<void>;
}

/** A broken or busy world: a throttle, an outage, a timeout. Thrown by adapters with its cause; trying again may help. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/**
 * What a room of adapters offers: every port on demand, so that a function configures, and its bundle holds, only what
 * it asks for. Both rooms' index.ts check themselves against this with Offers.
 */
export type Adapters = { readonly [P in keyof Ports]: () => Ports[P] };
export type Offers<T extends Adapters> = T;
