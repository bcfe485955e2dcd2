import { type Schema as JsonSchema, Validator } from '@cfworker/json-schema';
import type { OpenApi } from '../../shared/domain/openapi';
import type { Answer } from './gateway';

// biome-ignore lint/suspicious/noExplicitAny: a JSON document has any shape
export type Json = any;

/** What a JSON pointer of the document's own (`#/a/b`) points at. */
export const pointed = (document: OpenApi, pointer: string): Json =>
  pointer
    .slice(2)
    .split('/')
    .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((at: Json, step) => at?.[step], document);

/** Follows a reference, if it is one. */
export const followed = (document: OpenApi, value: Json): Json =>
  value?.$ref === undefined ? value : followed(document, pointed(document, value.$ref));

/** Every object in a JSON document with the place where it stands. */
export function* objects(value: Json, place = '#'): Generator<[string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [place, value];
  for (const [key, child] of Object.entries(value)) yield* objects(child, `${place}/${key}`);
}

/** Schemas are open, so that answers may grow. A test wants to hear of every member that the document does not have. */
function closed(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(closed);
  const copy = Object.fromEntries(Object.entries(value).map(([key, child]) => [key, closed(child)]));
  const isObject = copy.properties !== undefined && copy.type !== undefined;
  return isObject && copy.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy;
}

/** What a value has against a schema of the document; empty when it fits. */
export function faultsOf(document: OpenApi, schema: Json, value: unknown): string[] {
  const components = { schemas: closed(document.components.schemas) };
  const validator = new Validator({ ...closed(schema), components } as JsonSchema, '2020-12', false);
  return validator.validate(value).errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

export const operationOf = (document: OpenApi, route: string): Json => {
  const [method, path] = route.split(' ') as [string, string];
  return (document.paths as Json)[path]?.[method.toLowerCase()];
};

/** Fails unless the document has the answer for the route: status, headers, content type, and every member of the body. */
export function expectDocumented(document: OpenApi, route: string, answer: Answer): void {
  const response = followed(document, operationOf(document, route).responses[answer.status]);
  expect({ route, status: answer.status, documented: response !== undefined }).toMatchObject({ documented: true });
  for (const name of Object.keys(response.headers ?? {})) expect(answer.headers).toHaveProperty(name.toLowerCase());
  if (response.content === undefined) {
    expect(answer.text).toBe('');
    return;
  }
  const media = response.content[answer.headers['content-type']!];
  expect(media).toBeDefined();
  expect({ route, faults: faultsOf(document, media.schema, answer.body) }).toEqual({ route, faults: [] });
  if (answer.headers['content-type'] === 'application/problem+json') {
    expect(answer.body.status).toBe(answer.status);
    expect(response.description).toContain(`\`${answer.body.code}\``);
  }
}
