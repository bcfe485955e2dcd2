import { resolve } from 'node:path';
import { Unavailable } from '../shared/pipeline/ports';
import type { ReconcileReport } from '../shared/pipeline/reconcile';
import { sinceArgument, stageArgument } from './client/arguments';
import { command, UsageError } from './command';
import { inOneLine } from './dev/persist';
import { reconcileHere } from './reconcile/here';
import { inWords } from './reconcile/words';

const USAGE = `Usage: npm run reconcile [-- --stage STAGE [--region REGION] [--no-wait]] [--since TIME] [--json]

The recount, now: holds what the stores have (invoices, landing, rejected, raw, the warehouse) against what the ledger
says of every batch, and says each difference by batch, with what to do. It changes nothing. The report is kept in the
lake under reports/reconcile/.

  --stage STAGE     the recount of a deployed stage: starts its state machine and follows it
  --region REGION   where it is (default: AWS_REGION, else eu-central-1, as serverless.yml)
  --dir DIR         without --stage: in this process, on a data directory (default .ecomflow)
  --since TIME      judges batches that came at this time or later: 2026-03-01, or 2026-03-01T12:00:00Z (default: all)
  --no-wait         start the recount of the stage and leave
  --json            print the report on stdout

--stage needs AWS credentials that may describe its stack and start executions of its state machine.
Exit code: 0 when nothing differs, 1 when something does or the recount failed, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    stage: { type: 'string' },
    region: { type: 'string' },
    dir: { type: 'string' },
    since: { type: 'string' },
    'no-wait': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  async ({ stage, region, dir, since: asked, 'no-wait': noWait, json }, rest) => {
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is not known`);
    const since = asked === undefined ? undefined : sinceArgument(asked);
    if (stage === undefined) {
      if (region !== undefined) throw new UsageError('--region goes with --stage');
      if (noWait) throw new UsageError('--no-wait goes with --stage');
      const directory = resolve(dir ?? '.ecomflow');
      try {
        return conclude(await reconcileHere(directory, since), dir === undefined ? '' : ` --dir ${dir}`, json);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        console.error(`${inOneLine(error)}\nThere is no report.`);
        return 1;
      }
    }
    if (dir !== undefined) throw new UsageError('give --stage or --dir, not both');
    const name = stageArgument(stage);
    // Loaded late: a recount on this machine needs nothing of AWS.
    const { reconcileOf } = await import('./reconcile/stage');
    const report = await reconcileOf(name, region ?? (process.env.AWS_REGION || 'eu-central-1'), since, !noWait);
    return report ? conclude(report, ` --stage ${name}${region === undefined ? '' : ` --region ${region}`}`, json) : 0;
  },
);

/** Says a report, where it is kept, and what to do. The exit code. `where`: how commands name the place. */
function conclude(report: ReconcileReport, where: string, json: boolean): number {
  if (json) console.log(JSON.stringify(report, null, 2));
  console.error(inWords(report, where));
  return report.differences_total > 0 || report.unreadable_total > 0 ? 1 : 0;
}
