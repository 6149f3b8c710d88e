/** `vipr authority add-user`, `remove-user`, `users`. */
import { Effect } from "effect";
import { addAccount, isAccountName, readAccounts, removeAccount } from "./accounts.ts";
import { type Stopped, stopped } from "./exit.ts";
import type { Folder } from "./folder.ts";
import { Wrong } from "./options.ts";
import { tell } from "./output.ts";
import { newPassword } from "./password.ts";

export const accountOrder = (
  order: string,
  name: string | undefined,
  passwordFile: string | undefined,
  json = false,
): ((folder: Folder) => Effect.Effect<void, Stopped>) => {
  if (order === "users" && name === undefined && passwordFile === undefined) return listed(json);
  if (order !== "add-user" && order !== "remove-user")
    throw new Wrong(`there is no order "${order}", but add-user, remove-user and users`);
  if (name === undefined) throw new Wrong(`${order} wants a name`);
  if (!isAccountName(name)) throw new Wrong(`"${name}" is no name that a certificate can show`);
  if (passwordFile !== undefined && order !== "add-user") throw new Wrong("--password-file is for add-user");
  return order === "add-user"
    ? (folder) => added(folder, name, passwordFile, json)
    : (folder) => removed(folder, name, json);
};

const listed = (json: boolean) => (folder: Folder) =>
  Effect.map(readAccounts(folder), (accounts) => {
    const users = [...accounts.keys()].sort();
    if (json || users.length > 0) tell(json, users.join("\n"), { users });
  });

const added = Effect.fnUntraced(function* (
  folder: Folder,
  name: string,
  passwordFile: string | undefined,
  json: boolean,
) {
  const isKnown = (yield* readAccounts(folder)).has(name);
  yield* addAccount(folder, name, yield* newPassword(passwordFile, `password for ${name}`));
  tell(json, isKnown ? `${name} has a new password` : `${name} may enrol`, { user: name, isNew: !isKnown });
});

const removed = Effect.fnUntraced(function* (folder: Folder, name: string, json: boolean) {
  if (!(yield* readAccounts(folder)).has(name)) return yield* stopped("refused", `there is no account ${name}`);
  yield* removeAccount(folder, name);
  tell(json, `${name} may enrol no more`, { user: name });
});
