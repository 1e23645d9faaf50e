/**
 * Where a template reaches for the profile.
 *
 * By what is written, not by what is found when it is rendered: `profile`, also behind `../` and `@root`, whatever the
 * block around it made of the name.
 *
 * @module
 */

/** The first path of a program, or of a part of one, that reaches for the profile; null when none does. */
export function findProfilePath(node: hbs.AST.Node): hbs.AST.PathExpression | null {
  const pending: unknown[] = [node];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    if (isPath(next) && reachesProfile(next)) return next;
    // In order: an author mends the first one first.
    pending.push(...Object.values(next).filter(isNode).reverse());
  }
  return null;
}

function reachesProfile({ data, parts }: hbs.AST.PathExpression): boolean {
  if (!data) return parts[0] === 'profile';
  return parts[0] === 'root' && (parts[1] === undefined || parts[1] === 'profile');
}

function isPath(node: object): node is hbs.AST.PathExpression {
  return 'type' in node && node.type === 'PathExpression';
}

function isNode(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
