import { holds, type Permission, wanted } from '../domain/access';
import { Problem } from '../domain/problem';
import type { Claims, Ports } from './ports';

/** Longer than any token of ours: what is longer is not looked at. */
const MOST_HEADER = 8192;

/** The claims of a request's bearer token, if it holds the permission. @throws Problem unauthorized, forbidden */
export async function authorize(
  header: string | undefined,
  permission: Permission,
  { tokens }: Pick<Ports, 'tokens'>,
): Promise<Claims> {
  const token =
    header && header.length <= MOST_HEADER ? /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1] : undefined;
  const claims = token === undefined ? undefined : await tokens.verify(token);
  if (!claims) throw new Problem('unauthorized', 'Send an access token: Authorization: Bearer TOKEN.');
  if (!holds(permission, claims)) throw new Problem('forbidden', `This needs ${wanted(permission)}.`);
  return claims;
}
