/**
 * The audit logs of the companies on one server: each has tables of its own, and none has a line of another's. The server's own
 * is that of a server without tenants, under the names of before. DECISIONS.md D-214.
 */
import { Effect, Scope } from "effect";
import { type AuditLog, type AuditLogOptions, openAuditLog } from "./audit-log.ts";
import type { ViprEvent } from "./events.ts";

export interface AuditLogs {
  readonly record: (tenant: string, event: ViprEvent, atMs: number) => Effect.Effect<void>;
  readonly of: (tenant: string) => Effect.Effect<AuditLog>;
}

export const openAuditLogs = Effect.fnUntraced(function* (
  options: AuditLogOptions,
): Effect.fn.Return<AuditLogs, never, Scope.Scope> {
  const scope = yield* Effect.scope;
  const open = new Map<string, AuditLog>();
  const of = (tenant: string): Effect.Effect<AuditLog> =>
    Effect.suspend(() => {
      const known = open.get(tenant);
      if (known !== undefined) return Effect.succeed(known);
      const opened = openAuditLog({ ...options, ...(tenant === "" ? {} : { tenant }) });
      return Effect.map(Effect.provideService(opened, Scope.Scope, scope), (log) => {
        const first = open.get(tenant) ?? log;
        open.set(tenant, first);
        return first;
      });
    });
  return {
    of,
    record: (tenant, event, atMs) => Effect.map(of(tenant), (log) => log.record(event, atMs)),
  };
});
