/** A place for lines that may be slow, or gone. */

/** Told once what became of a line: null when the system has taken all of it, else why it has not. */
export type OnWritten = (error: Error | null) => void;

export type Outlet = {
  /** Sends a line without its line feed; false: it is kept, but more should wait for `onDrain`. */
  send(line: string, fate?: OnWritten): boolean;
  /** Told when there is room again, also where that is because everything is lost. */
  onDrain(listener: () => void): void;
  /** Told of each failure. */
  onError(listener: (error: Error) => void): void;
  /** Whether nobody takes what is sent. By a path somebody may do so again. */
  readonly broken: boolean;
  /**
   * Resolves when everything has been written, or can't be.
   * @param patience in milliseconds: then what has not been written is given up
   */
  end(patience?: number): Promise<void>;
};
