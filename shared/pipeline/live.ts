import { addFigures, type Figures } from '../domain/live';
import { liveAnswer } from '../domain/live-answer';
import { ALL, isClosed, isMinute, liveDays, withinOf } from '../domain/window';
import type { Ports, Summed } from './ports';

/** Sums that a function has read or made, for as long as it lives; they hold while their mark is the window's. */
export type LiveMemory = Map<string, Summed>;

/** What the day has brought so far, and what of it could not be read in time is `behind`: it is there the next time. */
export async function readLive(
  { clock, live }: Pick<Ports, 'clock' | 'live'>,
  timeLeft: () => number,
  memory: LiveMemory = new Map(),
) {
  const now = clock.now();
  const of = (dataset: string) => new Reader(dataset, now, live, timeLeft, memory).read();
  const [sales, visits] = await Promise.all([of('transactions'), of('events')]);
  return liveAnswer(now, { sales: sales.figures, visits: visits.figures, behind: !sales.whole || !visits.whole });
}

interface Sum {
  readonly figures: Figures;
  /** Nothing is missing. */
  whole: boolean;
}

/**
 * Sums windows from the outside in: marks are read before what is summed, so that a sum under an old mark is void when
 * something came late meanwhile. What is closed is kept as soon as it is whole.
 */
class Reader {
  constructor(
    private readonly dataset: string,
    private readonly now: Date,
    private readonly live: Ports['live'],
    private readonly timeLeft: () => number,
    private readonly memory: LiveMemory,
  ) {}

  read(): Promise<Sum> {
    const days = liveDays(this.now);
    for (const name of this.memory.keys()) if (atOf(name) < days[0]!) this.memory.delete(name);
    return this.sum(ALL, days);
  }

  /** The sum of windows that are within one, in the order of time. */
  private async sum(within: string, windows: readonly string[]): Promise<Sum> {
    const sum: Sum = { figures: new Map(), whole: true };
    if (this.timeLeft() <= 0) return { ...sum, whole: false };
    const marks = await this.live.marks({ dataset: this.dataset, at: within });
    const markOf = (at: string) => marks.get(at) ?? 0;
    const holds = (at: string, kept: Summed | undefined): kept is Summed =>
      kept !== undefined && kept.mark >= markOf(at);

    const closed = windows.filter((at) => isClosed(at, this.now));
    const unknown = closed.filter((at) => !holds(at, this.memory.get(this.nameOf(at))));
    if (unknown.length > 0) {
      const kept = await this.live.sums({ dataset: this.dataset, at: within }, unknown[0]!, unknown.at(-1)!);
      for (const at of unknown) if (holds(at, kept.get(at))) this.remember(at, kept.get(at)!);
    }
    const open: string[] = [];
    for (const at of windows) {
      const known = this.memory.get(this.nameOf(at));
      if (isClosed(at, this.now) && holds(at, known)) addFigures(sum.figures, known.figures);
      else open.push(at);
    }
    if (windows.some(isMinute)) await this.sumMinutes(open, markOf, sum);
    else await this.sumLarger(open, markOf, sum);
    return sum;
  }

  private async sumLarger(open: readonly string[], markOf: (at: string) => number, sum: Sum): Promise<void> {
    for (const at of open) {
      const { figures, whole } = await this.sum(at, withinOf(at, this.now));
      addFigures(sum.figures, figures);
      if (!whole) sum.whole = false;
      else if (isClosed(at, this.now)) await this.keep(at, { mark: markOf(at), figures });
    }
  }

  /** Minutes behind each other are asked for together. One without figures is not kept: its hour will be. */
  private async sumMinutes(open: readonly string[], markOf: (at: string) => number, sum: Sum): Promise<void> {
    for (const [first, last] of runsOf(open)) {
      const minutes = new Map<string, Figures>();
      let reached = first;
      for await (const { minute, figures } of this.live.pieces(this.dataset, first, last)) {
        if (this.timeLeft() <= 0) {
          sum.whole = false;
          break;
        }
        reached = minute;
        const known = minutes.get(minute) ?? new Map();
        addFigures(known, figures);
        minutes.set(minute, known);
      }
      for (const [minute, figures] of minutes) {
        addFigures(sum.figures, figures);
        const isRead = sum.whole || minute < reached;
        if (isRead && isClosed(minute, this.now)) await this.keep(minute, { mark: markOf(minute), figures });
      }
      if (!sum.whole) return;
    }
  }

  private async keep(at: string, summed: Summed): Promise<void> {
    await this.live.keep({ dataset: this.dataset, at }, summed);
    this.remember(at, summed);
  }

  /** What is within a window is not asked for again, unless something comes late. */
  private remember(at: string, summed: Summed): void {
    const name = this.nameOf(at);
    for (const other of this.memory.keys()) if (other.startsWith(name)) this.memory.delete(other);
    this.memory.set(name, summed);
  }

  private nameOf(at: string): string {
    return `${this.dataset} ${at}`;
  }
}

const atOf = (name: string): string => name.slice(name.indexOf(' ') + 1);

/** Minutes of an hour as the first and the last of those that follow each other. */
function runsOf(minutes: readonly string[]): [first: string, last: string][] {
  const runs: [string, string][] = [];
  let before = Number.NaN;
  for (const at of minutes) {
    const minute = Number(at.slice(-2));
    if (minute === before + 1) runs.at(-1)![1] = at;
    else runs.push([at, at]);
    before = minute;
  }
  return runs;
}
