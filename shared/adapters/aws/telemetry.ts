import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { lineOf } from '../../domain/facts';
import { METERS, type Meter } from '../../domain/meters';
import type { Telemetry } from '../../pipeline/ports';

/**
 * Lines of JSON, and values in CloudWatch's embedded metric format, by Powertools: it writes past the console of Lambda,
 * which would put words before an EMF document. A line has the trace's id, which is one for each invocation.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function powertools(settings: { readonly serviceName: string; readonly namespace: string }): Telemetry {
  const logger = new Logger({ serviceName: settings.serviceName });
  const metrics = new Metrics(settings);

  const log: Telemetry['log'] = (level, message, facts) => {
    try {
      const line = lineOf(message, facts);
      logger[level](line.message, line.facts);
    } catch (error) {
      // A fact that cannot even be read, such as a getter that throws. What was to be said is said without it.
      logger.error(message.slice(0, 1000), { unreadable: String(error).slice(0, 1000) });
    }
  };

  return {
    log,
    measure(values, dataset) {
      try {
        const measured = Object.entries(values).filter(([, value]) => Number.isFinite(value)) as [Meter, number][];
        if (measured.length === 0) return;
        if (dataset !== undefined) metrics.addDimension('dataset', dataset);
        for (const [meter, value] of measured) metrics.addMetric(meter, METERS[meter].unit, value);
        metrics.publishStoredMetrics();
      } catch (error) {
        metrics.clearMetrics();
        metrics.clearDimensions();
        log('error', 'values could not be measured', { values, dataset, error });
      }
    },
    read: async () => undefined, // CloudWatch has them
  };
}
