import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable, type WarehouseCounts } from '../../shared/pipeline/ports';
import { type ReconcileReport, reconcile } from '../../shared/pipeline/reconcile';
import { openHere } from '../here';
import { isUp } from '../nightly/up';

/** While rows are on their way, stores may be so far behind the ledger. */
const SETTLE_SECONDS = 60;
/** `npm start` has the warehouse to itself while it loads a file: so long it is asked again, and so often. */
const PATIENCE = { tries: 120, pauseMs: 250 };

/** A warehouse that is waited for while another program has it. @throws Unavailable when it has it for too long */
export const patient = (recount: WarehouseCounts, { tries, pauseMs } = PATIENCE): WarehouseCounts => ({
  ...recount,
  async byBatch(dataset, since) {
    for (let left = tries - 1; ; left--) {
      try {
        return await recount.byBatch(dataset, since);
      } catch (error) {
        if (!(error instanceof Unavailable) || left <= 0) throw error;
        await sleep(pauseMs);
      }
    }
  },
});

/** The recount of `npm run reconcile` without a stage. @throws NoDirectory, DirectoryRefused, Unavailable */
export async function reconcileHere(directory: string, since?: string): Promise<ReconcileReport> {
  const world = openHere(directory);
  try {
    const up = await isUp(directory);
    if (up) console.error(`npm start runs in ${directory}: batches of the last minute are not judged.`);
    const id = `${world.clock.now().toISOString().replace(/[:.]/g, '-')}-${process.pid}`;
    const ports = up ? { ...world, recount: patient(world.recount) } : world;
    return await reconcile({ id, since, settleSeconds: up ? SETTLE_SECONDS : 0 }, ports);
  } finally {
    world.close();
  }
}
