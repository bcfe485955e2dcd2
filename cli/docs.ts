import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, UsageError } from './command';
import { configurationReference } from './docs/reference';

const USAGE = `Usage: npm run docs

Writes docs/configuration.md from the typed configuration, serverless.yml and the stage files. Run it after one of them
changed; a value that is not explained stops it.`;

const ROOT = process.env.ECOMFLOW_ROOT ?? '.';

export const main = command(USAGE, {}, async (_options, positionals) => {
  if (positionals.length > 0) throw new UsageError('it takes no arguments');
  const file = join(ROOT, 'docs', 'configuration.md');
  writeFileSync(file, configurationReference(ROOT));
  console.log(`${file} is written.`);
  return 0;
});
