import { datasets } from '../domain/dataset';
import { type Difference, type Standing, type Store, standingOf } from '../domain/reconcile';
import { countInvoices, countLanding, countRaw, countRejected, countWarehouse } from './count-stores';
import { each } from './each';
import { DAY_MS, MOST_NAMES, type ReconcilePorts, type ReconcileRequest, Recount } from './recount';

export { NotInTime, type ReconcilePorts, type ReconcileRequest } from './recount';

/*
 * The recount: what the ledger says of every batch is held against what the stores have. It only reads. A batch is
 * judged when every row of it has its outcome and the ledger has been silent about it for a while; the others are
 * counted. In memory are the ledger's entries of the window, and of landing, a data set at a time, 8 bytes a row.
 */

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

/** Batches that came so long before the window are known: a zone's day begins before it. */
const SLACK_DAYS = 2;
/** Batches that are looked up at a time. */
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
  const { id, since } = request;
  if (since !== undefined && !TIME.test(since))
    throw new Error(`since is ${since}, and is to be a time as 2026-03-01T12:00:00.000Z`);
  const recount = new Recount(request, ports, timeLeft);
  const { judged, young, unbalanced, unbalanced_batches } = await readLedger(recount);
  await countInvoices(recount);
  await countRaw(recount);
  for (const name of datasets.keys()) {
    await countRejected(recount, name);
    await countWarehouse(recount, name, await countLanding(recount, name));
  }
  await nameStrangers(recount);
  const changed = await lookAgain(recount);
  const report: ReconcileReport = {
    kind: 'reconcile',
    id,
    began_at: recount.began_at,
    ended_at: ports.clock.now().toISOString(),
    since: since ?? null,
    judged: judged - changed,
    young: young + changed,
    unbalanced,
    unbalanced_batches,
    rows: recount.rows,
    raw_again: recount.rawAgain,
    passed_over: recount.passedOver,
    unreadable: recount.unreadable,
    unreadable_total: recount.unreadableTotal,
    differences: recount.differences,
    differences_total: recount.differencesTotal,
  };
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

/** Tells which batches are judged, and how the others stand. */
async function readLedger(recount: Recount) {
  const { since, settleSeconds } = recount.request;
  const { clock, history } = recount.ports;
  const settled = new Date(clock.now().getTime() - settleSeconds * 1000).toISOString();
  const from = since && new Date(Date.parse(since) - SLACK_DAYS * DAY_MS).toISOString();
  const counted: Record<Standing, number> = { judged: 0, young: 0, unbalanced: 0 };
  const unbalanced_batches: string[] = [];
  for await (const batch of history.batches(from)) {
    recount.checkTime();
    const { batch_id, received_at } = batch.head;
    const isOlder = since !== undefined && received_at < since;
    const standing = isOlder ? undefined : standingOf(batch, settled);
    if (standing) counted[standing]++;
    if (standing === 'unbalanced' && unbalanced_batches.length < MOST_NAMES) unbalanced_batches.push(batch_id);
    if (standing === 'judged') recount.judged.set(batch_id, batch);
    else recount.others.add(batch_id);
  }
  return { ...counted, unbalanced_batches };
}

/** Tells which of the strangers the ledger does not know at all: others came before the window, or just now. */
async function nameStrangers(recount: Recount): Promise<void> {
  await each(recount.strangers.values(), { width: FINDS }, async (stranger) => {
    recount.checkTime();
    if (!(await recount.ports.batches.find(stranger.batch_id!))) recount.note([stranger]);
  });
}

/** A batch that has changed since the ledger was read, as by a redrive, was young after all. How many did. */
async function lookAgain(recount: Recount): Promise<number> {
  const changed = new Set<string | null>();
  const named = new Set(recount.differences.map(({ batch_id }) => batch_id));
  await each(named, { width: FINDS }, async (batch_id) => {
    const before = recount.judged.get(batch_id ?? '');
    const now = before && (await recount.ports.batches.find(before.head.batch_id));
    if (now && JSON.stringify(now.entries) !== JSON.stringify(before.entries)) changed.add(batch_id);
  });
  const left = recount.differences.filter(({ batch_id }) => !changed.has(batch_id));
  recount.differencesTotal -= recount.differences.length - left.length;
  recount.differences = left;
  return changed.size;
}
