// The peers, apart from `npm test`: they install things, start servers and take minutes.
const { coverageThreshold, collectCoverageFrom, testPathIgnorePatterns, ...shared } = require('../../jest.config.js');

module.exports = {
  ...shared,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/peers/*.peer.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  reporters: ['<rootDir>/tests/peers/reporter.js'],
  testTimeout: 600_000, // an installation may be part of it; each check's own waits are bounded
  verbose: true, // console output at once
};
