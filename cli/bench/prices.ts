const MILLION = 1e6;
const GB = 1024 ** 3;

/**
 * Public list prices of us-east-1 in USD, without free tiers and volume discounts; looked up in November 2026 on copies
 * of the pages named. Change them here.
 */
export const PRICES = {
  /** aws.amazon.com/api-gateway/pricing: HTTP APIs, first 300 million, 512 KB each. */
  apiRequest: 1 / MILLION,
  /** aws.amazon.com/lambda/pricing: arm64. */
  lambdaRequest: 0.2 / MILLION,
  lambdaGbSecond: 0.0000133334,
  /** aws.amazon.com/kinesis/data-streams/pricing: provisioned. */
  shardHour: 0.015,
  putPayloadUnit: 0.014 / MILLION,
  /** The same page: on demand, for the comparison. Two readers: clean and the raw delivery stream. */
  onDemandStreamHour: 0.04,
  onDemandByteIn: 0.08 / GB,
  onDemandByteOut: 0.04 / GB,
  /** aws.amazon.com/dynamodb/pricing/on-demand, since November 2024. */
  writeUnit: 0.625 / MILLION,
  readUnit: 0.125 / MILLION,
  /** aws.amazon.com/firehose/pricing: direct PUT and Kinesis as source, first 500 TB, records rounded up to 5 KB. */
  firehoseByte: 0.029 / GB,
  firehoseConversionByte: 0.018 / GB,
  /** aws.amazon.com/s3/pricing: Standard. */
  s3Put: 0.005 / 1000,
  /** aws.amazon.com/athena/pricing: SQL queries, by what they read in S3, whole megabytes and at least ten of them. */
  athenaByte: 5 / 1024 ** 4,
  /** aws.amazon.com/cloudwatch/pricing and aws.amazon.com/xray/pricing. */
  logByte: 0.5 / GB,
  trace: 5 / MILLION,
} as const;
