// Loaded before kinesis-local, which listens on every address of the machine and has no setting for it.
const { Server } = require('node:net');

const { listen } = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, '127.0.0.1', rest.at(-1));
};
