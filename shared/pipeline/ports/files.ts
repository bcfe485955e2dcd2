import type { Arrival, InboxFile, Refusal } from '../../domain/arrival';
import type { BulkJob } from '../../domain/bulk';
import type { KeptRow } from '../../domain/outcome';
import type { BulkRef } from './flow';

/* Files of the inbox, and Spark for the large ones. */

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
