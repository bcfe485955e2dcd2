import { configurationReference } from '../../cli/docs/reference';
import { documentNamed, ROOT } from './markdown';

it('the configuration reference says what the configuration is; npm run docs writes it', () => {
  expect(documentNamed('docs/configuration.md')).toBe(configurationReference(ROOT));
});
