import type { HttpRequest } from '../../shared/adapters/lambda/http';
import type { Sent } from '../../shared/domain/body';
import type { FilePart } from '../../shared/domain/ledger';
import { Problem } from '../../shared/domain/problem';

/** The body with what its headers and its query say of it. */
export function bodyOf({ body, asText, headers, query }: HttpRequest): Sent {
  return { bytes: body, asText, contentType: headers['content-type'] ?? '', type: query.type, charset: query.charset };
}

/** A file's report looks every part up. */
const MOST_PARTS = 10_000;
/** Lines are 32-bit integers in the lake, and a body adds some millions. */
const MOST_LINE = 2_000_000_000;

/** Which part of which file the body is: `?file=HASH&part=2&parts=12`. @throws Problem */
export function filePartOf({ query }: HttpRequest): FilePart | undefined {
  if (query.file === undefined) return undefined;
  if (!/^[0-9a-f]{64}$/.test(query.file)) throw invalid('file', 'the SHA-256 of the file, 64 hex digits in lower case');
  const part = count(query.part, 'part', MOST_PARTS);
  const parts = count(query.parts, 'parts', MOST_PARTS);
  if (part > parts) throw invalid('part', 'a number from 1 to parts');
  return { hash: query.file, part, parts };
}

/** The line of the file that the body's first row stands in: `?line=1001`. @throws Problem */
export function firstLineOf({ query }: HttpRequest): number | undefined {
  return query.line === undefined ? undefined : count(query.line, 'line', MOST_LINE);
}

function count(text: string | undefined, parameter: string, most: number): number {
  const n = /^[1-9]\d{0,11}$/.test(text ?? '') ? Number(text) : 0;
  if (n === 0 || n > most) throw invalid(parameter, `a number from 1 to ${most}`);
  return n;
}

const invalid = (parameter: string, is: string) =>
  new Problem('invalid_parameter', `${parameter} is ${is}.`, { parameter });
