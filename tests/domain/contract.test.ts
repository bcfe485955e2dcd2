import {
  type Contract,
  ContractError,
  decimalShape,
  normalizeHeader,
  readContract,
} from '../../shared/domain/contract';
import events from '../../shared/domain/contracts/events.json';
import transactions from '../../shared/domain/contracts/transactions.json';
import { compile } from '../../shared/domain/dataset';

const small = {
  name: 'small',
  version: 1,
  grain: 'a row',
  event_time: 'at',
  columns: [
    { name: 'id', type: 'string', from: ['Number'], maxLength: 8, description: '' },
    { name: 'at', type: 'timestamp', from: [], formats: ['ISO 8601'], description: '' },
    { name: 'price', type: 'decimal(6,2)', from: [], description: '' },
    { name: 'pieces', type: 'int', from: [], description: '' },
    { name: 'kind', type: 'string', from: [], maxLength: 8, enum: ['a', 'b'], description: '' },
  ],
  reject: [
    { reason: 'unknown_kind', column: 'kind', notIn: 'enum' },
    { reason: 'negative', column: 'price', lessThan: 0 },
  ],
  identity: ['id', 'at', 'price', 'pieces', 'kind'],
};
type Small = typeof small & Record<string, unknown>;

function faults(document: unknown): string {
  try {
    readContract(document);
  } catch (error) {
    if (error instanceof ContractError) return error.message;
    throw error;
  }
  throw new Error('the contract is right');
}

/** The small contract with a change. */
function changed(change: (contract: Small) => unknown): Small {
  const copy = structuredClone(small) as Small;
  change(copy);
  return copy;
}

const extra = (more: object) => ({ name: 'extra', type: 'string', from: [], maxLength: 8, description: '', ...more });

test.each([
  ['transactions', transactions],
  ['events', events],
  ['the small one of these tests', small],
])('the contract of %s is valid', (name, document) => {
  expect(readContract(document).name).toBe(name.split(' ').at(name.startsWith('the') ? 1 : 0));
});

describe('a contract that contradicts itself is refused:', () => {
  test.each([
    ['column id stands twice', (c: Small) => c.columns.push(extra({ name: 'id' }) as never)],
    [
      'header "number" could be id or extra',
      (c: Small) => c.columns.push(extra({ from: ['NUM_ber'], nullable: true }) as never),
    ],
    [
      'header "price" could be price or extra',
      (c: Small) => c.columns.push(extra({ from: ['Price'], nullable: true }) as never),
    ],
    ['price: scale over precision', (c: Small) => Object.assign(c.columns[2]!, { type: 'decimal(2,3)' })],
    ['kind has an enum that no rule keeps (notIn: enum)', (c: Small) => c.reject.shift()],
    ['there is no column nowhere', (c: Small) => c.identity.push('nowhere')],
    ['there is no column somewhere', (c: Small) => Object.assign(c, { claim: { by: 'id', customer: 'somewhere' } })],
    [
      'extra may be empty and cannot be claimed by',
      (c: Small) => {
        c.columns.push(extra({ nullable: true }) as never);
        Object.assign(c, { claim: { by: 'extra', customer: 'id' } });
      },
    ],
    ['event_time is not a timestamp column', (c: Small) => Object.assign(c, { event_time: 'price' })],
    ['event_time is not a timestamp column', (c: Small) => Object.assign(c, { event_time: 'nowhere' })],
    ['there is no zone Mars/Base', (c: Small) => Object.assign(c, { timezone: 'Mars/Base' })],
    ['rule odd names no column', (c: Small) => c.reject.push({ reason: 'odd', column: 'nowhere', lessThan: 1 })],
    ['rule odd does not fit type string', (c: Small) => c.reject.push({ reason: 'odd', column: 'id', lessThan: 1 })],
    [
      'rule odd does not fit type timestamp',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'at', lessThanOrEqual: 1 } as never),
    ],
    [
      'rule odd does not fit type int',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'pieces', matches: '1' } as never),
    ],
    [
      'rule odd does not fit type decimal(6,2)',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'price', startsWith: '-' } as never),
    ],
    ['rule odd: the column has no enum', (c: Small) => c.reject.push({ reason: 'odd', column: 'id', notIn: 'enum' })],
    ['extra came after the first version and is not nullable', (c: Small) => c.columns.push(extra({}) as never)],
  ])('%s', (fault, change) => {
    expect(faults(changed(change))).toContain(fault);
  });

  test('every contradiction is named at once', () => {
    const message = faults(
      changed((c) => {
        c.identity.push('nowhere');
        c.reject.shift();
        Object.assign(c, { timezone: 'Mars/Base' });
      }),
    );
    expect(message).toBe(
      'small: kind has an enum that no rule keeps (notIn: enum); there is no column nowhere; there is no zone Mars/Base',
    );
  });
});

