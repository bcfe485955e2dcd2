/*
 * The outside world on one page, in the pipeline's words. `adapters/aws` and `adapters/local` each offer all of it;
 * a stage asks for what it uses: Pick<Ports, 'invoices' | 'clock'>.
 *
 * Every method may be called again with the same arguments and leaves the same state. When the world is broken or
 * busy, a method throws Unavailable; any other error is a defect of ours.
 */
import type { Clock, Telemetry, Tokens } from './ports/around';
import type { Arrivals, Backlog, Bulk, BulkOutput, Inbox, Later, Pace, Senders, Uploads } from './ports/files';
import type {
  Batches,
  ChunkLedger,
  ChunkStream,
  Customers,
  FailedChunks,
  Files,
  Invoices,
  Landing,
  Rejects,
} from './ports/flow';
import type { BuiltInsights, Curation, Engine, LiveFigures, Profiles } from './ports/insights';
import type { Incidents, Notes, Post, Reports, Watch } from './ports/telling';
import type { Attempts, Failures, History, InvoiceLines, Orders, RawZone, RejectedZone } from './ports/upkeep';
import type { LandedFiles, Warehouse, WarehouseCounts } from './ports/warehouse';

export type * from './ports/around';
export * from './ports/errors';
export type * from './ports/files';
export type * from './ports/flow';
export type * from './ports/insights';
export type * from './ports/telling';
export type * from './ports/upkeep';
export type * from './ports/warehouse';

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

/**
 * What a room of adapters offers: every port on demand, so that a function configures, and its bundle holds, only what
 * it asks for. Both rooms' index.ts check themselves against this with Offers.
 */
export type Adapters = { readonly [P in keyof Ports]: () => Ports[P] };
export type Offers<T extends Adapters> = T;
