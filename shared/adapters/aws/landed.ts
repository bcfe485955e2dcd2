import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { dayOf } from '../../domain/warehouse';
import { type LandedFiles, Unavailable } from '../../pipeline/ports';
import { isNamed, reach } from './errors';

/** The landing zone of the lake's bucket. */
export function s3Landed(client: Pick<S3Client, 'send'>, bucket: string): LandedFiles {
  return {
    async *list(dataset, since) {
      const Prefix = `landing/${dataset}/`;
      // Keys come in order, and a day's all begin with it: earlier days are not listed at all.
      const StartAfter = since && `${Prefix}dt=${since}`;
      let ContinuationToken: string | undefined;
      do {
        const page = new ListObjectsV2Command({ Bucket: bucket, Prefix, StartAfter, ContinuationToken });
        const { Contents = [], NextContinuationToken } = await reach(`listing ${Prefix}`, () => client.send(page));
        for (const { Key = '', ETag, Size } of Contents) {
          const day = dayOf(Key);
          const name = Key.slice(Key.lastIndexOf('/') + 1);
          if (day === undefined || Size === 0 || /^([._]|$)/.test(name)) continue; // a folder's mark, or one of Spark's
          yield { key: Key, day, etag: ETag!, bytes: Size! };
        }
        ContinuationToken = NextContinuationToken;
      } while (ContinuationToken);
    },

    open({ key, etag, bytes }) {
      return {
        byteLength: bytes,
        async slice(start, end = bytes) {
          const Range = `bytes=${start}-${end - 1}`;
          try {
            const body = await reach(`reading ${key}`, async () => {
              const { Body } = await client.send(
                new GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag, Range }),
              );
              return Body!.transformToByteArray();
            });
            return body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength) as ArrayBuffer;
          } catch (error) {
            if (!isNamed(error, 'PreconditionFailed') && !isNamed(error, 'NoSuchKey')) throw error;
            throw new Unavailable(`${key} has changed since it was listed`, { cause: error });
          }
        },
      };
    },
  };
}
