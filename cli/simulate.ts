import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { type Dataset, datasets, type Simulation, simulate } from './simulator/index';

const help = `Usage: npm run simulate -- --rows N [options]

Writes a believable shop as CSV. The same seed, rows and options give the same text on every machine.

  --rows N          data records to write, the header not counted (default 1000)
  --seed S          any number or word (default 1)
  --dataset NAME    ${datasets.join(' or ')} (default transactions)
  --dirty P         share of rows, 0 to 1, that is made unacceptable in every way the contract knows (default 0)
  --out FILE        write to FILE and not to standard output; a name that ends in .gz is compressed
  --help            this text

Without --dirty some rows are still rejected, as in a real shop: cancellations, bad debts, stock corrections and free
samples among transactions, a rare negative price among events. About 1 % of transactions and 5 % of events are exact
duplicates of another row.
`;

/** Thrown when an option has a value that cannot be used; the message names it. */
class UsageError extends Error {}

interface Options extends Simulation {
  out?: string;
}

/**
 * @param args the command line without node and script
 * @returns the exit code: 0, 1 if the rows cannot be written, 2 if an option is wrong
 */
export async function main(args: string[]): Promise<number> {
  try {
    const options = read(args);
    if (!options) {
      process.stdout.write(help);
      return 0;
    }
    await write(options);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\nSee --help.\n`);
      return 2;
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return 0; // The reader has seen enough, as `head` does.
    if (code === undefined) throw error;
    process.stderr.write(`--out or standard output cannot be written: ${message}\n`);
    return 1;
  }
}

/** undefined if help is wanted */
function read(args: string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const rows = Number(values.rows);
  if (!/^\d+$/.test(values.rows) || !Number.isSafeInteger(rows)) {
    throw new UsageError(`--rows must be a whole number, 0 or more, not "${values.rows}"`);
  }
  const dirty = Number(values.dirty);
  if (!/^\d*\.?\d+$/.test(values.dirty) || dirty > 1) {
    throw new UsageError(`--dirty must be a number from 0 to 1, not "${values.dirty}"`);
  }
  if (!datasets.includes(values.dataset as Dataset)) {
    throw new UsageError(`--dataset must be ${datasets.join(' or ')}, not "${values.dataset}"`);
  }
  if (values.seed === '') throw new UsageError('--seed must not be empty');
  if (values.out === '') throw new UsageError('--out must name a file');
  return { rows, dirty, dataset: values.dataset as Dataset, seed: values.seed, out: values.out };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        rows: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        dataset: { type: 'string', default: 'transactions' },
        dirty: { type: 'string', default: '0' },
        out: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

async function write({ out, ...simulation }: Options): Promise<void> {
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
