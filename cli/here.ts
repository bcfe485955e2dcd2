import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalWorld, openWorld } from '../shared/adapters/local';

/** There is nothing in the directory. The message is meant for people. */
export class NoDirectory extends Error {
  override readonly name = 'NoDirectory';
}

/** Opens what npm start made in a directory, beside whatever else works on it. @throws NoDirectory, DirectoryRefused */
export function openHere(directory: string): LocalWorld {
  if (!existsSync(join(directory, 'ecomflow.sqlite')))
    throw new NoDirectory(`There is no ecomflow in ${directory}: npm start makes it, or name another with --dir.`);
  process.umask(0o077); // as npm start: a shop's rows are its owner's
  return openWorld(directory);
}
