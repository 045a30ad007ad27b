import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseOwn } from '../../../../lib/tree/mypresence.ts';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { canonical } from '../../../../lib/xml/write.ts';
import { ownStanza, presenceStanza } from '../../../../lib/xmpp/codec/presence-out.ts';

it('leaves out what is not given', () => {
  expect(canonical(presenceStanza({}))).toBe('<presence/>');
  expect(canonical(presenceStanza({ to: 'a@b', type: 'subscribe', status: "it's me", priority: 0, show: '' }))).toBe(
    "<presence to='a@b' type='subscribe'><status>it&apos;s me</status><priority>0</priority></presence>",
  );
});

it('writes own presence so that it reads as it was meant, on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', 'away ', 'offline ', 'online '), (text, show) => {
      const own = parseOwn(show + text);
      const line = canonical(ownStanza(own, 'bob@example.org'));
      expect(line).not.toContain('\n');
      const read = parseElement(line);
      expect(read.attrs.to).toBe('bob@example.org');
      expect(read.attrs.type).toBe(own.show === 'offline' ? 'unavailable' : undefined);
      expect(read.getChildText('status') ?? '').toBe(own.status);
      expect(read.getChildText('show') ?? 'online').toBe(own.show === 'offline' ? 'online' : own.show);
    }),
  );
});
