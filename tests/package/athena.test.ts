import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { datasets } from '../../shared/domain/dataset';
import { insights } from '../../shared/domain/insight';
import { type Json, ROOT } from './packaged';

const { resources } = require('../../resources/athena.js');

async function made(stage: string, changes = {}): Promise<Record<string, Json>> {
  const values = parse(readFileSync(join(ROOT, `resources/stages/${stage}.yml`), 'utf8'));
  const variables: Record<string, Json> = {
    'self:custom.stage': { ...values, athena: { ...values.athena, ...changes } },
    'self:custom.name': `ecomflow-${stage}`,
  };
  const { Resources } = await resources({ resolveVariable: async (name: string) => variables[name] });
  return Resources;
}
const queriesOf = (all: Record<string, Json>): Json[] =>
  Object.values(all)
    .filter(({ Type }) => Type === 'AWS::Athena::NamedQuery')
    .map(({ Properties }) => Properties);

const MOST_BYTES = 262_144; // of a statement (Amazon Athena, service quotas)
const LEAST_CUTOFF = 10_000_000; // bytes (Amazon Athena, data usage controls)

describe.each(['dev', 'staging', 'prod'])('Athena on stage %s', (stage) => {
  test('has a workgroup that nobody can go round, with a limit on what a query reads', async () => {
    const { Workgroup } = await made(stage);
    const { Name, WorkGroupConfiguration: held } = Workgroup.Properties;
    expect(Name).toBe(`ecomflow-${stage}`);
    expect(held.EnforceWorkGroupConfiguration).toBe(true);
    expect(held.PublishCloudWatchMetricsEnabled).toBe(true);
    expect(held.BytesScannedCutoffPerQuery).toBeGreaterThanOrEqual(LEAST_CUTOFF);
    expect(held.EngineVersion).toEqual({ SelectedEngineVersion: 'Athena engine version 3' });
    expect(held.ResultConfiguration).toMatchObject({
      OutputLocation: `s3://ecomflow-${stage}-lake/athena/`,
      EncryptionConfiguration: { EncryptionOption: 'SSE_S3' },
    });
  });

  test('has a saved query for each insight over the last year, and three on what landed of each data set', async () => {
    const queries = queriesOf(await made(stage));
    const ofLake = [...datasets.keys()].flatMap((name) =>
      ['landed_by_day', 'duplicates', 'rejected_by_reason'].map((what) => `${name}_${what}`),
    );
    expect(queries.map(({ Name }) => Name).sort()).toEqual([...insights.keys(), ...ofLake].sort());
    for (const { Name, Database, WorkGroup, QueryString, Description } of queries) {
      expect([Database, WorkGroup]).toEqual([{ Ref: 'Catalog' }, { Ref: 'Workgroup' }]);
      expect(Buffer.byteLength(QueryString)).toBeLessThan(MOST_BYTES);
      expect([Name, Description.length > 20]).toEqual([Name, true]);
      if (!insights.has(Name)) continue;
      expect(QueryString).toContain("select (current_date - interval '1' year) as first_day, current_date as last_day");
      expect(QueryString).not.toMatch(/0001-01-01|9999-12-31/);
    }
  });
});

test('Saved queries can be left out', async () => {
  expect(queriesOf(await made('dev', { savedQueries: false }))).toEqual([]);
});

test('The lifecycle of the lake leaves curated tables and insights alone: their engine knows what is still needed', () => {
  const lake = readFileSync(join(ROOT, 'resources/lake.yml'), 'utf8');
  const prefixes = [...lake.matchAll(/Prefix: (\S+)/g)].map(([, prefix]) => prefix!);
  expect(prefixes).toContain('landing/');
  for (const prefix of prefixes) expect('curated/').not.toContain(prefix);
  for (const prefix of prefixes) expect('insights/').not.toContain(prefix);
});
