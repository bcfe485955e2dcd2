import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { datasets } from '../shared/domain/dataset';
import { typesModule } from '../shared/domain/describe';
import { command, UsageError } from './command';

const USAGE = `Usage: npm run contracts

Writes the TypeScript types of the contracts' rows to shared/domain/contracts/types.ts. Run it after a contract changed;
a contract that contradicts its schema or itself stops it.`;

const FILE = join(process.env.ECOMFLOW_ROOT ?? '.', 'shared', 'domain', 'contracts', 'types.ts');

export const main = command(USAGE, {}, async (_options, positionals) => {
  if (positionals.length > 0) throw new UsageError('it takes no arguments');
  writeFileSync(FILE, typesModule([...datasets.values()].map(({ contract }) => contract)));
  console.log(`${FILE} is written.`);
  return 0;
});
