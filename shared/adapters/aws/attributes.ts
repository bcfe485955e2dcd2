import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as DynamoDB has it. */
export type Item = Record<string, AttributeValue>;

/** What attributes of ours are made from. */
export type Plain = string | number | true | readonly Plain[] | { readonly [name: string]: Plain | undefined };

/** A plain value as an attribute; what is undefined is left out. */
export function attribute(value: Plain): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (value === true) return { BOOL: true };
  if (Array.isArray(value)) return { L: (value as readonly Plain[]).map(attribute) };
  return { M: item(value as { readonly [name: string]: Plain | undefined }) };
}

/** A plain object as an item; what is undefined is left out. */
export function item(values: { readonly [name: string]: Plain | undefined }): Item {
  const attributes: Item = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) attributes[name] = attribute(value);
  return attributes;
}

/** Text, as it was written; undefined when absent. */
export const text = (value: AttributeValue | undefined): string | undefined => value?.S;

/** A number, as it was written; NaN when absent. */
export const number = (value: AttributeValue | undefined): number => Number(value?.N ?? Number.NaN);
