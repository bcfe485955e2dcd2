import { S3Client } from '@aws-sdk/client-s3';
import { HTTP_OBJECTS, RETRIES } from './http';

let client: S3Client | undefined;

/** The function's one S3 client. An emulator has no name of its own for each bucket. */
export function s3(): S3Client {
  client ??= new S3Client({
    ...RETRIES,
    requestHandler: HTTP_OBJECTS,
    forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL),
  });
  return client;
}
