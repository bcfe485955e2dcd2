import { datasets } from '../domain/dataset';
import type { Batch } from '../domain/ledger';
import { unpackAll } from '../domain/packing';
import { readIdentities } from '../domain/parquet-reader';
import {
  batchOf,
  chunkOf,
  claimedInWarehouse,
  type Difference,
  invoiceDifferences,
  keptOf,
  LineIds,
  landingDifferences,
  lastSign,
  mixedInWarehouse,
  mostOf,
  rawDifferences,
  rejectedDifferences,
  STORES,
  type Standing,
  type Store,
  standingOf,
  type Tally,
  wasInStream,
} from '../domain/reconcile';
import { daysBefore } from '../domain/warehouse';
import { type Ports, Unavailable } from './ports';

/*
 * The recount: what the ledger says of every batch is held against what the stores have. It only reads. A batch is
 * judged when every row of it has its outcome and the ledger has been silent about it for a while; the others are
 * counted. In memory are the ledger's entries of the window, and of landing, a data set at a time, 8 bytes a row.
 */
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

/** What a recount found; this is kept. */
export interface ReconcileReport {
  readonly kind: 'reconcile';
  readonly id: string;
  readonly began_at: string;
  readonly ended_at: string;
  readonly since: string | null;
  /** Batches that were judged. */
  readonly judged: number;
  /** Batches that came, or changed, too short a time ago. */
  readonly young: number;
  /** Batches that are older, and of which rows have no outcome yet: how many, and some of them. */
  readonly unbalanced: number;
  readonly unbalanced_batches: readonly string[];
  /** Rows that were looked at, of batches judged or not; null for a store that is not there. */
  readonly rows: Readonly<Record<Store, number | null>>;
  /** Chunks that are in raw once more, which is usual. */
  readonly raw_again: number;
  /** Judged batches that a zone keeps no longer, or that came after the warehouse was loaded last: not judged there. */
  readonly passed_over: Readonly<Record<Store, number>>;
  /** Objects that cannot be read: what is in them is missing. */
  readonly unreadable: readonly { readonly key: string; readonly reason: string }[];
  readonly unreadable_total: number;
  /** The first thousand. */
  readonly differences: readonly Difference[];
  readonly differences_total: number;
}

/** Time ran out. The message is meant for people. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

const MOST_DIFFERENCES = 1000;
const MOST_NAMES = 100;
const LONGEST_REASON = 300;
/** Batches that came so long before the window are known: a zone's day begins before it. */
const SLACK_DAYS = 2;
const DAY_MS = 86_400_000;
/** Objects in hand at a time: those of raw are read whole. */
const WIDTH: Readonly<Record<Zone, number>> = { raw: 2, landing: 4, rejected: 8 };
const FINDS = 8;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/**
 * Recounts the stores, and keeps the report. `timeLeft`, in milliseconds, is asked before each object.
 * @throws NotInTime, Unavailable
 */
export async function reconcile(
  request: ReconcileRequest,
  ports: ReconcilePorts,
  timeLeft: () => number = () => Number.POSITIVE_INFINITY,
): Promise<ReconcileReport> {
  if (request.since !== undefined && !TIME.test(request.since))
    throw new Error(`since is ${request.since}, and is to be a time as 2026-03-01T12:00:00.000Z`);
  const report = await new Recount(request, ports, timeLeft).run();
  await ports.reports.keep(report);
  return report;
}

/** What a state machine asks for. */
export interface DailyRequest extends Omit<ReconcileRequest, 'since' | 'began_at'> {
  readonly began_at: string;
  /** What it was started with; by default the last days are judged. */
  readonly asked: { readonly since?: string; readonly all?: true };
  readonly days: number;
}

/** Of what a state machine passes on (256 KB). */
const MOST_ANSWERED = { differences: 100, unreadable: 20 };

/** The recount of a window that moves with the days. The report, with the first of its differences; all are kept. */
export async function reconcileDaily(
  { asked, days, ...request }: DailyRequest,
  ports: ReconcilePorts,
  timeLeft?: () => number,
): Promise<ReconcileReport> {
  const window = new Date(Date.parse(request.began_at) - days * DAY_MS).toISOString();
  const since = asked.all ? undefined : (asked.since ?? window);
  const { differences, unreadable, ...rest } = await reconcile({ ...request, since }, ports, timeLeft);
  return {
    ...rest,
    unreadable: unreadable.slice(0, MOST_ANSWERED.unreadable),
    differences: differences.slice(0, MOST_ANSWERED.differences),
  };
}

