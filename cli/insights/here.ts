import { duckdbEngine } from '../../shared/adapters/local/engine';
import { buildInsights } from '../../shared/pipeline/insights';
import { openHere } from '../here';

/** Nobody waits for a statement of a build. */
const STATEMENT_SECONDS = 3600;

/** Builds the insights of a data directory, beside whatever else works on it. @throws NoDirectory, DirectoryRefused, BuildFailed */
export async function buildHere(directory: string): Promise<number> {
  const world = openHere(directory);
  try {
    const engine = duckdbEngine(directory, STATEMENT_SECONDS);
    const { insights, profiles } = await buildInsights({}, { ...world, engine });
    console.log(`${insights} insights are built, and the profiles of ${profiles} customers.`);
    return 0;
  } finally {
    world.close();
  }
}
