import { FirehoseClient } from '@aws-sdk/client-firehose';

/** A PutRecordBatch call as it goes over the wire. */
interface Call {
  readonly DeliveryStreamName: string;
  readonly Records: readonly { readonly Data: string }[];
}

/** Records that were sent, by delivery stream, and how large the calls were. */
export interface Delivery {
  readonly client: FirehoseClient;
  readonly calls: Call[];
  records(stream: string): Buffer[];
}

/** The SDK's own client, whose calls end here, taken whole, instead of at AWS. */
export function delivery(): Delivery {
  const calls: Call[] = [];
  const requestHandler = {
    async handle({ body }: { body: Uint8Array }) {
      const call = JSON.parse(new TextDecoder().decode(body)) as Call;
      calls.push(call);
      const answer = { FailedPutCount: 0, RequestResponses: call.Records.map((_, i) => ({ RecordId: String(i) })) };
      const headers = { 'content-type': 'application/x-amz-json-1.1' };
      return { response: { statusCode: 200, headers, body: Buffer.from(JSON.stringify(answer)) } };
    },
  };
  const credentials = { accessKeyId: 'peers', secretAccessKey: 'peers' };
  return {
    client: new FirehoseClient({ region: 'eu-central-1', credentials, requestHandler }),
    calls,
    records: (stream) =>
      calls
        .filter(({ DeliveryStreamName }) => DeliveryStreamName === stream)
        .flatMap(({ Records }) => Records.map(({ Data }) => Buffer.from(Data, 'base64'))),
  };
}
