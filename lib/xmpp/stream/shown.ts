/** To whom local programs have shown own presence: iqd is told, because it answers only those who may see it. */

import type { Control } from '../../session/control.ts';
import type { Piece } from '../../xml/split.ts';
import { rootOf } from './route.ts';

export type Shown = {
  /** A stanza goes out. */
  sent(stanza: Piece): void;
  /** iqd is there: it is told what it has missed, and everything from now on. */
  begin(tell: (control: Control) => void): void;
};

/** So much is remembered for an iqd that may yet come. */
const MOST = 10_000;

export function createShown(): Shown {
  let missed: Control[] = [];
  let tell = (control: Control): void => {
    if (missed.length < MOST) missed.push(control);
  };
  return {
    sent(stanza) {
      if (stanza.name !== 'presence') return;
      const { to = '', type } = rootOf(stanza).attrs;
      if (type === undefined || type === 'unavailable') tell({ what: 'shown', to, on: type === undefined });
    },
    begin(given) {
      tell = given;
      for (const control of missed) tell(control);
      missed = [];
    },
  };
}
