import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { decodeRejected, encodeRejected, rejectedKey } from '../../domain/lake';
import type { Rejects } from '../../pipeline/ports';
import { isNamed, reach } from './errors';
import { putObject } from './objects';

/** Refused rows in the lake, one object for each chunk. */
export function s3Rejects(client: Pick<S3Client, 'send'>, bucket: string): Rejects {
  return {
    put: (chunk, rows) =>
      putObject(client, bucket, rejectedKey(chunk, chunk.chunk_id), encodeRejected(chunk, rows), 'application/gzip'),

    async read(head, chunk_id) {
      const Key = rejectedKey(head, chunk_id);
      try {
        const bytes = await reach(`reading ${Key}`, async () => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
          return Body!.transformToByteArray();
        });
        return decodeRejected(bytes);
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return [];
        throw error;
      }
    },
  };
}
