import { resolve } from 'node:path';
import type { NightReport } from '../shared/pipeline/nightly';
import { stageArgument } from './client/arguments';
import { command, UsageError } from './command';
import { nightHere } from './nightly/here';
import { inWords } from './nightly/words';

const USAGE = `Usage: npm run nightly [-- --stage STAGE [--region REGION] [--no-wait]]

The nightly run, now: waits until no file of the inbox is unfinished, has Spark's batches claimed, loads the warehouse,
merges the curated tables, builds the insights, and reports. The report is printed on stdout, and kept in the lake under reports/nightly/.

  --stage STAGE     the nightly run of a deployed stage: starts its state machine and follows it
  --region REGION   where it is (default: AWS_REGION, else eu-central-1, as serverless.yml)
  --dir DIR         without --stage: the same steps in this process, on a data directory (default .ecomflow). While
                    npm start runs there, files are waited for; else they are left over, by name
  --wait            follow the run, or wait for files, until it is over (this is the default)
  --no-wait         start the run of the stage and leave; without --stage, wait for no file

--stage needs AWS credentials that may describe its stack and start executions of its state machine. A second run beside
one that goes on does no harm. Ctrl-C leaves a stage's run going on.
Exit code: 0 when the night is done, 1 when it failed or could not be followed, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  {
    stage: { type: 'string' },
    region: { type: 'string' },
    dir: { type: 'string' },
    wait: { type: 'boolean', default: false },
    'no-wait': { type: 'boolean', default: false },
  },
  async ({ stage, region, dir, wait, 'no-wait': noWait }, rest) => {
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is not known`);
    if (wait && noWait) throw new UsageError('give --wait or --no-wait, not both');
    if (stage === undefined) {
      if (region !== undefined) throw new UsageError('--region goes with --stage');
      return conclude(await nightHere(resolve(dir ?? '.ecomflow'), !noWait));
    }
    if (dir !== undefined) throw new UsageError('give --stage or --dir, not both');
    const name = stageArgument(stage);
    // Loaded late: a night on this machine needs nothing of AWS.
    const { nightOf } = await import('./nightly/stage');
    const report = await nightOf(name, region ?? (process.env.AWS_REGION || 'eu-central-1'), !noWait);
    return report ? conclude(report) : 0;
  },
);

/** Prints the report, and says it in words. The exit code. */
function conclude(report: NightReport): number {
  console.log(JSON.stringify(report, null, 2));
  console.error(inWords(report));
  return report.status === 'done' ? 0 : 1;
}
