import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { reach } from './errors';
import { concurrently } from './pace';

/** CopyObject takes 5 GB (Amazon S3, copying objects); larger objects go in parts, some at a time. */
const MOST_COPY = 5 * 1024 ** 3;
const PART_BYTES = 1024 ** 3;
const WIDTH = 8;

/** Writes one object; access and encryption are the bucket's. */
export async function putObject(
  client: Pick<S3Client, 'send'>,
  Bucket: string,
  Key: string,
  Body: Uint8Array | string,
  ContentType: string,
): Promise<void> {
  await reach(`writing ${Key}`, () => client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType })));
}

/** An object, or one version of it, or only as long as its tag (with quotes) is this. */
export interface Original {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly etag?: string | undefined;
  readonly bytes: number;
}

/** Copies an object within its bucket, by S3 itself. */
export async function copyObject(
  client: Pick<S3Client, 'send'>,
  Bucket: string,
  from: Original,
  Key: string,
): Promise<void> {
  const doing = `writing ${Key}`;
  const path = from.key.split('/').map(encodeURIComponent).join('/');
  const version = from.versionId === undefined ? '' : `?versionId=${encodeURIComponent(from.versionId)}`;
  const source = { CopySource: `${Bucket}/${path}${version}`, ...(from.etag && { CopySourceIfMatch: from.etag }) };
  if (from.bytes <= MOST_COPY) {
    await reach(doing, () => client.send(new CopyObjectCommand({ Bucket, Key, ...source })));
    return;
  }
  const { UploadId } = await reach(doing, () => client.send(new CreateMultipartUploadCommand({ Bucket, Key })));
  const numbers = Array.from({ length: Math.ceil(from.bytes / PART_BYTES) }, (_, i) => i + 1);
  const Parts = await concurrently(WIDTH, numbers, async (PartNumber) => {
    const first = (PartNumber - 1) * PART_BYTES;
    const CopySourceRange = `bytes=${first}-${Math.min(first + PART_BYTES, from.bytes) - 1}`;
    const part = new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, ...source, CopySourceRange });
    const { CopyPartResult } = await reach(doing, () => client.send(part));
    return { PartNumber, ETag: CopyPartResult?.ETag };
  });
  const MultipartUpload = { Parts };
  await reach(doing, () => client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload })));
}
