import middy from '@middy/core';
import type { Context, SQSEvent } from 'aws-lambda';
import { Problem } from '../../domain/problem';
import type { RedriveOrder } from '../../domain/redrive';
import type { Telemetry } from '../../pipeline/ports';
import { isText, NotANotice, parse } from './queue';

/**
 * Makes a Lambda handler for the queue of redrives, read one message at a time. An order that can never be done is said
 * and ends; what is thrown otherwise reaches the platform, and the message comes again.
 */
export function orders(
  telemetry: Pick<Telemetry, 'log'>,
  work: (order: RedriveOrder, timeLeft: () => number) => Promise<unknown>,
) {
  return middy<SQSEvent, void>().handler(async (event: SQSEvent, context: Context) => {
    for (const { body, messageId } of event.Records) {
      const about: { order?: RedriveOrder } = {};
      try {
        about.order = orderIn(body);
        await work(about.order, () => context.getRemainingTimeInMillis());
      } catch (error) {
        const facts = { message_id: messageId, ...about.order, error };
        if (error instanceof Problem) {
          telemetry.log('warn', 'a redrive cannot be done', facts);
          continue;
        }
        telemetry.log('warn', 'a redrive is to be tried again', facts);
        throw error;
      }
    }
  });
}

/** An order as it was put; what else it says is between those who put it and those who do it. @throws NotANotice */
export function orderIn(body: string): RedriveOrder {
  const order = parse(body);
  const { batch_id, reason, replay, by } = order;
  if (!isText(batch_id) || !isText(by)) throw new NotANotice('the message names no batch, or nobody who asked');
  if ((reason !== undefined && !isText(reason)) || (replay !== undefined && typeof replay !== 'boolean'))
    throw new NotANotice('the message orders nothing that is done here');
  return order as unknown as RedriveOrder;
}
