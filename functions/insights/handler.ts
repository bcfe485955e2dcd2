import * as adapters from '#adapters';
import { http, ok } from '../../shared/adapters/lambda/http';
import { ROUTES } from '../../shared/domain/api';
import { Problem } from '../../shared/domain/problem';
import { authorize } from '../../shared/pipeline/authorize';
import { insight, insightList } from '../../shared/pipeline/insight-questions';

const ports = {
  tokens: adapters.tokens(),
  clock: adapters.clock(),
  engine: adapters.engine(),
  built: adapters.built(),
  telemetry: adapters.telemetry(),
};

const LIST = 'GET /v1/insights';
const ONE = 'GET /v1/insights/{name}';

/** What the shop's figures are: built every night, or by SQL at once. */
export const handler = http(ports.telemetry, async ({ route, path, params, query, headers }) => {
  if (route !== LIST && route !== ONE) throw new Problem('not_found', 'There is no such resource.');
  await authorize(headers.authorization, ROUTES[route], ports);
  if (route === LIST) return ok(await insightList(ports), path);
  const { from, to, limit, format } = query;
  const question = { name: params.name ?? '', from, to, limit, format, accept: headers.accept };
  return ok(await insight(question, ports), path);
});
