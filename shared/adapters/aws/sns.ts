import { SNSClient } from '@aws-sdk/client-sns';
import { HTTP, RETRIES } from './http';

let client: SNSClient | undefined;

/** The function's one SNS client. */
export function sns(): SNSClient {
  client ??= new SNSClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}
