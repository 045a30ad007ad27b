import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Kind, makeBed, type Server } from './server.ts';

/**
 * A server for the tests of a file: it runs before the first of them and is gone after the last. Its directory stays
 * if one of them failed, or if SJ_KEEP is set.
 */
export function useServer(kind: Kind): Server {
  const { server, open, close } = makeBed(kind);
  let keep = true;
  beforeAll(async () => {
    await open();
    keep = Boolean(process.env.SJ_KEEP);
  });
  afterEach(({ task }) => {
    keep ||= task.result?.state === 'fail';
  });
  afterAll(async () => {
    await close(keep);
    if (keep) console.error(`logs are in ${server.dir}`);
  });
  return server;
}
