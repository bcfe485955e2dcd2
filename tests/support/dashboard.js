// Lets jest import the dashboard as a function's build does (esbuild.config.js): the whole of it, built.
const { buildDashboard, hashOfDashboard } = require('../../dashboard/build.js');

module.exports = {
  process: () => ({ code: `module.exports = ${JSON.stringify(buildDashboard())};` }),
  getCacheKey: () => hashOfDashboard(),
};
