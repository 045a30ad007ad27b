import { execFileSync } from 'node:child_process';

/** Tests of the programs run what users run: the bundles, made afresh from the sources under test. */
export default function setup(): void {
  execFileSync('node', ['build.mjs'], { stdio: 'inherit' });
}
