// Preloaded into the HTTP API's process: it ends with `npm start` also when that is killed and can stop nobody.
process.once('disconnect', () => process.exit(1));
process.channel?.unref(); // a worker has none, and nothing stays up for this alone
