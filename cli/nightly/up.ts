import { existsSync, readFileSync } from 'node:fs';
import { type Connection, connectionFile } from '../client/connect';

const ANSWERS_WITHIN_MS = 5000;

/** Whether an `npm start` works on a data directory. */
export async function isUp(directory: string): Promise<boolean> {
  const file = connectionFile(directory);
  if (!existsSync(file)) return false;
  const { url } = JSON.parse(readFileSync(file, 'utf8')) as Connection;
  try {
    const response = await fetch(`${url}/v1/health`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return response.ok;
  } catch {
    return false; // killed, and left its file behind
  }
}
