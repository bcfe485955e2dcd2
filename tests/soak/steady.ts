import { once } from 'node:events';
import { createWriteStream, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { canMeasure, watchMemory } from '../../cli/bench/processes';
import type { Api } from '../../cli/client/api';
import { connect } from '../../cli/client/connect';
import { simulate } from '../../cli/simulator';
import { lookInto } from '../peers/kills/ledger';
import { filesIn } from '../peers/kills/raw';
import {
  killEverything,
  type Place,
  pause,
  type Started,
  startServer,
  untilEnded,
  untilReady,
} from '../peers/kills/server';
import { percentile, type Sample } from './growth';

/** Requests of each kind in a second, and rows in each of those that bring some. */
export const RATE = 4;
export const ROWS = 500;
/** By then something is there to ask for, and has been looked up. */
export const FIRST_SECONDS = 15;
const PROGRESS_SECONDS = 15;
const LOOK_SECONDS = 5;
const SAMPLE_MS = 1000;
/** A look of watchMemory's, which takes one each 50 ms. */
const LOOK_MS = 80;
const MOST_UNDER_WAY = 200;
const FAILURES_SAID = 10;
const PATIENCE_MS = 120_000;

export interface SteadyLoad {
  readonly place: Place;
  readonly seconds: number;
  readonly seed: string;
  /** Where the rows that were sent are written, too: what the data directory is held against. */
  readonly csv: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a steady load did to a server. */
export interface Steady {
  readonly rows: number;
  readonly requests: number;
  /** What went wrong, a line each. */
  readonly failures: readonly string[];
  /** Milliseconds of each request by when it was sent. */
  readonly latencies: Readonly<Record<'POST' | 'GET', readonly Sample[]>>;
  /** Resident memory by process, in bytes; empty where it cannot be measured. */
  readonly memory: ReadonlyMap<string, readonly Sample[]>;
  /** The largest that SQLite's write-ahead log was, in bytes. */
  readonly wal: number;
  /** Bytes of the data directory while it still ran. */
  readonly directory: number;
}

/**
 * Sends ever new simulated rows at a rate that a laptop keeps up with, asks for what came before, waits until all of it
 * has its outcome, and stops the server. @throws when the server ends by itself or falls far behind
 */
export async function steadyLoad(load: SteadyLoad): Promise<Steady> {
  const since = Date.now();
  const server = startServer(load.place);
  try {
    await untilReady(load.place, server, since);
    return await new Load(load, server).run();
  } finally {
    await killEverything();
  }
}

/** Rows of one request. */
interface Body {
  readonly header: string;
  readonly text: string;
  /** The line of `csv` that they begin in. */
  readonly line: number;
}

class Load {
  private readonly api: Api;
  private readonly started = performance.now();
  private readonly failures: string[] = [];
  private readonly latencies = { POST: [] as Sample[], GET: [] as Sample[] };
  private readonly memory = new Map<string, Sample[]>();
  private readonly batches: string[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private known: { invoice_no: string; customer_id: string }[] = [];
  private rows = 0;
  private wal = 0;

  constructor(
    private readonly load: SteadyLoad,
    private readonly server: Started,
  ) {
    // One try each: what a client would try again is a failure here.
    this.api = connect({ url: undefined, dir: load.place.directory, env: {}, tries: 1 });
  }

  async run(): Promise<Steady> {
    const { seconds, seed, csv, signal, place } = this.load;
    const file = createWriteStream(csv);
    const ticks = Math.ceil(seconds * RATE);
    const bodies = bodiesOf(ticks * ROWS, seed);
    let sampled = 0;
    let said = 0;
    let looked = 0;
    for (let tick = 0; tick < ticks; tick++) {
      signal.throwIfAborted();
      if (!this.server.alive()) throw new Error(`the server ended by itself:\n${this.server.said()}`);
      const { header, text, line } = bodies.next().value!;
      if (tick === 0) file.write(header);
      if (!file.write(text)) await once(file, 'drain');
      this.begin(this.post(header + text, line));
      this.begin(this.get(tick));
      this.rows += ROWS;
      if (this.underWay.size > MOST_UNDER_WAY) throw new Error('the server does not keep up with the rate');
      if (this.now() - sampled >= SAMPLE_MS / 1000) {
        sampled = this.now();
        this.begin(this.sample());
      }
      if (this.now() - looked >= LOOK_SECONDS) {
        looked = this.now();
        this.look();
      }
      if (this.now() - said >= PROGRESS_SECONDS) {
        said = this.now();
        this.progress();
      }
      await pause((tick + 1) * (1000 / RATE) - this.now() * 1000);
    }
    await Promise.all(this.underWay);
    await new Promise<void>((done) => file.end(done));
    await this.untilCleaned();
    this.look();
    const directory = sizeOf(place.directory);
    this.server.child.kill('SIGINT');
    await untilEnded('server', this.server, signal);
    const requests = this.latencies.POST.length + this.latencies.GET.length;
    const { rows, failures, latencies, memory, wal } = this;
    return { rows, requests, failures, latencies, memory, wal, directory };
  }

  private now(): number {
    return (performance.now() - this.started) / 1000;
  }

  private begin(work: Promise<void>): void {
    const tracked = work.finally(() => this.underWay.delete(tracked));
    this.underWay.add(tracked);
  }

  private fail(why: string): void {
    this.failures.push(why);
    if (this.failures.length <= FAILURES_SAID) this.load.say(why);
  }

  /** Makes a request and keeps its time, or why it failed. */
  private async request<T>(kind: 'POST' | 'GET', what: string, send: () => Promise<T>): Promise<T | undefined> {
    const at = this.now();
    try {
      const answer = await send();
      this.latencies[kind].push({ at, value: (this.now() - at) * 1000 });
      return answer;
    } catch (error) {
      this.fail(`${at.toFixed(0)} s: ${kind} ${what}: ${(error as Error).message}`);
      return undefined;
    }
  }

  private async post(body: string, line: number): Promise<void> {
    const path = `/v1/transactions?type=csv&line=${line}`;
    const bytes = Buffer.from(body);
    const answer = await this.request('POST', path, () =>
      this.api.post<{ batch_id: string; rows: number }>(path, bytes, 'application/octet-stream'),
    );
    if (answer && answer.rows !== ROWS) this.fail(`line ${line}: ${answer.rows} rows were taken`);
    if (answer) this.batches.push(answer.batch_id);
  }

  /** Asks for one of what is there, by turns, and looks whether the answer is about it. */
  private async get(tick: number): Promise<void> {
    const known = this.known[tick % this.known.length];
    const batch = this.batches[(tick * 7919) % this.batches.length];
    if (!known || !batch) return; // the first seconds
    const { invoice_no, customer_id } = known;
    const [path, id] = [
      [`/v1/invoices/${invoice_no}`, invoice_no],
      [`/v1/customers/${customer_id}`, customer_id],
      [`/v1/customers/${customer_id}/invoices`, customer_id],
      [`/v1/batches/${batch}`, batch],
    ][tick % 4] as [string, string];
    const answer = await this.request('GET', path, () => this.api.get<object>(path));
    if (answer && !JSON.stringify(answer).includes(`"${id}"`)) this.fail(`GET ${path}: it is not about ${id}`);
  }

  /** Resident memory of each process now. */
  private async sample(): Promise<void> {
    if (!canMeasure) return;
    const at = this.now();
    const watched = watchMemory(this.server.child.pid!);
    await pause(LOOK_MS);
    watched.stop();
    for (const { name, bytes } of watched.peak.shares) {
      const samples = this.memory.get(name) ?? [];
      this.memory.set(name, samples);
      samples.push({ at, value: bytes });
    }
  }

  /** Notes some of what may be asked for, and how large the log is. */
  private look(): void {
    const file = join(this.load.place.directory, 'ecomflow.sqlite');
    this.wal = Math.max(this.wal, statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0);
    const sqlite = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    const some = sqlite.prepare('select invoice_no, customer_id from customers order by random() limit 97');
    this.known = some.all() as typeof this.known;
    sqlite.close();
  }

  private progress(): void {
    const recent = ({ at }: Sample) => at >= this.now() - PROGRESS_SECONDS;
    const of = (kind: 'POST' | 'GET') => inMilliseconds(this.latencies[kind].filter(recent));
    const memory = [...this.memory].map(([name, samples]) => `${name} ${megabytes(samples.at(-1)!.value)}`).join(', ');
    const minutes = `${Math.floor(this.now() / 60)}:${String(Math.floor(this.now() % 60)).padStart(2, '0')}`;
    this.load.say(
      `${minutes}  ${this.rows.toLocaleString('en-US')} rows sent, ${this.failures.length} failures; ` +
        `POST ${of('POST')}; GET ${of('GET')}; ${memory || 'memory not measured'}; WAL ${megabytes(this.wal)}`,
    );
  }

  private async untilCleaned(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { accepted, cleaned } = lookInto(this.load.place.directory);
      if (cleaned === accepted) return;
      this.load.signal.throwIfAborted();
      if (Date.now() > deadline) throw new Error('rows that were sent have no outcome two minutes later');
      await pause(250);
    }
  }
}

/** Rows in the order in which a shop would sell them, a request's at a time. */
function* bodiesOf(rows: number, seed: string): Generator<Body> {
  let header = '';
  let text = '';
  let count = 0;
  let line = 2;
  for (const record of recordsOf(simulate({ dataset: 'transactions', rows, seed }))) {
    if (header === '') {
      header = record;
      continue;
    }
    text += record;
    if (++count < ROWS) continue;
    yield { header, text, line };
    line += text.split('\n').length - 1;
    text = '';
    count = 0;
  }
}

/** Records of CSV pieces that end with one: a line within quotes goes on in the next. */
function* recordsOf(pieces: Iterable<string>): Generator<string> {
  for (const piece of pieces) {
    let record = '';
    for (const line of piece.split(/(?<=\n)/)) {
      record += line;
      if (record.split('"').length % 2 === 0) continue;
      yield record;
      record = '';
    }
  }
}

const sizeOf = (directory: string) =>
  filesIn(directory).reduce(
    (sum, path) => sum + (statSync(join(directory, path), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

export const inMilliseconds = (samples: readonly Sample[]): string => {
  const values = samples.map(({ value }) => value);
  return `p50 ${percentile(values, 0.5).toFixed(0)} ms, p99 ${percentile(values, 0.99).toFixed(0)} ms`;
};
