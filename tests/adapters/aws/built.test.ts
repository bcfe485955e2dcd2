import { s3Built, s3Profiles } from '../../../shared/adapters/aws/built';
import { profilesKey } from '../../../shared/domain/lake';
import { Unavailable } from '../../../shared/pipeline/ports';
import { fakeClient, type Sent, sdkError } from './fake';

/** A bucket in memory. */
function bucket() {
  const objects = new Map<string, string>();
  const client = fakeClient(({ command, input }: Sent) => {
    const key = String(input.Key);
    if (command === 'PutObject') {
      objects.set(key, String(input.Body));
      return {};
    }
    const found = objects.get(key);
    if (found === undefined) throw sdkError('NoSuchKey');
    return { Body: { transformToByteArray: async () => Buffer.from(found) } };
  });
  return { objects, client };
}

describe('built insights on S3', () => {
  it('are found as they were kept, each under its name, and are JSON', async () => {
    const { client } = bucket();
    const built = s3Built(client, 'lake');
    expect(await built.find('sales_by_day')).toBeUndefined();
    await built.keep('sales_by_day', '{"name":"ü"}');
    expect(await built.find('sales_by_day')).toBe('{"name":"ü"}');
    expect(client.sent[1]).toMatchObject({
      command: 'PutObject',
      input: { Bucket: 'lake', Key: 'insights/sales_by_day.json', ContentType: 'application/json' },
    });
  });

  it('are Unavailable while S3 is', async () => {
    const client = fakeClient(() => {
      throw sdkError('SlowDown');
    });
    await expect(s3Built(client, 'lake').find('sales_by_day')).rejects.toThrow(Unavailable);
    await expect(s3Profiles(client, 'lake').keep({ first: 0, last: 3 }, [])).rejects.toThrow(Unavailable);
  });
});

describe('profiles on S3', () => {
  it('are found by their customer, and are all of their share: who is gone is not found', async () => {
    const { client, objects } = bucket();
    const profiles = s3Profiles(client, 'lake');
    expect(await profiles.find('17850')).toBeUndefined();
    const all = { first: 0, last: 255 };
    await profiles.keep(all, [{ customer_id: '17850', frequency: 3 }, { customer_id: '__proto__' }]);
    expect(objects.size).toBe(256);
    expect([...objects.keys()]).toContain(profilesKey('17850'));
    expect(await profiles.find('17850')).toEqual({ customer_id: '17850', frequency: 3 });
    expect(await profiles.find('__proto__')).toHaveProperty('customer_id', '__proto__');
    expect(await profiles.find('constructor')).toBeUndefined();
    await profiles.keep({ first: 0, last: 0x7f }, []); // 17850 hashes to 80...
    expect(await profiles.find('17850')).toBeDefined();
    await profiles.keep(all, []);
    expect(await profiles.find('17850')).toBeUndefined();
  });
});
