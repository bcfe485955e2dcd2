import type { Ports } from '../../pipeline/ports';

/** What is configured: ports, what the function `alert` is to keep to, and where the page lets people sign in. */
type Port = keyof Ports | 'alerts' | 'signIn';

/** An environment variable: what it says, and which ports need it. */
export interface Variable {
  readonly meaning: string;
  /** Needed by a port always, or only when LANDING has this value. */
  readonly neededBy: { readonly [P in Port]?: 'always' | 'firehose' | 'direct' };
  /** The only values that are taken. */
  readonly values?: readonly string[];
}

/** All that can be configured, as data: the configuration reference is made from it. */
export const VARIABLES = {
  STREAM_NAME: {
    meaning: 'Kinesis data stream that chunks are written to',
    neededBy: { stream: 'always' },
  },
  INVOICES_TABLE: {
    meaning: 'DynamoDB table of invoices: key invoice_no (S) and part (N)',
    neededBy: { invoices: 'always', lines: 'always' },
  },
  CUSTOMERS_TABLE: {
    meaning: 'DynamoDB table of customers: key customer_id (S) and invoice_no (S)',
    neededBy: { customers: 'always' },
  },
  BATCHES_TABLE: {
    meaning: 'DynamoDB table of the ledger: key batch_id (S) and entry (S)',
    neededBy: {
      batches: 'always',
      chunks: 'always',
      files: 'always',
      arrivals: 'always',
      senders: 'always',
      backlog: 'always',
      watch: 'always',
      incidents: 'always',
      post: 'always',
      history: 'always',
      curation: 'always',
    },
  },
  LAKE_BUCKET: {
    meaning: 'S3 bucket of the lake',
    neededBy: {
      rejects: 'always',
      failed: 'always',
      landing: 'direct',
      inbox: 'always',
      uploads: 'always',
      bulk: 'always',
      bulkOutput: 'always',
      landed: 'always',
      reports: 'always',
      notes: 'always',
      attempts: 'always',
      failures: 'always',
      raw: 'always',
      refusals: 'always',
      recount: 'always',
      built: 'always',
      profiles: 'always',
      curation: 'always',
      alerts: 'always',
    },
  },
  LIVE_TABLE: {
    meaning: 'DynamoDB table of figures of the day: key figures_of (S) and entry (S)',
    neededBy: { live: 'always' },
  },
  ATHENA_WORKGROUP: {
    meaning:
      'Athena workgroup that insights and merges run in: it bounds what a query reads, and says where answers go',
    neededBy: { engine: 'always', curation: 'always' },
  },
  CATALOG_DATABASE: {
    meaning: 'Database of the Glue catalog with the tables of the lake',
    neededBy: { engine: 'always', curation: 'always' },
  },
  LANDING: {
    meaning: 'How kept rows get into the lake: through Firehose, or as one Parquet object for each chunk',
    neededBy: { landing: 'always' },
    values: ['firehose', 'direct'],
  },
  LANDING_DELIVERY_PREFIX: {
    meaning: 'Firehose delivery streams of the landing zone are called PREFIX-DATASET',
    neededBy: { landing: 'firehose' },
  },
  QUEUE_URL: {
    meaning: 'SQS queue that the function is fed from, for work that another invocation is to go on with',
    neededBy: { later: 'always' },
  },
  ORDERS_QUEUE_URL: {
    meaning: 'SQS queue of redrives that were asked for',
    neededBy: { orders: 'always' },
  },
  ALERT_TOPIC: {
    meaning: 'ARN of the SNS topic that mails are handed to',
    neededBy: { post: 'always' },
  },
  ALERT_FROM: {
    meaning: 'Where mails say that they come from: the name of the stage',
    neededBy: { alerts: 'always' },
  },
  API_URL: {
    meaning: 'Address of the API, for links in mails',
    neededBy: { alerts: 'always' },
  },
  ALERT_UNBALANCED_MINUTES: {
    meaning: 'Minutes that a batch has to balance in',
    neededBy: { alerts: 'always' },
  },
  ALERT_REJECTED_SHARE: {
    meaning: 'Share of refused rows, 0 to 1, above which a batch is told of',
    neededBy: { alerts: 'always' },
  },
  ALERT_QUIET_MINUTES: {
    meaning: 'Minutes for which incidents of one kind and data set are held after one was told; the window of a digest',
    neededBy: { alerts: 'always' },
  },
  CLAIM_ROWS_PER_SECOND: {
    meaning: 'Rows of the job that are claimed a second, so that the stream has the tables for itself most of the time',
    neededBy: { pace: 'always' },
  },
  BULK_JOB: {
    meaning: 'Glue job for files that are too large for a function',
    neededBy: { bulk: 'always' },
  },
  BULK_CONTRACTS: {
    meaning: 'Where the job finds its contracts: an s3:// address that a data set and .json are put behind',
    neededBy: { bulk: 'always' },
  },
  BULK_FROM_MEGABYTES: {
    meaning: 'Megabytes of text from which on a file goes to the job; smaller ones go through the stream',
    neededBy: { bulk: 'always' },
  },
  BULK_MOST_WORKERS: {
    meaning: 'Workers that one run of the job may have, its driver included',
    neededBy: { bulk: 'always' },
  },
  USER_POOL_ID: {
    meaning: 'Cognito user pool that issues access tokens',
    neededBy: { tokens: 'always' },
  },
  USER_POOL_CLIENT_IDS: {
    meaning: 'App clients whose tokens are taken, separated by commas',
    neededBy: { tokens: 'always' },
  },
  SIGN_IN_URL: {
    meaning: "Address of the user pool's sign-in page, for the dashboard",
    neededBy: { signIn: 'always' },
  },
  SIGN_IN_CLIENT_ID: {
    meaning: 'App client that people sign in with on the dashboard',
    neededBy: { signIn: 'always' },
  },
  WAREHOUSE_HOST: {
    meaning: 'PostgreSQL server of the warehouse',
    neededBy: { warehouse: 'always' },
  },
  WAREHOUSE_DATABASE: {
    meaning: 'Database of the warehouse',
    neededBy: { warehouse: 'always' },
  },
  WAREHOUSE_SECRET: {
    meaning: 'ARN of the secret with the username and password of the warehouse, which is read at each load',
    neededBy: { warehouse: 'always' },
  },
  WAREHOUSE_LATE_DAYS: {
    meaning: 'Days before the newest loaded one in which the warehouse still looks for new files',
    neededBy: { warehouse: 'always' },
  },
  POWERTOOLS_SERVICE_NAME: {
    meaning: 'What lines of the log and values call the service they are of',
    neededBy: { telemetry: 'always' },
  },
  POWERTOOLS_METRICS_NAMESPACE: {
    meaning: "CloudWatch's namespace of what is measured",
    neededBy: { telemetry: 'always' },
  },
  AWS_ENDPOINT_URL: {
    meaning: 'Optional: an emulator that answers in the place of AWS',
    neededBy: {},
  },
} as const satisfies Record<string, Variable>;

