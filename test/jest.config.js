/** Jest runs the TypeScript sources as ES modules through SWC; `@adieu/x` is the package's source, so tests need no build of it. */
export default {
  rootDir: '..',
  testMatch: ['<rootDir>/packages/*/src/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^@adieu/([a-z]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^@adieu/mail/report$': '<rootDir>/packages/mail/src/report/index.ts',
    '^@adieu/([a-z]+)/testing$': '<rootDir>/packages/$1/src/testing/index.ts',
  },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Scenarios mostly wait: two suites at a time halve the run, also on two cores, where Jest alone would take one.
  maxWorkers: 2,
  testTimeout: 300_000,
};
