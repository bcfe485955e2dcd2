/** An attribute as DynamoDB's JSON has it; binary as base64 on the wire, as bytes in the SDK. */
export interface Attribute {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
  readonly B?: string | Uint8Array | undefined;
  readonly BOOL?: boolean | undefined;
  readonly NULL?: boolean | undefined;
  readonly L?: readonly Attribute[] | undefined;
  readonly M?: Readonly<Record<string, Attribute>> | undefined;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Bytes that DynamoDB counts for an item: names and values in UTF-8, with what lists and maps add.
 * Source: DynamoDB developer guide, "DynamoDB item sizes and formats"; numbers are approximate there.
 */
export function itemBytes(item: Attributes): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) bytes += Buffer.byteLength(name) + valueBytes(value);
  return bytes;
}

/** Lists and maps: 3 bytes, and 1 for each element. */
function valueBytes({ S, N, B, L, M }: Attribute): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return numberBytes(N);
  if (B !== undefined) return typeof B === 'string' ? Buffer.byteLength(B, 'base64') : B.byteLength;
  if (L !== undefined) return L.reduce((sum, element) => sum + valueBytes(element) + 1, 3);
  if (M !== undefined) return itemBytes(M) + Object.keys(M).length + 3;
  return 1; // BOOL and NULL
}

/**
 * One byte for each pair of digits, counted from the decimal point (2.5 is 02.50) without pairs of zeros at the ends; one
 * more, and another for a minus sign. The pairs are DynamoDB Local's: the guide has a byte for two digits.
 * @param text plain digits: none of our numbers has an exponent
 */
function numberBytes(text: string): number {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const even = (length: number) => length + (length % 2);
  const pairs = whole.padStart(even(whole.length), '0') + fraction.padEnd(even(fraction.length), '0');
  const significant = pairs.replace(/^(00)+/, '').replace(/(00)+$/, '');
  return significant.length / 2 + 1 + (text.startsWith('-') ? 1 : 0);
}

/** Units rounded up, one at least: nothing that was asked for is free. */
const units = (bytes: number, step: number): number => Math.max(1, Math.ceil(bytes / step));

/** Write units of one item: 1 KB each, of the larger of what was there and what is. */
export const writeUnits = (before: number, after: number): number => units(Math.max(before, after), 1024);

/** Read units of a strongly consistent read: 4 KB each over all that the read found. */
export const readUnits = (bytes: number): number => units(bytes, 4096);

/** PUT payload units of a Kinesis record: 25 KB each. */
export const payloadUnits = (bytes: number): number => units(bytes, 25 * 1024);

/** What Kinesis bills on demand for a record: its bytes, rounded up to 1 KB. */
export const onDemandBytes = (bytes: number): number => units(bytes, 1024) * 1024;

/** What Firehose bills for a record: its bytes, rounded up to 5 KB. */
export const firehoseBytes = (bytes: number): number => units(bytes, 5 * 1024) * 5 * 1024;

/** What the HTTP API counts for a request: 512 KB each. */
export const apiUnits = (bytes: number): number => units(bytes, 512 * 1024);
