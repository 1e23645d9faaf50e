/**
 * The configuration as a person reads it: what is in force, where it comes from, what is broken.
 *
 * The rule: a secret is never shown, not even in part. Of a URL with a password, everything else is.
 *
 * @module
 */
import { type ConfigProblem, Environment, type Variable, type Variables } from './config.ts';
import type { About } from './setting.ts';

/** One variable as it stands. */
export interface ShownSetting {
  readonly variable: Variable;
  /** Secrets hidden; null where nothing is set and there is no default. */
  readonly value: string | null;
  readonly source: 'environment' | 'default';
  /** As the documentation has it. */
  readonly fallback: string;
  readonly meaning: string;
}

const HIDDEN = '(hidden)';

/** Every variable, in the order of the documentation. */
export function showSettings(variables: Variables): readonly ShownSetting[] {
  return Object.entries(Environment.shape).map(([name, schema]) => {
    const about = schema.meta() as unknown as About & { readonly fallback?: string };
    const given = variables[name]?.trim() ?? '';
    const set = given !== '';
    return {
      variable: name as Variable,
      value: set ? shown(given, about) : (about.fallback ?? null),
      source: set ? 'environment' : 'default',
      fallback: about.fallback ?? about.unset ?? '',
      meaning: about.meaning,
    };
  });
}

/** The settings as a page of text. */
export function settingsPage(settings: readonly ShownSetting[]): string {
  return settings
    .map(({ variable, value, source, fallback, meaning }) => {
      const shownValue = value ?? `(${fallback})`;
      const origin = source === 'environment' ? '' : '  default';
      return `${variable.padEnd(22)} ${shownValue}${origin}\n${' '.repeat(23)}${meaning}`;
    })
    .join('\n');
}

/** The problems, one a line, in the words of the variable's name. */
export function problemsPage(problems: readonly ConfigProblem[]): string {
  const lines = problems.map(({ variable, code, says }) => `  ${variable}: ${says} [${code}]`);
  return ['The configuration is broken; nothing was started.', ...lines].join('\n');
}

function shown(value: string, about: About): string {
  if (about.secret === 'all' || (about.secret === 'inline' && value.startsWith('{'))) return HIDDEN;
  return about.secret === 'url' ? withoutPassword(value) : value;
}

/** Passwords may also stand in the query, so that is hidden as a whole. */
function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return HIDDEN;
  const url = new URL(text);
  const user = url.username === '' && url.password === '' ? '' : `${HIDDEN}@`;
  return `${url.protocol}//${user}${url.host}${url.pathname}${url.search === '' ? '' : `?${HIDDEN}`}`;
}
