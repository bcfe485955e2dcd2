import type { Incident, Mail } from '../domain/alert';
import { incidentOf, rejectedShare, runIncident, sourceOf, unbalanced } from '../domain/incident';
import { type Batch, balanceOf } from '../domain/ledger';
import { arrivedMail, type News, newsOf } from '../domain/mails/arrived';
import { incidentMail } from '../domain/mails/incidents';
import { addCounts, type Counts } from '../domain/outcome';
import { NotAChunk, unpack } from '../domain/packing';
import { each } from './each';
import { type Ports, Unavailable, type Untold } from './ports';

export type AlertPorts = Pick<
  Ports,
  'clock' | 'batches' | 'arrivals' | 'watch' | 'incidents' | 'notes' | 'post' | 'failures' | 'telemetry'
>;

/**
 * Something to be looked at: an object that appeared in the lake, a run of Spark that ended, or that it is time to sum
 * up. `at`: when it happened, ISO.
 */
export type AlertTask =
  | { readonly task: 'object'; readonly key: string; readonly at: string }
  | {
      readonly task: 'run';
      readonly run_id: string;
      readonly state: string;
      readonly message?: string;
      readonly at: string;
    }
  | { readonly task: 'digest'; readonly at: string };

export interface AlertSettings {
  readonly stage: string;
  /** The API's address, for links. */
  readonly api: string;
  /** The option by which commands name the stage; empty where they need none. */
  readonly option: string;
  /** A batch may take so long until it balances. */
  readonly unbalancedMinutes: number;
  /** Of a batch's rows, 0 to 1: when more are refused, that is told by itself. */
  readonly rejectedShare: number;
  /** So long after one of its kind and data set an incident waits for the digest. */
  readonly quietMinutes: number;
}

/** Ledger entries that are read or written at a time. */
const WIDTH = 8;
/** A digest looks at so many batches, and so many incidents that wait; the others are the next one's. */
const MOST = 20_000;
/** Who has not mended a batch for so long does not mean to: it is told no more, and the alarm ends. */
const LONGEST_WATCHED_MINUTES = 14 * 24 * 60;
/** Objects in failed/ are counted this far. */
const MOST_FAILURES = 1000;
/** No function lives longer, so nobody who is dead keeps others out for longer. */
const LONGEST_SECONDS = 900;
/** A mail and its note take a second; no other one is begun in the last ones. */
const RESERVE_MS = 10_000;
const MINUTE_MS = 60_000;

const forever = () => Number.POSITIVE_INFINITY;

/**
 * Tells people what happened: what went wrong at once, what arrived in a digest. The same twice is one mail. A crash
 * between a mail and its note may send it twice; none leaves it unsent, if the task comes again.
 */
export async function alertOn(
  task: AlertTask,
  ports: AlertPorts,
  settings: AlertSettings,
  timeLeft: () => number = forever,
): Promise<void> {
  if (task.task === 'digest') return digest(ports, settings, timeLeft);
  const incident = await (task.task === 'run' ? runOf(task, ports) : objectOf(task, ports));
  if (incident && (await keep(incident, ports, settings)) === 'tell') await tellOf([incident], ports, settings);
}

async function runOf(task: Extract<AlertTask, { task: 'run' }>, { arrivals }: AlertPorts) {
  const arrival = await arrivals.ofRun(task.run_id);
  return runIncident(task, arrival && { ...arrival });
}

async function objectOf({ key, at }: Extract<AlertTask, { task: 'object' }>, ports: AlertPorts) {
  const source = sourceOf(key);
  if (!source) {
    ports.telemetry.log('info', 'an object of which nothing is told', { key });
    return undefined;
  }
  const note = source.hasNote ? await ports.notes.read(key) : undefined;
  const record = source.record === undefined ? undefined : await ports.failures.read(source.record);
  return incidentOf(source, at, note, record && chunkIn(record));
}

/** What a record says of itself; it may be in failed/ because it is no chunk. */
function chunkIn(record: Uint8Array) {
  try {
    const { dataset, batch_id, rows } = unpack(record);
    return { dataset, batch_id, rows };
  } catch (error) {
    if (!(error instanceof NotAChunk)) throw error;
    return {};
  }
}

function keep(incident: Incident, { clock, incidents }: AlertPorts, { quietMinutes }: AlertSettings) {
  const quietUntil = new Date(clock.now().getTime() + quietMinutes * MINUTE_MS);
  return incidents.keep(incident, quietUntil.toISOString());
}

/** Tells incidents of one kind and data set, and notes that. */
async function tellOf(incidents: readonly Incident[], ports: AlertPorts, settings: AlertSettings): Promise<void> {
  await send(incidentMail(incidents, settings), ports);
  await ports.incidents.told(incidents);
}

async function send(mail: Mail, { post, telemetry }: AlertPorts): Promise<void> {
  await post.send(mail);
  telemetry.measure({ MailsSent: 1 }, mail.dataset);
  telemetry.log('info', 'a mail was handed over', { mail: mail.id, kind: mail.kind, dataset: mail.dataset });
}

