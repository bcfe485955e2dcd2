/*
 * Appends a record to the stream that is named, as a process of its own: among jest's realms an error of Node's
 * network is no Error, and the adapter would not see what it sees in a function. Says as JSON what was thrown.
 */
import { kinesis } from '../../../shared/adapters/aws/kinesis';
import { kinesisStream } from '../../../shared/adapters/aws/stream';

const [name = ''] = process.argv.slice(2);

kinesisStream(kinesis(), name)
  .append([{ chunk_id: 'a', data: Buffer.from('a') }])
  .then(
    () => console.log('null'),
    (error: Error & { cause?: Error & { code?: string } }) => {
      const { name, message, cause } = error;
      console.log(JSON.stringify({ name, message, cause: { name: cause?.name, code: cause?.code } }));
    },
  );
