import type { ReconcileReport } from '../../shared/pipeline/reconcile';
import { failureIn, follow, type HistoryEvent, type Listener, start } from '../nightly/execution';

/**
 * Starts the recount of a stage and, if so wished, follows it to its end. Its report, with the first of its differences;
 * undefined when it is not followed. @throws NoStage, NoRun
 */
export async function reconcileOf(
  name: string,
  region: string,
  since: string | undefined,
  wait: boolean,
): Promise<ReconcileReport | undefined> {
  const machine = { output: 'ReconcileMachineArn', called: 'recount' };
  const started = await start(machine, name, region, since === undefined ? { all: true } : { since });
  return wait ? follow(started, TELLING) : undefined;
}

/** Says what a run is doing. */
const TELLING: Listener<ReconcileReport> = {
  report: undefined, // a run that failed has none
  hear(event: HistoryEvent) {
    if (event.type === 'TaskStateEntered') console.error(`${event.stateEnteredEventDetails!.name} ...`);
    const failed = failureIn(event);
    if (failed) console.error(failed);
  },
};
