/*
 * The Glue catalog, made from the contracts: for each data set what lands and what is refused. Days are found by
 * partition projection, so nothing has to crawl.
 */
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const CONTRACTS = join(__dirname, '..', 'shared', 'domain', 'contracts');
/** The first day that a query looks for; before it there was no ecomflow. */
const FIRST_DAY = '2025-01-01';

const STRING = (name, comment) => ({ Name: name, Type: 'string', Comment: comment });
const INT = (name, comment) => ({ Name: name, Type: 'int', Comment: comment });

const PARQUET = {
  InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
};
const NDJSON = {
  InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
};

/** The contracts, by name. */
const contracts = () =>
  readdirSync(CONTRACTS)
    .filter((file) => file.endsWith('.json') && !file.endsWith('.schema.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(CONTRACTS, file), 'utf8')));

/** Logical id of what a contract needs: (`web_events`, `Landed`) is WebEventsLanded. */
const idOf = ({ name }, what) =>
  [...name.split('_'), what].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');

/** A contract's types have Hive's spelling. */
const landingColumns = ({ columns }) => [
  ...columns.map(({ name, type, description }) => ({ Name: name, Type: type, Comment: description })),
  STRING('line_id', 'Identity of the row, 32 hex digits'),
  STRING('batch_id', 'Batch that brought it'),
];

const MAP = (name, comment) => ({ Name: name, Type: 'map<string,string>', Comment: comment });

const REJECTED_COLUMNS = [
  STRING('batch_id', 'Batch that brought it'),
  STRING('chunk_id', 'Chunk of the batch'),
  INT('contract_version', 'Contract that refused it'),
  INT('line', 'Line of the batch, or of its file, that the row starts in'),
  STRING('reason', 'Why it was refused'),
  STRING('field', 'Column that it was refused for'),
  STRING('text', 'The row as it came'),
  MAP('cleaned', 'Its values by column, cleaned, where a rule refused it'),
];

const table = (contract, zone, classification, format, columns, bucket) => ({
  Type: 'AWS::Glue::Table',
  Properties: {
    CatalogId: { Ref: 'AWS::AccountId' },
    DatabaseName: { Ref: 'Catalog' },
    TableInput: {
      Name: `${zone}_${contract.name}`,
      Description: `${zone}: ${contract.grain}`,
      TableType: 'EXTERNAL_TABLE',
      Parameters: {
        EXTERNAL: 'TRUE',
        classification,
        'projection.enabled': 'true',
        'projection.dt.type': 'date',
        'projection.dt.format': 'yyyy-MM-dd',
        'projection.dt.range': `${FIRST_DAY},NOW`,
      },
      PartitionKeys: [{ Name: 'dt', Type: 'string', Comment: 'Day of arrival, UTC' }],
      StorageDescriptor: { ...format, Columns: columns, Location: `s3://${bucket}/${zone}/${contract.name}/` },
    },
  },
});

exports.contracts = contracts;
exports.idOf = idOf;

exports.resources = async ({ resolveVariable }) => {
  const { bucket } = await resolveVariable('self:custom.stage');
  const stage = await resolveVariable('sls:stage');
  const Resources = {
    Catalog: {
      Type: 'AWS::Glue::Database',
      Properties: {
        CatalogId: { Ref: 'AWS::AccountId' },
        // With underscores: SQL would want quotes around hyphens.
        DatabaseInput: { Name: `ecomflow_${stage}`, Description: 'Rows that came, kept and refused' },
      },
    },
  };
  for (const contract of contracts()) {
    const columns = landingColumns(contract);
    Resources[idOf(contract, 'Landed')] = table(contract, 'landing', 'parquet', PARQUET, columns, bucket);
    Resources[idOf(contract, 'Rejected')] = table(contract, 'rejected', 'json', NDJSON, REJECTED_COLUMNS, bucket);
  }
  return { Resources };
};
