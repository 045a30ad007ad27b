import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SaslError } from '../../../../lib/xmpp/sasl/error.ts';
import { type ScramHash, type ScramOptions, scramClient } from '../../../../lib/xmpp/sasl/scram.ts';
import { scramServer } from './server.ts';

const plain = { mechanisms: ['SCRAM-SHA-1'], bindings: null };

const client = (more: Partial<ScramOptions> = {}) =>
  scramClient({
    hash: 'SHA-1',
    user: 'user',
    password: 'pencil',
    binding: { kind: 'none' },
    offer: plain,
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    ...more,
  });

/** The code and exit of what a promise or a function throws. */
async function fault(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SaslError) return `${error.code} ${error.exit}`;
    throw error;
  }
  return 'nothing';
}

const firstFault = async (text: string, more: Partial<ScramOptions> = {}) => {
  const scram = await client(more);
  return fault(() => scram.challenge(text));
};

// RFC 5802 section 5; RFC 7677 section 3; SHA-512 with the input of the latter, computed with Python's hashlib.
const vectors: [ScramHash, nonce: string, challenge: string, final: string, success: string][] = [
  [
    'SHA-1',
    'fyko+d2lbbFgONRv9qkxdawL',
    'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  ],
  [
    'SHA-256',
    'rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ],
  [
    'SHA-512',
    'rOprNGfwEbeRWgbNEkqO',
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
      'p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==',
    'v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==',
  ],
];

describe('vectors', () => {
  test.each(vectors)('SCRAM-%s', async (hash, nonce, challenge, final, success) => {
    const scram = await client({ hash, nonce });
    expect(scram.first()).toBe(`n,,n=user,r=${nonce}`);
    expect(await scram.challenge(challenge)).toBe(final);
    scram.success(success);
  });

  test('XEP-0474 example: the hash of what was offered, and a binding', async () => {
    const scram = await client({
      nonce: '12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6',
      binding: { kind: 'used', type: 'tls-exporter', data: Buffer.from('THIS IS FAKE CB DATA') },
      offer: {
        mechanisms: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
        bindings: ['tls-server-end-point', 'tls-exporter'],
      },
    });
    expect(scram.first()).toBe('p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6');
    const final = await scram.challenge(
      'r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=',
    );
    expect(final).toMatch(/^c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=12C4/);
  });
});

describe('against a server that keeps only the keys', () => {
  const hashes: [ScramHash, 'sha1' | 'sha256' | 'sha512'][] = [
    ['SHA-1', 'sha1'],
    ['SHA-256', 'sha256'],
    ['SHA-512', 'sha512'],
  ];

  test.each(hashes)('SCRAM-%s with each GS2 flag', async (hash, digest) => {
    const data = Buffer.from([0, 255, 44, 61]);
    for (const [binding, header] of [
      [{ kind: 'none' }, 'n,,'],
      [{ kind: 'unused' }, 'y,,'],
      [{ kind: 'used', type: 'tls-server-end-point', data }, 'p=tls-server-end-point,,'],
    ] as const) {
      const scram = await client({ hash, binding });
      const server = scramServer(digest, 'pencil');
      const final = await scram.challenge(server.first(scram.first()));
      const bound = Buffer.concat([Buffer.from(header), binding.kind === 'used' ? data : Buffer.alloc(0)]);
      expect(scram.first().startsWith(header)).toBe(true);
      expect(final.startsWith(`c=${bound.toString('base64')},`)).toBe(true);
      const success = server.final(final);
      expect(success).not.toBeNull();
      scram.success(success!);
    }
  });

  test('a wrong password', async () => {
    const scram = await client();
    const server = scramServer('sha1', 'other');
    expect(server.final(await scram.challenge(server.first(scram.first())))).toBeNull();
  });

  test('a server that does not know the password cannot prove itself', async () => {
    const scram = await client();
    const right = scramServer('sha1', 'pencil');
    const wrong = scramServer('sha1', 'pencil', 4097);
    const challenge = right.first(scram.first());
    wrong.first(scram.first());
    const final = await scram.challenge(challenge);
    expect(wrong.final(final)).toBeNull();
    expect(await fault(() => scram.success(`v=${Buffer.alloc(20).toString('base64')}`))).toBe(
      'bad-server-signature 76',
    );
  });

  test('the password is prepared: RFC 4013, emoji', async () => {
    for (const [given, prepared] of [
      ['I\u00adX', 'IX'],
      ['\u2168', 'IX'],
      ['p\u00e4ss\u{1f511}', 'p\u00e4ss\u{1f511}'],
      ['a\u00a0b', 'a b'],
    ] as const) {
      const scram = await client({ password: given });
      const server = scramServer('sha1', prepared);
      expect(server.final(await scram.challenge(server.first(scram.first())))).not.toBeNull();
    }
  });

  test('unknown extensions are signed along and otherwise ignored', async () => {
    const scram = await client();
    const server = scramServer('sha1', 'pencil', 4096, ',x=1,Y=a=b,d=old');
    const success = server.final(await scram.challenge(server.first(scram.first())));
    scram.success(`${success},z=more`);
  });
});

describe('client-first', () => {
  test('the user name is escaped', async () => {
    expect((await client({ user: 'a=b,c', nonce: 'N' })).first()).toBe('n,,n=a=3Db=2Cc,r=N');
  });

  test('the nonce is fresh, long and without a comma', async () => {
    const nonces = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const scram = await scramClient({
        hash: 'SHA-1',
        user: 'u',
        password: 'p',
        binding: { kind: 'none' },
        offer: plain,
      });
      const nonce = /^n,,n=u,r=([A-Za-z0-9+/]{32})$/.exec(scram.first())?.[1];
      expect(nonce).toBeDefined();
      nonces.add(nonce!);
    }
    expect(nonces.size).toBe(50);
  });

  test('what SASLprep forbids is told before anything is sent', async () => {
    expect(await fault(() => client({ user: 'a\u0007' }))).toBe('bad-username 100');
    expect(await fault(() => client({ user: '' }))).toBe('bad-username 100');
    expect(await fault(() => client({ password: 'a\nb' }))).toBe('bad-password 100');
    expect(await fault(() => client({ password: '\u06271' }))).toBe('bad-password 100');
  });

  test('a binding type that would break the header is a mistake of ours', async () => {
    await expect(client({ binding: { kind: 'used', type: 'a,b', data: Buffer.alloc(1) } })).rejects.toThrow(TypeError);
  });
});

describe('a server-first that is refused', () => {
  const N = 'fyko+d2lbbFgONRv9qkxdawL';
  const rest = 's=QSXCR+Q6sek8bf92,i=4096';
  test.each([
    ['our own nonce unchanged', `r=${N},${rest}`, 'nonce-mismatch 76'],
    ['a shorter nonce', `r=${N.slice(0, -1)},${rest}`, 'nonce-mismatch 76'],
    ['another nonce', `r=x${N},${rest}`, 'nonce-mismatch 76'],
    ['an empty nonce', `r=,${rest}`, 'malformed 76'],
    ['a nonce with a space', `r=${N} x,${rest}`, 'nonce-mismatch 76'],
    ['a nonce outside ASCII', `r=${N}\u00e4,${rest}`, 'nonce-mismatch 76'],
    ['a nonce with DEL', `r=${N}\u007f,${rest}`, 'nonce-mismatch 76'],
    ['1 iteration', `r=${N}x,s=QSXCR+Q6sek8bf92,i=1`, 'iteration-count 76'],
    ['4095 iterations', `r=${N}x,s=QSXCR+Q6sek8bf92,i=4095`, 'iteration-count 76'],
    ['10000001 iterations', `r=${N}x,s=QSXCR+Q6sek8bf92,i=10000001`, 'iteration-count 76'],
    ['endless iterations', `r=${N}x,s=QSXCR+Q6sek8bf92,i=1${'0'.repeat(400)}`, 'iteration-count 76'],
    ['a count with a leading zero', `r=${N}x,s=QSXCR+Q6sek8bf92,i=04096`, 'malformed 76'],
    ['a hexadecimal count', `r=${N}x,s=QSXCR+Q6sek8bf92,i=0x2000`, 'malformed 76'],
    ['a count with an exponent', `r=${N}x,s=QSXCR+Q6sek8bf92,i=5e3`, 'malformed 76'],
    ['a negative count', `r=${N}x,s=QSXCR+Q6sek8bf92,i=-4096`, 'malformed 76'],
    ['an empty salt', `r=${N}x,s=,i=4096`, 'malformed 76'],
    ['a salt that is not base64', `r=${N}x,s=!!!!,i=4096`, 'bad-salt 76'],
    ['a salt without its padding', `r=${N}x,s=QSXCR+Q6sek8bf9,i=4096`, 'bad-salt 76'],
    ['a salt that is only padding', `r=${N}x,s====,i=4096`, 'bad-salt 76'],
    ['m= in front', `m=x,r=${N}x,${rest}`, 'mandatory-extension 76'],
    ['m= at the end', `r=${N}x,${rest},m=x`, 'mandatory-extension 76'],
    ['an unknown extension in front', `x=1,r=${N}x,${rest}`, 'malformed 76'],
    ['another order', `s=QSXCR+Q6sek8bf92,r=${N}x,i=4096`, 'malformed 76'],
    ['no salt', `r=${N}x,i=4096`, 'malformed 76'],
    ['no count', `r=${N}x,s=QSXCR+Q6sek8bf92`, 'malformed 76'],
    ['a second nonce', `r=${N}x,${rest},r=${N}y`, 'malformed 76'],
    ['an extension twice', `r=${N}x,${rest},x=1,x=2`, 'malformed 76'],
    ['a proof', `r=${N}x,${rest},p=AAAA`, 'malformed 76'],
    ['garbage behind', `r=${N}x,${rest},garbage`, 'malformed 76'],
    ['a comma behind', `r=${N}x,${rest},`, 'malformed 76'],
    ['NUL in an extension', `r=${N}x,${rest},x=a\0b`, 'malformed 76'],
    ['nothing', '', 'malformed 76'],
    ['a success before its time', 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=', 'malformed 76'],
    ['e=unknown-user', 'e=unknown-user', 'server-error 77'],
    ['e=no-resources', 'e=no-resources', 'server-error 111'],
    ['e=other-error', 'e=other-error', 'server-error 76'],
    ['a wrong hash of the offer', `r=${N}x,${rest},h=G6k/rBLDqgOhRRaCuuatSDFkJ08=`, 'offer-tampered 76'],
  ])('%s', async (_, text, code) => {
    expect(await firstFault(text)).toBe(code);
  });

  test('no hash of the offer where one is demanded', async () => {
    expect(await firstFault(`r=${N}x,${rest}`, { mustVouch: true })).toBe('binding-stripped 76');
  });

  test('every fault of any text is one of ours', async () => {
    const piece = fc.constantFrom(
      'r=',
      's=',
      'i=',
      'm=',
      'e=',
      'v=',
      'h=',
      ',',
      N,
      'x',
      '4096',
      'QUJD',
      '=',
      '\0',
      '\u{1f600}',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 12 }).map((list) => list.join('')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (message) => {
        await firstFault(message);
      }),
    );
  });
});

