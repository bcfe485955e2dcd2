import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { HTTP, RETRIES } from './http';

let client: KinesisClient | undefined;

/**
 * The function's one Kinesis client. It speaks HTTP/1.1 like the others: the SDK's default for Kinesis is HTTP/2, which
 * emulators do not answer, and one way for both is one way tested.
 */
export function kinesis(): KinesisClient {
  client ??= new KinesisClient({ ...RETRIES, requestHandler: new NodeHttpHandler(HTTP) });
  return client;
}
