import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Fatal } from '../../../../lib/cli/exit.ts';
import { accountOf, createResource } from '../../../../lib/xmpp/stream/account.ts';
import { scratch } from '../../sys/scratch.ts';

describe('accountOf', () => {
  it.each([
    ['alice', 'example.org', 'alice', 'example.org'],
    ['Alice', 'Example.ORG', 'alice', 'example.org'],
    ['ａlice', 'bücher.example', 'alice', 'bücher.example'],
    ['alice', '127.0.0.1', 'alice', '127.0.0.1'],
    ['alice', '[::1]', 'alice', '[::1]'],
  ])('%s at %s', (user, domain, local, host) => {
    expect(accountOf(user, domain)).toEqual({ user: local, domain: host });
  });
  it.each([
    ['alice@example.org', 'example.org'],
    ['alice/x', 'example.org'],
    ['alice', 'example.org/x'],
    ['', 'example.org'],
    ['alice', ''],
    ['a b', 'example.org'],
    ['alice', 'exa mple.org'],
    ['alice\n', 'example.org'],
    ['x'.repeat(1024), 'example.org'],
  ])('%j at %j is wrong usage', (user, domain) => {
    const error = (() => {
      try {
        return accountOf(user, domain);
      } catch (e) {
        return e;
      }
    })();
    expect(error).toBeInstanceOf(Fatal);
    expect((error as Fatal).code).toBe(100);
  });
});

describe('createResource', () => {
  it('is the same for a directory, whatever it is called, and another for another', async () => {
    const dir = scratch();
    fs.symlinkSync(dir, path.join(dir, 'link'));
    fs.mkdirSync(path.join(dir, 'sub'));
    const resource = await createResource(dir);
    expect(resource).toMatch(/^sj\.[0-9a-f]{8}$/);
    expect(await createResource(path.join(dir, 'link'))).toBe(resource);
    expect(await createResource(path.join(dir, 'sub'))).not.toBe(resource);
  });
});
