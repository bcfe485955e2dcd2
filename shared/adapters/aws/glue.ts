import { GlueClient } from '@aws-sdk/client-glue';
import { HTTP, RETRIES } from './http';

let client: GlueClient | undefined;

/** The function's one Glue client. */
export function glue(): GlueClient {
  client ??= new GlueClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}
