import { stageArgument } from './client/arguments';
import { command, UsageError } from './command';
import { ALARM_CHECK } from './smoke/alarm-check';
import { API_CHECKS } from './smoke/api-checks';
import { removeItems, removeObjects } from './smoke/cleanup';
import { FAILURE_CHECK } from './smoke/failure-check';
import { INBOX_CHECK } from './smoke/inbox-check';
import { LAKE_CHECKS } from './smoke/lake-checks';
import { Report } from './smoke/report';
import { makeRows } from './smoke/rows';
import { findStage } from './smoke/stage';
import type { Walk } from './smoke/walk';

const USAGE = `Usage: npm run smoke -- --stage STAGE [--region REGION] [--keep]

Walks through a deployed stage as a client does, and checks by effect that all of it works: sign-in, rows in every form a
body can have and as a file, the ledger, look-ups, Parquet with exact decimals and times, raw/, the failure destination
and the alarm topic. Removes what it made. It takes about two minutes, and as much longer as the stage's Firehose gathers.

  --stage STAGE     the stage, as given to npx sls deploy
  --region REGION   where it is (default: AWS_REGION, else eu-central-1, as serverless.yml)
  --keep            leave what it made, for looking at it

It needs AWS credentials that may deploy the stage. Its rows are of customer smoke-<run> and of the year 1999. Whoever
subscribes to the alarm topic gets a message, or a few; they say that nothing is wrong. Objects that hold other senders' rows as
well are left as they are: then the run's rows of 1999 stay in them. What other senders send meanwhile is copied to the
failure destination for a moment, and removed. Where the stage keeps versions, deleted objects stay as long as these do.
Exit code: 0 when every check holds, 1 when one does not or something could not be removed, 2 when the call was wrong.`;

export const main = command(
  USAGE,
  { stage: { type: 'string' }, region: { type: 'string' }, keep: { type: 'boolean', default: false } },
  async ({ stage: name, region = process.env.AWS_REGION || 'eu-central-1', keep }, rest) => {
    if (name === undefined) throw new UsageError('give --stage');
    if (rest.length > 0) throw new UsageError(`"${rest[0]}" is not known`);
    const stage = await findStage(stageArgument(name), region);
    const interrupted = new AbortController();
    const interrupt = () => interrupted.abort(new Error('interrupted'));
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

    const report = new Report(stage);
    const leftovers: { what: string; remove: () => Promise<unknown> }[] = [];
    const walk: Walk = {
      stage,
      rows: makeRows(),
      began: new Date(),
      signal: interrupted.signal,
      leaves: (what, remove) => leftovers.push({ what, remove }),
      say: (text) => report.say(text),
      found: { batches: new Map() },
    };
    walk.leaves('items in the tables', () => removeItems(walk));
    walk.leaves('objects in the lake', async () => {
      const { shared } = await removeObjects(walk);
      if (shared > 0) report.say(`left: ${shared} objects of the lake that hold rows of others, too`);
    });

    report.say(`${stage.stack} in ${region}, run ${walk.rows.run}: ${stage.api}`);
    for (const check of [...API_CHECKS, INBOX_CHECK]) await report.run(check, walk);
    // What takes Firehose, Lambda and CloudWatch their time, side by side.
    await Promise.all([...LAKE_CHECKS, FAILURE_CHECK, ALARM_CHECK].map((check) => report.run(check, walk)));

    if (keep) report.say(`kept: ${leftovers.map(({ what }) => what).join(', ')}`);
    else await report.cleanUp(leftovers.reverse());
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    return report.conclude() ? 0 : 1;
  },
);
