import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { VARIABLES, type Variable } from '../../shared/adapters/aws/config';
import { STAGE_VALUES } from './stage-values';

/** A stage file says something that STAGE_VALUES does not explain, or the other way round. */
export class Unexplained extends Error {
  override readonly name = 'Unexplained';
}

const STAGES = ['dev', 'staging', 'prod'];

/** Variables of the commands; those that only name a folder to the tests are not among them. */
const FOR_COMMANDS: Readonly<Record<string, string>> = {
  ECOMFLOW_TOKEN: 'An access token, for `ingest` and `status` on a deployed stage',
  ECOMFLOW_TOKEN_URL: 'Or where to get one: stack output `TokenEndpoint`',
  ECOMFLOW_CLIENT_ID: 'with this machine client: output `...MachineClientId`',
  ECOMFLOW_CLIENT_SECRET: 'and its secret',
  ECOMFLOW_DATA: 'Folder with `online-retail.csv.gz`, for tests and `bench`; without it they use simulated rows',
};

/** The configuration reference: Markdown made from the typed configuration, serverless.yml and the stage files. */
export function configurationReference(root: string): string {
  return `# Configuration

<!-- Made by \`npm run docs\` from the typed configuration, serverless.yml and the stage files; a test holds it to them. -->

There are two places: a stage's values in \`resources/stages/<stage>.yml\`, which you edit and deploy, and the functions'
environment variables, which \`serverless.yml\` makes from them.

## Values of a stage

The keys are the same in every file. \`local.yml\` is \`npm start\`'s: nothing of it reaches AWS. A new stage is a new
file.

${table(['key', 'meaning', ...STAGES], stageRows(root))}

## Environment of the functions

Read once at cold start; a function that lacks one stops there, and names all that are missing or wrong.

${table(['variable', 'meaning', 'values', 'functions'], variableRows(root))}

## Environment of the commands

${table(
  ['variable', 'meaning'],
  Object.entries(FOR_COMMANDS).map(([name, meaning]) => [code(name), meaning]),
)}

Options stand in each command's \`--help\`.
`;
}

/** Every value that some stage file has, with its meaning and its value per stage. @throws Unexplained */
function stageRows(root: string): string[][] {
  const folder = join(root, 'resources', 'stages');
  const stages = new Map(
    readdirSync(folder).map((file) => [
      file.replace('.yml', ''),
      leavesOf(parse(readFileSync(join(folder, file), 'utf8'))),
    ]),
  );
  const keys = new Set([...stages.values()].flatMap((leaves) => [...leaves.keys()]));
  const unexplained = [...keys].filter((key) => !(key in STAGE_VALUES));
  const unused = Object.keys(STAGE_VALUES).filter((key) => !keys.has(key));
  if (unexplained.length + unused.length > 0) {
    throw new Unexplained(
      `cli/docs/stage-values.ts lacks [${unexplained.join(', ')}] and has [${unused.join(', ')}] too many`,
    );
  }
  return Object.keys(STAGE_VALUES).map((key) => [
    code(key),
    STAGE_VALUES[key]!,
    ...STAGES.map((stage) => {
      const value = stages.get(stage)?.get(key);
      return value === undefined ? '' : code(written(value));
    }),
  ]);
}

/** Values by their path; a list is one value. */
function leavesOf(value: unknown, path: readonly string[] = []): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[path.join('.'), value]]);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, [...path, key])]));
}

/** A value as a stage file would have it. */
function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${written(inner)}`)
    .join(', ')} }`;
}

function variableRows(root: string): string[][] {
  // CloudFormation's tags (!GetAtt ...) mean nothing to us here.
  const { functions, provider } = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'), { logLevel: 'error' }) as {
    functions: Record<string, { environment?: Record<string, unknown> }>;
    provider: { environment: Record<string, unknown> };
  };
  return Object.entries<Variable>(VARIABLES).map(([name, { meaning, values = [] }]) => [
    code(name),
    meaning,
    values.map(code).join(', '),
    name in provider.environment
      ? 'all'
      : Object.entries(functions)
          .filter(([, { environment = {} }]) => name in environment)
          .map(([user]) => user)
          .join(', '),
  ]);
}

const code = (text: string) => `\`${text}\``;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
