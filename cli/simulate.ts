import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { connect } from './client/connect';
import { command, UsageError } from './command';
import { onInterrupt } from './dev/interrupts';
import { type Simulation, shopBooks, simulate } from './simulator';
import { keepOpen } from './simulator/open';

/** Rows a second; more is a load, for which there is npm run bench. */
const MOST_RATE = 10_000;
/** What a shell reports of a process that SIGINT ended. */
const INTERRUPTED = 130;

const USAGE = `Usage: npm run simulate -- --rows N [options]
       npm run simulate -- --live [--rate N] [--url URL]

Writes a believable shop as CSV. The same seed, rows and options give the same text on every machine.

  --rows N          data records to write, the header not counted (default 1000)
  --seed S          any number or word (default 1)
  --dataset NAME    ${shopBooks.join(' or ')} (default transactions)
  --dirty P         share of rows, 0 to 1, that is made unacceptable in every way the contract knows (default 0)
  --out FILE        write to FILE and not to standard output; a name that ends in .gz is compressed

  --live            send rows of a shop that is open right now, sales and clicks, until Ctrl-C: see GET /v1/live
  --rate N          rows a second that it sends (default 20)
  --url URL         the API that it sends them to (stack output ApiUrl); by default the npm start of --dir
  --dir DIR         data directory of npm start (default .ecomflow)

Credentials of --live: ECOMFLOW_TOKEN, or ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET.
Without --dirty some rows are still rejected, as in a real shop: cancellations, bad debts, stock corrections and free
samples among transactions, a rare negative price among events. About 1 % of transactions and 5 % of events are exact
duplicates of another row.
Exit code: 0, 1 when the rows cannot be written, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    rows: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    dataset: { type: 'string', default: 'transactions' },
    dirty: { type: 'string', default: '0' },
    out: { type: 'string' },
    live: { type: 'boolean', default: false },
    rate: { type: 'string', default: '20' },
    url: { type: 'string' },
    dir: { type: 'string', default: '.ecomflow' },
  },
  async ({ out, live, rate, url, dir, ...values }, positionals) => {
    if (positionals.length > 0)
      throw new UsageError(`"${positionals[0]}" is not an option; a file is named with --out`);
    if (out === '') throw new UsageError('--out must name a file');
    if (live) return open(Number(rate), url, dir);
    const simulation = simulationOf(values);
    try {
      await write(simulation, out);
      return 0;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return 0; // The reader has seen enough, as `head` does.
      if (code === undefined) throw error;
      console.error(`--out or standard output cannot be written: ${message}`);
      return 1;
    }
  },
);

/** Keeps the shop open until Ctrl-C. @throws UsageError, NoCredentials, Refused, Unreachable, TokenRefused */
async function open(rate: number, url: string | undefined, dir: string): Promise<number> {
  if (!(rate > 0 && rate <= MOST_RATE)) throw new UsageError(`--rate is a number above 0, ${MOST_RATE} at most`);
  const stopping = new AbortController();
  const api = connect({ url, dir, env: process.env, signal: stopping.signal });
  onInterrupt(
    process,
    () => stopping.abort(),
    () => process.exit(INTERRUPTED),
  );
  console.error(`The shop is open: ${rate} rows a second to ${api.url}. Ctrl-C closes it.`);
  const sent = await keepOpen(api, rate);
  console.error(`The shop is closed: ${sent.toLocaleString('en-US')} rows were sent.`);
  return 0;
}

/** @throws UsageError */
function simulationOf(values: { rows: string; seed: string; dataset: string; dirty: string }): Simulation {
  const rows = Number(values.rows);
  if (!/^\d+$/.test(values.rows) || !Number.isSafeInteger(rows)) {
    throw new UsageError(`--rows must be a whole number, 0 or more, not "${values.rows}"`);
  }
  const dirty = Number(values.dirty);
  if (!/^\d*\.?\d+$/.test(values.dirty) || dirty > 1) {
    throw new UsageError(`--dirty must be a number from 0 to 1, not "${values.dirty}"`);
  }
  const dataset = shopBooks.find((book) => book === values.dataset);
  if (!dataset) throw new UsageError(`--dataset must be ${shopBooks.join(' or ')}, not "${values.dataset}"`);
  if (values.seed === '') throw new UsageError('--seed must not be empty');
  return { rows, dirty, dataset, seed: values.seed };
}

async function write(simulation: Simulation, out: string | undefined): Promise<void> {
  const pieces = withProgress(simulate(simulation));
  if (out === undefined) await toStandardOutput(pieces);
  else if (out.endsWith('.gz')) await pipeline(Readable.from(pieces), createGzip(), createWriteStream(out));
  else await pipeline(Readable.from(pieces), createWriteStream(out));
}

/** Standard output stays open: it is not ours to end. */
async function toStandardOutput(pieces: Iterable<string>): Promise<void> {
  const output: Writable = process.stdout;
  let failure: Error | undefined;
  output.on('error', (error) => {
    failure ??= error;
  });
  for (const piece of pieces) {
    if (!output.write(piece)) await once(output, 'drain');
    if (failure) throw failure;
  }
}

/** Says on the terminal how much is written; nothing when standard error is not a terminal. */
function* withProgress(pieces: Iterable<string>): Generator<string> {
  let written = 0;
  let shown = 0;
  for (const piece of pieces) {
    yield piece;
    written += piece.length;
    if (process.stderr.isTTY && written - shown > 8_000_000) {
      shown = written;
      process.stderr.write(`\r${Math.round(written / 1_000_000)} MB`);
    }
  }
  if (shown > 0) process.stderr.write('\r\u001b[K');
}
