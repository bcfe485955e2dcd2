import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { openWorld } from '../../shared/adapters/local';
import { NoDirectory } from '../nightly/here';
import type { Stores } from './work';

/** The stores of a data directory, beside whatever else works on it. @throws NoDirectory, DirectoryRefused */
export function storesHere(directory: string): Stores {
  if (!existsSync(join(directory, 'ecomflow.sqlite')))
    throw new NoDirectory(`There is no ecomflow in ${directory}: npm start makes it, or name another with --dir.`);
  const world = openWorld(directory);
  return { ports: world, by: userName(), close: () => world.close() };
}

/** Who works at this machine. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? 'unknown'; // a container's user may have no name
  }
}
