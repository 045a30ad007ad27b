import { describe, expect, it } from 'vitest';
import { createAsked } from '../../../../lib/xmpp/stream/asked.ts';

const SELF = 'alice@example.org/sj';
const ACCOUNT = 'alice@example.org';
const SERVER = 'example.org';

/** Whether an answer from somebody fits a request to somebody. */
function fits(to: string | undefined, from: string | undefined): boolean {
  const asked = createAsked(SELF);
  asked.ask('1', to);
  const answer = asked.answers('1', from);
  expect(asked.size).toBe(answer ? 0 : 1);
  return answer;
}

describe('who may answer (RFC 6120 sections 8.1.2.1 and 8.2.3)', () => {
  it.each<[string | undefined, string | undefined]>([
    // To nobody is to the account, for which the server answers.
    [undefined, undefined],
    [undefined, ACCOUNT],
    [undefined, SELF],
    [undefined, SERVER],
    ['', undefined],
    [ACCOUNT, undefined],
    [ACCOUNT, ACCOUNT],
    [ACCOUNT, SELF],
    [ACCOUNT, SERVER],
    [SERVER, SERVER],
    [SERVER, undefined],
    [SELF, SELF],
    ['bob@example.com', 'bob@example.com'],
    ['bob@example.com/x', 'bob@example.com/x'],
    // The same address in another notation.
    ['Bob@EXAMPLE.com/x', 'bob@example.com/x'],
    ['bob@example.com/x', 'BOB@Example.Com/x'],
    ['ALICE@example.org', undefined],
    ['bücher.example', 'BÜCHER.example'],
  ])('to %s: from %s may', (to, from) => expect(fits(to, from)).toBe(true));

  it.each<[string | undefined, string | undefined]>([
    ['bob@example.com', undefined],
    ['bob@example.com/x', undefined],
    ['bob@example.com', 'bob@example.com/x'],
    ['bob@example.com/x', 'bob@example.com'],
    ['bob@example.com/x', 'bob@example.com/X'],
    ['bob@example.com', 'example.com'],
    ['bob@example.com', 'bob@example.co'],
    ['bob@example.com', 'mallory@example.com'],
    ['bob@example.com', ACCOUNT],
    ['bob@example.com', SELF],
    ['bob@example.com', SERVER],
    ['bob@example.org', SERVER],
    ['example.com', undefined],
    ['conference.example.org', SERVER],
    [SERVER, ACCOUNT],
    [SERVER, 'sub.example.org'],
    [SERVER, 'example.org/x'],
    [undefined, 'alice@example.org/other'],
    [undefined, 'mallory@example.com'],
    [undefined, ''],
    [ACCOUNT, 'alice@example.org/other'],
    [SELF, undefined],
    [SELF, ACCOUNT],
    ['not a jid', 'nor this'],
  ])('to %s: from %s may not', (to, from) => expect(fits(to, from)).toBe(false));
});

describe('what is open', () => {
  it('is answered once', () => {
    const asked = createAsked(SELF);
    asked.ask('1', 'bob@example.com');
    expect(asked.answers('2', 'bob@example.com')).toBe(false);
    expect(asked.answers('1', 'bob@example.com')).toBe(true);
    expect(asked.answers('1', 'bob@example.com')).toBe(false);
  });
  it('stays open when somebody else answers', () => {
    const asked = createAsked(SELF);
    asked.ask('1', 'bob@example.com');
    for (let i = 0; i < 3; i++) expect(asked.answers('1', 'mallory@example.com')).toBe(false);
    expect(asked.answers('1', 'bob@example.com')).toBe(true);
  });
  it('is the newest request with an id', () => {
    const asked = createAsked(SELF);
    asked.ask('1', 'bob@example.com');
    asked.ask('1', 'carol@example.com');
    expect(asked.size).toBe(1);
    expect(asked.answers('1', 'bob@example.com')).toBe(false);
    expect(asked.answers('1', 'carol@example.com')).toBe(true);
  });
  it('has no names that mean something to JavaScript', () => {
    const asked = createAsked(SELF);
    expect(asked.answers('__proto__', undefined)).toBe(false);
    expect(asked.answers('constructor', undefined)).toBe(false);
  });
  it('is at most 4096 requests, the newest', () => {
    const asked = createAsked(SELF);
    for (let i = 0; i < 4096; i++) asked.ask(`${i}`, undefined);
    // Asked again, it is new again.
    asked.ask('0', undefined);
    expect(asked.size).toBe(4096);
    asked.ask('one more', undefined);
    expect(asked.size).toBe(4096);
    expect(asked.answers('1', undefined)).toBe(false);
    expect(asked.answers('0', undefined)).toBe(true);
    expect(asked.answers('2', undefined)).toBe(true);
    expect(asked.answers('one more', undefined)).toBe(true);
  });
});
