/** A bench whose figures are known, for the test of the runner: no clock is read. */
import { type Contest, PeerMissing } from "../kit.ts";

const round = () => 1;
const later = async () => 4;

export const contests: ReadonlyArray<Contest> = [
  { name: "tiny: twice as fast", unit: "1/s", peerName: "one", ours: () => 2, peer: round },
  {
    name: "tiny: four times the bytes",
    unit: "B",
    peerName: "one",
    ours: later,
    peer: round,
    lowerIsBetter: true,
    aim: 1,
  },
  {
    name: "tiny: nobody to race",
    unit: "1/s",
    peerName: "nobody",
    ours: () => 3,
    peer: () => {
      throw new PeerMissing("it is not installed");
    },
  },
  {
    name: "tiny: a package that is not there",
    unit: "1/s",
    peerName: "nothing",
    ours: () => 3,
    peer: () => import(`no-such-${"package"}`),
  },
];
