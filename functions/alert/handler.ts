import * as adapters from '#adapters';
import { alerts } from '../../shared/adapters/lambda/alerts';
import { alertOn } from '../../shared/pipeline/alert';

const ports = {
  clock: adapters.clock(),
  batches: adapters.batches(),
  arrivals: adapters.arrivals(),
  watch: adapters.watch(),
  incidents: adapters.incidents(),
  notes: adapters.notes(),
  post: adapters.post(),
  failures: adapters.failures(),
  telemetry: adapters.telemetry(),
};
const { bucket, ...settings } = adapters.alertSettings();

/** What went wrong, and what arrived, becomes a mail to those who asked for it. */
export const handler = alerts(bucket, ports.telemetry, (task, timeLeft) => alertOn(task, ports, settings, timeLeft));
