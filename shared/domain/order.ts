import { Problem } from './problem';
import type { RedriveOrder } from './redrive';

export const ORDERS = {
  /** Bytes of a request for a redrive. */
  requestBytes: 4096,
  /** Characters of a reason; a contract's are a few words. */
  reasonCharacters: 64,
} as const;

const MEMBERS = ['reason', 'replay'];

/** What of a batch is to go through again, as a request says it. @throws Problem invalid_parameter, too_large */
export function readOrder(body: Buffer): Pick<RedriveOrder, 'reason' | 'replay'> {
  const said = membersOf(body);
  const unknown = Object.keys(said).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw wrong('body', `has no member "${unknown.slice(0, 64)}"`, { accepted: MEMBERS });
  const { reason, replay } = said;
  if (reason !== undefined && !isReason(reason))
    throw wrong('reason', `is a reason for which rows were refused, of at most ${ORDERS.reasonCharacters} characters`);
  if (replay !== undefined && typeof replay !== 'boolean') throw wrong('replay', 'is true or false');
  if (replay && reason !== undefined)
    throw wrong('replay', 'is of the whole batch: leave the reason out, or the replay');
  return { ...(reason !== undefined && { reason }), ...(replay && { replay }) };
}

const isReason = (reason: unknown): reason is string =>
  typeof reason === 'string' && reason !== '' && reason.length <= ORDERS.reasonCharacters;

/** An empty body asks for all that was refused. */
function membersOf(body: Buffer): Readonly<Record<string, unknown>> {
  const { requestBytes: limit } = ORDERS;
  if (body.length > limit)
    throw new Problem('too_large', `The body has ${body.length} bytes; ${limit} are taken.`, { limit });
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // which is no object either
  }
  throw wrong('body', 'is empty, or a JSON object: {"reason": "missing"}, or {"replay": true}');
}

const wrong = (parameter: string, why: string, facts: Readonly<Record<string, unknown>> = {}) =>
  new Problem('invalid_parameter', `${parameter === 'body' ? 'The body' : parameter} ${why}.`, { parameter, ...facts });
