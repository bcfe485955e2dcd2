/*
 * The outside world on one page, in the pipeline's words. `adapters/aws` and `adapters/local` each offer all of it;
 * a stage asks for what it uses: Pick<Ports, 'invoices' | 'clock'>.
 *
 * Every method may be called again with the same arguments and leaves the same state. When the world is broken or
 * busy, a method throws Unavailable; any other error is a defect of ours.
 */
import type { Incident, Mail, Told } from '../domain/alert';
import type { Arrival, InboxFile, Refusal } from '../domain/arrival';
import type { BulkJob } from '../domain/bulk';
import type { RejectedRow } from '../domain/clean';
import type { Tables } from '../domain/insight';
import type { InvoicePart } from '../domain/invoice';
import type { Batch, BatchHead, ChunkEntry, ChunkFailure, FilePart } from '../domain/ledger';
import type { Figures } from '../domain/live';
import type { Meter } from '../domain/meters';
import type { KeptRow } from '../domain/outcome';
import type { Chunk } from '../domain/packing';
import type { Readable } from '../domain/parquet-reader';
import type { Profile, Share } from '../domain/profile';
import type { Counted } from '../domain/reconcile';
import type { Attempt, RedriveOrder } from '../domain/redrive';
import type { Window } from '../domain/window';

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
  readonly inbox: Inbox;
  readonly arrivals: Arrivals;
  readonly senders: Senders;
  readonly uploads: Uploads;
  readonly backlog: Backlog;
  readonly bulk: Bulk;
  readonly bulkOutput: BulkOutput;
  readonly later: Later;
  readonly pace: Pace;
  readonly landed: LandedFiles;
  readonly warehouse: Warehouse;
  readonly reports: Reports;
  readonly telemetry: Telemetry;
  readonly watch: Watch;
  readonly incidents: Incidents;
  readonly notes: Notes;
  readonly post: Post;
  readonly history: History;
  readonly attempts: Attempts;
  readonly orders: Orders;
  readonly failures: Failures;
  readonly raw: RawZone;
  readonly refusals: RejectedZone;
  readonly lines: InvoiceLines;
  readonly recount: WarehouseCounts;
  readonly engine: Engine;
  readonly built: BuiltInsights;
  readonly profiles: Profiles;
  readonly curation: Curation;
  readonly live: LiveFigures;
}

export interface Clock {
  now(): Date;
}

