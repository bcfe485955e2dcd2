import * as adapters from '#adapters';
import { stream } from '../../shared/adapters/lambda/stream';
import { cleanRecords } from '../../shared/pipeline/clean';

const ports = {
  clock: adapters.clock(),
  chunks: adapters.chunks(),
  invoices: adapters.invoices(),
  customers: adapters.customers(),
  live: adapters.live(),
  landing: adapters.landing(),
  rejects: adapters.rejects(),
  failed: adapters.failed(),
  telemetry: adapters.telemetry(),
};

/** Stream records to outcomes; what a broken world kept back is delivered again. */
export const handler = stream((records) => cleanRecords(records, ports));