type Name = keyof typeof VARIABLES;
type NeededBy<P extends Port> = {
  [N in Name]: P extends keyof (typeof VARIABLES)[N]['neededBy'] ? N : never;
}[Name];

/** Variables that are missing or wrong. Thrown at cold start, naming all of them. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * The variables of the ports asked for. One that the chosen LANDING does not need may be the empty text.
 * @throws ConfigurationError naming every variable that is missing or wrong
 */
export function configure<P extends Port>(
  ports: readonly P[],
  env: NodeJS.ProcessEnv = process.env,
): Readonly<Record<NeededBy<P>, string>> {
  const faults: string[] = [];
  const found: Record<string, string> = {};
  for (const [name, variable] of Object.entries<Variable>(VARIABLES)) {
    const needs = ports.map((port) => variable.neededBy[port]).filter((need) => need !== undefined);
    if (needs.length === 0) continue;
    const value = env[name]?.trim() ?? '';
    const needed = needs.some((need) => need === 'always' || need === env.LANDING?.trim());
    if (value === '' && needed) faults.push(`${name} is missing (${variable.meaning})`);
    else if (value !== '' && variable.values && !variable.values.includes(value)) {
      faults.push(`${name} is none of ${variable.values.join(', ')}`);
    }
    found[name] = value;
  }
  if (faults.length > 0) throw new ConfigurationError(`${ports.join(', ')}: ${faults.join('; ')}`);
  return found as Record<NeededBy<P>, string>;
}
