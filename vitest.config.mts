import { defineConfig } from 'vitest/config';

// Three kinds of tests: `unit` needs nothing but the sources, `e2e` runs the built programs against the loopback
// server, `interop` runs them against real servers and clients that must be installed.
const project = (name: string, include: string[], extra = {}) => ({
  test: { name, include, testTimeout: 60_000, hookTimeout: 60_000, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/unit/**/*.test.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], { globalSetup: ['test/build.ts'] }),
      project('interop', ['test/interop/**/*.test.ts'], { globalSetup: ['test/build.ts'], testTimeout: 120_000 }),
    ],
  },
});
