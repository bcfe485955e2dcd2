import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { LIMITS } from '../../shared/domain/body';
import { correctionsIn, tableOf } from '../../shared/domain/edit';
import { counted } from '../../shared/domain/mails/words';
import { rejectedTotal } from '../../shared/domain/outcome';
import {
  type FailureOutcome,
  type Redriven,
  type RedrivePorts,
  redriveAll,
  redriveBatch,
  redriveFailed,
  replayBatch,
} from '../../shared/pipeline/redrive';
import { refusedRows, rowsEverRefused } from '../../shared/pipeline/refused-rows';
import { UsageError } from '../command';
import { onInterrupt } from '../dev/interrupts';
import { batchInWords, countsInWords, failureInWords, replayInWords, sumOf } from './words';

/** What a redrive works on. */
export interface Stores {
  readonly ports: RedrivePorts;
  /** Who is to be named in what is written. */
  readonly by: string;
  close(): void;
}

export type Work =
  | { readonly kind: 'batch'; readonly batch_id: string; readonly reason?: string | undefined }
  | { readonly kind: 'replay'; readonly batch_id: string }
  | { readonly kind: 'edit'; readonly batch_id: string; readonly file: string; readonly reason?: string | undefined }
  | { readonly kind: 'edited'; readonly batch_id: string; readonly file: string }
  | { readonly kind: 'all'; readonly reason?: string | undefined; readonly since?: string | undefined }
  | { readonly kind: 'failed' };

interface Options {
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** What a shell reports of a process that SIGINT ended. */
const INTERRUPTED = 130;
const GOES_ON = 'Broken off: the same command goes on from here.';

/** What was done: the figures, and in words; whether all of it could be. */
interface Done {
  readonly figures: unknown;
  readonly words: string;
  readonly whole: boolean;
  /** Ctrl-C came before all of it was done. */
  readonly brokenOff?: boolean;
}

/** Does it, and says what was done. The exit code. @throws Problem, Unavailable, UsageError */
export async function doWork(work: Work, stores: Stores, options: Options): Promise<number> {
  const stop = interruptible();
  try {
    const { figures, words, whole, brokenOff } = await done(work, stores, options, stop.signal);
    if (options.json) console.log(JSON.stringify(figures, null, 2));
    console.error(words);
    if (options.dryRun) console.error('Nothing was changed: --dry-run.');
    if (brokenOff) console.error(GOES_ON);
    return brokenOff ? INTERRUPTED : whole ? 0 : 1;
  } finally {
    stop.end();
  }
}

function done(work: Work, stores: Stores, options: Options, signal: AbortSignal): Promise<Done> {
  if (work.kind === 'edit') return writeTable(work, stores);
  if (work.kind === 'replay') return replay(work.batch_id, stores, options);
  if (work.kind === 'all') return all(work, stores, options, signal);
  if (work.kind === 'failed') return failed(stores, options, signal);
  return batch(work, stores, options);
}

async function batch(
  work: Extract<Work, { kind: 'batch' | 'edited' }>,
  { ports, by }: Stores,
  { dryRun }: Options,
): Promise<Done> {
  if (work.kind === 'batch') {
    const figures = await redriveBatch(work.batch_id, { reason: work.reason, by, dryRun }, ports);
    return { figures, words: batchInWords(figures), whole: true };
  }
  const { head, refused } = await rowsEverRefused(work.batch_id, ports);
  const corrections = correctionsIn(contentOf(work.file), head, refused);
  const rows = [...corrections.values()].reduce((sum, lines) => sum + lines.size, 0);
  if (rows === 0) console.error(`${work.file} has no row that says something new.`);
  const figures = await redriveBatch(work.batch_id, { by, dryRun, corrections }, ports);
  return { figures, words: batchInWords(figures), whole: rejectedTotal(figures) === 0 };
}

/** @throws UsageError for a file that no table can be */
function contentOf(file: string): Buffer {
  if (statSync(file).size > LIMITS.textBytes)
    throw new UsageError(`--edited: ${file} is larger than a table may be, ${LIMITS.textBytes} bytes`);
  return readFileSync(file);
}

async function writeTable(work: Extract<Work, { kind: 'edit' }>, { ports }: Stores): Promise<Done> {
  const { batch_id, file, reason } = work;
  if (existsSync(file)) throw new UsageError(`--edit: ${file} is there already; name a file that is not`);
  const { head, refused } = await refusedRows(batch_id, reason, ports);
  const rows = refused.reduce((sum, one) => sum + one.rows.length, 0);
  const figures = { batch_id, dataset: head.dataset, rows, file };
  if (rows === 0) return { figures, words: 'No row of the batch is refused: no file is written.', whole: true };
  writeFileSync(file, tableOf(head, refused), { flag: 'wx' });
  const words = `${file} has ${counted(rows, 'refused row')}. Correct it, and take it back with --edited ${file}.`;
  return { figures, words, whole: true };
}

async function replay(batch_id: string, { ports, by }: Stores, { dryRun }: Options): Promise<Done> {
  const figures = await replayBatch(batch_id, { by, dryRun }, ports);
  const whole = figures.left.length === 0 && figures.unreadable.length === 0;
  return { figures, words: replayInWords(figures), whole };
}

async function all(
  { reason, since }: Extract<Work, { kind: 'all' }>,
  { ports, by }: Stores,
  { dryRun }: Options,
  signal: AbortSignal,
): Promise<Done> {
  const batches: Redriven[] = [];
  for await (const redriven of redriveAll({ reason, since }, { by, dryRun }, ports)) {
    batches.push(redriven);
    console.error(batchInWords(redriven));
    if (signal.aborted) break;
  }
  const sum = sumOf(batches);
  const problems = batches.filter(({ problem }) => problem !== undefined).length;
  const words = [
    batches.length === 0 ? 'No batch has such rows.' : `In all: ${countsInWords(sum)}`,
    ...(problems > 0 ? [`${problems} of them could not be redriven; the lines above say why.`] : []),
  ].join('\n');
  return { figures: { ...sum, batches }, words, whole: problems === 0, brokenOff: signal.aborted };
}

async function failed({ ports, by }: Stores, { dryRun }: Options, signal: AbortSignal): Promise<Done> {
  const outcomes: FailureOutcome[] = [];
  for await (const outcome of redriveFailed({ by, dryRun }, ports)) {
    outcomes.push(outcome);
    console.error(failureInWords(outcome));
    if (signal.aborted) break;
  }
  const left = outcomes.filter(({ became }) => became === 'left').length;
  const words =
    outcomes.length === 0
      ? 'Nothing has failed.'
      : `${outcomes.length - left} of ${outcomes.length} objects are through${left > 0 ? '; the lines above say why others are left' : ''}.`;
  return {
    figures: { through: outcomes.length - left, left, failures: outcomes },
    words,
    whole: left === 0,
    brokenOff: signal.aborted,
  };
}

/** The first Ctrl-C is heard between two batches, one more ends at once. */
function interruptible(): { readonly signal: AbortSignal; end(): void } {
  const stopping = new AbortController();
  const heard: (() => void)[] = [];
  onInterrupt(
    {
      on(signal, hear) {
        process.on(signal, hear);
        heard.push(() => process.off(signal, hear));
      },
    },
    () => {
      console.error('\nEnding behind the batch in hand ... (Ctrl-C again ends it at once)');
      stopping.abort();
    },
    () => {
      console.error(GOES_ON);
      process.exit(INTERRUPTED);
    },
  );
  return {
    signal: stopping.signal,
    end() {
      for (const off of heard) off();
    },
  };
}
