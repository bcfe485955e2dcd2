import type { Batch } from '../domain/ledger';
import { type Difference, STORES, type Store } from '../domain/reconcile';
import { daysBefore } from '../domain/warehouse';
import { type Ports, Unavailable } from './ports';

export type ReconcilePorts = Pick<
  Ports,
  'clock' | 'history' | 'batches' | 'lines' | 'landed' | 'refusals' | 'raw' | 'recount' | 'reports'
>;

/** Zones of the lake whose objects go after some days. */
export type Zone = 'raw' | 'landing' | 'rejected';

export interface ReconcileRequest {
  /** Its own among all recounts. */
  readonly id: string;
  /** ISO; a count of the warehouse from before is too old. By default now. */
  readonly began_at?: string | undefined;
  /** Judges batches that came at this time (ISO) or later; all of them by default. */
  readonly since?: string | undefined;
  /** Stores may be so far behind the ledger. */
  readonly settleSeconds: number;
  /** Days that a zone keeps objects; left out where they stay. */
  readonly keptDays?: Partial<Readonly<Record<Zone, number>>> | undefined;
}

/** Time ran out. The message is meant for people. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

const MOST_DIFFERENCES = 1000;
/** Batches, or objects, that are named. */
export const MOST_NAMES = 100;
const LONGEST_REASON = 300;
export const DAY_MS = 86_400_000;

/** What a recount goes by, and what it has found so far. */
export class Recount {
  readonly began_at: string;
  /** The day from which on zones are looked at. */
  readonly day: string | undefined;
  readonly isWhole: boolean;
  readonly judged = new Map<string, Batch>();
  /** Batches that are not judged. */
  readonly others = new Set<string>();
  readonly rows: Record<Store, number | null> = { invoices: 0, landing: 0, rejected: 0, raw: 0, warehouse: null };
  readonly passedOver = Object.fromEntries(STORES.map((store) => [store, 0])) as Record<Store, number>;
  rawAgain = 0;
  readonly unreadable: { key: string; reason: string }[] = [];
  unreadableTotal = 0;
  differences: Difference[] = [];
  differencesTotal = 0;
  /** Rows of batches that the ledger's window does not have. */
  readonly strangers = new Map<string, Difference>();

  /** `timeLeft`: in milliseconds. */
  constructor(
    readonly request: ReconcileRequest,
    readonly ports: ReconcilePorts,
    private readonly timeLeft: () => number,
  ) {
    const { began_at = ports.clock.now().toISOString(), since } = request;
    this.began_at = began_at;
    this.day = since && daysBefore(since.slice(0, 10), 1);
    this.isWhole = since === undefined;
  }

  /** The judged batches of a data set. */
  *of(dataset: string): Generator<Batch> {
    for (const batch of this.judged.values()) if (batch.head.dataset === dataset) yield batch;
  }

  /** Whether a zone still has what came with the batch. It lets objects go at the end of a day. */
  isKept(zone: Zone, { head }: Batch): boolean {
    const days = this.request.keptDays?.[zone];
    if (days === undefined || Date.parse(head.received_at) > Date.parse(this.began_at) - (days - 1) * DAY_MS)
      return true;
    this.passedOver[zone]++;
    return false;
  }

  count(store: Store, rows: number): void {
    this.rows[store] = (this.rows[store] ?? 0) + rows;
  }

  note(differences: Iterable<Difference>): void {
    for (const difference of differences) {
      this.differencesTotal++;
      if (this.differences.length < MOST_DIFFERENCES) this.differences.push(difference);
    }
  }

  /** Rows of a batch that is not judged. */
  meet(store: Store, dataset: string, batch_id: string, rows: number): void {
    if (rows === 0 || this.others.has(batch_id)) return;
    const key = `${store} ${dataset} ${batch_id}`;
    const found = (this.strangers.get(key)?.found ?? 0) + rows;
    this.strangers.set(key, { batch_id, dataset, store, kind: 'unknown', expected: 0, found });
  }

  /** What is in an object that cannot be read is missing; which it is, is told beside that. */
  async orUnreadable(key: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Unavailable || error instanceof NotInTime || !(error instanceof Error)) throw error;
      this.unreadableTotal++;
      const reason = `${error.name}: ${error.message}`.slice(0, LONGEST_REASON);
      if (this.unreadable.length < MOST_NAMES) this.unreadable.push({ key, reason });
    }
  }

  /** @throws NotInTime */
  checkTime(): void {
    if (this.timeLeft() > 0) return;
    const window = this.isWhole ? 'everything' : `what came since ${this.request.since}`;
    throw new NotInTime(`The recount of ${window} takes longer than it may: narrow the window with --since.`);
  }
}
