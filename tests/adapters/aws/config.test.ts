import * as adapters from '../../../shared/adapters/aws';
import { ConfigurationError, configure, VARIABLES } from '../../../shared/adapters/aws/config';

describe('the configuration', () => {
  test('names every missing variable of the ports asked for, in one error', () => {
    const read = () => configure(['stream', 'invoices', 'batches', 'chunks'], { INVOICES_TABLE: 'i' });
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/STREAM_NAME is missing.*BATCHES_TABLE is missing/);
    expect(read).not.toThrow(/INVOICES_TABLE|LAKE_BUCKET|USER_POOL/);
  });

  test('asks for what the chosen landing needs, and for no more', () => {
    expect(configure(['landing'], { LANDING: 'direct', LAKE_BUCKET: 'lake' })).toMatchObject({ LAKE_BUCKET: 'lake' });
    expect(() => configure(['landing'], { LANDING: 'direct' })).toThrow(/LAKE_BUCKET is missing/);
    expect(() => configure(['landing'], { LANDING: 'firehose' })).toThrow(/LANDING_DELIVERY_PREFIX is missing/);
    expect(() => configure(['landing'], { LANDING: 'pigeon' })).toThrow(/LANDING is none of firehose, direct/);
    expect(() => configure(['landing'], {})).toThrow(/LANDING is missing/);
  });

  test('an empty variable is a missing one', () => {
    expect(() => configure(['stream'], { STREAM_NAME: ' ' })).toThrow(/STREAM_NAME is missing/);
  });

  test('every variable says what it is for', () => {
    for (const { meaning } of Object.values(VARIABLES)) expect(meaning).not.toBe('');
  });

  test('a port that lacks its variables fails when it is asked for, not at import', () => {
    expect(() => adapters.stream()).toThrow(ConfigurationError);
    expect(adapters.clock().now()).toBeInstanceOf(Date);
  });
});
