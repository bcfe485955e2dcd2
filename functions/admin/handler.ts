import * as adapters from '#adapters';
import { http } from '../../shared/adapters/lambda/http';
import { ROUTES } from '../../shared/domain/api';
import { authorize } from '../../shared/pipeline/authorize';
import { orderRedrive } from '../../shared/pipeline/order-redrive';

const ports = {
  tokens: adapters.tokens(),
  batches: adapters.batches(),
  orders: adapters.orders(),
  telemetry: adapters.telemetry(),
};

/** What administrators ask for: a redrive of a batch. 202 when it is ordered, 200 when there is nothing to be done. */
export const handler = http(ports.telemetry, async ({ headers, params, body }) => {
  const { sub } = await authorize(headers.authorization, ROUTES['POST /v1/batches/{batch_id}/redrive'], ports);
  const ordered = await orderRedrive({ batch_id: params.batch_id!, body, by: sub }, ports);
  return { status: ordered.rows > 0 ? 202 : 200, body: ordered, headers: { location: ordered.status } };
});
