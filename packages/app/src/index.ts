/**
 * `adieu`: configuration, wiring, shutdown, command line. The only reader of the environment.
 *
 * @module
 */
export { run } from './command-line.ts';
export type { Config, ConfigOutcome, ConfigProblem, Variable, Variables } from './config.ts';
export { Environment, readConfig } from './config.ts';
export { problemsPage, settingsPage, showSettings } from './config-page.ts';
export { readPeople } from './people.ts';
export { ROLES, type Role, readRoles } from './role.ts';
export type { Doors, RoleOptions, RunningRoles } from './roles.ts';
export { startRoles } from './roles.ts';
export { closeStages, type Stage } from './shutdown.ts';
export { type Foundation, openFoundation } from './wiring.ts';
