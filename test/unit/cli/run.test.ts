import { expect, it } from 'vitest';
import { printable } from '../../../lib/sys/printable.ts';

it('what is said is one line that no terminal obeys, and in the order in which it stands', () => {
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const char = String.fromCodePoint(code);
    const risky = /^[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]$/u.test(char);
    if ((printable(char) === char) === risky) expect.fail(`U+${code.toString(16)}`);
  }
});
