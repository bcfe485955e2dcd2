import * as aws from '../../shared/adapters/aws';
import type { VARIABLES } from '../../shared/adapters/aws/config';
import { findStage, NoStage } from '../smoke/stage';
import { userName } from './here';
import type { Stores } from './work';

/** What the adapters are configured with, by the output of the stack that says it. */
export const OUTPUTS = {
  BATCHES_TABLE: 'BatchesTableName',
  INVOICES_TABLE: 'InvoicesTableName',
  CUSTOMERS_TABLE: 'CustomersTableName',
  LIVE_TABLE: 'LiveTableName',
  LAKE_BUCKET: 'LakeBucket',
  LANDING: 'Landing',
  LANDING_DELIVERY_PREFIX: 'LandingDeliveryPrefix',
  ORDERS_QUEUE_URL: 'RedriveQueueUrl',
} as const satisfies Partial<Record<keyof typeof VARIABLES, string>>;

/** The stores of a deployed stage, with the operator's own rights. @throws NoStage */
export async function storesOf(stage: string, region: string): Promise<Stores> {
  const { stack, outputs } = await findStage(stage, region);
  const missing = Object.values(OUTPUTS).filter((output) => !outputs[output]);
  if (missing.length > 0)
    throw new NoStage(`Stack ${stack} does not say ${missing.join(', ')}: deploy this version of ecomflow first.`);
  for (const [variable, output] of Object.entries(OUTPUTS)) process.env[variable] = outputs[output];
  process.env.AWS_REGION = region; // the adapters' clients go by it
  return {
    ports: {
      clock: aws.clock(),
      batches: aws.batches(),
      chunks: aws.chunks(),
      invoices: aws.invoices(),
      customers: aws.customers(),
      live: aws.live(),
      landing: aws.landing(),
      rejects: aws.rejects(),
      failed: aws.failed(),
      attempts: aws.attempts(),
      failures: aws.failures(),
      raw: aws.raw(),
      history: aws.history(),
      watch: aws.watch(),
      orders: aws.orders(),
      // What is done is said on stderr; meters are for functions, whose logs CloudWatch reads.
      telemetry: { log: () => undefined, measure: () => undefined, read: async () => undefined },
    },
    by: `operator:${userName()}`,
    close: () => undefined,
  };
}
