import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { decodeRejected } from '../../domain/lake';
import type { RejectedZone } from '../../pipeline/ports';
import { isNamed, reach } from './errors';

const SUFFIX = '.ndjson.gz';

/** The refused rows of the lake's bucket. */
export function s3Refusals(client: Pick<S3Client, 'send'>, bucket: string): RejectedZone {
  return {
    async *list(dataset, since) {
      const Prefix = `rejected/${dataset}/`;
      const StartAfter = since && `${Prefix}dt=${since}`; // keys come in order: earlier days are not listed at all
      let ContinuationToken: string | undefined;
      do {
        const page = new ListObjectsV2Command({ Bucket: bucket, Prefix, StartAfter, ContinuationToken });
        const { Contents = [], NextContinuationToken } = await reach(`listing ${Prefix}`, () => client.send(page));
        for (const { Key = '' } of Contents) {
          const name = Key.slice(Key.lastIndexOf('/') + 1);
          if (name.endsWith(SUFFIX)) yield { key: Key, chunk_id: name.slice(0, -SUFFIX.length) };
        }
        ContinuationToken = NextContinuationToken;
      } while (ContinuationToken);
    },

    async read(key) {
      try {
        const bytes = await reach(`reading ${key}`, async () => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
          return Body!.transformToByteArray();
        });
        return decodeRejected(bytes);
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return []; // gone since it was listed
        throw error;
      }
    },
  };
}
