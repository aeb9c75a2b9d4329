module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': 'ts-jest' },
  collectCoverageFrom: ['lib/**/*.ts', '!lib/app/dist/**'],
};
