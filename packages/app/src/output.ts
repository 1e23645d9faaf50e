/**
 * What a command answers: a page for a person or one JSON document for a program, on standard output.
 *
 * @module
 */

/** Which of the two is wanted. */
export interface Output {
  readonly json: boolean;
}

/** Answers once. */
export function answer(
  output: Output,
  { json, page }: { readonly json: unknown; readonly page: string },
): void {
  process.stdout.write(output.json ? `${JSON.stringify(json)}\n` : `${page}\n`);
}
