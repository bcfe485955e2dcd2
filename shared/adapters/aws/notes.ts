import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Notes } from '../../pipeline/ports';
import { isNamed, reach } from './errors';

/** What is larger is no note: S3 is asked for one byte more than that, and no further. */
const MOST_BYTES = 1024 ** 2;

/** Small papers of the lake. */
export function s3Notes(client: Pick<S3Client, 'send'>, Bucket: string): Notes {
  return {
    async read(Key) {
      try {
        const bytes = await reach(`reading ${Key}`, async () => {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=0-${MOST_BYTES}` }));
          return Body!.transformToByteArray();
        });
        return bytes.length > MOST_BYTES ? undefined : Buffer.from(bytes).toString('utf8');
      } catch (error) {
        if (isNamed(error, 'NoSuchKey')) return undefined;
        if (isNamed(error, 'InvalidRange')) return ''; // of an object without a byte, S3 has no range
        throw error;
      }
    },
  };
}
