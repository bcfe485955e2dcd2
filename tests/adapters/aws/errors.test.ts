import { reach } from '../../../shared/adapters/aws/errors';
import { Unavailable } from '../../../shared/pipeline/ports';
import { sdkError } from './fake';

const thrown = (error: unknown) => reach('trying', () => Promise.reject(error)).catch((e: unknown) => e);

describe('an error of AWS', () => {
  test.each([
    ['a throttle', sdkError('ProvisionedThroughputExceededException')],
    ['S3 being slow', sdkError('SlowDown', { $metadata: { httpStatusCode: 503 } })],
    ['a server fault', sdkError('InternalServerError', { $metadata: { httpStatusCode: 500 } })],
    ['a fault that says so', sdkError('Whatever', { $fault: 'server' })],
    ['a timeout', sdkError('TimeoutError')],
    ['a lost connection', Object.assign(new Error('read'), { code: 'ECONNRESET' })],
    ['a missing right', sdkError('AccessDeniedException', { $fault: 'client', $metadata: { httpStatusCode: 400 } })],
    ['a refused object', sdkError('Forbidden', { $metadata: { httpStatusCode: 403 } })],
    ['missing credentials', sdkError('CredentialsProviderError')],
    ['a missing table', sdkError('ResourceNotFoundException')],
  ])('that is %s is a broken world, with its cause', async (_, error) => {
    const found = await thrown(error);
    expect(found).toBeInstanceOf(Unavailable);
    expect((found as Error).cause).toBe(error);
    expect((found as Error).message).toContain('trying');
  });

  test.each([
    [
      'an item that is not valid',
      sdkError('ValidationException', { $fault: 'client', $metadata: { httpStatusCode: 400 } }),
    ],
    ['an item collection too large', sdkError('ItemCollectionSizeLimitExceededException')],
    ['a record too large', sdkError('InvalidArgumentException', { $metadata: { httpStatusCode: 400 } })],
    ['a condition that does not hold', sdkError('ConditionalCheckFailedException')],
    ['a fault of ours', new TypeError('undefined is not a function')],
    ['no error at all', 'a text'],
  ])('that is %s stays as it is', async (_, error) => {
    expect(await thrown(error)).toBe(error);
  });
});
