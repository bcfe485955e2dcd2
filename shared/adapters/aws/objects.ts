import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { reach } from './errors';

/** Writes one object; access and encryption are the bucket's. */
export async function putObject(
  client: Pick<S3Client, 'send'>,
  Bucket: string,
  Key: string,
  Body: Uint8Array | string,
  ContentType: string,
): Promise<void> {
  await reach(`writing ${Key}`, () => client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType })));
}
