import * as adapters from '#adapters';
import { queue } from '../../shared/adapters/lambda/queue';
import { claimBatch, giveUp } from '../../shared/pipeline/claim-batch';

const ports = {
  clock: adapters.clock(),
  inbox: adapters.inbox(),
  arrivals: adapters.arrivals(),
  backlog: adapters.backlog(),
  batches: adapters.batches(),
  chunks: adapters.chunks(),
  invoices: adapters.invoices(),
  customers: adapters.customers(),
  bulkOutput: adapters.bulkOutput(),
  later: adapters.later(),
  pace: adapters.pace(),
  telemetry: adapters.telemetry(),
};

/** What Spark has cleaned gets into the ledger and the stores; a run that failed is noted. */
export const handler = queue(ports.telemetry, async (notice, shift) => {
  if ('run_id' in notice) return giveUp(notice, ports);
  if (!('batch_id' in notice)) throw new Error('this queue is for batches');
  await claimBatch(notice, ports, shift);
});
