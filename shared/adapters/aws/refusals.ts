import type { S3Client } from '@aws-sdk/client-s3';
import { decodeRejected } from '../../domain/lake';
import type { RejectedZone } from '../../pipeline/ports';
import { listObjects, readObject } from './objects';

const SUFFIX = '.ndjson.gz';

/** The refused rows of the lake's bucket. */
export function s3Refusals(client: Pick<S3Client, 'send'>, bucket: string): RejectedZone {
  return {
    async *list(dataset, since) {
      const prefix = `rejected/${dataset}/`;
      // Keys come in order: earlier days are not listed at all.
      for await (const { key } of listObjects(client, bucket, prefix, since && `${prefix}dt=${since}`)) {
        const name = key.slice(key.lastIndexOf('/') + 1);
        if (name.endsWith(SUFFIX)) yield { key, chunk_id: name.slice(0, -SUFFIX.length) };
      }
    },

    async read(key) {
      const bytes = await readObject(client, bucket, key);
      return bytes ? decodeRejected(bytes) : []; // gone since it was listed
    },
  };
}