/** Sums up; one at a time, or what one tells would be new to another. Whoever finds another at it leaves it to him. */
async function digest(ports: AlertPorts, settings: AlertSettings, timeLeft: () => number): Promise<void> {
  const seconds = Math.min(timeLeft() / 1000, LONGEST_SECONDS);
  const mine = await ports.watch.alone(seconds, () => sumUp(ports, settings, timeLeft));
  if (!mine) ports.telemetry.log('info', 'another digest is at work', {});
}

/** What is found to be told. */
interface Found {
  readonly news: Map<string, Told[]>;
  readonly incidents: Incident[];
  /** Batches of which nothing new is to be told. */
  readonly same: { readonly untold: Untold; readonly now: Counts }[];
  unbalanced: number;
}
interface Told extends News {
  readonly untold: Untold;
}

async function sumUp(ports: AlertPorts, settings: AlertSettings, timeLeft: () => number): Promise<void> {
  // What is found must also be noted, which takes about as long.
  const half = timeLeft() / 2;
  const found: Found = { news: new Map(), incidents: [], same: [], unbalanced: 0 };
  // What a defect of ours keeps from being told must not keep the rest from it, digest after digest.
  const defects: unknown[] = [];
  const aside = async (about: Readonly<Record<string, unknown>>, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      ports.telemetry.log('error', 'something cannot be told', { ...about, error });
      defects.push(error);
    }
  };
  await each(ports.watch.untold(), { width: WIDTH, most: MOST, isOver: () => timeLeft() < half }, (untold) =>
    aside({ batch_id: untold.batch_id }, () => look(untold, found, ports, settings)),
  );
  ports.telemetry.measure({ BatchesUnbalanced: found.unbalanced, FailuresKept: await countFailures(ports) });

  for (const group of groupsOf(await waiting(found.incidents, ports, settings))) {
    if (timeLeft() < RESERVE_MS) return;
    const [{ kind, dataset }] = group as [Incident, ...Incident[]];
    await aside({ kind, dataset }, () => tellOf(group, ports, settings));
  }
  const at = ports.clock.now().toISOString();
  const note = ({ untold, now }: { readonly untold: Untold; readonly now: Counts }) =>
    ports.watch.tell(untold, { at, ...now });
  for (const [dataset, news] of found.news) {
    if (timeLeft() < RESERVE_MS) return;
    await aside({ kind: 'arrived', dataset }, async () => {
      await send(arrivedMail(dataset, news, settings), ports);
      await each(news, { width: WIDTH }, note);
    });
  }
  await each(found.same, { width: WIDTH }, note);
  if (defects.length > 0) throw defects[0];
}

/** Puts a batch where it belongs. One that is on its way, and has time for it, is left alone. */
async function look(untold: Untold, found: Found, ports: AlertPorts, settings: AlertSettings): Promise<void> {
  const batch = await ports.batches.find(untold.batch_id);
  if (!batch) return;
  const balance = balanceOf(batch);
  const now = ports.clock.now();
  const at = now.toISOString();
  if (!balance.balanced) {
    const minutes = (now.getTime() - Date.parse(untold.received_at)) / MINUTE_MS;
    if (minutes <= settings.unbalancedMinutes) return;
    if (minutes > LONGEST_WATCHED_MINUTES) return void found.same.push({ untold, now: addCounts(batch.entries) });
    found.unbalanced++;
    found.incidents.push(unbalanced(batch.head, balance, at));
    return;
  }
  await lookAtNews(untold, batch, found, ports);
  const refused = rejectedShare(batch.head, balance, settings.rejectedShare, at);
  if (refused) found.incidents.push(refused);
}

async function lookAtNews(untold: Untold, { head, entries }: Batch, found: Found, { watch }: AlertPorts) {
  const { kept, duplicate, rejected } = addCounts(entries);
  const now = { kept, duplicate, rejected };
  const news = newsOf(head, entries, now, await watch.told(untold.batch_id));
  if (!news) return void found.same.push({ untold, now });
  const others = found.news.get(head.dataset);
  if (others) others.push({ ...news, untold });
  else found.news.set(head.dataset, [{ ...news, untold }]);
}

/** The incidents of this digest that were not told before, and those that waited for it. */
async function waiting(mine: readonly Incident[], ports: AlertPorts, settings: AlertSettings): Promise<Incident[]> {
  const open = new Map<string, Incident>();
  await each(mine, { width: WIDTH }, async (incident) => {
    if ((await keep(incident, ports, settings)) !== 'known') open.set(incident.id, incident);
  });
  for await (const incident of ports.incidents.held()) {
    if (open.size >= MOST) break;
    open.set(incident.id, incident);
  }
  return [...open.values()];
}

/** Incidents of one kind and data set together. */
const groupsOf = (incidents: readonly Incident[]) =>
  Map.groupBy(incidents, ({ kind, dataset = '' }) => `${kind} ${dataset}`).values();

async function countFailures({ failures }: AlertPorts): Promise<number> {
  let n = 0;
  for await (const _ of failures.list()) if (++n === MOST_FAILURES) break;
  return n;
}
