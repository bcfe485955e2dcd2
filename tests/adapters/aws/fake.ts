/** A client whose answers are functions of the command's input; what was sent is kept. */
export interface Sent {
  readonly command: string;
  readonly input: Input;
}

/** What tests look at in the inputs of all commands. */
export interface Input {
  readonly TableName: string;
  readonly Item: Record<string, { S?: string; N?: string; B?: Uint8Array; L?: { N?: string; S?: string }[] }>;
  readonly Key: string & Record<string, { S?: string }>;
  readonly Bucket: string;
  readonly Body: Buffer;
  readonly Records: { PartitionKey: string; Data: Buffer }[];
  readonly StreamName: string;
  readonly DeliveryStreamName: string;
  readonly RequestItems: Record<string, { PutRequest: { Item: Record<string, { S: string }> } }[]>;
  readonly ConditionExpression?: string;
  readonly KeyConditionExpression: string;
  readonly ExpressionAttributeValues: Record<string, { S?: string; N?: string }>;
  readonly ExclusiveStartKey?: unknown;
  readonly ConsistentRead?: boolean;
  readonly Limit?: number;
  readonly ACL?: string;
}

export function fakeClient(answer: (sent: Sent, nth: number) => unknown) {
  const sent: Sent[] = [];
  const send = async (command: { input: unknown }) => {
    const one = { command: command.constructor.name.replace('Command', ''), input: command.input as Input };
    sent.push(one);
    return (await answer(one, sent.length)) ?? {};
  };
  return { sent, send: send as never };
}

/** An error as the SDK throws it. */
export function sdkError(name: string, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(`${name} happened`), { name }, more);
}

/** No waiting between tries; counts them. */
export function noPause() {
  const waits: number[] = [];
  return { waits, pause: async (n: number) => void waits.push(n) };
}

/** Bytes that DynamoDB counts for an item: names and values, as its developer guide has it. */
export function itemBytes(item: object): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

function valueBytes(value: { S?: string; N?: string; B?: Uint8Array; L?: []; M?: Record<string, object> }): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.B !== undefined) return value.B.length;
  if (value.N !== undefined) {
    const digits = value.N.replace(/[-.]/g, '').replace(/^0+|0+$/g, '').length;
    return Math.ceil(digits / 2) + 1 + (value.N.startsWith('-') ? 1 : 0);
  }
  if (value.L) return 3 + value.L.reduce((sum, entry) => sum + 1 + valueBytes(entry), 0);
  if (value.M) return 3 + Object.keys(value.M).length + itemBytes(value.M);
  return 1;
}