class Recount {
  private readonly began_at: string;
  private readonly settled: string;
  /** The day from which on zones are looked at. */
  private readonly day: string | undefined;
  private readonly judged = new Map<string, Batch>();
  /** Batches that are not judged. */
  private readonly others = new Set<string>();
  private readonly counted: Record<Standing, number> = { judged: 0, young: 0, unbalanced: 0 };
  private readonly unbalanced: string[] = [];
  private readonly rows: Record<Store, number | null> = {
    invoices: 0,
    landing: 0,
    rejected: 0,
    raw: 0,
    warehouse: null,
  };
  private readonly passedOver = Object.fromEntries(STORES.map((store) => [store, 0])) as Record<Store, number>;
  private rawAgain = 0;
  private readonly unreadable: { key: string; reason: string }[] = [];
  private unreadableTotal = 0;
  private differences: Difference[] = [];
  private total = 0;
  /** Rows of batches that the ledger's window does not have. */
  private readonly strangers = new Map<string, Difference>();

  constructor(
    private readonly request: ReconcileRequest,
    private readonly ports: ReconcilePorts,
    private readonly timeLeft: () => number,
  ) {
    const { began_at = ports.clock.now().toISOString(), since, settleSeconds } = request;
    this.began_at = began_at;
    this.settled = new Date(ports.clock.now().getTime() - settleSeconds * 1000).toISOString();
    this.day = since && daysBefore(since.slice(0, 10), 1);
  }

  async run(): Promise<ReconcileReport> {
    const { id, since = null } = this.request;
    await this.readLedger();
    await this.countInvoices();
    await this.countRaw();
    for (const name of datasets.keys()) {
      await this.countRejected(name);
      await this.countWarehouse(name, await this.countLanding(name));
    }
    await this.nameStrangers();
    await this.lookAgain();
    const { judged, young, unbalanced } = this.counted;
    return {
      kind: 'reconcile',
      id,
      began_at: this.began_at,
      ended_at: this.ports.clock.now().toISOString(),
      since,
      judged,
      young,
      unbalanced,
      unbalanced_batches: this.unbalanced,
      rows: this.rows,
      raw_again: this.rawAgain,
      passed_over: this.passedOver,
      unreadable: this.unreadable,
      unreadable_total: this.unreadableTotal,
      differences: this.differences,
      differences_total: this.total,
    };
  }

  private async readLedger(): Promise<void> {
    const { since } = this.request;
    const from = since && new Date(Date.parse(since) - SLACK_DAYS * DAY_MS).toISOString();
    for await (const batch of this.ports.history.batches(from)) {
      this.checkTime();
      const { batch_id, received_at } = batch.head;
      const isOlder = since !== undefined && received_at < since;
      const standing = isOlder ? undefined : standingOf(batch, this.settled);
      if (standing) this.counted[standing]++;
      if (standing === 'unbalanced' && this.unbalanced.length < MOST_NAMES) this.unbalanced.push(batch_id);
      if (standing === 'judged') this.judged.set(batch_id, batch);
      else this.others.add(batch_id);
    }
  }

  /** Lines of batches from before the window are there too, and tell nothing of it. */
  private async countInvoices(): Promise<void> {
    const claiming = [...datasets.values()].find(({ contract }) => contract.claim)!.name;
    const found = new Map<string, Map<string, Tally>>();
    let invoice: string | undefined;
    let seen = new Set<string>();
    for await (const { invoice_no, lines } of this.ports.lines.all()) {
      this.checkTime();
      if (invoice_no !== invoice) seen = new Set();
      invoice = invoice_no;
      for (const { line_id, chunk_id: claimant } of lines) {
        const isAgain = seen.size === seen.add(line_id).size;
        this.count('invoices', 1);
        const batch_id = batchOf(claimant);
        if (this.judged.has(batch_id)) {
          const tally = tallyIn(found, batch_id, chunkOf(claimant));
          tally.rows++;
          if (isAgain) tally.surplus++;
        } else if (this.isWhole) this.meet('invoices', claiming, batch_id, 1);
      }
    }
    for (const batch of this.of(claiming)) {
      this.note(invoiceDifferences(batch, found.get(batch.head.batch_id) ?? new Map()));
    }
  }

