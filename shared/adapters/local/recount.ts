import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WarehouseCounts } from '../../pipeline/ports';
import { WAREHOUSE_FILE } from './duckdb';
import { duckdbWarehouse } from './warehouse';

/** The warehouse of a data directory, counted when it is asked. */
export const recountIn = (directory: string): WarehouseCounts => ({
  async byBatch(dataset) {
    if (!existsSync(join(directory, WAREHOUSE_FILE))) return undefined;
    return duckdbWarehouse(directory).use((open) => open.count(dataset));
  },
  keep: async () => undefined, // it can be asked at any time
});
