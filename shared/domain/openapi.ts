import { LIMITS } from './body';
import type { Schema } from './describe';
import { HEADERS, PARAMETERS } from './openapi/parameters';
import { paths, SCOPES } from './openapi/paths';
import { RESPONSES } from './openapi/responses';
import { SCHEMAS } from './openapi/schemas';

const MEGABYTE = 1024 * 1024;

const DESCRIPTION = `ecomflow takes what a shop sells and what its visitors do, and gives every row exactly one outcome: kept, duplicate or rejected.

- **Send again after any failure.** A batch is named by its content; the same content is the same batch.
- **Limits of a request**: ${LIMITS.sentBytes / MEGABYTE} MB as sent, ${LIMITS.textBytes / MEGABYTE} MB decompressed, ten seconds for a question and half a minute for rows. Larger files go in parts (\`file\`, \`part\`, \`parts\`), or whole as an upload. Requests per second are limited by stage (429).
- **Numbers**: decimals are text, exact to the last digit; times are ISO 8601 in UTC.
- **Pages** end with \`next_cursor\`; send it as \`cursor\` until it is null.
- **Errors** are problem details (RFC 9457) with a stable \`code\`. 401, 413, 429, 500 and 503 can also be the gateway's own, and so can 404 for an address that is no route: \`{"message": ...}\`.
- **Answers may grow**: pass over members that you do not know.`;

/** Where tokens come from differs by stage; `.example` names nobody's host. */
const SIGN_IN = 'https://sign-in.example/oauth2';

const SECURITY: Schema = {
  machine: {
    type: 'oauth2',
    description:
      "Machines are judged by scope. The token's address is the stack's output TokenEndpoint; on a laptop npm start says it.",
    flows: { clientCredentials: { tokenUrl: `${SIGN_IN}/token`, scopes: SCOPES } },
  },
  person: {
    type: 'oauth2',
    description:
      'People are judged by group (ingest, analyst, admin) and by no scope. With PKCE; the addresses are below the output SignInUrl.',
    flows: {
      authorizationCode: {
        authorizationUrl: `${SIGN_IN}/authorize`,
        tokenUrl: `${SIGN_IN}/token`,
        scopes: { openid: 'Sign in', email: 'Say the e-mail address' },
      },
    },
  },
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token from either of the others, however it was come by.',
  },
};

/** An OpenAPI document. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: Schema;
  readonly servers: readonly Schema[];
  readonly tags: readonly Schema[];
  readonly paths: Schema;
  readonly components: Readonly<Record<string, Schema>>;
}

/** The API's document, OpenAPI 3.1: made of the route table, the contracts and the problems. */
export const openApi = (version: string): OpenApi => ({
  openapi: '3.1.0',
  info: {
    title: 'ecomflow',
    summary: 'Sales and clicks in, trusted data out',
    description: DESCRIPTION,
    version,
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  tags: [
    { name: 'Rows in', description: 'Sending rows, or asking what would become of them' },
    { name: 'What became of them', description: 'The ledger, and the refused rows' },
    { name: 'Invoices and customers', description: 'What was kept of the transactions' },
    { name: 'Insights', description: 'What the shop and its visitors do, in figures' },
    { name: 'The service', description: 'Public, but for its numbers' },
  ],
  paths: paths(),
  components: {
    schemas: SCHEMAS,
    responses: RESPONSES,
    parameters: PARAMETERS,
    headers: HEADERS,
    securitySchemes: SECURITY,
  },
});
