import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HTTP, RETRIES } from './http';

let client: DynamoDBClient | undefined;

/** The function's one DynamoDB client. */
export function dynamodb(): DynamoDBClient {
  client ??= new DynamoDBClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}
