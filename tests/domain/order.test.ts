import { ORDERS, readOrder } from '../../shared/domain/order';

const read = (body: unknown) => readOrder(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

test.each([
  ['all that was refused, when nothing is said', '', {}],
  ['all that was refused, when nothing is said in JSON', {}, {}],
  ['the rows of one reason', { reason: 'missing' }, { reason: 'missing' }],
  ['the whole batch', { replay: true }, { replay: true }],
  ['no whole batch', { replay: false, reason: 'missing' }, { reason: 'missing' }],
])('an order is about %s', (_, body, order) => {
  expect(read(body)).toEqual(order);
});

test.each([
  ['no JSON', '{', 'body'],
  ['an array', [], 'body'],
  ['null', 'null', 'body'],
  ['text', '"missing"', 'body'],
  ['a member that there is not', { batch: 'x' }, 'body'],
  ['a member of every object', '{"__proto__":{"replay":true}}', 'body'],
  ['an empty reason', { reason: '' }, 'reason'],
  ['a number for a reason', { reason: 7 }, 'reason'],
  ['null for a reason', { reason: null }, 'reason'],
  ['a reason longer than any', { reason: 'x'.repeat(ORDERS.reasonCharacters + 1) }, 'reason'],
  ['a word for replay', { replay: 'yes' }, 'replay'],
  ['replay and a reason', { replay: true, reason: 'missing' }, 'replay'],
])('an order with %s is refused', (_, body, parameter) => {
  expect(() => read(body)).toThrow(
    expect.objectContaining({ code: 'invalid_parameter', facts: expect.objectContaining({ parameter }) }),
  );
});

test('an order is small', () => {
  expect(() => read(' '.repeat(ORDERS.requestBytes + 1))).toThrow(expect.objectContaining({ code: 'too_large' }));
  expect(read(`{}${' '.repeat(ORDERS.requestBytes - 2)}`)).toEqual({});
});
