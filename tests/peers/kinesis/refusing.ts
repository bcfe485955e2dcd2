import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is to become of a call: some of its records refused, or all taken and the answer lost. */
export interface Trouble {
  /** The error of a record that is refused on its `nth` coming (from 1), undefined for one that is taken. */
  refuse?(key: string, nth: number): string | undefined;
  /** Whether the `nth` call's answer (from 1) gets lost. */
  lose?(nth: number): boolean;
}

export interface Refusing {
  readonly endpoint: string;
  /** The partition keys of each PutRecords call that came. */
  readonly calls: readonly (readonly string[])[];
  close(): Promise<void>;
}

interface Put {
  readonly Records: readonly { readonly PartitionKey: string }[];
}
interface Answer {
  readonly FailedRecordCount: number;
  readonly Records: readonly object[];
}

/**
 * Stands before a Kinesis that never throttles and does what AWS does when a shard's rate is used up: it takes some of
 * a PutRecords' records, and answers for the others, in their places, with an error instead of a sequence number.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 */
export async function refusing(upstream: string, { refuse, lose }: Trouble): Promise<Refusing> {
  const calls: string[][] = [];
  const come = new Map<string, number>();

  const put = async (message: IncomingMessage, body: Buffer): Promise<Answer> => {
    const wanted = JSON.parse(body.toString()) as Put;
    const keys = wanted.Records.map(({ PartitionKey }) => PartitionKey);
    calls.push(keys);
    const errors = keys.map((key) => {
      const nth = (come.get(key) ?? 0) + 1;
      come.set(key, nth);
      return refuse?.(key, nth);
    });
    const Records = wanted.Records.filter((_, i) => errors[i] === undefined);
    const taken = Records.length === 0 ? [] : (await forward(upstream, message, { ...wanted, Records })).Records;
    const rest = [...taken];
    const answers = errors.map((ErrorCode) =>
      ErrorCode === undefined ? rest.shift()! : { ErrorCode, ErrorMessage: `Planted: ${ErrorCode}` },
    );
    return { FailedRecordCount: errors.filter((error) => error !== undefined).length, Records: answers };
  };

  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    if (message.headers['x-amz-target'] !== 'Kinesis_20131202.PutRecords') throw new Error('only PutRecords');
    const text = JSON.stringify(await put(message, await read(message)));
    if (lose?.(calls.length)) message.socket.destroy();
    else response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
  };
  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Sends the call on with other records. The signature does not fit them any more; this Kinesis checks none. */
async function forward(upstream: string, { headers, url }: IncomingMessage, put: Put): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(put));
  const { host: _, 'content-length': __, ...rest } = headers;
  const answer = await new Promise<IncomingMessage>((done, fail) => {
    request(new URL(url!, upstream), {
      method: 'POST',
      headers: { ...rest, 'content-length': body.length },
      signal: AbortSignal.timeout(30_000),
    })
      .once('response', done)
      .once('error', fail)
      .end(body);
  });
  const text = (await read(answer)).toString();
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`);
  return JSON.parse(text) as Answer;
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
