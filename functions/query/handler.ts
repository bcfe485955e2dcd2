import * as adapters from '#adapters';
import { http, ok } from '../../shared/adapters/lambda/http';
import { ROUTES, type Route } from '../../shared/domain/api';
import { Problem } from '../../shared/domain/problem';
import { answersOf } from '../../shared/pipeline/answers';
import { authorize } from '../../shared/pipeline/authorize';

const ports = {
  tokens: adapters.tokens(),
  batches: adapters.batches(),
  files: adapters.files(),
  rejects: adapters.rejects(),
  invoices: adapters.invoices(),
  customers: adapters.customers(),
  profiles: adapters.profiles(),
  telemetry: adapters.telemetry(),
};

const ANSWERS = answersOf({
  version: process.env.ECOMFLOW_VERSION ?? 'unknown',
  commit: process.env.ECOMFLOW_COMMIT,
});

/** Questions about what came in; the route table says which stage answers. */
export const handler = http(ports.telemetry, async ({ route, path, params, query, headers }) => {
  const answer = ANSWERS[route as Route];
  if (!answer) throw new Problem('not_found', 'There is no such resource.');
  const needed = ROUTES[route as Route];
  if (needed !== 'public') await authorize(headers.authorization, needed, ports);
  const question = { resource: path, path: params, limit: query.limit, cursor: query.cursor };
  return ok(await answer(question, ports), path);
});
