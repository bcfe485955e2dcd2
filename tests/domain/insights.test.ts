import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { insights } from '../../shared/domain/insight';
import { INSIGHTS, RELATIONS } from '../../shared/domain/insights';
import { answerOn, type Sample, sampleIn } from '../support/insights';

const FOLDER = join(__dirname, '..', '..', 'shared', 'domain', 'insights');
const FIXTURES = join(__dirname, '..', 'fixtures', 'insights');

const named = (folder: string) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();

describe('insights', () => {
  it('are every file of their folder, and relations those of theirs', () => {
    expect(Object.keys(INSIGHTS).sort()).toEqual(named(FOLDER));
    expect(Object.keys(RELATIONS).sort()).toEqual(named(join(FOLDER, 'relations')));
  });

  it('have each a case with an answer by hand, and say why it is the answer', () => {
    for (const name of insights.keys())
      for (const file of ['expected.csv', 'why.md'])
        expect([name, file, existsSync(join(FIXTURES, name, file))]).toEqual([name, file, true]);
  });

  // A folder is a case: of the insight of its name, or of what stands before a dash.
  describe.each(readdirSync(FIXTURES))('%s', (folder) => {
    let sample: Sample;
    beforeAll(async () => {
      sample = await sampleIn(join(FIXTURES, folder));
    });
    afterAll(() => sample.close());

    it('is what was computed by hand', async () => {
      const expected = readFileSync(join(FIXTURES, folder, 'expected.csv'), 'utf8');
      const answer = await answerOn(sample, insights.get(folder.split('-')[0]!)!);
      expect(answer).toBe(expected);
    });
  });
});
