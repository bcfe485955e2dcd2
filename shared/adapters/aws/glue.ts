import { GlueClient } from '@aws-sdk/client-glue';
import { HTTP, RETRIES } from './http';

/** In milliseconds. A start that is given up too soon and tried again is a second run, which is paid. */
const HTTP_RUNS = { ...HTTP, requestTimeout: 30_000 } as const;

let client: GlueClient | undefined;

/** The function's one Glue client. */
export function glue(): GlueClient {
  client ??= new GlueClient({ ...RETRIES, requestHandler: HTTP_RUNS });
  return client;
}
