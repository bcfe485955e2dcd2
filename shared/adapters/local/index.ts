import type { Clock, Offers, Ports } from '../../pipeline/ports';
import { ArrivalTable } from './arrivals';
import { attemptsIn } from './attempts';
import { builtIn, profilesIn } from './built';
import { bulkOutputIn, LocalSpark } from './bulk';
import { curationIn } from './curation';
import { Database } from './database';
import { duckdbEngine } from './engine';
import { failuresIn } from './failures';
import { historyIn } from './history';
import { InboxFolder } from './inbox';
import { incidentsIn } from './incidents';
import { failedIn, LakeFolder, landingIn, rejectsIn } from './lake';
import { landedIn } from './landed';
import { Waiting } from './later';
import { linesIn } from './lines';
import { liveIn } from './live';
import { notesIn } from './notes';
import { OrderTable } from './orders';
import { outboxIn } from './outbox';
import { rawZoneIn } from './raw-zone';
import { recountIn } from './recount';
import { refusalsIn } from './refusals';
import { reportsIn } from './reports';
import { StreamLog } from './stream';
import { CustomerTable, InvoiceTable, Ledger } from './tables';
import { aloud, telemetryIn } from './telemetry';
import { signInOf, verifierIn } from './tokens';
import { uploadsIn } from './uploads';
import { duckdbWarehouse } from './warehouse';
import { watchIn } from './watch';

/** The data directory of this process. */
export const dataDirectory = (): string => process.env.ECOMFLOW_DIR ?? '.ecomflow';

/** The outside world in one directory; tests open theirs with a clock of their own. */
export interface LocalWorld extends Omit<Ports, 'tokens'> {
  readonly log: StreamLog;
  readonly lake: LakeFolder;
  readonly bulk: LocalSpark;
  readonly later: Waiting;
  readonly orders: OrderTable;
  /** The tables themselves, for looking at what is there. */
  inspect(): Pick<Database, 'all' | 'get'>;
  close(): void;
}

export const systemClock: Clock = { now: () => new Date() };

/** Opens the log, the tables and the lake of a data directory. @throws DirectoryRefused */
export function openWorld(directory: string, at: Clock = systemClock): LocalWorld {
  const database = new Database(directory);
  const ledger = new Ledger(database);
  const log = new StreamLog(database, at);
  const lake = new LakeFolder(directory);
  const arrivals = new ArrivalTable(database);
  const engine = duckdbEngine(directory);
  return {
    clock: at,
    stream: log,
    batches: ledger,
    chunks: ledger.chunks,
    files: ledger.files,
    invoices: new InvoiceTable(database),
    customers: new CustomerTable(database),
    landing: landingIn(lake),
    rejects: rejectsIn(lake),
    failed: failedIn(lake),
    inbox: new InboxFolder(directory),
    arrivals,
    senders: arrivals.senders,
    uploads: uploadsIn(directory, at),
    backlog: arrivals,
    bulk: new LocalSpark(directory),
    bulkOutput: bulkOutputIn(lake),
    later: new Waiting(at),
    pace: { after: async () => undefined }, // nobody else waits
    landed: landedIn(directory),
    warehouse: duckdbWarehouse(directory),
    reports: reportsIn(lake),
    watch: watchIn(database),
    incidents: incidentsIn(database, at),
    notes: notesIn(lake, directory),
    post: outboxIn(lake, directory, at),
    history: historyIn(database),
    attempts: attemptsIn(lake),
    orders: new OrderTable(database),
    failures: failuresIn(directory),
    raw: rawZoneIn(directory),
    refusals: refusalsIn(directory),
    lines: linesIn(database),
    recount: recountIn(directory),
    engine,
    built: builtIn(lake),
    profiles: profilesIn(lake),
    curation: curationIn(engine),
    live: liveIn(database),
    telemetry: telemetryIn(directory, database, at),
    log,
    lake,
    inspect: () => database,
    close: () => database.close(),
  };
}

let opened: LocalWorld | undefined;
const world = (): LocalWorld => {
  opened ??= openWorld(dataDirectory());
  return opened;
};

export const clock = () => systemClock;
export const tokens = () => verifierIn(dataDirectory());
export const stream = () => world().stream;
export const batches = () => world().batches;
export const chunks = () => world().chunks;
export const files = () => world().files;
export const invoices = () => world().invoices;
export const customers = () => world().customers;
export const landing = () => world().landing;
export const rejects = () => world().rejects;
export const failed = () => world().failed;
export const inbox = () => world().inbox;
export const arrivals = () => world().arrivals;
export const senders = () => world().senders;
export const uploads = () => world().uploads;
export const backlog = () => world().backlog;
export const bulk = () => world().bulk;
export const bulkOutput = () => world().bulkOutput;
export const manifests = () => world().bulkOutput;
export const later = () => world().later;
export const pace = () => world().pace;
export const landed = () => world().landed;
export const warehouse = () => world().warehouse;
export const reports = () => world().reports;
export const watch = () => world().watch;
export const incidents = () => world().incidents;
export const notes = () => world().notes;
export const post = () => world().post;
export const history = () => world().history;
export const attempts = () => world().attempts;
export const orders = () => world().orders;
export const failures = () => world().failures;
export const raw = () => world().raw;
export const refusals = () => world().refusals;
export const lines = () => world().lines;
export const recount = () => world().recount;
export const engine = () => world().engine;
export const built = () => world().built;
export const profiles = () => world().profiles;
export const curation = () => world().curation;
export const live = () => world().live;
export const telemetry = () => aloud(world().telemetry);

/** The embedded issuer's page. */
export const signIn = () => signInOf(dataDirectory());

/** Of AWS's function `alert`; npm start tells by the values of resources/stages/local.yml. */
export const alertSettings = () => ({
  bucket: 'ecomflow-local-lake',
  stage: 'local',
  option: '',
  api: 'http://localhost:3000',
  unbalancedMinutes: 15,
  rejectedShare: 0.1,
  quietMinutes: 15,
});

export type Complete = Offers<typeof import('./index')>;
