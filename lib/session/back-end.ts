/** What a protocol has to bring to serve an account directory: its back end. */
import type { MessageCodec } from '../chat/model.ts';
import type { PresenceCodec } from '../presence/model.ts';
import type { ControlCodec } from './control.ts';

export type FrameEvents<Frame> = {
  /** A whole frame, and how many bytes it took. */
  frame(frame: Frame, length: number): void;
  /** Everything that had arrived has been handed over: the time to write it down. */
  batchEnd(): void;
  /** Why something was skipped; `counts`: it was not just cut off at the end, so it may be somebody's frame. */
  skipped(why: string, counts: boolean): void;
  end(): void;
};

/** A descriptor that is being read. */
export type Feed = { pause(): void; resume(): void };

/** @template Frame what the protocol sends as one: a stanza, a document, a line */
export type BackEnd<Frame> = MessageCodec<Frame> & {
  /** Reads frames from a descriptor until its end; a read error is an end, too. @param for what is going to be used */
  read(fd: number, on: FrameEvents<Frame>, use: 'messages' | 'all'): Feed;
  readonly control: ControlCodec<Frame>;
} & Partial<Omit<PresenceCodec<Frame>, 'normalizeId'>>;
