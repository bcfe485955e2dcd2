import middy from '@middy/core';
import type { Context, SQSEvent } from 'aws-lambda';
import type { Notice, Telemetry } from '../../pipeline/ports';
import type { Shift } from '../../pipeline/take-file';

/** A message that is no notice of ours; it ends in the queue of what could not be handled. */
export class NotANotice extends Error {
  override readonly name = 'NotANotice';
}

/**
 * Makes a Lambda handler for an SQS queue that is read one message at a time. What `work` throws reaches the platform,
 * which does not know what the message was about: the log says it. The message comes again.
 */
export function queue(telemetry: Pick<Telemetry, 'log'>, work: (notice: Notice, shift: Shift) => Promise<unknown>) {
  return middy<SQSEvent, void>().handler(async (event: SQSEvent, context: Context) => {
    for (const { body, messageId } of event.Records) {
      const shift = { holder: messageId, timeLeft: () => context.getRemainingTimeInMillis() };
      let about = {};
      try {
        const notice = noticeIn(body);
        about = idsOf(notice);
        await work(notice, shift);
      } catch (error) {
        telemetry.log('warn', 'a message is to be delivered again', { message_id: messageId, ...about, error });
        throw error;
      }
    }
  });
}

const idsOf = (notice: { key?: string; version?: string | undefined; batch_id?: string; run_id?: string }) => ({
  key: notice.key,
  version: notice.version,
  batch_id: notice.batch_id,
  run_id: notice.run_id,
});

const MANIFEST = /^work\/([a-z][a-z0-9_]*)\/([0-9a-f]{32})\/manifest\.json$/;

/** What EventBridge says of an object or of a run of Spark, or a notice that we wrote ourselves. @throws NotANotice */
export function noticeIn(body: string): Notice {
  const said = parse(body);
  const { source, detail } = said as { source?: unknown; detail?: EventDetail | null };
  if (source === 'aws.s3') return ofObject(detail ?? {});
  if (source === 'aws.glue') return ofRun(detail ?? {});
  if (isText(said.key) && [said.version, said.sent_by].every((value) => value === undefined || isText(value)))
    return said as unknown as Notice;
  if (isText(said.dataset) && isText(said.batch_id)) return said as unknown as Notice;
  throw new NotANotice('the message names no file, no batch and no run');
}

interface EventDetail {
  readonly object?: { readonly key?: unknown; readonly 'version-id'?: unknown };
  readonly requester?: unknown;
  readonly jobRunId?: unknown;
  readonly state?: unknown;
  readonly message?: unknown;
}

/** EventBridge writes keys as they are; S3's own notifications would write them as in a URL. */
function ofObject({ object, requester }: EventDetail): Notice {
  const { key } = object ?? {};
  const version = object?.['version-id'];
  if (!isText(key)) throw new NotANotice('the event names no object');
  const [, dataset, batch_id] = MANIFEST.exec(key) ?? [];
  if (dataset !== undefined) return { dataset, batch_id: batch_id! };
  return {
    key,
    ...(isText(version) && version !== 'null' && { version }),
    ...(isText(requester) && { sent_by: `aws:${requester}` }),
  };
}

function ofRun({ jobRunId, state, message }: EventDetail): Notice {
  if (!isText(jobRunId) || !isText(state)) throw new NotANotice('the event names no run');
  return { run_id: jobRunId, reason: isText(message) ? `${state}: ${message}` : state };
}

/** The object that a message is. @throws NotANotice */
export function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(body);
    if (typeof said === 'object' && said !== null) return said as Record<string, unknown>;
  } catch (cause) {
    throw new NotANotice('the message is not JSON', { cause });
  }
  throw new NotANotice('the message is no object');
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