  private async countRaw(): Promise<void> {
    const found = new Map<string, Set<string>>();
    await each(WIDTH.raw, this.ports.raw.list(this.day), async ({ key }) => {
      this.checkTime();
      const bytes = await this.ports.raw.read(key);
      if (!bytes) return;
      await this.orUnreadable(key, async () => {
        for (const chunk of unpackAll(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
          const { batch_id, dataset, chunk_id, rows } = chunk;
          if (this.judged.has(batch_id)) {
            const chunks = found.get(batch_id) ?? new Set();
            found.set(batch_id, chunks);
            if (chunks.has(chunk_id)) this.rawAgain++;
            else this.count('raw', rows);
            chunks.add(chunk_id);
          } else {
            this.count('raw', rows);
            this.meet('raw', dataset, batch_id, 1);
          }
        }
      });
    });
    for (const batch of this.judged.values()) {
      if (wasInStream(batch) && this.isKept('raw', batch))
        this.note(rawDifferences(batch, found.get(batch.head.batch_id) ?? new Set()));
    }
  }

  private async countRejected(dataset: string): Promise<void> {
    const found = new Map<string, Map<string, Record<string, number>>>();
    await each(WIDTH.rejected, this.ports.refusals.list(dataset, this.day), async ({ key, chunk_id }) => {
      this.checkTime();
      await this.orUnreadable(key, async () => {
        const refused = await this.ports.refusals.read(key);
        this.count('rejected', refused.length);
        const batch_id = batchOf(chunk_id);
        if (!this.judged.has(batch_id)) return this.meet('rejected', dataset, batch_id, refused.length);
        const chunks = found.get(batch_id) ?? new Map<string, Record<string, number>>();
        found.set(batch_id, chunks);
        const reasons = chunks.get(chunk_id) ?? {};
        chunks.set(chunk_id, reasons);
        for (const { reason } of refused) reasons[reason] = (reasons[reason] ?? 0) + 1;
      });
    });
    for (const batch of this.of(dataset)) {
      if (this.isKept('rejected', batch))
        this.note(rejectedDifferences(batch, found.get(batch.head.batch_id) ?? new Map()));
    }
  }

  /** The line_ids of the judged batches, by batch. */
  private async countLanding(dataset: string): Promise<ReadonlyMap<string, LineIds>> {
    const claims = datasets.get(dataset)!.contract.claim !== undefined;
    const found = new Map<string, LineIds>();
    for (const batch of this.of(dataset)) found.set(batch.head.batch_id, new LineIds(keptOf(batch)));
    await each(WIDTH.landing, this.ports.landed.list(dataset, this.day), async (file) => {
      this.checkTime();
      await this.orUnreadable(file.key, async () => {
        for await (const block of readIdentities(this.ports.landed.open(file))) {
          this.count('landing', block.length);
          for (const { line_id, batch_id } of block) {
            const ids = found.get(batch_id);
            if (ids) ids.add(line_id);
            else this.meet('landing', dataset, batch_id, 1);
          }
        }
      });
    });
    for (const batch of this.of(dataset)) {
      const ids = found.get(batch.head.batch_id)!;
      const most = mostOf(batch, claims);
      if (this.isKept('landing', batch))
        this.note(landingDifferences(batch, { rows: ids.size, surplus: ids.surplus(most) }, most));
    }
    return found;
  }

  /**
   * Where batches may have rows in common, which of them a row counts for in the warehouse is chance: how many there are
   * in all can be told when all of landing was looked at.
   */
  private async countWarehouse(dataset: string, landed: ReadonlyMap<string, LineIds>): Promise<void> {
    this.checkTime();
    const count = await this.ports.recount.byBatch(dataset, this.began_at);
    if (!count) return;
    this.count('warehouse', count.rows);
    const claims = datasets.get(dataset)!.contract.claim !== undefined;
    const loaded: LineIds = new LineIds();
    let doubled = count.rows - count.distinct;
    for (const batch of this.of(dataset)) {
      const { batch_id } = batch.head;
      if (!this.wasLoaded(batch, count.loaded_at)) {
        this.passedOver.warehouse++;
        continue;
      }
      const counted = count.batches.get(batch_id) ?? { rows: 0, distinct: 0 };
      doubled -= counted.rows - counted.distinct;
      this.note(claims ? claimedInWarehouse(batch, counted) : mixedInWarehouse(batch, counted));
      if (!claims && this.isWhole) loaded.addAll(landed.get(batch_id)!);
    }
    if (this.isWhole) {
      for (const [batch_id, { rows }] of count.batches)
        if (!this.judged.has(batch_id)) this.meet('warehouse', dataset, batch_id, rows);
    }
    if (claims) return;
    const place = { batch_id: null, dataset, store: 'warehouse' } as const;
    const expected = loaded.different();
    if (count.distinct < expected) this.note([{ ...place, kind: 'missing', expected, found: count.distinct }]);
    if (doubled > 0) this.note([{ ...place, kind: 'doubled', expected: count.rows - doubled, found: count.rows }]);
  }

  private wasLoaded(batch: Batch, loaded_at: string | undefined): boolean {
    if (loaded_at === undefined) return false;
    return Date.parse(lastSign(batch)) + this.request.settleSeconds * 1000 <= Date.parse(loaded_at);
  }

  /** Tells which of the strangers the ledger does not know at all: others came before the window, or just now. */
  private async nameStrangers(): Promise<void> {
    await each(FINDS, this.strangers.values(), async (stranger) => {
      this.checkTime();
      if (!(await this.ports.batches.find(stranger.batch_id!))) this.note([stranger]);
    });
  }

  /** A batch that has changed since the ledger was read, as by a redrive, was young after all. */
  private async lookAgain(): Promise<void> {
    const changed = new Set<string>();
    await each(FINDS, new Set(this.differences.map(({ batch_id }) => batch_id)), async (batch_id) => {
      const before = this.judged.get(batch_id ?? '');
      const now = before && (await this.ports.batches.find(before.head.batch_id));
      if (now && JSON.stringify(now.entries) !== JSON.stringify(before.entries)) changed.add(batch_id!);
    });
    const left = this.differences.filter(({ batch_id }) => !changed.has(batch_id ?? ''));
    this.total -= this.differences.length - left.length;
    this.differences = left;
    this.counted.judged -= changed.size;
    this.counted.young += changed.size;
  }

  private get isWhole(): boolean {
    return this.request.since === undefined;
  }

  private *of(dataset: string): Generator<Batch> {
    for (const batch of this.judged.values()) if (batch.head.dataset === dataset) yield batch;
  }

  /** Whether a zone still has what came with the batch. It lets objects go at the end of a day. */
  private isKept(zone: Zone, { head }: Batch): boolean {
    const days = this.request.keptDays?.[zone];
    if (days === undefined || Date.parse(head.received_at) > Date.parse(this.began_at) - (days - 1) * DAY_MS)
      return true;
    this.passedOver[zone]++;
    return false;
  }

  private count(store: Store, rows: number): void {
    this.rows[store] = (this.rows[store] ?? 0) + rows;
  }

  private note(differences: Iterable<Difference>): void {
    for (const difference of differences) {
      this.total++;
      if (this.differences.length < MOST_DIFFERENCES) this.differences.push(difference);
    }
  }

  /** Rows of a batch that is not judged. */
  private meet(store: Store, dataset: string, batch_id: string, rows: number): void {
    if (rows === 0 || this.others.has(batch_id)) return;
    const key = `${store} ${dataset} ${batch_id}`;
    const found = (this.strangers.get(key)?.found ?? 0) + rows;
    this.strangers.set(key, { batch_id, dataset, store, kind: 'unknown', expected: 0, found });
  }

  /** What is in an object that cannot be read is missing; which it is, is told beside that. */
  private async orUnreadable(key: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof Unavailable || error instanceof NotInTime || !(error instanceof Error)) throw error;
      this.unreadableTotal++;
      const reason = `${error.name}: ${error.message}`.slice(0, LONGEST_REASON);
      if (this.unreadable.length < MOST_NAMES) this.unreadable.push({ key, reason });
    }
  }

  private checkTime(): void {
    if (this.timeLeft() > 0) return;
    const { since } = this.request;
    throw new NotInTime(
      `The recount of ${since === undefined ? 'everything' : `what came since ${since}`} takes longer than it may: narrow the window with --since.`,
    );
  }
}

function tallyIn(found: Map<string, Map<string, Tally>>, batch_id: string, chunk_id: string): Tally {
  const chunks = found.get(batch_id) ?? new Map<string, Tally>();
  found.set(batch_id, chunks);
  const tally = chunks.get(chunk_id) ?? { rows: 0, surplus: 0 };
  chunks.set(chunk_id, tally);
  return tally;
}

/** Works on what comes, at most `width` at a time. Stops at the first error. */
async function each<T>(
  width: number,
  items: AsyncIterable<T> | Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const source = queued(items);
  let stopped = false;
  const lane = async () => {
    for (let next = await source.next(); !next.done && !stopped; next = await source.next()) await work(next.value);
  };
  try {
    await Promise.all(Array.from({ length: width }, lane));
  } finally {
    stopped = true;
  }
}

async function* queued<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
