import { errno } from './errno.ts';

const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Whether a failed call is a matter of the system's state, which passes, and not of the file that it was about. */
export const isPassing = (error: unknown): boolean => PASSING.has(errno(error));
