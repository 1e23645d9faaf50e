/**
 * `@adieu/api`: HTTP, for those who send and for those who want to leave.
 *
 * @module
 */
export type { Exposition, Readiness } from './health-routes.ts';
export { type HealthOptions, startHealth } from './health-server.ts';
export { API_SCOPES, type ApiScope } from './management/access.ts';
export { type Api, type ApiOptions, startApi } from './server.ts';
