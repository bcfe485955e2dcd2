import { holds, type Permission, wanted } from '../../shared/domain/access';

const PERMISSIONS: readonly Permission[] = ['ingest', 'read', 'ingest or read', 'admin'];
const held = (bearer: { groups?: string[]; scopes?: string[] }) =>
  PERMISSIONS.filter((permission) => holds(permission, { groups: [], scopes: [], ...bearer }));

test.each([
  ['ingest', ['ingest', 'ingest or read']],
  ['analyst', ['read', 'ingest or read']],
  ['admin', ['ingest', 'read', 'ingest or read', 'admin']],
  ['Admin', []],
  ['guests', []],
])('a person in the group %s may %j', (group, permissions) => {
  expect(held({ groups: [group] })).toEqual(permissions);
  expect(held({ groups: ['guests', group] })).toEqual(permissions);
});

test.each([
  ['ecomflow/ingest', ['ingest', 'ingest or read']],
  ['ecomflow/read', ['read', 'ingest or read']],
  ['ecomflow/admin', ['ingest', 'read', 'ingest or read', 'admin']],
  ['ingest', []],
  ['other/admin', []],
])('a machine with the scope %s may %j', (scope, permissions) => {
  expect(held({ scopes: [scope] })).toEqual(permissions);
});

test('a person is judged by group, whatever scope stands beside it', () => {
  expect(held({ groups: ['guests'], scopes: ['ecomflow/admin'] })).toEqual([]);
  expect(held({ groups: ['analyst'], scopes: ['ecomflow/ingest'] })).toEqual(['read', 'ingest or read']);
});

test('who is nobody may nothing', () => {
  expect(held({})).toEqual([]);
});

test('what is wanted is said in words', () => {
  expect(wanted('read')).toBe('group analyst or admin, or scope ecomflow/read or ecomflow/admin');
});
