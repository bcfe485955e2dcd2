import type { S3Client } from '@aws-sdk/client-s3';
import { decodeRejected, encodeRejected, rejectedKey } from '../../domain/lake';
import type { Rejects } from '../../pipeline/ports';
import { putObject, readObject } from './objects';

/** Refused rows in the lake, one object for each chunk. */
export function s3Rejects(client: Pick<S3Client, 'send'>, bucket: string): Rejects {
  return {
    put: (chunk, rows) =>
      putObject(client, bucket, rejectedKey(chunk, chunk.chunk_id), encodeRejected(chunk, rows), 'application/gzip'),

    async read(head, chunk_id) {
      const bytes = await readObject(client, bucket, rejectedKey(head, chunk_id));
      return bytes ? decodeRejected(bytes) : [];
    },
  };
}
