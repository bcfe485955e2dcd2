import type { Arrival } from '../domain/arrival';
import type { CurateAnswer, CurateCounts } from './curate';
import type { BuildAnswer } from './insights';
import { type Notice, type Ports, Unavailable } from './ports';
import type { LoadAnswer, LoadCounts } from './warehouse';

/*
 * The nightly run: wait for files that are being read, have Spark's batches claimed, load the warehouse, merge what landed
 * into the curated tables, build the insights, report. Each step takes the night as it is and gives it back with what it found, so that whoever walks through them - a state
 * machine on AWS, runNight in one process - only repeats a step while it says `again`.
 *
 * Two nights at the same time do not harm each other: a notice may come twice, the warehouse is loaded by one at a time,
 * file by file and by line_id, and each night's report has a name of its own.
 */
export type NightPorts = Pick<Ports, 'clock' | 'backlog' | 'bulkOutput' | 'later' | 'reports' | 'telemetry'>;

/** The steps that are timed, in their order. */
export const STEPS = ['wait', 'claim', 'load', 'curate', 'build'] as const;
export type Step = (typeof STEPS)[number];

/** A night under way. Plain JSON: it travels from invocation to invocation. */
export interface Night {
  /** Its own among all nights. */
  readonly id: string;
  /** ISO. What arrives later is another night's. */
  readonly began_at: string;
  /** Whether the step is to be done once more. */
  readonly again?: boolean;
  /** When each step ended, ISO; the next one begins then. */
  readonly ended?: Partial<Record<Step, string>>;
  readonly waited_for?: Names;
  readonly claims?: Names;
  readonly left_over?: LeftOver;
  readonly loaded?: Readonly<Record<string, LoadCounts>>;
  readonly curated?: Readonly<Record<string, CurateCounts>>;
  readonly insights?: BuildCounts;
  /** The build that is to be gone on with. */
  readonly build_began_at?: string;
  readonly failure?: Failure;
}

/** What a build came to. */
export type BuildCounts = Pick<BuildAnswer, 'insights' | 'profiles'>;

/** Some names, and how many there are. */
export interface Names {
  readonly count: number;
  readonly names: readonly string[];
}

/** Files that are unfinished still: how many, and some of them. */
export interface LeftOver {
  readonly count: number;
  readonly files: readonly { readonly key: string; readonly state: Arrival['state']; readonly why: string }[];
}

/** What ended a night. */
export interface Failure {
  readonly step: string;
  readonly error: string;
  readonly cause?: string;
}

/** What a night did; this is kept, and is what the run answers. */
export interface NightReport {
  readonly id: string;
  readonly status: 'done' | 'failed';
  readonly began_at: string;
  readonly ended_at: string;
  /** How long each step took that came to its end. */
  readonly seconds: Partial<Record<Step, number>>;
  /** Files that were unfinished when the night began. */
  readonly waited_for: Names;
  /** Batches of Spark whose claim was called for again. */
  readonly claims: Names;
  readonly left_over: LeftOver;
  /** By data set; null where there is no warehouse, or the night did not come to it. */
  readonly loaded: Readonly<Record<string, LoadCounts>> | null;
  /** By data set; null where the curated tables are the warehouse's, or the night did not come to them. */
  readonly curated: Readonly<Record<string, CurateCounts>> | null;
  /** Null when the night did not come to them. */
  readonly insights: BuildCounts | null;
  readonly failure?: Required<Failure>;
}

/** One step to be taken. `within`: seconds that it may go on for, counted from the end of the one before. */
export type Task =
  | { readonly step: 'wait' | 'claim'; readonly night: Night; readonly within: number }
  | { readonly step: 'load'; readonly night: Night; readonly within: number; readonly answer: LoadAnswer }
  | { readonly step: 'curate'; readonly night: Night; readonly within: number; readonly answer: CurateAnswer }
  | { readonly step: 'build'; readonly night: Night; readonly within: number; readonly answer: BuildAnswer }
  | { readonly step: 'report'; readonly night: Night };

/** So many names are said: a night must not outgrow what a state machine passes on (256 KB), and a key has 1 KB. */
const MOST_NAMES = 50;
/** Of each data set. */
const MOST_UNREADABLE = 20;
const LONGEST_REASON = 300;
const LONGEST_CAUSE = 1000;

