/** How a client proves who it is: a token at hand, or a machine's id and secret. */
export type Credentials =
  | { readonly token: string }
  | { readonly tokenUrl: string; readonly id: string; readonly secret: string };

/** What a command says when it has no credentials. */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials';
  constructor() {
    super(
      'No credentials. Set ECOMFLOW_TOKEN, or ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET ' +
        '(a machine client of the stage; the stack outputs name the token URL and the client id).',
    );
  }
}

/** A token endpoint that says no. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  constructor(tokenUrl: string, id: string, why: string, options?: ErrorOptions) {
    super(
      `${tokenUrl} gives the client "${id}" no token: ${why}. ` +
        'Look at ECOMFLOW_TOKEN_URL, ECOMFLOW_CLIENT_ID and ECOMFLOW_CLIENT_SECRET.',
      options,
    );
  }
}

/** Credentials that the environment names, undefined when it does not name all that it takes. */
export function credentialsIn(env: NodeJS.ProcessEnv): Credentials | undefined {
  const {
    ECOMFLOW_TOKEN: token,
    ECOMFLOW_TOKEN_URL: tokenUrl,
    ECOMFLOW_CLIENT_ID: id,
    ECOMFLOW_CLIENT_SECRET: secret,
  } = env;
  if (token) return { token };
  return tokenUrl && id && secret ? { tokenUrl, id, secret } : undefined;
}
