import { errno } from './errno.ts';

const TRANSIENT = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Whether a failed call is a matter of the system's state, which passes, and not of the file that it was about. */
export const isTransient = (error: unknown): boolean => TRANSIENT.has(errno(error));
