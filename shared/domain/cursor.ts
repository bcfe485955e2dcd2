import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem';

const DIGEST_BYTES = 9;

/**
 * A page's end as an opaque word, bound to the resource it belongs to. The digest tells a damaged or borrowed cursor;
 * it is no secret, and what a cursor says is only ever used as a place within what its bearer may read.
 */
export function encodeCursor(resource: string, place: unknown): string {
  const body = Buffer.from(JSON.stringify(place));
  return Buffer.concat([digest(resource, body), body]).toString('base64url');
}

/** The place that a cursor names, as `isPlace` knows it. @throws Problem invalid_cursor */
export function decodeCursor<T>(resource: string, cursor: string, isPlace: (place: unknown) => place is T): T {
  const bytes = Buffer.from(cursor, 'base64url');
  const body = bytes.subarray(DIGEST_BYTES);
  const whole = cursor.length <= 1024 && bytes.toString('base64url') === cursor && bytes.length > DIGEST_BYTES;
  if (whole && timingSafeEqual(bytes.subarray(0, DIGEST_BYTES), digest(resource, body))) {
    const place = parsed(body);
    if (isPlace(place)) return place;
  }
  throw new Problem('invalid_cursor', 'Use next_cursor of the page before as it was given, on the same address.');
}

/** Undefined for what is no JSON: the digest is no secret. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

const digest = (resource: string, body: Buffer): Buffer =>
  createHash('sha256').update(`ecomflow cursor 1\n${resource}\n`).update(body).digest().subarray(0, DIGEST_BYTES);
