import { DuckDBInstance } from '@duckdb/node-api';
import { RELATIONS } from '../../shared/domain/insights';

describe('segments', () => {
  it('give each of the 25 pairs of scores for recency and frequency exactly one name', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const scores = '(values (1), (2), (3), (4), (5))';
    const answer = await connection.runAndReadAll(
      `with segments as (${RELATIONS.segments})
       select r.score * 10 + f.score, count(segment) from ${scores} as r (score) cross join ${scores} as f (score)
       left join segments on r.score between r_from and r_to and f.score between f_from and f_to
       group by 1 order by 1`,
    );
    const pairs = [1, 2, 3, 4, 5].flatMap((r) => [1, 2, 3, 4, 5].map((f) => [r * 10 + f, '1']));
    expect(answer.getRowsJson()).toEqual(pairs);
    connection.closeSync();
    instance.closeSync();
  });
});
