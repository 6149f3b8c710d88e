/** What `vipr authority ORDER --help` says. */

const WHERE = `  --data DIR            the authority's directory
  --help                this text
`;

export const AUTHORITY_ORDERS: Readonly<Record<string, string>> = {
  "add-user": `usage: vipr authority add-user NAME [--password-file FILE] --data DIR

Lets that account enrol, or gives it another password; at once, also while the authority runs. The password
is asked for, or the first line of standard input: 8 to 512 characters, stored as a salted scrypt hash.

  --password-file FILE  the password, the first line; - is standard input
${WHERE}`,
  "remove-user": `usage: vipr authority remove-user NAME --data DIR

The account may enrol no more. A node that has enrolled stays until its certificate ends, or until
vipr authority --bad-node names it. Exit code 4: there is no such account.

${WHERE}`,
  users: `usage: vipr authority users --data DIR

The accounts that may enrol, a line each.

${WHERE}`,
  "new-root": `usage: vipr authority new-root --data DIR

Makes the overlay's next root. From the authority's next start it is in the document beside the present one.

${WHERE}`,
  "use-new-root": `usage: vipr authority use-new-root --data DIR

From the authority's next start the new root signs; the old one stays in the document. At the earliest an
hour after the start that followed new-root: a node without that document refuses what the new root signs.

${WHERE}`,
  "drop-old-root": `usage: vipr authority drop-old-root --data DIR

From the authority's next start the old root is out of the document: nodes with a certificate of it are out.

${WHERE}`,
};
