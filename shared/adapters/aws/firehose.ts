import { FirehoseClient } from '@aws-sdk/client-firehose';
import { HTTP, RETRIES } from './http';

let client: FirehoseClient | undefined;

/** The function's one Firehose client. */
export function firehose(): FirehoseClient {
  client ??= new FirehoseClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}
