import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Json, ROOT, sls } from './packaged';

const FOLDER = join(ROOT, 'resources/stages');
const stages = readdirSync(FOLDER).map((file) => [file, parse(readFileSync(join(FOLDER, file), 'utf8'))] as const);

/** What a refused command says on its way out. */
const refusal = (...args: string[]) =>
  sls(args).then(
    () => 'was not refused',
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );

test.each(['package', 'deploy', 'remove'])(
  'sls %s refuses a stage that has no file, by name, and lists those that have',
  async (command) => {
    expect(await refusal(command, '--stage', 'produktion')).toContain(
      '\nThere is no stage produktion. Stages that can be deployed: dev, prod, staging.\n',
    );
  },
);

test.each(['package', 'deploy', 'remove'])('sls %s refuses stage local, by name', async (command) => {
  expect(await refusal(command, '--stage', 'local')).toContain(
    `\nStage local runs on this machine, with npm start; there is nothing to ${command}.`,
  );
});

test('Stage files have the same keys, so that no stage runs on a value that nobody chose', () => {
  const keys = (value: Json, path = ''): string[] =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.keys(value).flatMap((key) => keys(value[key], `${path}.${key}`))
      : [path];
  const [first, ...others] = stages.map(([file, { offline, ...values }]) => {
    expect([file, offline !== undefined]).toEqual([file, file === 'local.yml']);
    return keys(values).sort();
  });
  for (const other of others) expect(other).toEqual(first);
});

test('Stage files hold values and nothing else', () => {
  for (const [file] of stages)
    expect(readFileSync(join(FOLDER, file), 'utf8')).not.toMatch(/\$\{(?!AWS::AccountId)|!\w|Fn::|Ref:/);
});