describe('a contract that contradicts its schema is refused:', () => {
  test.each([
    ['no columns', '#/columns', (c: Small) => Object.assign(c, { columns: [] })],
    ['no grain', 'grain', (c: Small) => Object.assign(c, { grain: undefined })],
    ['a version of text', '#/version', (c: Small) => Object.assign(c, { version: '1' })],
    ['the version 0', '#/version', (c: Small) => Object.assign(c, { version: 0 })],
    ['a word of its own', 'owner', (c: Small) => Object.assign(c, { owner: 'me' })],
    ['a name in capitals', '#/columns/0/name', (c: Small) => Object.assign(c.columns[0]!, { name: 'ID' })],
    ['an unknown type', '#/columns/0/type', (c: Small) => Object.assign(c.columns[0]!, { type: 'float' })],
    [
      'a decimal of 16 digits',
      '#/columns/2/type',
      (c: Small) => Object.assign(c.columns[2]!, { type: 'decimal(16,2)' }),
    ],
    ['a string without maxLength', '#/columns/0', (c: Small) => delete c.columns[0]!.maxLength],
    ['a timestamp without formats', '#/columns/1', (c: Small) => delete c.columns[1]!.formats],
    [
      'an unknown format',
      '#/columns/1/formats/0',
      (c: Small) => Object.assign(c.columns[1]!, { formats: ['D.M.YYYY'] }),
    ],
    ['maxLength of a number', '#/columns/3', (c: Small) => Object.assign(c.columns[3]!, { maxLength: 3 })],
    ['formats of a string', '#/columns/0', (c: Small) => Object.assign(c.columns[0]!, { formats: ['ISO 8601'] })],
    [
      'nullable with a default',
      '#/columns/0',
      (c: Small) => Object.assign(c.columns[0]!, { nullable: true, default: 'x' }),
    ],
    ['a rule without a predicate', '#/reject/2', (c: Small) => c.reject.push({ reason: 'odd', column: 'id' } as never)],
    [
      'a rule with two predicates',
      '#/reject/2',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'price', lessThan: 1, lessThanOrEqual: 1 } as never),
    ],
    [
      'an unknown predicate',
      '#/reject/2',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'price', greaterThan: 1 } as never),
    ],
    [
      'a pattern that is none',
      '#/reject/2',
      (c: Small) => c.reject.push({ reason: 'odd', column: 'id', matches: '(' } as never),
    ],
    ['the same column twice in identity', '#/identity', (c: Small) => c.identity.push('id')],
  ])('%s', (_, place, change) => {
    expect(faults(JSON.parse(JSON.stringify(changed(change))))).toContain(place);
  });

  test.each([[null], [[]], ['text'], [7]])('%j', (document) => {
    expect(faults(document)).toContain('Expected "object"');
  });
});

test('a default that is not of its column type is refused when the contract is compiled', () => {
  const contract = changed((c) => Object.assign(c.columns[3]!, { default: 'many' }));
  expect(() => compile(contract as Contract)).toThrow('small: the default of pieces is not of its type');
});

test('headers are compared without case, space and underscore', () => {
  expect(['Customer ID', 'customer_id', 'CUSTOMERID', ' customer\t_Id\n'].map(normalizeHeader)).toEqual(
    Array.from({ length: 4 }, () => 'customerid'),
  );
});

test('the shape of a decimal is its digits', () => {
  expect(decimalShape('decimal(12,4)')).toEqual({ precision: 12, scale: 4 });
});
