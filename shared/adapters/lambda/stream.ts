import middy from '@middy/core';
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import type { Delivered } from '../../pipeline/clean';

/**
 * Makes a Lambda handler for a Kinesis event source with ReportBatchItemFailures. `deliver` answers the sequence
 * number from which the stream is to deliver again.
 */
export function stream(deliver: (records: readonly Delivered[]) => Promise<string | undefined>) {
  return middy<KinesisStreamEvent, KinesisStreamBatchResponse>().handler(async (event) => {
    const failed = await deliver(
      event.Records.map(({ kinesis }) => ({
        sequence: kinesis.sequenceNumber,
        data: Buffer.from(kinesis.data, 'base64'),
      })),
    );
    return { batchItemFailures: failed === undefined ? [] : [{ itemIdentifier: failed }] };
  });
}
