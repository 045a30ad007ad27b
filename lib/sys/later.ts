/**
 * A test for a pattern that is made only when it is needed: on those that name properties of Unicode the engine spends
 * a millisecond or more, for literals already when the program is loaded, and hardly anybody's address needs them.
 * @param source as in a literal with the flag `u`
 */
export function later(source: string): (text: string) => boolean {
  let made: RegExp | undefined;
  return (text) => (made ??= new RegExp(source, 'u')).test(text);
}
