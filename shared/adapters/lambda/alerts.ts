import middy from '@middy/core';
import type { Context, SQSEvent } from 'aws-lambda';
import type { AlertTask } from '../../pipeline/alert';
import type { Telemetry } from '../../pipeline/ports';
import { isText, NotANotice, parse } from './queue';

/**
 * Makes a Lambda handler for the queue of alerts, which is read one message at a time. What `work` throws is logged with
 * what it was about and reaches the platform, and the message comes again; one that is no event of this lake ends in the
 * queue of what was given up.
 */
export function alerts(
  bucket: string,
  telemetry: Pick<Telemetry, 'log'>,
  work: (task: AlertTask, timeLeft: () => number) => Promise<unknown>,
) {
  return middy<SQSEvent, void>().handler(async (event: SQSEvent, context: Context) => {
    for (const { body, messageId } of event.Records) {
      let about: Partial<AlertTask> = {};
      try {
        const task = taskIn(body, bucket);
        about = task;
        await work(task, () => context.getRemainingTimeInMillis());
      } catch (error) {
        telemetry.log('warn', 'a message is to be delivered again', { message_id: messageId, ...about, error });
        throw error;
      }
    }
  });
}

/** What EventBridge says of an object or of a run of Spark, or what our schedule says. @throws NotANotice */
export function taskIn(body: string, bucket: string): AlertTask {
  const said = parse(body) as { source?: unknown; task?: unknown; time?: unknown; at?: unknown; detail?: unknown };
  const detail = Object(said.detail) as Detail;
  if (said.source === 'aws.s3') return ofObject(detail, bucket, said.time);
  if (said.source === 'aws.glue') return ofRun(detail, said.time);
  if (said.task === 'digest') return { task: 'digest', at: timeOf(said.at) };
  throw new NotANotice('the message is of no object, of no run and no digest');
}

interface Detail {
  readonly bucket?: { readonly name?: unknown } | null;
  readonly object?: { readonly key?: unknown } | null;
  readonly jobRunId?: unknown;
  readonly state?: unknown;
  readonly message?: unknown;
}

function ofObject({ bucket, object }: Detail, ours: string, time: unknown): AlertTask {
  if (!isText(bucket?.name)) throw new NotANotice('the event names no bucket');
  if (bucket.name !== ours) throw new NotANotice(`the event is of bucket ${bucket.name}, not of ${ours}`);
  if (!isText(object?.key)) throw new NotANotice('the event names no object');
  return { task: 'object', key: object.key, at: timeOf(time) };
}

function ofRun({ jobRunId, state, message }: Detail, time: unknown): AlertTask {
  if (!isText(jobRunId) || !isText(state)) throw new NotANotice('the event names no run, or not its state');
  return { task: 'run', run_id: jobRunId, state, ...(isText(message) && { message }), at: timeOf(time) };
}

/** A time as we write it. */
function timeOf(time: unknown): string {
  const at = isText(time) ? new Date(time) : new Date(Number.NaN);
  if (Number.isNaN(at.getTime())) throw new NotANotice('the message does not say when it was');
  return at.toISOString();
}
