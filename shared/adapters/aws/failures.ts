import { DeleteObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { failureKind } from '../../domain/failure';
import type { Failures } from '../../pipeline/ports';
import { reach } from './errors';
import { listObjects, readObject } from './objects';

/** What our functions and Firehose put there, and where Lambda's failure destination does. */
const FOLDERS = ['failed/', 'aws/lambda/'];

/** Failures in the lake's bucket. */
export function s3Failures(client: Pick<S3Client, 'send'>, Bucket: string): Failures {
  return {
    async *list() {
      for (const folder of FOLDERS) {
        for await (const object of listObjects(client, Bucket, folder))
          if (failureKind(object.key).kind !== 'beside') yield object; // an explanation goes with what it explains
      }
    },
    read: (key) => readObject(client, Bucket, key),
    async remove(Key) {
      await reach(`removing ${Key}`, () => client.send(new DeleteObjectCommand({ Bucket, Key })));
    },
  };
}
