import type { Readable } from '../../domain/parquet-reader';
import type { Counted } from '../../domain/reconcile';

/* What has landed, and the tables for analysts. */

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

/** What the warehouse has of a data set. */
export interface WarehouseCount extends Counted {
  /** When a file was loaded last, ISO; undefined when none was. */
  readonly loaded_at: string | undefined;
  readonly batches: ReadonlyMap<string, Counted>;
}

/** What the warehouse has, by batch. */
export interface WarehouseCounts {
  /** Rows and different line_ids, counted at `since` (ISO) or later; undefined where nobody did, as where there is no warehouse. */
  byBatch(dataset: string, since: string): Promise<WarehouseCount | undefined>;
  /** Keeps what was counted at a time (ISO), where it cannot be asked for. */
  keep(dataset: string, counted_at: string, count: WarehouseCount): Promise<void>;
}
