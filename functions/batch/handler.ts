import * as adapters from '#adapters';
import { queue } from '../../shared/adapters/lambda/queue';
import { takeFile } from '../../shared/pipeline/take-file';

const ports = {
  clock: adapters.clock(),
  inbox: adapters.inbox(),
  arrivals: adapters.arrivals(),
  senders: adapters.senders(),
  batches: adapters.batches(),
  files: adapters.files(),
  stream: adapters.stream(),
  bulk: adapters.bulk(),
  bulkOutput: adapters.manifests(),
  later: adapters.later(),
  telemetry: adapters.telemetry(),
};

/** A file in the inbox goes part by part into the stream, or to Spark, or is kept with the reason why not. */
export const handler = queue(ports.telemetry, async (notice, shift) => {
  if (!('key' in notice)) throw new Error('this queue is for files');
  await takeFile(notice, ports, shift);
});