const HOUR_MS = 3_600_000;
/**
 * A file is stuck when nobody has worked on it for so long: a function holds it for minutes and asks for Spark every
 * five; Spark itself says nothing while it is at work.
 */
const STUCK_AFTER_MS: Partial<Record<Arrival['state'], number>> = { running: 12 * HOUR_MS, claiming: 12 * HOUR_MS };

const isStuck = (arrival: Arrival, now: Date): boolean =>
  now.getTime() - lastSign(arrival) > (STUCK_AFTER_MS[arrival.state] ?? HOUR_MS);

const lastSign = ({ arrived_at, lease }: Arrival): number => Math.max(Date.parse(arrived_at), Date.parse(lease.until));

/** Takes a step. @throws Unavailable */
export function takeStep(task: Exclude<Task, { step: 'report' }>, ports: NightPorts): Promise<Night>;
export function takeStep(task: Task, ports: NightPorts): Promise<Night | NightReport>;
export async function takeStep(task: Task, ports: NightPorts): Promise<Night | NightReport> {
  if (task.step === 'report') return report(task.night, ports);
  const night = await nightBehind(task, ports);
  const { id, again, left_over, loaded, curated, insights } = night;
  const found = { again, left_over, loaded, curated, insights };
  ports.telemetry.log('info', 'a step of the night', { night: id, step: task.step, ...found });
  return night;
}

async function nightBehind(task: Exclude<Task, { step: 'report' }>, ports: NightPorts): Promise<Night> {
  if (task.step === 'wait') return waitForFiles(task.night, task.within, ports);
  if (task.step === 'claim') return callForClaims(task.night, task.within, ports);
  const answered = task as Answered;
  return goneOnBy(answered, counted(answered), ports.clock.now());
}

/** A step that a function of its own does, which says what it came to. */
type Answered = Extract<Task, { readonly answer: unknown }>;

/** The night with what was answered. */
function counted(task: Answered): Night {
  const { night } = task;
  if (task.step === 'load') return { ...night, loaded: added(night.loaded ?? {}, task.answer.datasets) };
  if (task.step === 'curate') return { ...night, curated: merged(night.curated ?? {}, task.answer.datasets) };
  const { insights, profiles, began_at } = task.answer;
  return { ...night, insights: { insights, profiles }, build_began_at: began_at };
}

const UNDONE: Readonly<Record<Answered['step'], string>> = {
  load: 'The warehouse was not loaded',
  curate: 'The curated tables were not merged',
  build: 'The insights were not built',
};

/** Goes on until it is done. What takes longer than it may ends the night. */
function goneOnBy({ step, night: before, answer, within }: Answered, night: Night, now: Date): Night {
  const { done } = answer;
  if (done) return ended({ ...night, again: false }, step, now);
  if (!isOver(before, step, within, now)) return { ...night, again: true };
  const cause = `${UNDONE[step]} in ${within} s. The next night goes on where this one stopped.`;
  return { ...night, again: false, failure: { step, error: 'NotInTime', cause } };
}

/** Whether files are still being read, by a function or by Spark. Those that are stuck are not waited for. */
async function waitForFiles(night: Night, within: number, ports: NightPorts): Promise<Night> {
  const found = await lookAround(night, ports);
  const waited_for = night.waited_for ?? namesOf([...found.reading, ...found.cleaned].map(({ key }) => key));
  return { ...goneOn(night, 'wait', within, found, found.reading), waited_for };
}

/**
 * Whether Spark's batches are still being claimed. Each is called for once more, in case its notice was lost: whoever
 * claims it already is not harmed.
 */
async function callForClaims(night: Night, within: number, ports: NightPorts): Promise<Night> {
  const found = await lookAround(night, ports);
  const claims = night.claims ?? namesOf(found.cleaned.map(({ batch_id }) => batch_id));
  if (!night.claims) {
    for (const { dataset, batch_id } of found.cleaned) await ports.later.again({ dataset, batch_id }, 0);
  }
  return { ...goneOn(night, 'claim', within, found, found.cleaned), claims };
}

type Cleaned = Arrival & Extract<Notice, { batch_id: string }>;

