import type { S3Client } from '@aws-sdk/client-s3';
import { reportKey } from '../../domain/lake';
import type { Reports } from '../../pipeline/ports';
import { putObject } from './objects';

/** Reports of nights in the lake, one object each. */
export const s3Reports = (client: Pick<S3Client, 'send'>, bucket: string): Reports => ({
  keep: (report) => putObject(client, bucket, reportKey(report), JSON.stringify(report, null, 2), 'application/json'),
});
