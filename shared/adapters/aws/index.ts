import type { Offers, Ports, SignIn } from '../../pipeline/ports';
import { dynamoAlone } from './alone';
import { dynamoArrivals, dynamoBacklog, dynamoSenders } from './arrivals';
import { athena, athenaCuration, athenaEngine } from './athena';
import { s3Attempts } from './attempts';
import { dynamoBatches, dynamoChunks, dynamoFiles } from './batches';
import { s3Built, s3Profiles } from './built';
import { glueBulk, s3BulkOutput, s3Manifests } from './bulk';
import { systemClock } from './clock';
import { configure } from './config';
import { dynamoCustomers } from './customers';
import { dynamodb } from './dynamodb';
import { s3Failed } from './failed';
import { s3Failures } from './failures';
import { firehose } from './firehose';
import { glue } from './glue';
import { dynamoHistory } from './history';
import { s3Inbox } from './inbox';
import { dynamoIncidents } from './incidents';
import { dynamoInvoices } from './invoices';
import { kinesis } from './kinesis';
import { s3Landed } from './landed';
import { directLanding, firehoseLanding } from './landing';
import { sqsLater } from './later';
import { dynamoLines } from './lines';
import { dynamoLive } from './live';
import { s3Notes } from './notes';
import { sqsOrders } from './orders';
import { snsPost } from './post';
import { s3Raw } from './raw';
import { s3Recount } from './recount';
import { s3Refusals } from './refusals';
import { s3Rejects } from './rejects';
import { s3Reports } from './reports';
import { s3, s3ForOthers } from './s3';
import { secretOf, secretsManager } from './secrets';
import { sns } from './sns';
import { sqs } from './sqs';
import { kinesisStream } from './stream';
import { powertools } from './telemetry';
import { throttle } from './throttle';
import { cognitoTokens, cognitoVerifier } from './tokens';
import { s3Uploads } from './uploads';
import { postgresWarehouse } from './warehouse';
import { dynamoWatch } from './watch';

/*
 * Every port on AWS. Each factory reads its configuration and makes its client when it is called, so a bundle holds the
 * SDK clients of the factories that it names, and nothing happens at import.
 */
export const clock = (): Ports['clock'] => systemClock;

export const tokens = (): Ports['tokens'] => {
  const { USER_POOL_ID, USER_POOL_CLIENT_IDS } = configure(['tokens']);
  return cognitoTokens(cognitoVerifier(USER_POOL_ID, USER_POOL_CLIENT_IDS));
};

export const stream = (): Ports['stream'] => kinesisStream(kinesis(), configure(['stream']).STREAM_NAME);

export const batches = (): Ports['batches'] => dynamoBatches(dynamodb(), configure(['batches']).BATCHES_TABLE);

export const chunks = (): Ports['chunks'] => dynamoChunks(dynamodb(), configure(['chunks']).BATCHES_TABLE);

export const files = (): Ports['files'] => dynamoFiles(dynamodb(), configure(['files']).BATCHES_TABLE);

export const invoices = (): Ports['invoices'] => dynamoInvoices(dynamodb(), configure(['invoices']).INVOICES_TABLE);

export const customers = (): Ports['customers'] =>
  dynamoCustomers(dynamodb(), configure(['customers']).CUSTOMERS_TABLE);

export const landing = (): Ports['landing'] => {
  const { LANDING, LAKE_BUCKET, LANDING_DELIVERY_PREFIX } = configure(['landing']);
  return LANDING === 'direct' ? directLanding(s3(), LAKE_BUCKET) : firehoseLanding(firehose(), LANDING_DELIVERY_PREFIX);
};

export const rejects = (): Ports['rejects'] => s3Rejects(s3(), configure(['rejects']).LAKE_BUCKET);

export const failed = (): Ports['failed'] => s3Failed(s3(), configure(['failed']).LAKE_BUCKET);

export const inbox = (): Ports['inbox'] => s3Inbox(s3(), configure(['inbox']).LAKE_BUCKET);

export const arrivals = (): Ports['arrivals'] => dynamoArrivals(dynamodb(), configure(['arrivals']).BATCHES_TABLE);

export const senders = (): Ports['senders'] => dynamoSenders(dynamodb(), configure(['senders']).BATCHES_TABLE);

export const uploads = (): Ports['uploads'] => s3Uploads(s3ForOthers(), configure(['uploads']).LAKE_BUCKET);

export const backlog = (): Ports['backlog'] => dynamoBacklog(dynamodb(), configure(['backlog']).BATCHES_TABLE);

export const bulk = (): Ports['bulk'] => {
  const { BULK_JOB, BULK_CONTRACTS, BULK_FROM_MEGABYTES, BULK_MOST_WORKERS, LAKE_BUCKET } = configure(['bulk']);
  return glueBulk(glue(), s3(), {
    job: BULK_JOB,
    bucket: LAKE_BUCKET,
    contracts: BULK_CONTRACTS,
    fromBytes: Number(BULK_FROM_MEGABYTES) * 1024 * 1024,
    mostWorkers: Number(BULK_MOST_WORKERS),
  });
};

export const bulkOutput = (): Ports['bulkOutput'] => s3BulkOutput(s3(), configure(['bulkOutput']).LAKE_BUCKET);

