import { randomBytes } from 'node:crypto';
import * as adapters from '#adapters';
import { http, ok } from '../../shared/adapters/lambda/http';
import { ROUTES, type Route } from '../../shared/domain/api';
import { authorize } from '../../shared/pipeline/authorize';
import { announceUpload, arrivalsOf } from '../../shared/pipeline/uploads';

const ports = {
  tokens: adapters.tokens(),
  clock: adapters.clock(),
  senders: adapters.senders(),
  arrivals: adapters.arrivals(),
  uploads: adapters.uploads(),
  telemetry: adapters.telemetry(),
};

/** Addresses for files that are too large for a request, and what became of the files. */
export const handler = http(ports.telemetry, async (request) => {
  const { route, headers, body, query, path } = request;
  const { sub } = await authorize(headers.authorization, ROUTES[route as Route] as 'ingest', ports);
  if (route === 'GET /v1/arrivals') return ok(await arrivalsOf(query.key, ports), path);

  const upload = await announceUpload({ body, sent_by: sub, id: randomBytes(16).toString('hex') }, ports);
  return { status: 201, body: upload, headers: { location: upload.status } };
});
