import * as adapters from '#adapters';
import files from '../../dashboard/page.html';
import { page } from '../../shared/adapters/lambda/page';

/** The dashboard. Public: what it shows, it asks the API for, with the token of whoever signed in. */
export const handler = page(adapters.telemetry(), files, adapters.signIn());
