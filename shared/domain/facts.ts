/*
 * How the facts of a line in the log are written: plain JSON of bounded size, errors with their causes. Whatever it is
 * given, a line stays far below the megabyte that CloudWatch takes.
 */

/** Characters of a line's texts and names together. */
const MOST_CHARACTERS = 24_000;
const MOST_TEXT = 2000;
const MOST_STACK = 4000;
const MOST_NAME = 100;
/** Of an object or an array; what is over is left out. */
const MOST_MEMBERS = 50;
/** Also of causes. What is deeper, and with it a circle, is left out. */
const MOST_DEPTH = 6;
const MOST_MESSAGE = 1000;

/** Members that a line has of its own; a fact of such a name gets an underscore. */
const OWN = new Set(['level', 'message', 'sampling_rate', 'service', 'timestamp', 'xray_trace_id']);

/** What may still be written of a line. */
interface Room {
  left: number;
}

/** The message and the facts of a line, ready for JSON.stringify. */
export function lineOf(
  message: string,
  facts: Readonly<Record<string, unknown>>,
): { readonly message: string; readonly facts: Record<string, unknown> } {
  const room = { left: MOST_CHARACTERS };
  const said = cut(message, MOST_MESSAGE, room);
  const members = Object.entries(facts).map(([name, value]): [string, unknown] => [
    OWN.has(name) ? `${name}_` : name,
    value,
  ]);
  return { message: said, facts: objectOf(members, 0, room) };
}

function plain(value: unknown, depth: number, room: Room): unknown {
  if (typeof value === 'string') return cut(value, MOST_TEXT, room);
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return value;
  if (typeof value !== 'object') return cut(String(value), MOST_TEXT, room); // NaN, a bigint, a function
  if (value instanceof Date) return value.toJSON();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth === MOST_DEPTH) return '…';
  if (value instanceof Error) return errorOf(value, depth, room);
  if (Array.isArray(value))
    return value.slice(0, MOST_MEMBERS).flatMap((one) => (room.left > 0 ? [plain(one, depth + 1, room)] : []));
  return objectOf(Object.entries(value), depth, room);
}

function objectOf(members: readonly [string, unknown][], depth: number, room: Room): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, value] of members.slice(0, MOST_MEMBERS)) {
    if (value === undefined || room.left <= 0) continue;
    written[cut(name, MOST_NAME, room)] = plain(value, depth + 1, room);
  }
  return written;
}

function errorOf(error: Error & { readonly code?: unknown }, depth: number, room: Room): Record<string, unknown> {
  const { name, message, stack, code, cause } = error;
  return {
    name: cut(String(name), MOST_NAME, room),
    message: cut(String(message), MOST_TEXT, room),
    ...(code !== undefined && { code: plain(code, MOST_DEPTH, room) }),
    ...(stack !== undefined && { stack: cut(String(stack), MOST_STACK, room) }),
    ...(cause !== undefined && { cause: plain(cause, depth + 1, room) }),
  };
}

function cut(text: string, most: number, room: Room): string {
  const kept = text.slice(0, Math.max(0, Math.min(most, room.left)));
  room.left -= kept.length;
  return kept.length === text.length ? kept : `${kept}…`;
}
