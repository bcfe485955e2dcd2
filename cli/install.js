// What `npm start` and `npm test` run first, on whatever Node there is: says what is too old, installs what is missing.
const { execFileSync } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(
    `ecomflow needs Node 20 or newer to start (it then brings its own Node 24); this is ${process.versions.node}.`,
  );
  process.exit(1);
}

// npm writes this file last, so an install that was broken off or is older than the lock file is done again.
const done = join(root, 'node_modules', '.package-lock.json');
const lock = join(root, 'package-lock.json');
if (!existsSync(done) || statSync(done).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing dependencies (once, about a minute) ...');
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } catch {
    console.error('npm ci failed; its message is above. ecomflow needs the npm registry once, for its dependencies.');
    process.exit(1);
  }
}
