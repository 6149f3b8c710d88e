/** A service manager's end of sd_notify: a datagram socket of Python's, since none of the three runtimes has one. */
import { spawn } from "node:child_process";

const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    # Descriptors that come along are closed here: systemd-notify waits for that as its barrier.
    data, fds, flags, _ = socket.recv_fds(s, 4096, 4)
    import os
    for fd in fds: os.close(fd)
    for line in data.decode().splitlines(): print(line, flush=True)
`;

export interface Receiver {
  readonly lines: () => ReadonlyArray<string>;
  readonly close: () => void;
}

export const openReceiver = async (path: string): Promise<Receiver> => {
  const child = spawn("python3", ["-c", RECEIVER, path], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.on("data", (part) => {
      text += part;
      if (text.includes("bound")) resolve();
    });
  });
  return { lines: () => text.trim().split("\n").slice(1), close: () => void child.kill("SIGKILL") };
};
