import * as adapters from '#adapters';
import { http } from '../../shared/adapters/lambda/http';
import { ROUTES, type Route } from '../../shared/domain/api';
import { authorize } from '../../shared/pipeline/authorize';
import { ingest, validate } from '../../shared/pipeline/ingest';
import { bodyOf, filePartOf, firstLineOf } from './request';

const ports = {
  tokens: adapters.tokens(),
  clock: adapters.clock(),
  batches: adapters.batches(),
  files: adapters.files(),
  stream: adapters.stream(),
  telemetry: adapters.telemetry(),
};

/** Rows in: 202 when every chunk is in the stream. `/validate` judges rows and stores nothing. */
export const handler = http(ports.telemetry, async (request) => {
  const { sub } = await authorize(request.headers.authorization, ROUTES[request.route as Route] as 'ingest', ports);
  const body = bodyOf(request);
  if (request.params.dataset !== undefined) return { status: 200, body: validate(request.params.dataset, body) };

  const dataset = request.route.slice('POST /v1/'.length);
  const accepted = await ingest(
    { dataset, body, sent_by: sub, file: filePartOf(request), line: firstLineOf(request) },
    ports,
  );
  return { status: 202, body: accepted, headers: { location: `/v1/batches/${accepted.batch_id}` } };
});
