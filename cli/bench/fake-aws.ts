import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import type { Delivered } from '../../shared/pipeline/clean';
import { FakeTable, type Request } from './fake-table';
import { firehoseBytes, onDemandBytes, payloadUnits } from './units';

interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

type Service = 'DynamoDB' | 'Kinesis' | 'Firehose' | 'S3';

/** Milliseconds until AWS answers within a region: assumptions of this benchmark, for the time that functions wait. */
export const LATENCY_MS: Readonly<Record<Service, number>> = { DynamoDB: 5, Kinesis: 15, Firehose: 25, S3: 30 };

const KEYS = {
  batches: ['batch_id', 'entry'],
  invoices: ['invoice_no', 'part'],
  customers: ['customer_id', 'invoice_no'],
  live: ['figures_of', 'entry'],
} as const;

/**
 * AWS as the SDK's own clients see it, behind their request handlers: what the SDK does for a call (serializing,
 * signing, checksums, reading the answer) is done, and only the network is not there. Counts what AWS would bill.
 */
export class FakeAws {
  readonly tables = {
    batches: new FakeTable(...KEYS.batches),
    invoices: new FakeTable(...KEYS.invoices),
    customers: new FakeTable(...KEYS.customers),
    live: new FakeTable(...KEYS.live),
  };
  readonly use = {
    kinesis: { records: 0, bytes: 0, payloadUnits: 0, onDemandBytes: 0 },
    landing: { records: 0, bytes: 0, billedBytes: 0 },
    raw: { records: 0, bytes: 0, billedBytes: 0 },
    s3: { puts: 0, bytes: 0 },
  };
  /** Records in the stream that nobody has taken yet. */
  readonly stream: Delivered[] = [];
  /** Milliseconds that callers would have waited: calls that are made together are waited for together. */
  waited = 0;
  /** CPU of these fakes, in microseconds, which no function would have spent. */
  ownCpu = 0;
  private round: Promise<void> | undefined;
  private sequence = 0;

  readonly dynamodb = new DynamoDBClient(this.options('DynamoDB', (request) => this.dynamo(request)));
  readonly kinesis = new KinesisClient(this.options('Kinesis', (request) => this.putRecords(request)));
  readonly firehose = new FirehoseClient(this.options('Firehose', (request) => this.putRecordBatch(request)));
  readonly s3 = new S3Client(this.options('S3', (request) => this.putObject(request)));

  private options(service: Service, answer: (request: HttpRequest) => { statusCode?: number; body?: unknown }) {
    const handle = async (request: HttpRequest) => {
      const before = process.cpuUsage();
      const { statusCode = 200, body = {} } = answer(request);
      const bytes = Buffer.from(service === 'S3' ? '' : JSON.stringify(body));
      const { user, system } = process.cpuUsage(before);
      this.ownCpu += user + system;
      this.round ??= this.newRound(service);
      await this.round;
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(bytes.length) };
      return { response: { statusCode, headers, body: bytes } as never };
    };
    return {
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'dummy' },
      requestHandler: { handle: handle as never, metadata: { handlerProtocol: 'http/1.1' }, destroy: () => undefined },
    };
  }

  private newRound(service: Service): Promise<void> {
    this.waited += LATENCY_MS[service];
    return new Promise((answered) => {
      setImmediate(() => {
        this.round = undefined;
        answered();
      });
    });
  }

  private dynamo({ headers, body }: HttpRequest): { statusCode?: number; body?: unknown } {
    const request = json(body) as Request & { TableName: keyof typeof KEYS; RequestItems?: BatchWrite };
    const action = headers['x-amz-target']!.split('.')[1]!;
    const table = this.tables[request.TableName];
    if (action === 'GetItem') return { body: { Item: table.get(request.Key!) } };
    if (action === 'Query') return { body: { Items: table.query(request) } };
    if (action === 'PutItem' || action === 'UpdateItem') {
      const done = action === 'PutItem' ? table.put(request) : table.update(request);
      if (done) return {};
      return { statusCode: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' } };
    }
    if (action !== 'BatchWriteItem') throw new Error(`an action of a new kind: ${action}`);
    for (const [name, requests] of Object.entries(request.RequestItems!)) {
      for (const { PutRequest } of requests) this.tables[name as keyof typeof KEYS].put(PutRequest);
    }
    return { body: { UnprocessedItems: {} } };
  }

  private putRecords({ body }: HttpRequest) {
    const { Records } = json(body) as { Records: { Data: string; PartitionKey: string }[] };
    const { kinesis, raw } = this.use;
    for (const { Data, PartitionKey } of Records) {
      const data = Buffer.from(Data, 'base64');
      const bytes = data.length + Buffer.byteLength(PartitionKey);
      kinesis.records++;
      kinesis.bytes += bytes;
      kinesis.payloadUnits += payloadUnits(bytes);
      kinesis.onDemandBytes += onDemandBytes(bytes);
      raw.records++;
      raw.bytes += data.length;
      raw.billedBytes += firehoseBytes(data.length);
      this.stream.push({ sequence: String(++this.sequence), data });
    }
    return { body: { Records: Records.map(() => ({ SequenceNumber: '1', ShardId: '1' })), FailedRecordCount: 0 } };
  }

  private putRecordBatch({ body }: HttpRequest) {
    const { Records } = json(body) as { Records: { Data: string }[] };
    const { landing } = this.use;
    for (const { Data } of Records) {
      const bytes = Buffer.byteLength(Data, 'base64');
      landing.records++;
      landing.bytes += bytes;
      landing.billedBytes += firehoseBytes(bytes);
    }
    return { body: { RequestResponses: Records.map(() => ({ RecordId: '1' })), FailedPutCount: 0 } };
  }

  private putObject({ body = '' }: HttpRequest) {
    this.use.s3.puts++;
    this.use.s3.bytes += typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    return {};
  }
}

type BatchWrite = Readonly<Record<string, readonly { PutRequest: Request }[]>>;

const json = (body: HttpRequest['body']): unknown =>
  JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
