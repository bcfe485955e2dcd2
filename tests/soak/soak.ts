import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { canMeasure } from '../../cli/bench/processes';
import { command, UsageError } from '../../cli/command';
import { onInterrupt } from '../../cli/dev/interrupts';
import { Random } from '../../cli/simulator/random';
import { Audit, CHECKS, countRows } from '../peers/kills/audit';
import { fileToLoad, newPlace } from '../peers/kills/files';
import { KILLS_PER_LOAD, loadWithKills } from '../peers/kills/kills';
import { killEverything } from '../peers/kills/server';
import { whatIsTested } from '../peers/support/data';
import { mean, minima, type Sample, slope } from './growth';
import { FIRST_SECONDS, inMilliseconds, megabytes, RATE, ROWS, type Steady, steadyLoad } from './steady';
import { askOfWhale, PRICE_UNITS } from './whale';

/** What memory may gain in ten minutes of steady load, as a share of its mean. */
const MOST_GROWTH = 0.1;
/** The first part of a steady load, in which caches fill and code is compiled. */
const WARM_UP = 0.2;
const WINDOW_SECONDS = 15;
const LEAST_SECONDS = 300;
/** Smaller processes hold too little for a share of it to mean something. */
const LEAST_BYTES = 30e6;
/** The share of the windows in which a process must have been seen, so that its growth means something. */
const LEAST_SEEN = 0.8;
/** The share of the GETs that must have been sent: in the first seconds there is nothing yet to ask for. */
const LEAST_ASKED = 0.8;
/** SQLite moves its log into the file at 4 MB; a long reader and a large transaction make it wait. */
const MOST_WAL = 64e6;

/** What a process may hold that asks DuckDB, whatever there is to be read. */
const MOST_ASKING = 1.2e9;

const USAGE = `Usage: npm run soak -- [options]

The long ones. Loads the real file into an npm start that is killed by SIGKILL again and again, and then holds a steady
load of ${RATE * ROWS} rows and ${RATE * 2} requests a second. In the end every row must be there once, no request may have failed, and
memory must be flat: less than ${MOST_GROWTH * 100} % more in ten minutes, by the last ${(1 - WARM_UP) * 100} % of the time (only Linux tells).
Then every insight is asked of a shop that has very many rows of one customer: an answer, or a clear word, in bounded memory.

  --kills N     kills of the server, ${KILLS_PER_LOAD} in a load (default 25; 0 leaves them out)
  --minutes M   minutes of steady load (default 10; 0 leaves it out)
  --whale N     rows of that customer (default 10000000; 0 leaves it out)
  --seed S      aims the kills and makes the rows (default: the time)

Exit code: 0 when all of it holds, 1 when not or when Ctrl-C broke it off, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    kills: { type: 'string', default: '25' },
    minutes: { type: 'string', default: '10' },
    whale: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: String(Date.now()) },
  },
  async (options, positionals) => {
    if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is not an option`);
    const kills = Number(options.kills);
    if (!/^\d+$/.test(options.kills)) throw new UsageError('--kills is a whole number, 0 or more');
    const minutes = Number(options.minutes);
    if (!/^\d+(\.\d+)?$/.test(options.minutes)) throw new UsageError('--minutes is a number, 0 or more');
    const whale = Number(options.whale);
    if (!/^\d+$/.test(options.whale)) throw new UsageError('--whale is a whole number, 0 or more');
    if (options.seed === '') throw new UsageError('--seed must not be empty');

    const stopping = new AbortController();
    const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-soak-'));
    // However this process ends, it leaves nothing behind: the servers are in process groups of their own.
    process.once('exit', () => {
      void killEverything();
      rmSync(scratch, { recursive: true, force: true });
    });
    onInterrupt(
      process,
      () => stopping.abort(),
      () => process.exit(1),
    );
    const soak = new Soak(scratch, options.seed, stopping.signal);
    try {
      console.log(`seed ${options.seed}`);
      if (kills > 0) await soak.kill(kills);
      if (minutes > 0) await soak.hold(minutes);
      if (whale > 0) await soak.ask(whale);
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
      console.error('Stopped.');
      return 1;
    }
    console.log(soak.failed === 0 ? 'All of it holds.' : `${soak.failed} checks FAIL.`);
    return soak.failed === 0 ? 0 : 1;
  },
);

class Soak {
  failed = 0;

