import type { Column, Rule } from './contract';
import type { Value } from './outcome';

/** True when the rule refuses the value. */
export type Predicate = (value: Value) => boolean;

/**
 * Compiles a rule to a predicate. Null is never refused by a rule: a value that must be there is the column's matter.
 * Decimals have at most 15 digits, so comparing them as doubles orders them exactly.
 */
export function predicate(rule: Rule, column: Column): Predicate {
  const { startsWith, matches, lessThan, lessThanOrEqual, notIn } = rule;
  if (startsWith !== undefined) {
    const prefix = startsWith.toUpperCase();
    const upper = prefix.charCodeAt(0);
    const lower = prefix.toLowerCase().charCodeAt(0);
    return (value) => {
      const text = String(value ?? '');
      const first = text.charCodeAt(0); // most texts differ there already
      return (first === upper || first === lower) && text.slice(0, prefix.length).toUpperCase() === prefix;
    };
  }
  if (matches !== undefined) {
    const pattern = new RegExp(matches, 'u');
    return (value) => value !== null && pattern.test(String(value));
  }
  if (lessThan !== undefined) return (value) => value !== null && Number(value) < lessThan;
  if (lessThanOrEqual !== undefined) return (value) => value !== null && Number(value) <= lessThanOrEqual;
  const accepted = new Set(notIn === 'enum' ? column.enum : notIn);
  return (value) => value !== null && !accepted.has(String(value));
}
