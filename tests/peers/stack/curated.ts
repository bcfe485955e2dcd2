import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, GlueClient } from '@aws-sdk/client-glue';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Stage } from '../../../cli/smoke/stage';
import { curatedColumns } from '../../../shared/domain/curated';
import { datasets } from '../../../shared/domain/dataset';
import { tableOf } from '../../../shared/domain/warehouse';
import { sampleIn } from '../../support/insights';
import { REGION } from './emulator';

/**
 * A curated table of transactions with the rows of a fixture, as one plain Parquet file: the emulator's Athena refuses
 * to make an Iceberg table, and reads a table of Glue by its files.
 */
export async function curate({ outputs }: Stage, Database: string, fixture: string): Promise<void> {
  const { contract } = datasets.get('transactions')!;
  const columns = curatedColumns(contract);
  const scratch = mkdtempSync(join(tmpdir(), 'ecomflow-curated-'));
  const { connection, close } = await sampleIn(fixture);
  try {
    const file = join(scratch, 'rows.parquet');
    const values = columns.map(({ name, type }) => {
      if (name === 'event_date') return `cast("${contract.event_time}" as date) as event_date`;
      return type === 'timestamp' ? `timezone('UTC', "${name}") as "${name}"` : `"${name}"`;
    });
    await connection.run(`copy (select ${values.join(', ')} from ${tableOf(contract.name)}) to '${file}'`);
    await new S3Client({ region: REGION, forcePathStyle: true }).send(
      new PutObjectCommand({
        Bucket: outputs.LakeBucket,
        Key: `curated/${contract.name}/rows.parquet`,
        Body: readFileSync(file),
      }),
    );
  } finally {
    close();
    rmSync(scratch, { recursive: true });
  }
  await new GlueClient({ region: REGION }).send(
    new CreateTableCommand({
      DatabaseName: Database,
      TableInput: {
        Name: `curated_${contract.name}`,
        TableType: 'EXTERNAL_TABLE',
        StorageDescriptor: {
          Location: `s3://${outputs.LakeBucket}/curated/${contract.name}/`,
          Columns: columns.map(({ name, type }) => ({ Name: name, Type: type })),
          InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
          SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
        },
      },
    }),
  );
}