  constructor(
    private readonly scratch: string,
    private readonly seed: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Kills in as many loads as it takes, each into a data directory of its own. */
  async kill(kills: number): Promise<void> {
    const file = await fileToLoad(this.scratch);
    const rows = await countRows(file);
    console.log(`\n${kills} kills, loading ${whatIsTested(rows)}`);
    const random = new Random(this.seed, 'kills');
    let interrupting = 0;
    for (let done = 0; done < kills; done += KILLS_PER_LOAD) {
      const folder = join(this.scratch, `load-${done}`);
      const place = await newPlace(folder);
      const hits = await loadWithKills({
        file,
        rows,
        place,
        random,
        kills: Math.min(KILLS_PER_LOAD, kills - done),
        say,
        signal: this.signal,
      });
      interrupting += hits.filter((hit) => hit.moment !== 'the client' && hit.processes > 0 && hit.open).length;
      say(`${await this.audit(file, place.directory)} chunks are in the stream again, of requests sent again`);
      rmSync(folder, { recursive: true });
    }
    this.check(
      `${interrupting} of ${kills} kills broke into open work, at least three of five`,
      interrupting >= kills * 0.6,
    );
  }

  /** Minutes of steady load on one server. */
  async hold(minutes: number): Promise<void> {
    console.log(`\n${minutes} minutes at ${RATE} POSTs of ${ROWS} new rows and ${RATE} GETs a second`);
    const place = await newPlace(join(this.scratch, 'steady'));
    const csv = join(this.scratch, 'sent.csv');
    const seconds = minutes * 60;
    const steady = await steadyLoad({ place, seconds, seed: this.seed, csv, say, signal: this.signal });
    this.check(`none of ${steady.requests} requests failed`, steady.failures.length === 0);
    const asked = steady.latencies.GET.length;
    const least = Math.max(1, Math.floor((seconds - FIRST_SECONDS) * RATE * LEAST_ASKED));
    this.check(`${asked} GETs were answered, at least ${least}`, asked >= least);
    this.memory(steady, seconds);
    this.check(
      `the write-ahead log stays below ${megabytes(MOST_WAL)}: ${megabytes(steady.wal)}`,
      steady.wal < MOST_WAL,
    );
    report(steady, seconds);
    const repeats = await this.audit(csv, place.directory);
    this.check('no chunk is in raw twice, since no request was sent again', repeats === 0);
  }

  /** Every insight of one customer with very many rows. */
  async ask(lines: number): Promise<void> {
    console.log(`\nevery insight of one customer with ${lines.toLocaleString('en')} rows`);
    const { answered, tooMuch, slowest, peak, revenue, customers } = await askOfWhale(
      join(this.scratch, 'whale'),
      lines,
      say,
    );
    say(`the slowest, ${slowest.name}, took ${slowest.seconds.toFixed(1)} s`);
    const refused = tooMuch.length > 0 ? `, too much: ${tooMuch.join(', ')}` : '';
    this.check(`${answered} insights are answered${refused}`, answered > tooMuch.length);
    this.check('revenue is exact', revenue === BigInt(lines) * PRICE_UNITS);
    this.check('it is one customer', customers === 1);
    this.check(`memory stays below ${megabytes(MOST_ASKING)}: ${megabytes(peak)}`, peak < MOST_ASKING);
  }

  /** Whether memory is flat, of all processes that are large enough to be judged: at least one. */
  private memory({ memory }: Steady, seconds: number): void {
    if (!canMeasure) say('memory is not judged: only Linux tells');
    else if (seconds < LEAST_SECONDS) say('memory is not judged: it takes five minutes to tell growth from warming up');
    else {
      const judged = [...memory].filter(([name, samples]) => this.flat(name, samples, seconds));
      this.check(`memory is judged of ${judged.length} processes, at least one`, judged.length > 0);
    }
  }

  /** Whether a process holds as much at the end as when it was warm. False for one that is too small to be judged. */
  private flat(name: string, samples: readonly Sample[], seconds: number): boolean {
    const warm = minima(
      samples.filter(({ at }) => at >= seconds * WARM_UP),
      WINDOW_SECONDS,
    );
    const average = mean(warm.map(({ value }) => value));
    if (average < LEAST_BYTES) {
      say(`${name} is not judged: it holds ${megabytes(average)}, below ${megabytes(LEAST_BYTES)}`);
      return false;
    }
    const least = Math.floor(((seconds * (1 - WARM_UP)) / WINDOW_SECONDS) * LEAST_SEEN);
    this.check(
      `${name} was seen in ${warm.length} windows of ${WINDOW_SECONDS} s, at least ${least}`,
      warm.length >= least,
    );
    const growth = (slope(warm) * 600) / average; // NaN, which is not less, of one that was not seen when warm
    this.check(
      `${name} holds ${megabytes(average)} and gains ${(growth * 100).toFixed(1)} % in ten minutes, less than ${MOST_GROWTH * 100} %`,
      growth < MOST_GROWTH,
    );
    return true;
  }

  /** What a data directory holds against what was sent. How many chunks raw has once more. */
  private async audit(csv: string, directory: string): Promise<number> {
    this.signal.throwIfAborted();
    const audit = await Audit.open(csv, directory);
    for (const [what, check] of Object.entries(CHECKS)) {
      this.signal.throwIfAborted();
      const { found, expected } = await check(audit);
      const holds = isDeepStrictEqual(found, expected);
      this.check(`the data directory ${what}`, holds);
      if (!holds) say(`     found ${short(found)}\n  expected ${short(expected)}`);
    }
    const repeats = audit.repeats();
    audit.close();
    return repeats;
  }

  private check(what: string, holds: boolean): void {
    if (!holds) this.failed++;
    console.log(`  ${holds ? 'ok  ' : 'FAIL'} ${what}`);
  }
}

function report({ rows, latencies, directory }: Steady, seconds: number): void {
  for (const kind of ['POST', 'GET'] as const) {
    const first = latencies[kind].filter(({ at }) => at < 60);
    const last = latencies[kind].filter(({ at }) => at >= seconds - 60);
    say(`${kind}: first minute ${inMilliseconds(first)}; last minute ${inMilliseconds(last)}`);
  }
  say(
    `data directory: ${megabytes(directory)} for ${rows.toLocaleString('en-US')} rows, ${(directory / rows).toFixed(0)} bytes a row`,
  );
}

const short = (value: unknown) => JSON.stringify(value).slice(0, 500);
const say = (line: string) => console.log(`       ${line}`);
