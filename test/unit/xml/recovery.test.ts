/** What a fault costs in `fragments`: the stanza it is in, and no more than the rest of the line. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../lib/xml/split.ts';
import { runs } from '../../runs.ts';
import { cut, cuts, soup, stanza } from './arbitrary.ts';
import { judge } from './judge.ts';
import { heardBy, watch } from './splitting.ts';

const GOOD = "<message to='b@example.org'><body>good</body></message>";

/** Reads local input in chunks, to its end; texts of the stanzas and the faults. */
function local(input: string | Buffer, where: 'each' | number[] = [], limits = LIMITS) {
  const source = watch('fragments', { limits });
  source.push(cut(Buffer.from(input as Buffer), where));
  source.splitter.eof();
  expect(source.splitter.pending).toBe(0);
  return heardBy(source);
}

const BAD: [string, string | Buffer][] = [
  ['a bare ampersand', '<message><body>a & b</body></message>'],
  ['an entity', '<message><body>&nbsp;</body></message>'],
  ['an undeclared prefix', '<message><x:y/></message>'],
  ['an undeclared prefix of its own', '<x:message/>'],
  ['an attribute twice', "<message to='a' to='b'/>"],
  ['an attribute without quotes', '<message to=a@example.org/>'],
  ['tags that do not match', '<message><body>a</message></body>'],
  ['an end tag too many', '<message><body/></body></message>'],
  ['nothing but an end tag', '</message>'],
  ['the end of a stream', '</stream:stream>'],
  ['a comment', '<!-- x -->'],
  ['a comment within', '<message><!-- x --></message>'],
  ['a document type', '<!DOCTYPE message>'],
  ['a processing instruction', "<?xml version='1.0'?>"],
  ['CDATA alone', '<![CDATA[<message/>]]>'],
  ['an open end', '<message>'],
  ['half a stanza', "<message to='b@example.org'><body>hal"],
  ['half a tag', "<message to='b@exam"],
  ['half a name', '<mess'],
  ['a <', '<'],
  ['half a reference', '<message><body>a &am'],
  ['half an end tag', '<message><body>a</bod'],
  ['text', 'hello'],
  ['text with a tag', 'hello <b>you</b>'],
  ['a control character', '<message><body>\u001b[2J</body></message>'],
  ['a NUL', '\u0000\u0000'],
  ['Latin-1', Buffer.from('<message><body>\xe9</body></message>', 'latin1')],
  ['too many attributes', `<message${Array.from({ length: 65 }, (_, i) => ` a${i}=''`).join('')}/>`],
  ['too deep', '<message>'.concat('<x>'.repeat(64), '</x>'.repeat(64), '</message>')],
];

