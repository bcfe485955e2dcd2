import type { Incident, Mail, Told } from '../../domain/alert';

/* Telling people what came and what went wrong. */

/** What nights and recounts came to, in the lake. */
export interface Reports {
  /** Keeps a report as JSON, by its id and day; of a night unless it says otherwise. */
  keep(report: {
    readonly id: string;
    readonly began_at: string;
    readonly kind?: 'nightly' | 'reconcile';
  }): Promise<void>;
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
