import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Uploads } from '../../pipeline/ports';
import { reach } from './errors';

/** The presigner leaves the type, and so the charset, open unless it is told not to. */
const SIGNED_TOO = new Set(['content-type']);

/**
 * Addresses of S3. Size, type and `If-None-Match: *` are signed: another file is refused with 403, a second one with
 * 412. An address dies with the credentials that signed it, if that is sooner.
 * @param client one that adds no checksum: it would be that of the empty body, and every file would fail it
 */
export function s3Uploads(client: S3Client, bucket: string): Uploads {
  return {
    async sign({ key, bytes, contentType, seconds }) {
      const headers = { 'content-length': String(bytes), 'content-type': contentType, 'if-none-match': '*' };
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        ContentLength: bytes,
        ContentType: contentType,
        IfNoneMatch: '*',
      });
      const url = await reach(`signing for ${key}`, () =>
        getSignedUrl(client, command, { expiresIn: seconds, signableHeaders: SIGNED_TOO }),
      );
      return { url, headers };
    },
  };
}
