import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ONLINE, parseOwn, sameOwn } from '../../../lib/tree/mypresence.ts';
import { isXmlText } from '../../../lib/xml/chars.ts';

const SHOWS = ['online', 'chat', 'away', 'xa', 'dnd', 'offline'];

describe('parseOwn', () => {
  it.each([
    ['', 'online', ''],
    ['\n', 'online', ''],
    ['   \n', 'online', ''],
    ['away', 'away', ''],
    ['away\n', 'away', ''],
    ['away\r\n', 'away', ''],
    ['\ufeffaway\n', 'away', ''],
    ['away lunch, back at 2\n', 'away', 'lunch, back at 2'],
    ['  dnd \t in a meeting  \n', 'dnd', 'in a meeting'],
    ['online', 'online', ''],
    ['online offline', 'online', 'offline'],
    ['offline gone fishing', 'offline', 'gone fishing'],
    ['xa', 'xa', ''],
    ['chat ask me', 'chat', 'ask me'],
    ['at the sea', 'online', 'at the sea'],
    ['Away for lunch', 'online', 'Away for lunch'],
    ['awayish', 'online', 'awayish'],
    ['away, soon back', 'online', 'away, soon back'],
    ['away first\ndnd second\n', 'away', 'first'],
    ['\naway', 'online', ''],
    ['a\rb', 'online', 'a\rb'],
    ['away \u0000\u001b[31mred\u0007\ufffe', 'away', '[31mred'],
    ['aw\u0000ay x', 'away', 'x'],
    ['away \ud83d', 'away', ''],
    ['dnd <&>"\' ]]> \u{1f6e0}', 'dnd', '<&>"\' ]]> \u{1f6e0}'],
  ])('%j', (text, show, status) => {
    expect(parseOwn(text)).toEqual({ show, status });
  });

  it('cuts a long status after 1024 characters, and no character in two', () => {
    expect(parseOwn(`away ${'x'.repeat(100_000)}`).status).toBe('x'.repeat(1024));
    expect(parseOwn(`away ${'\u{1f600}'.repeat(2000)}`).status).toBe('\u{1f600}'.repeat(1024));
    expect(parseOwn('x'.repeat(2000))).toEqual({ show: 'online', status: 'x'.repeat(1024) });
  });

  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom(...SHOWS, ' ', '\t', '\n', '\r', '\0', '\u001b', 'x', '\ud800', '\u{1f600}'), {
        maxLength: 12,
      })
      .map((a) => a.join('')),
  );

  it('gives a show and one line of XML text, whatever it is given', () => {
    fc.assert(
      fc.property(text, (given) => {
        const { show, status } = parseOwn(given);
        expect(SHOWS).toContain(show);
        expect(isXmlText(status)).toBe(true);
        expect(status).not.toContain('\n');
        expect(status).toBe(status.trim());
        expect(Array.from(status).length).toBeLessThanOrEqual(1024);
      }),
    );
  });

  it('reads what it means back from a line that spells it out, and only the first line matters', () => {
    fc.assert(
      fc.property(text, text, (given, more) => {
        const own = parseOwn(given);
        expect(parseOwn(`${own.show} ${own.status}`)).toEqual(own);
        expect(parseOwn(`${given}\n${more}`)).toEqual(own);
      }),
    );
  });

  it('takes a text without a show for the status of online', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z][a-z ]{0,30}[a-z]$/), (status) => {
        expect(parseOwn(status)).toEqual({ show: 'online', status });
      }),
    );
  });
});

it('compares show and status', () => {
  expect(sameOwn(ONLINE, parseOwn(''))).toBe(true);
  expect(sameOwn(ONLINE, parseOwn('away'))).toBe(false);
  expect(sameOwn(ONLINE, parseOwn('here'))).toBe(false);
});
