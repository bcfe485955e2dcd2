import { PROBLEMS, Problem, type ProblemCode } from '../../shared/domain/problem';

test('a problem says all that its sender needs, as RFC 9457 has it', () => {
  const cause = new Error('why');
  const problem = new Problem('unterminated_quote', 'The quote in line 7 is never closed.', { line: 7 }, { cause });
  expect(problem).toBeInstanceOf(Error);
  expect([problem.status, problem.message, problem.cause]).toEqual([
    400,
    'The quote in line 7 is never closed.',
    cause,
  ]);
  expect(JSON.parse(JSON.stringify(problem))).toEqual({
    type: 'urn:ecomflow:problem:unterminated_quote',
    title: 'A quote is never closed',
    status: 400,
    code: 'unterminated_quote',
    detail: 'The quote in line 7 is never closed.',
    line: 7,
  });
});

test.each(Object.keys(PROBLEMS) as ProblemCode[])('%s has a status of its kind and a title of its own', (code) => {
  const { status, title } = new Problem(code, '').toJSON();
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(600);
  expect(Object.values(PROBLEMS).filter((other) => other.title === title)).toHaveLength(1);
});
