import { userInfo } from 'node:os';
import { openHere } from '../here';
import type { Stores } from './work';

/** The stores of a data directory, beside whatever else works on it. @throws NoDirectory, DirectoryRefused */
export function storesHere(directory: string): Stores {
  const world = openHere(directory);
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
