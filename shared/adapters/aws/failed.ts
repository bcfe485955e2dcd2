import type { S3Client } from '@aws-sdk/client-s3';
import { failedKey } from '../../domain/lake';
import type { FailedChunks } from '../../pipeline/ports';
import { putObject } from './objects';

/** Causes that are told; a chain that bites its own tail ends here. */
const MOST_CAUSES = 8;

interface Told {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: Told | undefined;
}

function tell(error: unknown, depth = 0): Told {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack,
    cause: cause === undefined || depth === MOST_CAUSES ? undefined : tell(cause, depth + 1),
  };
}

/** Records that cannot be cleaned, in the lake: the bytes as they were, and beside them what went wrong. */
export function s3Failed(client: Pick<S3Client, 'send'>, bucket: string): FailedChunks {
  return {
    async put(id, record, error) {
      const key = failedKey(id);
      await putObject(client, bucket, key.record, record, 'application/octet-stream');
      await putObject(client, bucket, key.error, JSON.stringify({ id, ...tell(error) }, null, 2), 'application/json');
    },
  };
}
