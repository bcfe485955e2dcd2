import * as adapters from '#adapters';
import { orders } from '../../shared/adapters/lambda/orders';
import { fulfil } from '../../shared/pipeline/redrive';

/** An order is about one batch: neither what failed nor the ledger from end to end is asked, and nobody is let there. */
const nobody = (): never => {
  throw new Error('an order is about one batch');
};

const ports = {
  clock: adapters.clock(),
  batches: adapters.batches(),
  chunks: adapters.chunks(),
  invoices: adapters.invoices(),
  customers: adapters.customers(),
  live: adapters.live(),
  landing: adapters.landing(),
  rejects: adapters.rejects(),
  attempts: adapters.attempts(),
  raw: adapters.raw(),
  watch: adapters.watch(),
  orders: adapters.orders(),
  telemetry: adapters.telemetry(),
  failed: { put: nobody },
  failures: { list: nobody, read: nobody, remove: nobody },
  history: { batches: nobody },
};

/** Refused rows of a batch, or all of it, go through again; what the time does not suffice for is ordered anew. */
export const handler = orders(ports.telemetry, (order, timeLeft) => fulfil(order, ports, timeLeft));
