import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { isNamed, reach } from './errors';
import { concurrently } from './pace';

/**
 * What S3 copies in a few seconds, and so within the time that an answer is waited for; CopyObject takes 5 GB, in a
 * minute or two. Larger objects go in parts, some at a time, of which there are 10,000 at most (Amazon S3, multipart
 * upload limits).
 */
const PART_BYTES = 256 * 1024 ** 2;
const MOST_PARTS = 10_000;
const WIDTH = 16;

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

/** An object's bytes; undefined when there is none. */
export async function readObject(
  client: Pick<S3Client, 'send'>,
  Bucket: string,
  Key: string,
): Promise<Uint8Array | undefined> {
  try {
    return await reach(`reading ${Key}`, async () => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Body!.transformToByteArray();
    });
  } catch (error) {
    if (isNamed(error, 'NoSuchKey')) return undefined;
    throw error;
  }
}

/** The objects below a prefix by key, from one on; not what marks a folder. */
export async function* listObjects(
  client: Pick<S3Client, 'send'>,
  Bucket: string,
  Prefix: string,
  StartAfter?: string,
): AsyncGenerator<{ readonly key: string; readonly bytes: number }> {
  let ContinuationToken: string | undefined;
  do {
    const page = new ListObjectsV2Command({ Bucket, Prefix, StartAfter, ContinuationToken });
    const { Contents = [], NextContinuationToken } = await reach(`listing ${Prefix}`, () => client.send(page));
    for (const { Key = '', Size = 0 } of Contents) if (!Key.endsWith('/')) yield { key: Key, bytes: Size };
    ContinuationToken = NextContinuationToken;
  } while (ContinuationToken);
}

/** An object, or one version of it, or only as long as its tag (with quotes) is this. */
export interface Original {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly etag?: string | undefined;
  readonly bytes: number;
}

/** Copies an object within its bucket, by S3 itself; not its tags, which would ask for rights of their own. */
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
  if (from.bytes <= PART_BYTES) {
    const copy = new CopyObjectCommand({ Bucket, Key, ...source, TaggingDirective: 'REPLACE' });
    await reach(doing, () => client.send(copy));
    return;
  }
  const { UploadId } = await reach(doing, () => client.send(new CreateMultipartUploadCommand({ Bucket, Key })));
  const size = Math.max(PART_BYTES, Math.ceil(from.bytes / MOST_PARTS));
  const numbers = Array.from({ length: Math.ceil(from.bytes / size) }, (_, i) => i + 1);
  const Parts = await concurrently(WIDTH, numbers, async (PartNumber) => {
    const first = (PartNumber - 1) * size;
    const CopySourceRange = `bytes=${first}-${Math.min(first + size, from.bytes) - 1}`;
    const part = new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, ...source, CopySourceRange });
    const { CopyPartResult } = await reach(doing, () => client.send(part));
    return { PartNumber, ETag: CopyPartResult?.ETag };
  });
  const MultipartUpload = { Parts };
  await reach(doing, () => client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload })));
}
