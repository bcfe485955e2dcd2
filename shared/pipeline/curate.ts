import type { Contract } from '../domain/contract';
import {
  addColumns,
  askColumns,
  createTable,
  curatedColumns,
  curatedRows,
  MOST_DAYS,
  merge,
  optimizeTable,
  printed,
  touchedDays,
  vacuumTable,
} from '../domain/curated';
import { datasets } from '../domain/dataset';
import { daysBefore } from '../domain/warehouse';
import { type LandedFile, type Ports, StillRunning, Unavailable } from './ports';

/*
 * Brings what is new in landing into the curated tables. For each data set: which days of arrival have files that were
 * not there before; which days of events their rows are of; a merge for at most so many of these as a statement may
 * write to; a count; a note. The note follows each statement, so a call that is broken off is gone on with, and what a
 * crash lost of the note is merged again, which adds nothing. One call works at a time, and a merge that outlives its call
 * is waited for by the next, so no two merges meet.
 */
export type CurationPorts = Pick<Ports, 'landed' | 'curation' | 'clock'>;

/** What to merge. */
export interface CurateRequest {
  /** Looks at files that arrived on this day or later, as 2026-03-01; by default at what can be new. */
  readonly since?: string | undefined;
}

/** What a call did for a data set, and how that stands. */
export interface CurateCounts {
  /** Days of arrival that were merged. */
  readonly arrivals: number;
  /** Days of events that were merged into. */
  readonly days: number;
  /** Rows of landing, those included that its lifecycle has taken away since: curated_rows + removed_duplicates. */
  readonly landed_rows: number;
  readonly curated_rows: number;
  readonly removed_duplicates: number;
}

export interface CurateAnswer {
  /** False when time ran out: the same call goes on where this one stopped. */
  readonly done: boolean;
  readonly datasets: Readonly<Record<string, CurateCounts>>;
}

/** So long after its begin a call is over, however it ended: what a function may take, and a little more. */
const TURN_SECONDS = 960;
/** Files come late by so many days at most, but for rows that are sent through again: the weekly look finds those. */
const LATE_DAYS = 7;
const WEEK_MS = 7 * 86_400_000;
/** Arrival days of one round of merges: few enough that what a merge reads stays below what a query may. */
const ROUND = { days: 31, bytes: 1024 ** 3 };
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The files of a day of arrival. */
interface Arrivals {
  readonly files: number;
  /** Changes with any of them. */
  readonly print: string;
}

/** Arrival days that are being merged. */
interface Round {
  /** Its own among all rounds: within it, a statement is run once. */
  readonly id: string;
  readonly arrivals: Readonly<Record<string, Arrivals>>;
  /** Landed rows by day of arrival, and the days of events still to be merged; undefined when nobody has looked. */
  readonly touched?: { readonly rows: Readonly<Record<string, number>>; readonly left: readonly string[] };
}

/** What is known of a data set's table, as it lies in the lake. */
interface Note {
  /** Of the table. */
  readonly columns: readonly string[];
  /** What is merged, by day of arrival. */
  readonly arrivals: Readonly<Record<string, Arrivals & { readonly rows: number }>>;
  readonly round?: Round | undefined;
  /** Days of events with files that nobody has joined since they were merged into. */
  readonly untended: readonly string[];
  /** ISO: when files were joined and all of landing was looked through; the first of it comes a week after the first merge. */
  readonly tended_at: string;
  readonly merged_at: string;
  readonly landed_rows: number;
  readonly curated_rows: number;
  readonly removed_duplicates: number;
}

const nothing = (now: string): Note => ({
  columns: [],
  arrivals: {},
  untended: [],
  tended_at: now,
  merged_at: now,
  landed_rows: 0,
  curated_rows: 0,
  removed_duplicates: 0,
});

/**
 * Merges what is new of every data set. May be broken off anywhere and called again. `timeLeft` is asked before each
 * statement, in milliseconds: at 0 the call ends by itself, and no statement is waited for longer. A data set that fails
 * does not keep the others out. @throws Unavailable while another call is at work; at the end, what a data set failed with
 */
export async function curate(
  { since }: CurateRequest,
  ports: CurationPorts,
  timeLeft: () => number = () => Number.POSITIVE_INFINITY,
): Promise<CurateAnswer> {
  if (since !== undefined && !DAY.test(since)) throw new Error(`since is ${since}, and is to be a day as 2026-03-01`);
  let answer: CurateAnswer | undefined;
  await ports.curation.alone(TURN_SECONDS, async () => {
    answer = await mergeAll(since, ports, timeLeft);
  });
  if (answer === undefined) throw new Unavailable('another call merges');
  return answer;
}

