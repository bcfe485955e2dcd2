import { openWorld } from '../../shared/adapters/local';
import { balanceOf } from '../../shared/domain/ledger';
import { claimBatch } from '../../shared/pipeline/claim-batch';
import type { Cleaned } from './small-path';

/** What follows Spark: its manifest into the ledger, its rows into invoices and customers, until the ledger balances. */
export async function claimOnce({
  directory,
  dataset,
  batch_id,
}: {
  /** The data directory whose lake Spark wrote into. */
  readonly directory: string;
  readonly dataset: string;
  readonly batch_id: string;
}): Promise<Cleaned> {
  const started = performance.now();
  const world = openWorld(directory);
  try {
    const shift = { holder: 'bench', timeLeft: () => Number.POSITIVE_INFINITY };
    const { kind } = await claimBatch({ dataset, batch_id }, world, shift);
    const batch = await world.batches.find(batch_id);
    const balance = batch && balanceOf(batch);
    if (!balance?.balanced) throw new Error(`the claim is ${kind}, and the ledger does not balance`);
    const { received, kept, duplicate, rejected } = balance;
    return { received, counts: { kept, duplicate, rejected }, seconds: (performance.now() - started) / 1000 };
  } finally {
    world.close();
  }
}
