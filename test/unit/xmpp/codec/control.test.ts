import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Control } from '../../../../lib/session/control.ts';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { controlText, readControl } from '../../../../lib/xmpp/codec/control.ts';

const n = fc.nat();
const text = fc.stringMatching(/^[ -~\t\nü]*$/);
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({ what: fc.constantFrom('hello', 'bye') }),
  fc.record({ what: fc.constantFrom('done', 'again', 'sent'), n }),
  fc.record({ what: fc.constant('session'), id: text, n, resumed: fc.boolean() }),
  fc.record({ what: fc.constant('session'), id: text, n, resumed: fc.boolean(), lang: fc.constant('de-AT') }),
  fc.record({ what: fc.constant('room'), jid: text, nick: text, on: fc.boolean() }),
  fc.record({ what: fc.constant('refused'), n, reason: text }),
  fc.record({ what: fc.constant('shown'), to: text, on: fc.boolean() }),
);

it('reads what it wrote, and writes one line', () => {
  fc.assert(
    fc.property(control, (said) => {
      const line = controlText(said);
      expect(line).not.toContain('\n');
      expect(readControl(parseElement(Buffer.from(line)))).toEqual(said);
    }),
  );
});

it.each([
  "<done n='1'/>",
  "<done xmlns='urn:x-sj:session'/>",
  "<done xmlns='urn:x-sj:session' n='-1'/>",
  "<session xmlns='urn:x-sj:session' id='x' n='1e3'/>",
  "<message xmlns='urn:x-sj:session' n='1'/>",
])('makes nothing of %s', (line) => {
  expect(readControl(parseElement(Buffer.from(line)))).toBeNull();
});
