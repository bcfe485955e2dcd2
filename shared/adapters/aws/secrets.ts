import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { reach } from './errors';
import { HTTP, RETRIES } from './http';
import type { Credentials } from './postgres';

let client: SecretsManagerClient | undefined;

/** The function's one client of Secrets Manager. */
export function secretsManager(): SecretsManagerClient {
  client ??= new SecretsManagerClient({ ...RETRIES, requestHandler: HTTP });
  return client;
}

/** Reads username and password as RDS keeps them in a secret. Each time anew: RDS changes the password by itself. */
export function secretOf(secrets: Pick<SecretsManagerClient, 'send'>, SecretId: string): () => Promise<Credentials> {
  return async () => {
    const { SecretString } = await reach('reading the secret of the warehouse', () =>
      secrets.send(new GetSecretValueCommand({ SecretId })),
    );
    const { username, password } = JSON.parse(SecretString!) as Credentials;
    return { username, password };
  };
}
