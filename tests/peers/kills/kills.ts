import type { Random } from '../../../cli/simulator/random';
import { type Ledger, lookInto } from './ledger';
import {
  freeze,
  killAll,
  killEverything,
  type Place,
  pause,
  type Started,
  startClient,
  startServer,
  untilEnded,
  untilReady,
} from './server';

/** When a kill comes, and whom it hits. */
type Moment =
  | { readonly name: 'while sending'; readonly from: number; readonly to: number }
  | { readonly name: 'while starting' }
  | { readonly name: 'the client'; readonly from: number; readonly to: number }
  | { readonly name: 'while stopping'; readonly from: number; readonly to: number }
  | { readonly name: 'while cleaning' };

/**
 * The kills of one load, in order; `from` and `to` are shares of the file's rows that the API has accepted. One is the
 * client's and comes on top.
 */
const PLAN: readonly Moment[] = [
  { name: 'while sending', from: 0.02, to: 0.3 },
  { name: 'while starting' },
  { name: 'the client', from: 0.3, to: 0.45 },
  { name: 'while sending', from: 0.45, to: 0.65 },
  { name: 'while stopping', from: 0.65, to: 0.85 },
  { name: 'while cleaning' },
];

/** Kills of the server in one load. */
export const KILLS_PER_LOAD = PLAN.filter(({ name }) => name !== 'the client').length;

/** What a kill met. */
export interface Hit extends Ledger {
  readonly moment: Moment['name'];
  /** Processes that it ended. */
  readonly processes: number;
  /** Whether rows of the file had no outcome yet. */
  readonly open: boolean;
}

export interface Load {
  readonly file: string;
  /** Rows of the file, by somebody else's count. */
  readonly rows: number;
  readonly place: Place;
  readonly random: Random;
  /** At most KILLS_PER_LOAD. */
  readonly kills: number;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
}

const LONGEST_START_MS = 2500;
const LONGEST_STOP_MS = 600;
const WITHIN_A_REQUEST_MS = 150;
const PATIENCE_MS = 120_000;
const SQLITE_BUSY = 5;

/**
 * Loads a file by `npm run ingest` into an `npm start` that is killed again and again, and started again in the same
 * directory. Returns when the client says that every row has its outcome and the server has stopped in order.
 * @throws when the server does not start again, the client gives up, or one of them stands still for two minutes
 */
export async function loadWithKills(load: Load): Promise<Hit[]> {
  try {
    return await new KilledLoad(load).run();
  } finally {
    await killEverything();
  }
}

class KilledLoad {
  private startedAt = 0;
  private server!: Started;
  private client!: Started;
  private seen: Ledger = { accepted: 0, cleaned: 0 };
  private readonly hits: Hit[] = [];

  constructor(private readonly load: Load) {}

  async run(): Promise<Hit[]> {
    this.start();
    await this.ready();
    this.startClient();
    for (const moment of PLAN) {
      if (this.hits.filter((hit) => hit.moment !== 'the client').length === this.load.kills) break;
      if (moment.name !== 'while starting') await this.ready();
      await this.come(moment);
      const hit = moment.name === 'the client' ? this.client : this.server;
      this.note(moment.name, hit);
      await killAll(hit);
      if (moment.name === 'the client') this.startClient();
      else this.start();
    }
    await this.ready();
    await untilEnded('client', this.client, this.load.signal);
    this.server.child.kill('SIGINT');
    await untilEnded('server', this.server, this.load.signal);
    return this.hits;
  }

  /** Waits for a moment. */
  private async come(moment: Moment): Promise<void> {
    const { random, rows } = this.load;
    if (moment.name === 'while starting') return pause(random.below(LONGEST_START_MS));
    if (moment.name === 'while cleaning') {
      await this.until(({ accepted }) => accepted === rows);
      const { cleaned } = this.seen;
      const goal = cleaned + (rows - cleaned) * (0.1 + 0.7 * random.unit());
      return this.until((now) => now.cleaned >= goal);
    }
    const goal = rows * (moment.from + (moment.to - moment.from) * random.unit());
    await this.until(({ accepted }) => accepted >= goal);
    await pause(random.below(WITHIN_A_REQUEST_MS));
    if (moment.name !== 'while stopping') return;
    this.server.child.kill('SIGINT');
    await pause(random.below(LONGEST_STOP_MS));
  }

  /** Freezes what is to be killed, and looks at what it leaves. */
  private note(moment: Moment['name'], hit: Started): void {
    const { rows, say } = this.load;
    const processes = hit.alive() ? freeze(hit).length : 0;
    // While it starts nobody may have opened the database yet: what was seen before is still so, or a little less.
    if (moment !== 'while starting' && processes > 0) this.seen = this.look() ?? this.seen;
    this.hits.push({ moment, processes, open: this.seen.cleaned < rows, ...this.seen });
    const n = (count: number) => count.toLocaleString('en-US');
    const met = processes === 0 ? 'nothing, it had ended' : `${processes} process${processes === 1 ? '' : 'es'}`;
    say(`${moment}: ${met}; ${n(this.seen.accepted)} rows accepted, ${n(this.seen.cleaned)} cleaned of ${n(rows)}`);
  }

  /** What the ledger says; undefined when what is frozen holds the database to itself, as it does while it closes it. */
  private look(): Ledger | undefined {
    try {
      return lookInto(this.load.place.directory);
    } catch (error) {
      const { errcode = 0 } = error as { readonly errcode?: number };
      if ((errcode & 0xff) === SQLITE_BUSY) return undefined; // the other bits say why it is busy
      throw error;
    }
  }

  private startClient(): void {
    this.client = startClient(this.load.file, this.load.place);
  }

  private start(): void {
    this.startedAt = Date.now();
    this.server = startServer(this.load.place);
  }

  private ready(): Promise<void> {
    return untilReady(this.load.place, this.server, this.startedAt);
  }

  private async until(reached: (now: Ledger) => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      this.load.signal?.throwIfAborted();
      this.seen = lookInto(this.load.place.directory);
      if (reached(this.seen)) return;
      if (!this.server.alive()) throw new Error(`the server ended by itself:\n${this.server.said()}`);
      if (!this.client.alive()) throw new Error(`the client gave up:\n${this.client.said()}`);
      if (Date.now() > deadline)
        throw new Error(`the load stands still:\n${this.client.said()}\n${this.server.said()}`);
      await pause(10);
    }
  }
}