interface Found {
  readonly now: Date;
  /** Files that are being read, or wait for it. */
  readonly reading: readonly Arrival[];
  /** Files that Spark has cleaned. */
  readonly cleaned: readonly Cleaned[];
}

/** What is unfinished of the files that were there when the night began. */
async function lookAround({ began_at }: Night, { backlog, bulkOutput, clock }: NightPorts): Promise<Found> {
  const reading: Arrival[] = [];
  const cleaned: Cleaned[] = [];
  for (const arrival of await backlog.unfinished()) {
    if (Date.parse(arrival.arrived_at) > Date.parse(began_at)) continue;
    const { dataset, batch_id, state } = arrival;
    const isOfSpark = dataset !== undefined && batch_id !== undefined && (state === 'running' || state === 'claiming');
    if (isOfSpark && (await bulkOutput.manifest({ dataset, batch_id })) !== undefined)
      cleaned.push({ ...arrival, dataset, batch_id });
    else reading.push(arrival);
  }
  return { now: clock.now(), reading, cleaned };
}

/** The night behind a look: is there something that the step waits for, and has it time for that? */
function goneOn(
  night: Night,
  step: 'wait' | 'claim',
  within: number,
  { now, reading, cleaned }: Found,
  awaited: readonly Arrival[],
): Night {
  const again = awaited.some((arrival) => !isStuck(arrival, now)) && !isOver(night, step, within, now);
  const files = [...reading, ...cleaned];
  const left_over = {
    count: files.length,
    files: files.slice(0, MOST_NAMES).map((file) => ({ key: file.key, state: file.state, why: whyLeft(file, now) })),
  };
  return { ...(again ? night : ended(night, step, now)), again, left_over };
}

const whyLeft = (arrival: Arrival, now: Date): string =>
  isStuck(arrival, now)
    ? `stuck: nobody has worked on it since ${new Date(lastSign(arrival)).toISOString()}`
    : `not done when the night went on, at ${now.toISOString()}`;

function added(
  before: Readonly<Record<string, LoadCounts>>,
  more: Readonly<Record<string, LoadCounts>>,
): Record<string, LoadCounts> {
  const sums: Record<string, LoadCounts> = { ...before };
  for (const [dataset, counts] of Object.entries(more)) {
    const { files, rows, added, known, unreadable } = sums[dataset] ?? NOTHING;
    // Files that were passed over are passed over by each call.
    const all = new Map([...unreadable, ...counts.unreadable].map((file) => [file.key, file]));
    sums[dataset] = {
      files: files + counts.files,
      rows: rows + counts.rows,
      added: added + counts.added,
      known: known + counts.known,
      unreadable: [...all.values()].slice(0, MOST_UNREADABLE).map(shortened),
    };
  }
  return sums;
}

const NOTHING: LoadCounts = { files: 0, rows: 0, added: 0, known: 0, unreadable: [] };

const shortened = ({ key, reason }: LoadCounts['unreadable'][number]) => ({
  key,
  reason: reason.slice(0, LONGEST_REASON),
});

/** What was merged is added up; how the tables stand is what was said last. */
function merged(
  before: Readonly<Record<string, CurateCounts>>,
  more: Readonly<Record<string, CurateCounts>>,
): Record<string, CurateCounts> {
  const sums: Record<string, CurateCounts> = { ...before };
  for (const [dataset, counts] of Object.entries(more)) {
    const { arrivals = 0, days = 0 } = sums[dataset] ?? {};
    sums[dataset] = { ...counts, arrivals: arrivals + counts.arrivals, days: days + counts.days };
  }
  return sums;
}

/** Keeps the night's report. */
async function report(night: Night, { clock, reports, telemetry }: NightPorts): Promise<NightReport> {
  const { id, began_at, failure } = night;
  const made: NightReport = {
    id,
    status: failure ? 'failed' : 'done',
    began_at,
    ended_at: clock.now().toISOString(),
    seconds: secondsOf(night),
    waited_for: night.waited_for ?? namesOf([]),
    claims: night.claims ?? namesOf([]),
    left_over: night.left_over ?? { count: 0, files: [] },
    loaded: night.loaded ?? null,
    curated: night.curated ?? null,
    insights: night.insights ?? null,
    ...(failure && { failure: { ...failure, cause: inWords(failure) } }),
  };
  await reports.keep(made);
  const { status, seconds } = made;
  const level = status === 'failed' ? 'error' : 'info';
  telemetry.log(level, 'the night is over', { night: id, status, seconds, failure: made.failure });
  return made;
}

