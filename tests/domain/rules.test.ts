import type { Column, Rule } from '../../shared/domain/contract';
import { predicate } from '../../shared/domain/rules';

const column: Column = { name: 'x', type: 'string', from: [], enum: ['view', 'cart'], description: '' };
const refuses = (rule: Partial<Rule>) => predicate({ reason: 'r', column: 'x', ...rule }, column);

test.each([
  ['startsWith', { startsWith: 'C' }, ['C', 'C1', 'c1'], ['', '1C', 'Ç1', ' C']],
  ['startsWith of several letters', { startsWith: 'Adj' }, ['ADJ1', 'adj', 'Adjust'], ['AD', 'A', 'aADJ']],
  ['matches', { matches: '^\\d+$' }, ['1', '0099'], ['', 'a1', '1a']],
  ['matches, by code points', { matches: '^.$' }, ['🧀', 'a'], ['ab', '']],
  ['lessThan', { lessThan: 0 }, ['-0.0001', '-1', -1], ['0', '0.0001', 0, 1]],
  ['lessThanOrEqual', { lessThanOrEqual: 0 }, ['-0.0001', '0', 0, -1], ['0.0001', 1]],
  ['notIn a list', { notIn: ['a', 'b'] }, ['c', '', 'A'], ['a', 'b']],
  ['notIn the enum', { notIn: 'enum' as const }, ['VIEW', 'buy', ''], ['view', 'cart']],
])('%s refuses what it names, and nothing else', (_, rule, refused, taken) => {
  const rejects = refuses(rule);
  expect(refused.filter((value) => !rejects(value))).toEqual([]);
  expect(taken.filter((value) => rejects(value))).toEqual([]);
});

test.each([{ startsWith: 'C' }, { matches: '' }, { lessThan: 1 }, { lessThanOrEqual: 1 }, { notIn: ['a'] }])(
  'null is never refused by a rule: %j',
  (rule) => {
    expect(refuses(rule)(null)).toBe(false);
  },
);

test('decimals of fifteen digits are ordered exactly', () => {
  const below = refuses({ lessThan: 99999999999.9999 });
  expect([below('99999999999.9998'), below('99999999999.9999')]).toEqual([true, false]);
});
