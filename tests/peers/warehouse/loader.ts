// A loader as a process of its own, to be killed: arguments are the lake's folder and, as JSON, where the database is.

import { postgresWarehouse } from '../../../shared/adapters/aws/warehouse';
import { landedIn } from '../../../shared/adapters/local/landed';
import { loadWarehouse } from '../../../shared/pipeline/warehouse';

const [lake, database] = process.argv.slice(2) as [string, string];
const { username, password, ...place } = JSON.parse(database);
const landed = landedIn(lake);
const warehouse = postgresWarehouse({ ...place, credentials: async () => ({ username, password }) }, 7);

loadWarehouse({}, { landed, warehouse }).then(
  (answer) => console.log(JSON.stringify(answer)),
  ({ name, message }: Error) => console.log(JSON.stringify({ name, message })),
);