describe('a server-final that is refused', () => {
  const V = 'rmF9pqV8S7suAoZWja4dJRkFsKQ=';
  const ready = async () => {
    const scram = await client();
    await scram.challenge('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096');
    return scram;
  };

  test.each([
    ['none', '', 'missing-server-signature 76'],
    ['one bit wrong', 'v=rmF9pqV8S7suAoZWja4dJRkFsKU=', 'bad-server-signature 76'],
    ['one byte short', `v=${Buffer.from(V, 'base64').subarray(0, 19).toString('base64')}`, 'bad-server-signature 76'],
    [
      'one byte long',
      `v=${Buffer.concat([Buffer.from(V, 'base64'), Buffer.alloc(1)]).toString('base64')}`,
      'bad-server-signature 76',
    ],
    ['not base64', 'v=!', 'bad-server-signature 76'],
    ['empty', 'v=', 'malformed 76'],
    ['white space behind', `v=${V}\n`, 'bad-server-signature 76'],
    ['an extension in front', `x=1,v=${V}`, 'malformed 76'],
    ['garbage behind', `v=${V},garbage`, 'malformed 76'],
    ['twice', `v=${V},v=${V}`, 'malformed 76'],
    ['m=', `v=${V},m=1`, 'mandatory-extension 76'],
    ['e=invalid-proof', 'e=invalid-proof', 'server-error 77'],
    ['e=channel-bindings-dont-match', 'e=channel-bindings-dont-match', 'server-error 76'],
    ['e= behind', `v=${V},e=other-error`, 'malformed 76'],
    ['the challenge once more', 'r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXC,i=4096', 'malformed 76'],
  ])('%s', async (_, text, code) => {
    const scram = await ready();
    expect(await fault(() => scram.success(text))).toBe(code);
  });

  test('before the challenge, and a second challenge', async () => {
    const early = await client();
    expect(await fault(() => early.success(`v=${V}`))).toBe('missing-server-signature 76');
    const scram = await ready();
    expect(await fault(() => scram.challenge('r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXC,i=4096'))).toBe(
      'unexpected-challenge 76',
    );
  });

  test('while the key is still being derived', async () => {
    const scram = await client();
    const answer = scram.challenge('r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXC,i=4096');
    expect(await fault(() => scram.success('v='))).toBe('missing-server-signature 76');
    await answer;
  });

  test('after a refused challenge nothing can succeed', async () => {
    const scram = await client();
    expect(await fault(() => scram.challenge('m=x'))).toBe('mandatory-extension 76');
    expect(await fault(() => scram.success(`v=${V}`))).toBe('missing-server-signature 76');
  });
});
