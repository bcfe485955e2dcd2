import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { WAREHOUSE_FILE } from '../../shared/adapters/local/duckdb';

/** Asks the warehouse of a data directory as any tool would: another reader of the same file. */
export async function askWarehouse(directory: string, sql: string): Promise<unknown[][]> {
  const file = join(directory, WAREHOUSE_FILE);
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
