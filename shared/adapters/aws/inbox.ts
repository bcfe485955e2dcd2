import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { refusedKey } from '../../domain/lake';
import { type Inbox, Unavailable } from '../../pipeline/ports';
import { reach } from './errors';
import { copyObject, type Original, putObject } from './objects';

/**
 * A bucket without versions names none, or "null": then the content's tag and the time tell one file from the next, also
 * the same content that is put again.
 */
const versionOf = ({ VersionId, ETag, LastModified }: HeadObjectCommandOutput): string =>
  VersionId && VersionId !== 'null' ? VersionId : `etag-${ETag!.replaceAll('"', '')}@${LastModified!.toISOString()}`;

const ETAG = /^etag-(.*)@/;

/** Names a version of an object to S3, in a bucket with versions or without. */
const onlyIf = (version: string): { IfMatch: string } | { VersionId: string } => {
  const etag = ETAG.exec(version)?.[1];
  return etag === undefined ? { VersionId: version } : { IfMatch: `"${etag}"` };
};

/** A file of the inbox as what is to be copied. */
export function originalOf({
  key,
  version,
  bytes,
}: Omit<Original, 'versionId' | 'etag'> & { version: string }): Original {
  const only = onlyIf(version);
  return { key, bytes, ...('IfMatch' in only ? { etag: only.IfMatch } : { versionId: only.VersionId }) };
}

/** The strongest of what S3 knows of a content; an upload in parts has no more than a tag of its parts. */
const checksumOf = ({ ChecksumSHA256, ChecksumCRC64NVME, ChecksumType, ETag }: HeadObjectCommandOutput): string =>
  ChecksumType === 'COMPOSITE'
    ? `etag:${ETag}`
    : ChecksumSHA256
      ? `sha256:${ChecksumSHA256}`
      : ChecksumCRC64NVME
        ? `crc64nvme:${ChecksumCRC64NVME}`
        : `etag:${ETag}`;

/** How S3 answers for an object that is not there, or not as it was any more; HEAD has no room for a name. */
const GONE: ReadonlySet<number | undefined> = new Set([404, 405, 412]);

/** The inbox in the lake's bucket. */
export function s3Inbox(client: Pick<S3Client, 'send'>, Bucket: string): Inbox {
  return {
    async look(key, version) {
      try {
        const wanted = version === undefined ? {} : onlyIf(version);
        const head = new HeadObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED', ...wanted });
        const found = await reach(`reading ${key}`, () => client.send(head));
        if (version !== undefined && versionOf(found) !== version) return undefined;
        return {
          key,
          version: versionOf(found),
          checksum: checksumOf(found),
          bytes: found.ContentLength ?? 0,
          arrived_at: found.LastModified!.toISOString(),
          ...(found.ContentType && { contentType: found.ContentType }),
        };
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },

    async *read(file, from) {
      const get = new GetObjectCommand({
        Bucket,
        Key: file.key,
        ...onlyIf(file.version),
        ...(from > 0 && { Range: `bytes=${from}-` }),
      });
      try {
        const { Body } = await reach(`reading ${file.key}`, () => client.send(get));
        yield* readAll(file.key, Body as AsyncIterable<Uint8Array>);
      } catch (error) {
        throw isGone(error) ? new Unavailable(`${file.key} is not there any more`, { cause: error }) : error;
      }
    },

    async keepRefused(file, dataset, refusal) {
      const kept = refusedKey(dataset, file);
      await copyObject(client, Bucket, originalOf(file), kept.file);
      const reason = JSON.stringify({ key: file.key, version: file.version, ...refusal }, null, 2);
      await putObject(client, Bucket, kept.reason, reason, 'application/json');
      return kept.file;
    },

    async remove({ key, version }) {
      // Where there are versions this one goes for good: it is kept under rejected/. One put since stays.
      const remove = new DeleteObjectCommand({ Bucket, Key: key, ...onlyIf(version) });
      try {
        await reach(`removing ${key}`, () => client.send(remove));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
}

const isGone = (error: unknown): boolean =>
  GONE.has((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode);

/** A body's bytes; a connection that breaks within is the world's fault. */
async function* readAll(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await pieces.next().catch((cause) => {
        throw new Unavailable(`reading ${key}: ${cause}`, { cause });
      });
      if (done) return;
      yield value;
    }
  } finally {
    await pieces.return?.();
  }
}
