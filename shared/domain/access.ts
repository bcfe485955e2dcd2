/** What a route asks of its caller. */
export type Permission = 'ingest' | 'read' | 'ingest or read' | 'admin';

/** Groups (people) and scopes (machines) that hold a permission; admin holds all. */
const GROUPS: Readonly<Record<Permission, readonly string[]>> = {
  ingest: ['ingest', 'admin'],
  read: ['analyst', 'admin'],
  'ingest or read': ['ingest', 'analyst', 'admin'],
  admin: ['admin'],
};
const SCOPES: Readonly<Record<Permission, readonly string[]>> = {
  ingest: ['ecomflow/ingest', 'ecomflow/admin'],
  read: ['ecomflow/read', 'ecomflow/admin'],
  'ingest or read': ['ecomflow/ingest', 'ecomflow/read', 'ecomflow/admin'],
  admin: ['ecomflow/admin'],
};

/**
 * Whether a token's bearer holds a permission. People are judged by group alone, machines (no groups) by scope: a
 * person's client cannot ask for our scopes, so a scope beside groups means nothing.
 */
export function holds(
  permission: Permission,
  bearer: { readonly groups: readonly string[]; readonly scopes: readonly string[] },
): boolean {
  const [held, wanted] =
    bearer.groups.length > 0 ? [bearer.groups, GROUPS[permission]] : [bearer.scopes, SCOPES[permission]];
  return wanted.some((name) => held.includes(name));
}

/** What a caller may hold to be let in, for the message that says no. */
export const wanted = (permission: Permission): string =>
  `group ${GROUPS[permission].join(' or ')}, or scope ${SCOPES[permission].join(' or ')}`;
