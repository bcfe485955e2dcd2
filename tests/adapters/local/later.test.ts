import { Waiting } from '../../../shared/adapters/local/later';
import { TestClock } from '../../support/world';

test('a notice comes again once its time has come, and once', async () => {
  const clock = new TestClock();
  const later = new Waiting(clock);
  const [soon, late] = [
    { key: 'inbox/a', version: '1' },
    { dataset: 'events', batch_id: 'b' },
  ];
  await later.again(late, 300);
  await later.again(soon, 0);
  expect(later.due()).toEqual([soon]);
  expect(later.due()).toEqual([]);
  clock.pass(299);
  expect(later.due()).toEqual([]);
  clock.pass(1);
  expect(later.due()).toEqual([late]);
});
