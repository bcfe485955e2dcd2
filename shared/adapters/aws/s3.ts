import { S3Client } from '@aws-sdk/client-s3';
import { HTTP_OBJECTS, RETRIES } from './http';

let client: S3Client | undefined;

/** The function's one S3 client. */
export function s3(): S3Client {
  client ??= new S3Client({ ...RETRIES, requestHandler: HTTP_OBJECTS, ...place() });
  return client;
}

/** A client that signs requests for others to send: a checksum of its own would be that of a body that it has not seen. */
export const s3ForOthers = (): S3Client => new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED', ...place() });

/** An emulator has no name of its own for each bucket. */
const place = () => ({ forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL) });
