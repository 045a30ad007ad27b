import { expect, it } from 'vitest';
import { parseElement } from '../../../../lib/xml/tree.ts';
import { announced, createIdleness, NOTHING_ANNOUNCED } from '../../../../lib/xmpp/stream/announced.ts';

const features = (limits: string) => parseElement(`<features>${limits}</features>`);
const NS = "xmlns='urn:xmpp:stream-limits:0'";

it('reads what a server announces', () => {
  expect(
    announced(features(`<limits ${NS}><max-bytes>65535</max-bytes><idle-seconds>10</idle-seconds></limits>`)),
  ).toEqual({ bytes: 65_535, idle: 10_000 });
  expect(announced(features(`<limits ${NS}><idle-seconds> 7 </idle-seconds></limits>`))).toEqual({
    ...NOTHING_ANNOUNCED,
    idle: 7000,
  });
});

it.each([
  '',
  `<limits ${NS}/>`,
  '<limits xmlns="urn:x"><max-bytes>5</max-bytes></limits>',
  ...['', '0', '-5', '1e9', 'many', '99999999999999999999'].map(
    (text) => `<limits ${NS}><max-bytes>${text}</max-bytes><idle-seconds>${text}</idle-seconds></limits>`,
  ),
])('takes nothing from %j', (limits) => {
  expect(announced(features(limits))).toEqual(NOTHING_ANNOUNCED);
});

it('takes nothing where there are no features', () => expect(announced(null)).toEqual(NOTHING_ANNOUNCED));

it('speaks after half of the longest silence', () => {
  const idleness = createIdleness(10_000, 0);
  expect(idleness.check(0)).toEqual({ speak: false, next: 5000 });
  expect(idleness.check(4999)).toEqual({ speak: false, next: 1 });
  expect(idleness.check(5000)).toEqual({ speak: true, next: 5000 });
  idleness.wrote(5000);
  expect(idleness.check(6000)).toEqual({ speak: false, next: 4000 });
  expect(createIdleness(NOTHING_ANNOUNCED.idle, 0).check(1e9)).toMatchObject({ speak: false });
});