describe('a stanza that is bad', () => {
  it.each(BAD)('%s costs one line', (_, bad) => {
    const input = Buffer.concat([
      Buffer.from(`${GOOD}\n`),
      Buffer.from(bad as Buffer),
      Buffer.from(`\n${GOOD}\n${GOOD}`),
    ]);
    for (const where of ['each', [], [60, 70, 80]] as const) {
      const { texts, faults } = local(input, where as 'each');
      expect(texts).toEqual([GOOD, GOOD, GOOD]);
      expect(faults).toHaveLength(1);
    }
  });
  it.each(BAD)('%s costs nothing at the end', (_, bad) => {
    for (const where of ['each', []] as const) {
      const { texts, faults } = local(Buffer.concat([Buffer.from(GOOD), Buffer.from(bad as Buffer)]), where as 'each');
      expect(texts).toEqual([GOOD]);
      expect(faults).toHaveLength(1);
    }
  });

  it('is said to be what it is', () => {
    const named = (bad: string | Buffer) => local(bad).faults;
    expect(named('<iq>&nbsp;</iq>')).toEqual(['restricted-xml']);
    expect(named(Buffer.from('<iq>\xe9</iq>', 'latin1'))).toEqual(['unsupported-encoding']);
    expect(named('<iq></message>')).toEqual(['not-well-formed']);
    expect(named(`<iq>${'<x>'.repeat(64)}`)).toEqual(['policy-violation']);
    expect(named('<iq>')).toEqual(['not-well-formed']);
  });

  it('costs a line for each line of it', () => {
    const { texts, faults } = local(`<message>\n  <body>a & b</body>\n  text\n</message>\n\n${GOOD}`);
    expect(texts).toEqual([GOOD]);
    expect(faults).toHaveLength(3);
  });
  it('takes the rest of its line with it, since what is in it may look like a stanza', () => {
    const bad = `<message>&x;<forwarded xmlns='urn:xmpp:forward:0'>${GOOD}</forwarded></message>`;
    expect(local(`${bad}${GOOD}\n${GOOD}`)).toMatchObject({ texts: [GOOD], faults: ['restricted-xml'] });
  });
  it('takes nothing with it if it ended', () => {
    const bad = Buffer.from('<message><body>\xe9\n\xe8</body></message>', 'latin1');
    for (const where of ['each', []] as const) {
      const input = Buffer.concat([bad, Buffer.from(GOOD), bad, Buffer.from(GOOD)]);
      expect(local(input, where as 'each')).toMatchObject({
        texts: [GOOD, GOOD],
        faults: ['unsupported-encoding', 'unsupported-encoding'],
      });
    }
  });
  it('is text up to where a stanza begins', () => {
    for (const where of ['each', []] as const) {
      expect(local(`$ ${GOOD} ; ${GOOD}`, where as 'each')).toMatchObject({
        texts: [GOOD, GOOD],
        faults: ['not-well-formed', 'not-well-formed'],
      });
      expect(local(`text <messages/>${GOOD}\n<iq/>`, where as 'each').texts).toEqual(['<iq/>']);
      expect(local(`text <mess\n<iq/>`, where as 'each').texts).toEqual(['<iq/>']);
    }
  });

  it('is what a writer left that stopped anywhere, and costs nobody else anything', () => {
    fc.assert(
      fc.property(stanza, fc.nat(), cuts, (text, at, where) => {
        // One line, in one namespace: within another one, or in CDATA, nobody can tell what a `<message>` is.
        const line = text
          .replace(/\bs:/g, 'x-')
          .replace(/ xmlns='[^']*'/g, '')
          .replace(/[\r\n]/g, ' ');
        const bytes = Buffer.from(line);
        const left = bytes.subarray(0, at % bytes.length);
        fc.pre(left.lastIndexOf('<![CDATA[') <= left.lastIndexOf(']]>'));
        const { texts, faults } = local(Buffer.concat([left, Buffer.from(`${GOOD}\n${GOOD}\n`)]), where);
        expect(texts.slice(-1)).toEqual([GOOD]);
        expect(faults.length).toBe(left.length === 0 ? 0 : 1);
      }),
      { numRuns: runs(2000) },
    );
  });
});

describe('a stanza that was cut, while its line goes on', () => {
  it.each([
    ['in its text', '<message><body>a long text that is longer than what comes next'],
    ['in a tag', "<message to='a long value that is longer than what comes next' "],
    ['in a value', "<message to='a long value that is longer than what comes next"],
    ['in a name', '<message><a-long-name-that-is-longer-than-what-comes-next'],
  ])('%s: the next one goes out at once', (_, left) => {
    const source = watch('fragments');
    source.push(left, '<iq', " id='a' type='get'><ping xmlns='urn:xmpp:ping'/>", '</iq>');
    expect(source.texts).toEqual(["<iq id='a' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"]);
    expect(source.faults).toEqual(['not-well-formed']);
  });
  it('is none if what is in it says its namespace', () => {
    const forwarded =
      "<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/><iq xmlns='u'/></forwarded></message>";
    expect(local(forwarded, 'each').texts).toEqual([forwarded]);
    const foreign = "<message><x xmlns='urn:x'><message/><iq a='b'>c</iq></x></message>";
    expect(local(foreign, 'each').texts).toEqual([foreign]);
    const names = '<message><iqs/><iq:x xmlns:iq="u"/><messages></messages></message>';
    expect(local(names, 'each').faults).toEqual([]);
  });
});

