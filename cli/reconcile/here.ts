import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalWorld, openWorld } from '../../shared/adapters/local';
import { type ReconcileReport, reconcile } from '../../shared/pipeline/reconcile';
import { NoDirectory } from '../nightly/here';
import { isUp } from '../nightly/up';

/** While rows are on their way, stores may be so far behind the ledger. */
const SETTLE_SECONDS = 60;

/** The recount of a data directory that is open. */
export function reconcileIn(world: LocalWorld, isAwake: boolean, since?: string): Promise<ReconcileReport> {
  const now = world.clock.now();
  const id = `${now.toISOString().replace(/[:.]/g, '-')}-${process.pid}`;
  return reconcile({ id, since, settleSeconds: isAwake ? SETTLE_SECONDS : 0 }, world);
}

/** The recount of `npm run reconcile` without a stage. @throws NoDirectory, DirectoryRefused */
export async function reconcileHere(directory: string, since?: string): Promise<ReconcileReport> {
  if (!existsSync(join(directory, 'ecomflow.sqlite')))
    throw new NoDirectory(`There is no ecomflow in ${directory}: npm start makes it, or name another with --dir.`);
  process.umask(0o077); // as npm start: a shop's rows are its owner's
  const world = openWorld(directory);
  try {
    const up = await isUp(directory);
    if (up) console.error(`npm start runs in ${directory}: batches of the last minute are not judged.`);
    return await reconcileIn(world, up, since);
  } finally {
    world.close();
  }
}
