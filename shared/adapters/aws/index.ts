import type { Offers, Ports } from '../../pipeline/ports';
import { dynamoBatches, dynamoChunks, dynamoFiles } from './batches';
import { systemClock } from './clock';
import { configure } from './config';
import { dynamoCustomers } from './customers';
import { dynamodb } from './dynamodb';
import { s3Failed } from './failed';
import { firehose } from './firehose';
import { dynamoInvoices } from './invoices';
import { kinesis } from './kinesis';
import { directLanding, firehoseLanding } from './landing';
import { s3Rejects } from './rejects';
import { s3 } from './s3';
import { kinesisStream } from './stream';
import { cognitoTokens, cognitoVerifier } from './tokens';

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

export type Complete = Offers<typeof import('./index')>;
