import { insights } from '../../shared/domain/insight';
import { documentNamed } from './markdown';

it('docs/insights.md has every insight with its question and its grain', () => {
  const rows = documentNamed('docs/insights.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toEqual(
    [...insights.values()].map(({ name, question, grain }) => `| \`${name}\` | ${question} | ${grain} |`),
  );
});
