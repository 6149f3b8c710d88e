/** File systems of a test's own, small or read-only: in a mount namespace, which goes with the process. */
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import process from "node:process";

const isRoot = process.getuid?.() === 0;

/** Words before a program that may mount what nobody else sees: as root, else in a user namespace. */
export const ownMounts: ReadonlyArray<string> = [
  "unshare",
  ...(isRoot ? ["-m"] : ["-Um", "--keep-caps", `--map-user=${process.getuid?.()}`]),
];

/** False in a container that forbids it, where such a disk cannot be had at all. */
export const canMount = ((): boolean => {
  try {
    const [program, ...words] = [...ownMounts, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmpdir()];
    execFileSync(program!, words, { stdio: "ignore" });
    return true;
  } catch {
    console.warn("this machine lets nobody mount: the tests of full and of read-only disks that need it are left out");
    return false;
  }
})();