describe('chunks', () => {
  it('make no difference to what is good', () => {
    const between = fc.constantFrom('', '\n', ' \r\n\t');
    fc.assert(
      fc.property(fc.array(fc.tuple(between, stanza), { maxLength: 4 }), cuts, (list, where) => {
        // The prefix `s` is declared in the header of a stream only, and a stanza within a stanza is a cut one.
        const content = list.map(([gap, text]) => gap + text.replaceAll(/\bs:/g, 'x-')).join('');
        const expected = judge(`<w xmlns='jabber:client'>${content}</w>`)?.children ?? [];
        const { stanzas, faults } = local(content, where);
        expect(faults).toEqual([]);
        expect(stanzas).toEqual(expected.filter((child) => typeof child !== 'string'));
      }),
      { numRuns: runs(2000) },
    );
  });
  it('make no difference to what is bad', () => {
    const line = fc.oneof(
      soup.map((parts) => parts.join('')),
      stanza,
      fc.constantFrom(...BAD.map(([, bad]) => bad)),
      fc.constant(GOOD),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.constantFrom('\n', ''), cuts, (lines, end, where) => {
        const input = Buffer.concat(lines.flatMap((l) => [Buffer.from(l as Buffer), Buffer.from(end)]));
        expect(local(input, where)).toEqual(local(input));
      }),
      { numRuns: runs(5000) },
    );
  });
});

describe('limits', () => {
  const limits = { bytes: 100, iqBytes: 200, depth: 64, attributes: 64 };
  const sized = (name: string, size: number) => `<${name}>${'x'.repeat(size - 2 * name.length - 5)}</${name}>`;
  it.each([
    ['message', 100],
    ['presence', 100],
    ['iq', 200],
  ])('of a %s: %d bytes', (name, size) => {
    for (const where of ['each', [], [50]] as const) {
      expect(local(`${sized(name, size)}${GOOD}`, where as 'each', limits)).toMatchObject({
        texts: [sized(name, size), GOOD],
        faults: [],
      });
      expect(local(`${sized(name, size + 1)}${GOOD}\n${GOOD}`, where as 'each', limits)).toMatchObject({
        texts: [GOOD],
        faults: ['policy-violation'],
      });
    }
  });
  it('bound what is kept of a line without end', () => {
    const source = watch('fragments');
    const chunk = Buffer.alloc(1000, 'x');
    for (const start of ['<message><body>', 'text', '<message>&', "<iq id='"]) {
      source.push(start);
      for (let i = 0; i < 1000; i++) {
        source.push(chunk);
        expect(source.splitter.pending).toBeLessThanOrEqual(start === "<iq id='" ? LIMITS.iqBytes : LIMITS.bytes);
      }
      source.splitter.eof();
      source.push(GOOD);
    }
    expect(source.texts).toEqual([GOOD, GOOD, GOOD, GOOD]);
    expect(source.faults).toHaveLength(4);
  });
});

describe('the last writer has gone', () => {
  it('ends what is unfinished, and the next begins anew', () => {
    const source = watch('fragments');
    source.push(`${GOOD}<message>`);
    source.splitter.eof();
    source.push('<presence/>\n', 'text');
    source.splitter.eof();
    source.push('<iq/>', '<iq', '/>');
    source.splitter.eof();
    source.splitter.eof();
    expect(heardBy(source)).toMatchObject({
      texts: [GOOD, '<presence/>', '<iq/>', '<iq/>'],
      faults: ['not-well-formed', 'not-well-formed'],
    });
  });
  it('means nothing after white space', () => {
    const source = watch('fragments');
    source.push(`${GOOD}\n \t`);
    source.splitter.eof();
    expect(source.faults).toEqual([]);
  });
  it('shows the stanza behind one that was cut', () => {
    const source = watch('fragments');
    source.push('<message><body>', '<iq>', '<x/></iq>');
    source.splitter.eof();
    expect(heardBy(source)).toMatchObject({ texts: ['<iq><x/></iq>'], faults: ['not-well-formed'] });
  });
});