/** What a function threw comes as JSON, with a trace that is in its log. */
function inWords({ cause = 'no cause was given' }: Failure): string {
  let said = cause;
  try {
    const thrown = JSON.parse(cause) as { errorMessage?: unknown } | null;
    if (typeof thrown?.errorMessage === 'string') said = thrown.errorMessage;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // words already
  }
  return said.slice(0, LONGEST_CAUSE);
}

function secondsOf(night: Night): Partial<Record<Step, number>> {
  const taken = STEPS.filter((step) => night.ended?.[step] !== undefined).map((step) => {
    const milliseconds = Date.parse(night.ended![step]!) - Date.parse(beginOf(night, step));
    return [step, Math.round(milliseconds / 100) / 10];
  });
  return Object.fromEntries(taken);
}

/** When a step began: when the last one before it ended. */
function beginOf({ began_at, ended = {} }: Night, step: Step): string {
  const before = STEPS.slice(0, STEPS.indexOf(step)).map((earlier) => ended[earlier]);
  return before.findLast((time) => time !== undefined) ?? began_at;
}

const isOver = (night: Night, step: Step, within: number, now: Date): boolean =>
  now.getTime() - Date.parse(beginOf(night, step)) >= within * 1000;

const ended = (night: Night, step: Step, now: Date): Night => ({
  ...night,
  ended: { ...night.ended, [step]: now.toISOString() },
});

const namesOf = (names: readonly string[]): Names => ({ count: names.length, names: names.slice(0, MOST_NAMES) });

/** How a night in one process goes on. */
export interface Nightwatch {
  /** Seconds that each step may go on for. */
  readonly within: Readonly<Record<Exclude<Step, 'curate'>, number>>;
  /** Loads what is new into the warehouse, or a part of it; left out where there is none. */
  readonly load?: () => Promise<LoadAnswer>;
  /** Builds the insights, or goes on with the build that began then; in one process they are of the warehouse. */
  readonly build?: (began_at: string | undefined) => Promise<BuildAnswer>;
  /** Called before a step, or the pause that it asked for: resolves when it is time. */
  pause(seconds: number): Promise<void>;
  /** Told of the night behind each step. */
  tell?(step: Step, night: Night): void;
  /** Told of what ended the night before its time. */
  onError?(error: unknown): void;
}

const PAUSE_SECONDS = 1;
/** How often a step that finds the world busy is tried. */
const MOST_TRIES = 4;

/** A night in one process, by the same steps in the same order. A step that fails ends it, with a report that says so. */
export async function runNight(id: string, watch: Nightwatch, ports: NightPorts): Promise<NightReport> {
  let night: Night = { id, began_at: ports.clock.now().toISOString() };
  const walk = async (step: Step, take: () => Promise<Night>) => {
    do {
      if (night.again) await watch.pause(PAUSE_SECONDS);
      night = await patiently(take, watch);
      watch.tell?.(step, night);
    } while (night.again);
  };
  let step: Step = 'wait';
  try {
    for (step of ['wait', 'claim'] as const) {
      const task = { step, within: watch.within[step] };
      await walk(step, () => takeStep({ ...task, night }, ports));
    }
    step = 'load';
    const { load, build, within } = watch;
    if (load)
      await walk(step, async () => takeStep({ step: 'load', night, within: within.load, answer: await load() }, ports));
    step = 'build';
    if (build)
      await walk(step, async () => {
        const answer = await build(night.build_began_at);
        return takeStep({ step: 'build', night, within: within.build, answer }, ports);
      });
  } catch (error) {
    watch.onError?.(error);
    const { name, message } = error as Error;
    night = { ...night, failure: { step, error: name, cause: message } };
  }
  return report(night, ports);
}

async function patiently(take: () => Promise<Night>, { pause }: Nightwatch): Promise<Night> {
  for (let tries = 1; ; tries++) {
    try {
      return await take();
    } catch (error) {
      if (!(error instanceof Unavailable) || tries === MOST_TRIES) throw error;
      await pause(PAUSE_SECONDS * 2 ** tries);
    }
  }
}
