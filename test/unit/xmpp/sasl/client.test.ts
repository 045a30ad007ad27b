import { describe, expect, test } from 'vitest';
import type { Choice } from '../../../../lib/xmpp/sasl/choose.ts';
import { createClient } from '../../../../lib/xmpp/sasl/client.ts';
import { SaslError } from '../../../../lib/xmpp/sasl/error.ts';
import type { Mechanism } from '../../../../lib/xmpp/sasl/floor.ts';
import { scramServer } from './server.ts';

const offer = { mechanisms: ['SCRAM-SHA-256', 'PLAIN'], bindings: null };
const choice = (mechanism: Mechanism, more: Partial<Choice> = {}): Choice => ({
  mechanism,
  binding: { kind: 'none' },
  mustVouch: false,
  ...more,
});
const start = (mechanism: Mechanism, password: string | null = 'pencil', user = 'user') =>
  createClient(choice(mechanism), { user, password }, offer);

const b64 = (text: string) => Buffer.from(text).toString('base64');
const text = (base64: string) => Buffer.from(base64, 'base64').toString();

async function fault(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SaslError) return `${error.code} ${error.exit}`;
    throw error;
  }
  return 'nothing';
}

describe('PLAIN', () => {
  test('the message of RFC 4616, the password as it is', async () => {
    const client = await start('PLAIN', 'p\u00e4ss \u{1f511}');
    expect(client.name).toBe('PLAIN');
    expect(text(client.initial)).toBe('\0user\0p\u00e4ss \u{1f511}');
    client.done(null);
    client.done('');
    client.done('aWdub3JlZA==');
  });

  test('a challenge is a fault', async () => {
    const client = await start('PLAIN');
    expect(await fault(() => client.step(''))).toBe('unexpected-challenge 76');
  });

  test('what it cannot carry', async () => {
    expect(await fault(() => start('PLAIN', null))).toBe('no-password 100');
    expect(await fault(() => start('PLAIN', ''))).toBe('no-password 100');
    expect(await fault(() => start('PLAIN', 'a\0b'))).toBe('bad-password 100');
    expect(await fault(() => start('PLAIN', 'a', 'b\0c'))).toBe('bad-username 100');
    expect(await fault(() => start('PLAIN', 'a', ''))).toBe('bad-username 100');
  });
});

describe('EXTERNAL', () => {
  test('an empty message is =, and no password is needed', async () => {
    const client = await start('EXTERNAL', null);
    expect(client.initial).toBe('=');
    client.done(null);
    expect(await fault(() => client.step('='))).toBe('unexpected-challenge 76');
  });
});

describe('SCRAM', () => {
  /** As far as the server's last word. */
  async function conversation() {
    const client = await start('SCRAM-SHA-256');
    const server = scramServer('sha256', 'pencil');
    const answer = await client.step(b64(server.first(text(client.initial))));
    return { client, last: b64(server.final(text(answer))!) };
  }

  test.each<Mechanism>(['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('%s', async (mechanism) => {
    const client = await start(mechanism);
    const digest = `sha${mechanism.slice(10)}` as 'sha1' | 'sha256' | 'sha512';
    const server = scramServer(digest, 'pencil');
    const answer = await client.step(b64(server.first(text(client.initial))));
    const last = server.final(text(answer));
    expect(last).not.toBeNull();
    client.done(b64(last!));
  });

  test('with a binding', async () => {
    const binding = { kind: 'used', type: 'tls-exporter', data: Buffer.alloc(32, 9) } as const;
    const chosen = choice('SCRAM-SHA-512-PLUS', { binding });
    const client = await createClient(chosen, { user: 'user', password: 'pencil' }, offer);
    expect(client.name).toBe('SCRAM-SHA-512-PLUS');
    expect(text(client.initial)).toMatch(/^p=tls-exporter,,n=user,r=/);
    const server = scramServer('sha512', 'pencil');
    const answer = text(await client.step(b64(server.first(text(client.initial)))));
    const bound = Buffer.concat([Buffer.from('p=tls-exporter,,'), binding.data]);
    expect(answer.startsWith(`c=${bound.toString('base64')},`)).toBe(true);
    client.done(b64(server.final(answer)!));
  });

  test('a server that must vouch and does not', async () => {
    const chosen = choice('SCRAM-SHA-256', { mustVouch: true });
    const client = await createClient(chosen, { user: 'user', password: 'pencil' }, offer);
    const server = scramServer('sha256', 'pencil');
    expect(await fault(() => client.step(b64(server.first(text(client.initial)))))).toBe('binding-stripped 76');
  });

  test('a server that vouches', async () => {
    // SHA-256 of `PLAIN` 0x1e `SCRAM-SHA-256`.
    const h = ',h=Rgy1OtqF8B/re2ip4rVzs2herVHnECfKbsLqKQgUMgo=';
    const chosen = choice('SCRAM-SHA-256', { mustVouch: true });
    const client = await createClient(chosen, { user: 'user', password: 'pencil' }, offer);
    const server = scramServer('sha256', 'pencil', 4096, h);
    const answer = await client.step(b64(server.first(text(client.initial))));
    client.done(b64(server.final(text(answer))!));
  });

  test('success without the signature is no success', async () => {
    for (const success of [null, '', '=']) {
      const { client } = await conversation();
      expect(await fault(() => client.done(success))).toBe('missing-server-signature 76');
    }
  });

  test('success at once', async () => {
    const client = await start('SCRAM-SHA-256');
    expect(await fault(() => client.done(null))).toBe('missing-server-signature 76');
    expect(await fault(() => client.done(b64('v=AAAA')))).toBe('missing-server-signature 76');
  });

  test('the signature as a challenge, then success without data', async () => {
    const { client, last } = await conversation();
    expect(await client.step(last)).toBe('');
    client.done(null);
  });

  test('the signature as a challenge, and once more with success', async () => {
    const { client, last } = await conversation();
    await client.step(last);
    client.done(last);
    expect(await fault(() => client.done(b64('v=AAAA')))).toBe('bad-server-signature 76');
  });

  test('a wrong signature as a challenge', async () => {
    const { client } = await conversation();
    expect(await fault(() => client.step(b64('v=AAAA')))).toBe('bad-server-signature 76');
    expect(await fault(() => client.done(null))).toBe('missing-server-signature 76');
  });

  test('a third challenge', async () => {
    const { client, last } = await conversation();
    await client.step(last);
    expect(await fault(() => client.step(last))).toBe('unexpected-challenge 76');
  });

  test.each([
    'a',
    'ab',
    'abc',
    'YQ',
    'YR==',
    'YQ==\n',
    ' YQ==',
    'YQ=',
    'Y-_=',
    'Y=Q=',
    '====',
    '\u00e4',
    '/w==',
    '7aCA',
  ])('base64 %j is refused', async (bad) => {
    const client = await start('SCRAM-SHA-256');
    expect(await fault(() => client.step(bad))).toBe('incorrect-encoding 76');
    const { client: later } = await conversation();
    expect(await fault(() => later.done(bad))).toBe('incorrect-encoding 76');
  });

  test('an empty challenge', async () => {
    const client = await start('SCRAM-SHA-256');
    expect(await fault(() => client.step(''))).toBe('malformed 76');
  });

  test('what SASLprep forbids', async () => {
    expect(await fault(() => start('SCRAM-SHA-256', 'a\u0000'))).toBe('bad-password 100');
    expect(await fault(() => start('SCRAM-SHA-256', 'a', '\u06271'))).toBe('bad-username 100');
    expect(await fault(() => start('SCRAM-SHA-256', null))).toBe('no-password 100');
  });
});
