import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { attemptKey } from '../../domain/lake';
import { decodeAttempt, encodeAttempt } from '../../domain/redrive';
import { type Attempts, Unavailable } from '../../pipeline/ports';
import { isNamed, reach } from './errors';
import { readObject } from './objects';

/**
 * Attempts in the lake, one object each, which is never written over: S3 takes it only where there is none (Amazon S3
 * user guide, conditional writes).
 */
export function s3Attempts(client: Pick<S3Client, 'send'>, Bucket: string): Attempts {
  const find: Attempts['find'] = async (chunk, revision) => {
    const bytes = await readObject(client, Bucket, attemptKey(chunk, revision));
    return bytes && decodeAttempt(bytes);
  };
  return {
    find,
    async begin(attempt) {
      const Key = attemptKey(attempt, attempt.revision);
      const Body = encodeAttempt(attempt);
      const put = new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/gzip', IfNoneMatch: '*' });
      try {
        await reach(`writing ${Key}`, () => client.send(put));
        return attempt;
      } catch (error) {
        if (isNamed(error, 'ConditionalRequestConflict'))
          throw new Unavailable(`${Key} is being written by somebody else`, { cause: error });
        if (!isNamed(error, 'PreconditionFailed')) throw error;
      }
      const stored = await find(attempt, attempt.revision);
      if (!stored) throw new Unavailable(`${Key} was there, and is gone`);
      return stored;
    },
  };
}
