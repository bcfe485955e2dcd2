import { resolve } from 'node:path';
import { ORDERS } from '../shared/domain/order';
import { Problem } from '../shared/domain/problem';
import { Unavailable } from '../shared/pipeline/ports';
import { fileArgument, sinceArgument, stageArgument } from './client/arguments';
import { command, UsageError } from './command';
import { inOneLine } from './dev/persist';
import { storesHere } from './redrive/here';
import { doWork, type Work } from './redrive/work';

const USAGE = `Usage: npm run redrive -- [--stage STAGE [--region REGION] | --dir DIR] WHAT [--dry-run] [--json]

Sends refused rows through again with today's contract, and brings back what failed. Rows that go through are kept (or
are duplicates) from then on; the ledger shows it as a revision of the chunk's entry. Doing it twice changes nothing.

WHAT is one of
  --batch ID [--reason R]   the refused rows of a batch, or those refused for a reason
  --reason R [--since T]    those of all batches, or of the batches that came at or after T (2026-03-01, or with a time)
  --since T                 the refused rows of all batches that came at or after T
  --batch ID --replay       the whole batch once more, from raw/: mends stores that lost something
  --batch ID --edit FILE [--reason R]
                            writes the refused rows to a new file, CSV in UTF-8, with chunk, line and reason. Correct the
                            values and leave chunk and line as they are; rows and columns may be in any order, and rows
                            that are taken out are left as they are. A row that cannot be split into values stands in
                            column text: mend it there, or empty it and fill in the values
  --batch ID --edited FILE  takes that file back: rows that were changed go through with their new values
  --failed                  chunks in failed/ and in the failure destination, and what Firehose could not deliver

  --stage STAGE     a deployed stage (default: a data directory)
  --region REGION   where it is (default: AWS_REGION, else eu-central-1, as serverless.yml)
  --dir DIR         data directory of npm start (default .ecomflow), which may run meanwhile
  --dry-run         change nothing, and say what would become of the rows
  --json            print what was done as one JSON object on stdout

A spreadsheet may take values for formulas (= + - @) and write numbers and dates in its own way: import all columns as
text, and save as CSV UTF-8 with commas.
--stage needs AWS credentials that may read and write the stage's tables and bucket.
Ctrl-C ends behind the batch in hand, a second one at once: the same command goes on from there.
Exit code: 0 when all of it is done or there was nothing to do, also when rows were refused again; 1 when something could
not be done, or a corrected row was refused again; 2 when the call was wrong; 130 when Ctrl-C ended it.`;

export const main = command(
  USAGE,
  {
    stage: { type: 'string' },
    region: { type: 'string' },
    dir: { type: 'string' },
    batch: { type: 'string' },
    reason: { type: 'string' },
    since: { type: 'string' },
    replay: { type: 'boolean', default: false },
    edit: { type: 'string' },
    edited: { type: 'string' },
    failed: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  async ({ stage, region, dir, 'dry-run': dryRun, json, ...what }, rest) => {
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is not known`);
    const work = workOf(what);
    if (work.kind === 'edit' && dryRun) throw new UsageError('--edit changes nothing: leave --dry-run out');
    if (stage === undefined && region !== undefined) throw new UsageError('--region goes with --stage');
    if (stage !== undefined && dir !== undefined) throw new UsageError('give --stage or --dir, not both');
    const name = stage === undefined ? undefined : stageArgument(stage);
    process.umask(0o077); // a table of a stage's rows is for its owner, too
    try {
      const stores = name === undefined ? storesHere(resolve(dir ?? '.ecomflow')) : await storesOfStage(name, region);
      try {
        return await doWork(work, stores, { dryRun: dryRun ?? false, json: json ?? false });
      } finally {
        stores.close();
      }
    } catch (error) {
      if (error instanceof Problem) console.error(error.detail);
      else if (error instanceof Unavailable)
        console.error(`${inOneLine(error)}\nNothing is half done: run the same command again when this is mended.`);
      else throw error;
      return 1;
    }
  },
);

// Loaded late: a data directory needs nothing of AWS.
const storesOfStage = async (stage: string, region: string | undefined) =>
  (await import('./redrive/stage')).storesOf(stage, region ?? (process.env.AWS_REGION || 'eu-central-1'));

interface What {
  readonly batch?: string | undefined;
  readonly reason?: string | undefined;
  readonly since?: string | undefined;
  readonly replay?: boolean | undefined;
  readonly edit?: string | undefined;
  readonly edited?: string | undefined;
  readonly failed?: boolean | undefined;
}

/** What is to be done. @throws UsageError */
function workOf({ batch, reason, since, replay, edit, edited, failed }: What): Work {
  const of = (...named: readonly [name: string, said: unknown][]) =>
    named.filter(([, said]) => said !== undefined && said !== false).map(([name]) => name);
  if (reason !== undefined && (reason === '' || reason.length > ORDERS.reasonCharacters))
    throw new UsageError('--reason: name a reason for which rows were refused');
  const at = since === undefined ? undefined : sinceArgument(since);
  const ways = of(['--replay', replay], ['--edit', edit], ['--edited', edited]);
  if (failed) {
    const other = [...of(['--batch', batch], ['--reason', reason], ['--since', since]), ...ways][0];
    if (other) throw new UsageError(`--failed is about all that failed: leave ${other} out`);
    return { kind: 'failed' };
  }
  if (batch === undefined) {
    if (ways.length > 0) throw new UsageError(`${ways[0]} goes with --batch`);
    if (reason === undefined && at === undefined)
      throw new UsageError('say what: --batch, --reason, --since or --failed');
    return { kind: 'all', reason, since: at };
  }
  if (!/^[0-9a-f]{32}$/.test(batch)) throw new UsageError(`--batch: "${batch}" is no id of a batch, 32 hex digits`);
  if (since !== undefined) throw new UsageError('give --batch or --since, not both');
  if (ways.length > 1) throw new UsageError(`give ${ways[0]} or ${ways[1]}, not both`);
  if (reason !== undefined && (replay || edited !== undefined))
    throw new UsageError(`${ways[0]} is not about one reason: leave --reason out`);
  if (replay) return { kind: 'replay', batch_id: batch };
  if (edit !== undefined) return { kind: 'edit', batch_id: batch, file: edit, reason };
  if (edited !== undefined) return { kind: 'edited', batch_id: batch, file: fileArgument(edited, '--edited') };
  return { kind: 'batch', batch_id: batch, reason };
}