/** Where people sign in: what a browser has to know of it. No secret is in it. */
export interface SignIn {
  /** Addresses of the OAuth 2.0 code flow with PKCE (RFC 6749, 7636), and of signing out. */
  readonly authorize: string;
  readonly token: string;
  readonly logout: string;
  readonly client_id: string;
  readonly scope: string;
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

/** The folder of the lake that people put files into. */
export interface Inbox {
  /** The file as it lies there, the newest without a version; undefined when it is gone. */
  look(key: string, version?: string): Promise<InboxFile | undefined>;
  /** Its bytes from an offset on. */
  read(file: InboxFile, from: number): AsyncIterable<Uint8Array>;
  /** Keeps a copy of a file that is no file of rows, whole, with the reason beside it; where. */
  keepRefused(file: InboxFile, dataset: string, refusal: Refusal): Promise<string>;
  /** Takes the file out of the inbox. */
  remove(file: InboxFile): Promise<void>;
}

/** What the ledger says of files in the inbox. */
export interface Arrivals {
  /**
   * Writes the arrival unless its file is known; makes a known one's lease the arrival's, if it is unfinished and
   * nobody else holds it at `now`. The stored arrival either way.
   */
  claim(arrival: Arrival, now: string): Promise<Arrival>;
  /** Writes what has become of it. */
  note(arrival: Arrival): Promise<void>;
  /** Every file that lay under the key, the last that came first. */
  of(key: string): Promise<readonly Arrival[]>;
  /** The file that a run of Spark was started for. */
  ofRun(run_id: string): Promise<Arrival | undefined>;
}

/** Who asked to put a file under a key. */
export interface Senders {
  announce(key: string, sent_by: string): Promise<void>;
  find(key: string): Promise<string | undefined>;
}

/** Addresses that take a file without a token. */
export interface Uploads {
  /** An address that takes one file of exactly so many bytes once, for `seconds`. */
  sign(upload: {
    readonly key: string;
    readonly bytes: number;
    readonly contentType: string;
    readonly seconds: number;
  }): Promise<{
    readonly url: string;
    /** Headers that have to be sent along. */
    readonly headers: Readonly<Record<string, string>>;
  }>;
}

/** Files of the inbox for which something is still to be done. */
export interface Backlog {
  unfinished(): Promise<readonly Arrival[]>;
}

/** Spark, for files that are too large for a function. */
export interface Bulk {
  /** Bytes of text from which on a file is one for Spark. */
  readonly fromBytes: number;
  /** Starts Spark on a file, or finds the run of the batch that is under way. `busy`: as many run as may; `absent`: there is no Spark here. */
  start(job: BulkJob): Promise<{ readonly run_id: string } | 'busy' | 'absent'>;
}

/** A chunk as landing has it: cleaned by clean or Spark, or what a redrive brought of it. */
export type BulkRef = Pick<Chunk, 'dataset' | 'batch_id' | 'chunk_id' | 'received_at'>;

/** What Spark left in the lake. */
export interface BulkOutput {
  /** What it said when it was done with a batch; undefined before. */
  manifest(batch: { readonly dataset: string; readonly batch_id: string }): Promise<string | undefined>;
  /** A chunk's kept rows. Some at a time, in their order. Landing without the object is a fault, not an empty chunk. */
  read(chunk: BulkRef): AsyncIterable<readonly KeptRow[]>;
  /** Puts the rows, which may be none, in the place of those that are there. */
  replace(chunk: BulkRef, rows: readonly KeptRow[]): Promise<void>;
}

/** Work that another invocation is to go on with. */
export interface Later {
  again(work: Notice, seconds: number): Promise<void>;
}

/** Leaves the stores to those who wait, where work waits for nobody. */
export interface Pace {
  /** Called behind each piece of work with its rows; resolves when the next one may begin. */
  after(rows: number): Promise<void>;
}

/** What is to be looked at: a file in the inbox, a batch that Spark is done with, or a run of Spark that failed. */
export type Notice =
  | { readonly key: string; readonly version?: string | undefined; readonly sent_by?: string | undefined }
  | { readonly dataset: string; readonly batch_id: string }
  | { readonly run_id: string; readonly reason: string };

/** A file of the landing zone as a listing has it. */
export interface LandedFile {
  readonly key: string;
  /** Changes with the content. */
  readonly etag: string;
  readonly bytes: number;
  /** The day that it arrived, UTC, as 2026-03-01. */
  readonly day: string;
}

/** Files of the landing zone, whoever wrote them. */
export interface LandedFiles {
  /** A data set's files by key, those that arrived on a day or later. */
  list(dataset: string, since?: string): AsyncIterable<LandedFile>;
  /** The file to be read at any place; once it has changed, reading is Unavailable. */
  open(file: LandedFile): Readable;
}

/** Tables for analysts. */
export interface Warehouse {
  /** A file may arrive under a day that is so many days before that of files already loaded. */
  readonly lateDays: number;
  /** Opens it, its tables and views as this version has them, for as long as `work` takes. One loader at a time. */
  use<T>(work: (open: OpenWarehouse) => Promise<T>): Promise<T>;
}

export interface OpenWarehouse {
  /** The latest day of arrival of which a file is loaded; undefined when none is. */
  newestDay(dataset: string): Promise<string | undefined>;
  /** Etags of the files that are loaded, by key; those that arrived on a day or later. */
  loaded(dataset: string, since?: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Adds the file's rows that are not there yet, by line_id, and notes the file, both or neither. Rows in the file, and
   * those that were new. An error that is not Unavailable is about the file, and leaves nothing of it.
   * @param content the file opened, for those who cannot read it where it lies
   */
  load(
    dataset: string,
    file: LandedFile,
    content: Readable,
  ): Promise<{ readonly rows: number; readonly added: number }>;
  /** Brings the data set's views to what is loaded. */
  refresh(dataset: string): Promise<void>;
  /** Counts the data set's rows. */
  count(dataset: string): Promise<WarehouseCount>;
}

/** What nights and recounts came to, in the lake. */
export interface Reports {
  /** Keeps a report as JSON, by its id and day; of a night unless it says otherwise. */
  keep(report: {
    readonly id: string;
    readonly began_at: string;
    readonly kind?: 'nightly' | 'reconcile';
  }): Promise<void>;
}

/** What a line of the log is about. */
export interface Facts {
  readonly batch_id?: string | undefined;
  readonly chunk_id?: string | undefined;
  readonly dataset?: string | undefined;
  readonly [name: string]: unknown;
}

/** What the machine says of itself: lines of JSON, and numbers. Nothing of a row's content. */
export interface Telemetry {
  log(level: 'info' | 'warn' | 'error', message: string, facts: Facts): void;
  /** Adds values to meters, of a data set where they have one. */
  measure(values: Partial<Readonly<Record<Meter, number>>>, dataset?: string): void;
  /** What was measured so far; undefined where another service keeps it. */
  read(): Promise<readonly Measured[] | undefined>;
}

/** A meter's values, added up since the data directory was made. */
export interface Measured {
  readonly meter: Meter;
  readonly dataset: string | null;
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  readonly last: number;
  /** ISO. */
  readonly last_at: string;
}

/** A batch of which people are still to be told. `mark` changes when something new is to be told of it. */
export interface Untold {
  readonly batch_id: string;
  readonly received_at: string;
  readonly mark: string;
}

/** Batches that people are still to be told of: from their head on, and again when a redrive has changed them. */
export interface Watch {
  untold(): AsyncIterable<Untold>;
  /** What was told of the batch before; undefined when nothing was. */
  told(batch_id: string): Promise<Told | undefined>;
  /** Notes what was told. The batch stays untold when its mark has changed since. */
  tell(batch: Untold, told: Told): Promise<void>;
  /** Makes it untold: something has changed. */
  again(batch_id: string, at: string): Promise<void>;
  /**
   * Does work while nobody else does any; false, and nothing is done, while somebody does. Who dies at it keeps the
   * others out for `seconds` at most.
   */
  alone(seconds: number, work: () => Promise<void>): Promise<boolean>;
}

/** What went wrong and is to be told. */
export interface Incidents {
  /**
   * Keeps an incident until it is told. `tell`: nobody was told of its kind (and data set) within the quiet time, or this
   * one was to be told and has not been; `hold`: the next digest tells of it; `known`: it was told.
   */
  keep(incident: Incident, quiet_until: string): Promise<'tell' | 'hold' | 'known'>;
  held(): AsyncIterable<Incident>;
  told(incidents: readonly Pick<Incident, 'id'>[]): Promise<void>;
}

/** Small papers of the lake that say what happened: reasons, errors, reports. */
export interface Notes {
  /** The text of one; undefined when there is none, or it is over a megabyte. */
  read(key: string): Promise<string | undefined>;
}

/** Mails to those who have asked for their kind. */
export interface Post {
  /** Sends a mail; one of the same id that was sent before is not sent again. */
  send(mail: Mail): Promise<void>;
}

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

/** What the warehouse has of a data set. */
export interface WarehouseCount extends Counted {
  /** When a file was loaded last, ISO; undefined when none was. */
  readonly loaded_at: string | undefined;
  readonly batches: ReadonlyMap<string, Counted>;
}

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

/** What the warehouse has, by batch. */
export interface WarehouseCounts {
  /** Rows and different line_ids, counted at `since` (ISO) or later; undefined where nobody did, as where there is no warehouse. */
  byBatch(dataset: string, since: string): Promise<WarehouseCount | undefined>;
  /** Keeps what was counted at a time (ISO), where it cannot be asked for. */
  keep(dataset: string, counted_at: string, count: WarehouseCount): Promise<void>;
}

/** A broken or busy world: a throttle, an outage, a timeout. Thrown by adapters with its cause; trying again may help. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** An answer that takes longer than its asker may wait: it is on its way, and asking again finds it. */
export class StillRunning extends Unavailable {}

/** A statement that reads, or takes, more than it may: about fewer days it may go through. Thrown by engines. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/**
 * What a room of adapters offers: every port on demand, so that a function configures, and its bundle holds, only what
 * it asks for. Both rooms' index.ts check themselves against this with Offers.
 */
export type Adapters = { readonly [P in keyof Ports]: () => Ports[P] };
export type Offers<T extends Adapters> = T;
