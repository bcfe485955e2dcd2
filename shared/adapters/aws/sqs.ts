import { SQSClient } from '@aws-sdk/client-sqs';
import { HTTP, RETRIES } from './http';

let client: SQSClient | undefined;

/** The function's one SQS client. */
export function sqs(): SQSClient {
  client ??= new SQSClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}
