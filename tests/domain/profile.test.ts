import { createHash } from 'node:crypto';
import { profilesKey, profilesKeys } from '../../shared/domain/lake';
import { type Profile, profileIn, profilesByKey, sharesOf } from '../../shared/domain/profile';

const ALL = { first: 0, last: 255 };
const bytes = (profiles: readonly Profile[], customer_id: string) =>
  Buffer.from(profilesByKey(profiles, ALL).get(profilesKey(customer_id))!);

describe('profiles', () => {
  it.each(['17850', '', '__proto__', 'constructor', 'toString', '"', 'ü\u0000', 'a/../b'])(
    'of customer %j are found',
    (customer_id) => {
      const profile = { customer_id, frequency: 3 };
      expect(profileIn(bytes([profile], customer_id), customer_id)).toEqual(profile);
      expect(profileIn(bytes([], customer_id), customer_id)).toBeUndefined();
      expect(profileIn(undefined, customer_id)).toBeUndefined();
    },
  );

  it('lie by the first byte of the hash of their customer', () => {
    const first = createHash('sha256').update('17850').digest('hex').slice(0, 2);
    expect(profilesKey('17850')).toBe(`insights/customers/${first}.json`);
    expect(profilesKeys()).toHaveLength(256);
    expect(profilesKeys()[0x80]).toBe('insights/customers/80.json');
  });

  it('of a share are its objects, those without a customer too, and no others', () => {
    // 17850 hashes to 80...
    const objects = profilesByKey([{ customer_id: '17850' }], { first: 0x80, last: 0x81 });
    expect([...objects]).toEqual([
      ['insights/customers/80.json', '{"17850":{"customer_id":"17850"}}'],
      ['insights/customers/81.json', '{}'],
    ]);
    expect(() => profilesByKey([{ customer_id: '17850' }], { first: 0, last: 0x7f })).toThrow('not of the share');
  });
});

describe('shares', () => {
  it('are as many as leave each with about as many customers as are wanted', () => {
    expect(sharesOf(0, 10)).toEqual([ALL]);
    expect(sharesOf(10, 10)).toEqual([ALL]);
    expect(sharesOf(11, 10)).toEqual([
      { first: 0, last: 127 },
      { first: 128, last: 255 },
    ]);
    expect(sharesOf(1_000_000, 25_000)).toHaveLength(64);
  });

  it('cover every object once, and are never smaller than one', () => {
    const shares = sharesOf(Number.MAX_SAFE_INTEGER, 10);
    expect(shares).toHaveLength(256);
    expect(shares.flatMap(({ first, last }) => [first, last])).toEqual(Array.from({ length: 512 }, (_, i) => i >> 1));
  });
});
