/** An option asked for a text, and nothing else: the program prints it on stdout and ends with 0. */
export class Printed extends Error {
  readonly text: string;

  constructor(text: string) {
    super('printed');
    this.text = text;
  }
}