/** Of bulkOutput what batch asks: without a reader of Parquet its bundle is a tenth smaller. */
export const manifests = (): Pick<Ports['bulkOutput'], 'manifest'> =>
  s3Manifests(s3(), configure(['bulkOutput']).LAKE_BUCKET);

export const later = (): Ports['later'] => sqsLater(sqs(), configure(['later']).QUEUE_URL);

export const landed = (): Ports['landed'] => s3Landed(s3(), configure(['landed']).LAKE_BUCKET);

export const warehouse = (): Ports['warehouse'] => {
  const variables = configure(['warehouse']);
  const database = {
    host: variables.WAREHOUSE_HOST,
    database: variables.WAREHOUSE_DATABASE,
    credentials: secretOf(secretsManager(), variables.WAREHOUSE_SECRET),
  };
  return postgresWarehouse(database, Number(variables.WAREHOUSE_LATE_DAYS));
};

export const pace = (): Ports['pace'] => throttle(Number(configure(['pace']).CLAIM_ROWS_PER_SECOND));

export const reports = (): Ports['reports'] => s3Reports(s3(), configure(['reports']).LAKE_BUCKET);

export const watch = (): Ports['watch'] => dynamoWatch(dynamodb(), configure(['watch']).BATCHES_TABLE);

export const incidents = (): Ports['incidents'] => dynamoIncidents(dynamodb(), configure(['incidents']).BATCHES_TABLE);

export const notes = (): Ports['notes'] => s3Notes(s3(), configure(['notes']).LAKE_BUCKET);

export const history = (): Ports['history'] => dynamoHistory(dynamodb(), configure(['history']).BATCHES_TABLE);

export const attempts = (): Ports['attempts'] => s3Attempts(s3(), configure(['attempts']).LAKE_BUCKET);

export const failures = (): Ports['failures'] => s3Failures(s3(), configure(['failures']).LAKE_BUCKET);

export const raw = (): Ports['raw'] => s3Raw(s3(), configure(['raw']).LAKE_BUCKET);

export const refusals = (): Ports['refusals'] => s3Refusals(s3(), configure(['refusals']).LAKE_BUCKET);

export const lines = (): Ports['lines'] => dynamoLines(dynamodb(), configure(['lines']).INVOICES_TABLE);

export const recount = (): Ports['recount'] => s3Recount(s3(), configure(['recount']).LAKE_BUCKET);

export const engine = (): Ports['engine'] => athenaEngine(athena(), athenaPlace());

export const built = (): Ports['built'] => s3Built(s3(), configure(['built']).LAKE_BUCKET);

export const profiles = (): Ports['profiles'] => s3Profiles(s3(), configure(['profiles']).LAKE_BUCKET);

export const curation = (): Ports['curation'] => {
  const { BATCHES_TABLE, LAKE_BUCKET } = configure(['curation']);
  const alone = dynamoAlone(dynamodb(), BATCHES_TABLE, systemClock, 'merges');
  return athenaCuration(athena(), s3(), alone, { ...athenaPlace(), bucket: LAKE_BUCKET });
};

export const live = (): Ports['live'] => dynamoLive(dynamodb(), configure(['live']).LIVE_TABLE, systemClock);

const athenaPlace = () => {
  const { ATHENA_WORKGROUP, CATALOG_DATABASE } = configure(['engine']);
  return { workgroup: ATHENA_WORKGROUP, database: CATALOG_DATABASE };
};

export const post = (): Ports['post'] => {
  const { ALERT_TOPIC, BATCHES_TABLE } = configure(['post']);
  return snsPost(sns(), ALERT_TOPIC, dynamodb(), BATCHES_TABLE);
};

/** What the function `alert` is to keep to, and the bucket of which it may hear. */
export const alertSettings = () => {
  const set = configure(['alerts']);
  const numbers = {
    unbalancedMinutes: Number(set.ALERT_UNBALANCED_MINUTES),
    rejectedShare: Number(set.ALERT_REJECTED_SHARE),
    quietMinutes: Number(set.ALERT_QUIET_MINUTES),
  };
  return {
    bucket: set.LAKE_BUCKET,
    stage: set.ALERT_FROM,
    option: `--stage ${set.ALERT_FROM}`,
    api: set.API_URL,
    ...numbers,
  };
};

/** Cognito's own page (user pool endpoints: authorize, token, logout). */
export const signIn = (): SignIn => {
  const { SIGN_IN_URL, SIGN_IN_CLIENT_ID } = configure(['signIn']);
  return {
    authorize: `${SIGN_IN_URL}/oauth2/authorize`,
    token: `${SIGN_IN_URL}/oauth2/token`,
    logout: `${SIGN_IN_URL}/logout`,
    client_id: SIGN_IN_CLIENT_ID,
    scope: 'openid email',
  };
};

export const orders = (): Ports['orders'] => sqsOrders(sqs(), configure(['orders']).ORDERS_QUEUE_URL);

export const telemetry = (): Ports['telemetry'] => {
  const { POWERTOOLS_SERVICE_NAME, POWERTOOLS_METRICS_NAMESPACE } = configure(['telemetry']);
  return powertools({ serviceName: POWERTOOLS_SERVICE_NAME, namespace: POWERTOOLS_METRICS_NAMESPACE });
};

export type Complete = Offers<typeof import('./index')>;
