/**
 * `adieu config`: every setting with its value, where it comes from and what it means; secrets hidden.
 *
 * @module
 */
import type { Variables } from '../config.ts';
import { settingsPage, showSettings } from '../config-page.ts';
import { answer, type Output } from '../output.ts';

export function showConfig(variables: Variables, output: Output): void {
  const settings = showSettings(variables);
  answer(output, { json: settings, page: settingsPage(settings) });
}
