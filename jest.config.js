// Tests run on the local adapters behind `#adapters`, as `npm start` does.
module.exports = {
  testEnvironment: 'node',
  // A workaround, its cause not found: each folder's suites end by themselves, but after a run of all of them jest stays
  // for a minute or more (one timer is left in its own process).
  forceExit: true,
  testEnvironmentOptions: { customExportConditions: ['local', 'node', 'node-addons'] },
  transform: {
    '^.+\\.m?[jt]s$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
    '^.+\\.sql$': '<rootDir>/tests/support/text.js',
    '/dashboard/page\\.html$': '<rootDir>/tests/support/dashboard.js',
  },
  // ESM only, under an import condition that the rest of the tree must not get.
  moduleNameMapper: { '^@middy/(core|util)$': '<rootDir>/node_modules/@middy/$1/index.js' },
  transformIgnorePatterns: ['/node_modules/(?!(@middy|jose|hyparquet|hyparquet-writer|fzstd|pure-rand)/)'],
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  // The domain decides what becomes of a shop's rows: no branch of it goes untried.
  collectCoverageFrom: ['shared/domain/**/*.ts'],
  coverageReporters: ['text-summary'],
  coverageThreshold: { 'shared/domain/**/*.ts': { branches: 100 } },
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/tests/peers/'],
  modulePathIgnorePatterns: [
    '<rootDir>/.build',
    '<rootDir>/.esbuild',
    '<rootDir>/.serverless',
    '<rootDir>/.ecomflow',
    '<rootDir>/.peers',
  ],
};