async function mergeAll(
  since: string | undefined,
  ports: CurationPorts,
  timeLeft: () => number,
): Promise<CurateAnswer> {
  const counts: Record<string, CurateCounts> = {};
  const failures: unknown[] = [];
  for (const [name, { contract }] of datasets) {
    try {
      const work = await Work.on(contract, ports, timeLeft);
      const done = await work.do(since);
      counts[name] = work.counts();
      if (!done) return { done, datasets: counts }; // what has failed fails again the next time
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) throw together(failures);
  if (failures.length > 0) throw failures[0];
  return { done: true, datasets: counts };
}

/** Where all of it may pass, so may the sum. */
function together(failures: readonly unknown[]): Error {
  const cause = new AggregateError(failures);
  const why = failures.map(String).join('; ');
  return failures.every((error) => error instanceof Unavailable)
    ? new Unavailable(why, { cause })
    : new Error(why, { cause });
}

/** Ended by time. */
class BrokenOff extends Error {}

/** One call for a data set. */
class Work {
  private readonly merged = { arrivals: new Set<string>(), days: new Set<string>() };

  private constructor(
    private readonly contract: Contract,
    private readonly ports: CurationPorts,
    private readonly timeLeft: () => number,
    private note: Note,
  ) {}

  static async on(contract: Contract, ports: CurationPorts, timeLeft: () => number): Promise<Work> {
    const noted = await ports.curation.noted(contract.name);
    const note = noted === undefined ? nothing(ports.clock.now().toISOString()) : (JSON.parse(noted) as Note);
    return new Work(contract, ports, timeLeft, note);
  }

  counts(): CurateCounts {
    const { landed_rows, curated_rows, removed_duplicates } = this.note;
    const { arrivals, days } = this.merged;
    return { arrivals: arrivals.size, days: days.size, landed_rows, curated_rows, removed_duplicates };
  }

  /** False when time ran out. */
  async do(since: string | undefined): Promise<boolean> {
    try {
      await this.prepare();
      const isDue = this.now() - Date.parse(this.note.tended_at) >= WEEK_MS;
      for (const round of await this.rounds(since, isDue)) await this.mergeRound(round);
      if (isDue) await this.tend();
      return true;
    } catch (error) {
      if (error instanceof BrokenOff || error instanceof StillRunning) return false; // the next call goes on, or finds it
      throw error;
    }
  }

  private now = (): number => this.ports.clock.now().getTime();

  /** Runs a statement; the same one of a round is run once, whoever asks how often. */
  private async run(statement: string, round: string) {
    const within = this.timeLeft();
    if (within <= 0) throw new BrokenOff();
    return this.ports.curation.run(statement, { round, within });
  }

  private async keep(changes: Partial<Note>): Promise<void> {
    this.note = { ...this.note, ...changes };
    await this.ports.curation.note(this.contract.name, JSON.stringify(this.note));
  }

  /** The table as the contract has it. */
  private async prepare(): Promise<void> {
    const { columns } = this.note;
    const wanted = curatedColumns(this.contract).map(({ name }) => name);
    if (wanted.every((name) => columns.includes(name))) return;
    const round = this.ports.clock.now().toISOString();
    if (columns.length === 0) await this.run(createTable(this.contract, this.ports.curation.lake), round);
    const found = (await this.run(askColumns(this.contract), round)).columns;
    const more = addColumns(this.contract, found);
    if (more !== undefined) await this.run(more, round);
    await this.keep({ columns: [...new Set([...found, ...wanted])] });
  }

  /**
   * What is to be merged: the round that was begun, and behind it what is new. One whose files have changed is forgotten
   * unless a merge of it may be running; then its days are merged again behind it.
   */
  private async rounds(asked: string | undefined, all: boolean): Promise<Round[]> {
    const { arrivals, round } = this.note;
    const newest = Object.keys(arrivals).sort().at(-1);
    const late = newest && daysBefore(newest, LATE_DAYS);
    const begun = Object.keys(round?.arrivals ?? {}).sort()[0];
    const since = [asked ?? late, begun].filter((day) => day !== undefined).sort()[0];

    const fresh = new Map<string, Arrivals & { readonly bytes: number }>();
    const isAll = all || late === undefined;
    for (const [day, found] of await daysOf(this.ports.landed.list(this.contract.name, isAll ? undefined : since))) {
      const known = arrivals[day];
      // An old day that lost files loses them to landing's lifecycle: its rows are in the table.
      const isGoing = known !== undefined && found.files < known.files && day < late!;
      if (known?.print !== found.print && !isGoing) fresh.set(day, found);
    }
    const isAsBegun = Object.entries(round?.arrivals ?? {}).every(
      ([day, { print }]) => fresh.get(day)?.print === print,
    );
    const first = round && (isAsBegun || round.touched) ? [round] : [];
    if (isAsBegun) for (const day of Object.keys(round?.arrivals ?? {})) fresh.delete(day);
    return [...first, ...grouped(fresh).map((days) => this.roundOf(days))];
  }

  private roundOf(days: Readonly<Record<string, Arrivals>>): Round {
    return { id: printed(this.ports.clock.now().toISOString(), JSON.stringify(days)), arrivals: days };
  }

  private async mergeRound({ id, arrivals, ...begun }: Round): Promise<void> {
    const days = Object.keys(arrivals);
    let touched = begun.touched;
    if (touched === undefined) {
      await this.keep({ round: { id, arrivals } });
      touched = touchedIn((await this.run(touchedDays(this.contract, days), id)).rows);
      await this.keep({ round: { id, arrivals, touched } });
    }
    const { rows } = touched;
    for (let left = touched.left; left.length > 0; ) {
      const group = left.slice(0, MOST_DAYS);
      await this.run(merge(this.contract, days, group), id);
      left = left.slice(MOST_DAYS);
      for (const day of group) this.merged.days.add(day);
      const untended = [...new Set([...this.note.untended, ...group])].sort();
      await this.keep({ round: { id, arrivals, touched: { rows, left } }, untended });
    }
    const [count] = (await this.run(curatedRows(this.contract), id)).rows;
    await this.countRound(arrivals, rows, Number(count![0]));
    for (const day of days) this.merged.arrivals.add(day);
  }

  private async countRound(
    arrivals: Round['arrivals'],
    rows: Readonly<Record<string, number>>,
    curated_rows: number,
  ): Promise<void> {
    const merged = Object.entries(arrivals).map(([day, files]) => [day, { ...files, rows: rows[day] ?? 0 }]);
    const all: Note['arrivals'] = { ...this.note.arrivals, ...Object.fromEntries(merged) };
    const landed_rows = Object.values(all).reduce((sum, day) => sum + day.rows, 0);
    await this.keep({
      arrivals: all,
      round: undefined,
      merged_at: this.ports.clock.now().toISOString(),
      landed_rows,
      curated_rows,
      removed_duplicates: Math.max(0, landed_rows - curated_rows), // a file that came meanwhile is counted the next time
    });
  }

  /**
   * Once a week: the small files that merges have left are joined, and what is no longer needed of old ones goes. What
   * was run before a call was broken off is the same round's, and is not run again.
   */
  private async tend(): Promise<void> {
    const { untended, tended_at } = this.note;
    const round = `tend ${tended_at}`;
    for (let at = 0; at < untended.length; at += MOST_DAYS)
      await this.run(optimizeTable(this.contract, untended.slice(at, at + MOST_DAYS)), round);
    if (untended.length > 0) await this.run(vacuumTable(this.contract), round);
    await this.keep({ untended: [], tended_at: this.ports.clock.now().toISOString() });
  }
}

/** Files by their day of arrival. */
async function daysOf(
  files: AsyncIterable<LandedFile>,
): Promise<ReadonlyMap<string, Arrivals & { readonly bytes: number }>> {
  const days = new Map<string, Arrivals & { readonly bytes: number }>();
  for await (const { day, key, etag, bytes } of files) {
    const found = days.get(day) ?? { files: 0, bytes: 0, print: '' };
    days.set(day, { files: found.files + 1, bytes: found.bytes + bytes, print: printed(found.print, key, etag) });
  }
  return days;
}

/** Days in their order, some to a round. */
function grouped(fresh: ReadonlyMap<string, Arrivals & { readonly bytes: number }>): Record<string, Arrivals>[] {
  const groups: Record<string, Arrivals>[] = [];
  let [days, bytes] = [0, 0];
  for (const [day, { files, print, bytes: more }] of [...fresh].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (groups.length === 0 || days === ROUND.days || bytes + more > ROUND.bytes) {
      groups.push({});
      [days, bytes] = [0, 0];
    }
    groups.at(-1)![day] = { files, print };
    days++;
    bytes += more;
  }
  return groups;
}

/** What a count of landed rows by both days says. */
function touchedIn(lines: readonly (readonly (string | null)[])[]): NonNullable<Round['touched']> {
  const rows: Record<string, number> = {};
  const left = new Set<string>();
  for (const [dt, event_date, count] of lines) {
    rows[dt!] = (rows[dt!] ?? 0) + Number(count);
    left.add(event_date!);
  }
  return { rows, left: [...left].sort() };
}
