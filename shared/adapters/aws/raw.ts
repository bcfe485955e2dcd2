import type { S3Client } from '@aws-sdk/client-s3';
import type { RawZone } from '../../pipeline/ports';
import { listObjects, putObject, readObject } from './objects';

const RAW = 'raw/';

/** The raw zone of the lake's bucket, which Firehose fills: `raw/dt=2026-03-01/...`. */
export function s3Raw(client: Pick<S3Client, 'send'>, bucket: string): RawZone {
  return {
    // Keys come in order, and a day's all begin with it: earlier days are not listed at all.
    list: (since) => listObjects(client, bucket, RAW, since && `${RAW}dt=${since}`),
    read: (key) => readObject(client, bucket, key),
    keep: (name, records) => putObject(client, bucket, `${RAW}${name}`, records, 'application/octet-stream'),
  };
}
