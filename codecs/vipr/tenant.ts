/** How a company on a shared server is named. DECISIONS.md D-214. */

/** Its own name there: also part of the names of its tables. The server's own company has none. */
export const isTenantName = (name: string): boolean => /^[a-z0-9][a-z0-9-]{0,23}$/.test(name);
