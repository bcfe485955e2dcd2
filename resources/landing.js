/*
 * How kept rows land. landing: firehose makes one delivery stream per contract, which gathers JSON objects (several to
 * a record, a newline between) to Parquet by the catalog's table. landing: direct needs none: clean writes the Parquet.
 */
const { contracts, idOf } = require('./catalog');

const deliveryArn = (name) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:firehose:\${AWS::Region}:\${AWS::AccountId}:deliverystream/${name}`,
});
const lakeArn = (prefix) => ({ 'Fn::Sub': `\${Lake.Arn}/${prefix}` });
const ROLE = { 'Fn::GetAtt': ['LandingRole', 'Arn'] };

exports.resources = async ({ resolveVariable }) => {
  const { landing, delivery } = await resolveVariable('self:custom.stage');
  const prefix = `${await resolveVariable('self:custom.name')}-landing`;
  if (landing !== 'firehose') return { Resources: {} };
  const Resources = { LandingRole: role() };
  for (const contract of contracts()) {
    Resources[idOf(contract, 'Delivery')] = deliveryStream(contract, `${prefix}-${contract.name}`, delivery);
    Resources[idOf(contract, 'DeliveryLogs')] = {
      Type: 'AWS::Logs::LogStream',
      Properties: { LogGroupName: { Ref: 'DeliveryLogs' }, LogStreamName: contract.name },
    };
  }
  return { Resources };
};

/** What clean may do so that rows land. */
exports.grant = async ({ resolveVariable }) => {
  const { landing } = await resolveVariable('self:custom.stage');
  const prefix = `${await resolveVariable('self:custom.name')}-landing`;
  if (landing !== 'firehose') return { Effect: 'Allow', Action: 's3:PutObject', Resource: lakeArn('landing/*') };
  const streams = contracts().map(({ name }) => deliveryArn(`${prefix}-${name}`));
  return { Effect: 'Allow', Action: 'firehose:PutRecordBatch', Resource: streams };
};

const deliveryStream = (contract, name, { megabytes, seconds }) => ({
  Type: 'AWS::KinesisFirehose::DeliveryStream',
  Properties: {
    DeliveryStreamName: name,
    DeliveryStreamType: 'DirectPut',
    DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
    ExtendedS3DestinationConfiguration: {
      BucketARN: { 'Fn::GetAtt': ['Lake', 'Arn'] },
      RoleARN: ROLE,
      Prefix: `landing/${contract.name}/dt=!{timestamp:yyyy-MM-dd}/`,
      ErrorOutputPrefix: `failed/landing/${contract.name}/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/`,
      CompressionFormat: 'UNCOMPRESSED', // Parquet compresses its own pages
      BufferingHints: { SizeInMBs: megabytes, IntervalInSeconds: seconds },
      DataFormatConversionConfiguration: {
        Enabled: true,
        // OpenX's reads decimals from strings, as ours are written, and times as yyyy-MM-dd HH:mm:ss[.S]. Hive's (3.1.3)
        // does too, but refuses other numbers in strings.
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: 'SNAPPY' } } },
        SchemaConfiguration: {
          CatalogId: { Ref: 'AWS::AccountId' },
          DatabaseName: { Ref: 'Catalog' },
          TableName: { Ref: idOf(contract, 'Landed') },
          Region: { Ref: 'AWS::Region' },
          RoleARN: ROLE,
          VersionId: 'LATEST',
        },
      },
      CloudWatchLoggingOptions: {
        Enabled: true,
        LogGroupName: { Ref: 'DeliveryLogs' },
        LogStreamName: { Ref: idOf(contract, 'DeliveryLogs') },
      },
    },
  },
});

const role = () => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'firehose.amazonaws.com' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ],
    },
    Policies: [
      {
        PolicyName: 'landing',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
              Resource: [lakeArn('landing/*'), lakeArn('failed/landing/*')],
            },
            {
              Effect: 'Allow',
              Action: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
              Resource: { 'Fn::GetAtt': ['Lake', 'Arn'] },
            },
            {
              Effect: 'Allow',
              Action: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
              Resource: ['catalog', `database/\${Catalog}`, `table/\${Catalog}/landing_*`].map((path) => ({
                'Fn::Sub': `arn:\${AWS::Partition}:glue:\${AWS::Region}:\${AWS::AccountId}:${path}`,
              })),
            },
            { Effect: 'Allow', Action: 'logs:PutLogEvents', Resource: { 'Fn::GetAtt': ['DeliveryLogs', 'Arn'] } },
          ],
        },
      },
    ],
  },
});
