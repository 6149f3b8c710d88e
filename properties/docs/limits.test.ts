/** What docs/protocol/ says of limits and times is what the code does: each sentence here is made from its constants. */
import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { CERTIFICATE_LIFETIME_MS } from "../../actors/enrol/server.ts";
import { NUMBER_LIFETIME_S } from "../../actors/reload/numbers.ts";
import { nodeLimits } from "../../actors/reload/options.ts";
import { PVP_STREAMS_MAX, PVP_STREAMS_OF_ADDRESS_MAX } from "../../actors/validation/terminator.ts";
import { FORM_BYTES_MAX, FORM_PARTS_MAX } from "../../codecs/enrol/mod.ts";
import { certificateByNodeKind, overlayDefaults, viprOverlay, viprRegistrationKind } from "../../codecs/overlay/mod.ts";
import { DOCUMENT_CHARS_MAX } from "../../codecs/overlay/xml.ts";
import { applicationId, hostCandidate, kindId, reloadPort, stretching } from "../../codecs/reload/mod.ts";
import { EXCHANGE_BYTES_MAX, USER_NAME_BYTES_MAX } from "../../codecs/validation/mod.ts";
import { CONTENT_BYTES_MAX } from "../../codecs/vap/mod.ts";
import { addressBrake, BRAKE_NAMES_MAX, userBrake } from "../../machines/enrol/brake.ts";
import { ENROLLED_USERS_MAX, ENROLMENTS_UNDER_WAY_MAX } from "../../machines/enrol/server.ts";
import {
  ABSENT_MS,
  FETCHES_MAX,
  IDENTIFY_MS,
  OF_SIGNER_MAX,
  REPLAY_MS,
  REQUEST_MS,
  SEEN_MAX,
  UNIDENTIFIED_MESSAGES_MAX,
  VALUES_MAX,
} from "../../machines/node/mod.ts";
import { AHEAD_MS_MAX, ENTRIES_OF_SIGNER_MAX, LIFETIME_S_MAX } from "../../machines/reload/admit.ts";
import {
  FRAGMENTS_MS,
  OPEN_MAX,
  OPEN_OF_NEIGHBOUR_MAX,
  SIZES_MAX,
  SIZES_OF_NEIGHBOUR_MAX,
} from "../../machines/reload/fragments.ts";
import { TRIES_MAX } from "../../machines/reload/joining.ts";
import { peerTiming } from "../../machines/reload/peer-types.ts";
import { BURST_S } from "../../machines/reload/quota.ts";
import { REFRESH_AT, REFRESH_JITTER } from "../../machines/reload/refresh.ts";
import { ASKING_MAX } from "../../machines/reload/stabilize.ts";
import { storageTiming } from "../../machines/reload/storage-types.ts";
import { SENDS_MAX } from "../../machines/reload/transaction.ts";
import {
  ATTEMPTS_MAX,
  BITS_CAP,
  CLAIMS_MAX,
  CLAIMS_OF_NODE_MAX,
  CONNECT_TIMEOUT_MS,
  EXCHANGE_TIMEOUT_MS,
  GATE_MS_MAX,
  HANDSHAKE_TIMEOUT_MS,
  RETENTION_MS,
  reputationLimits,
  SAME_KEY_MAX,
  TV_MS_MAX,
  TV_MS_MIN,
} from "../../machines/validation/mod.ts";
import { PROOF_LIFETIME_MS, REQUIRED_BITS, REQUIRED_BITS_MAX, SENT_LIFETIME_MS } from "../../machines/vipr/mod.ts";
import { test } from "../kit/harness.ts";

/** As the pages write a number: a space before each three digits, of those with more than three. */
const said = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, " ");
const seconds = (ms: number): string => said(ms / 1_000);
const minutes = (ms: number): string => said(ms / 60_000);
const words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

const { react, reactLater, updateMin, pause, step, meet, leave, partition, ping } = peerTiming;
const { neighbours, fingers, linksMax, rtoMsMin, holdMs, messagesPerSecond } = nodeLimits;
const ours = viprOverlay({ name: "overlay.example", sequence: 1 });

const sentences: Readonly<Record<string, ReadonlyArray<string>>> = {
  "overlay.md": [
    `port ${reloadPort} unless told otherwise`,
    `${seconds(rtoMsMin)} s at least, 60 s at most`,
    `after ${seconds(holdMs)} s without one it is closed`,
    `| links that others open | ${linksMax} |`,
    `${UNIDENTIFIED_MESSAGES_MAX} messages wait for that, ${seconds(IDENTIFY_MS)} s;`,
    `${messagesPerSecond} messages a second by Node-ID, burst of ${BURST_S} s`,
    `${words[SENDS_MAX]} times in all; after ${seconds(REQUEST_MS)} s it has failed`,
    `until ${words[REPLAY_MS / 60_000]} minutes have passed`,
    `${OF_SIGNER_MAX} a signer, ${said(SEEN_MAX)} in all`,
    `${OPEN_OF_NEIGHBOUR_MAX} messages and ${SIZES_OF_NEIGHBOUR_MAX} of the greatest size a neighbour, ${OPEN_MAX} and ${SIZES_MAX} in all`,
    `1 024 fragments, ${seconds(FRAGMENTS_MS)} s`,
    `${FETCHES_MAX} fetches at once, none again for ${minutes(ABSENT_MS) === "1" ? "a minute" : minutes(ABSENT_MS)}`,
    `priority ${hostCandidate({ host: "127.0.0.1", port: 1 })?.priority}`,
    `Application-ID 0x${applicationId.pvp.toString(16)}`,
    `the nearest ${neighbours} on either side`,
    `of ${fingers} finger entries`,
    `Each step has ${seconds(step)} s; what fails is tried again after ${pause} to ${2 * pause} ms`,
    `or the next one, ${TRIES_MAX} times`,
    `${seconds(meet)} s are given to this`,
    `share data: ${react} ms later. Farther off: ${seconds(reactLater)} to ${seconds(2 * reactLater)} s later`,
    `${react} ms, or ${seconds(reactLater)} to ${seconds(2 * reactLater)} s for the far ones`,
    `Rounds to the neighbours: ${seconds(updateMin)} s after a change nearby, then ${seconds(2 * updateMin)} s, ${seconds(4 * updateMin)} s`,
    `each chord-update-interval (${overlayDefaults.chordUpdateIntervalS} s)`,
    `${ASKING_MAX} Attaches at once`,
    `each chord-ping-interval (${seconds(ping)} s)`,
    `New replicas wait ${seconds(storageTiming.holdDown)} s`,
    `${seconds(leave)} s for all of it`,
    `Every ${seconds(partition)} s, up to a quarter later, a random bootstrap node`,
    `| ${VALUES_MAX} values at most |`,
    `at most ${minutes(AHEAD_MS_MAX)} minutes ahead of our clock`,
    `never more than ${LIFETIME_S_MAX / 86_400} days after its storage time`,
    `${words[ENTRIES_OF_SIGNER_MAX]} entries of one signer under VIPR-MATCH`,
    `N 2^${Math.log2(stretching.N)}, r ${stretching.r}, p ${stretching.p}, ${stretching.size} bytes`,
    `\`VIPR-REGISTRATION\`, 0x${kindId.viprRegistration.toString(16)} (id ${kindId.viprRegistration} in the document)`,
    `${viprRegistrationKind.maxCount} entries a number, ${viprRegistrationKind.maxSize / 1_024} KiB each, ${words[ENTRIES_OF_SIGNER_MAX]} of one signer`,
    `${NUMBER_LIFETIME_S / 86_400} days, stored again after ${REFRESH_AT === 2 / 3 ? "two thirds" : REFRESH_AT} of it, ${100 * REFRESH_JITTER} % sooner to ${100 * REFRESH_JITTER} % later`,
    `max-count ${certificateByNodeKind.maxCount}, max-size ${certificateByNodeKind.maxSize / 1_024} KiB`,
  ],
  "enrolment.md": [
    `${FORM_BYTES_MAX / 1_024} KiB, ${FORM_PARTS_MAX} parts`,
    `fewer than ${ENROLMENTS_UNDER_WAY_MAX} under way, fewer than ${said(ENROLLED_USERS_MAX)} users`,
    `to ${CERTIFICATE_LIFETIME_MS / 86_400_000} days after`,
    `After ${userBrake.free} of a name, or ${addressBrake.free} of an address, comes a wait: ${seconds(userBrake.firstMs)} s`,
    `up to ${seconds(userBrake.mostMs)} s for a name and ${minutes(addressBrake.mostMs)} minutes for an address`,
    `${said(BRAKE_NAMES_MAX)} names and addresses are remembered`,
    `<max-message-size>${ours.maxMessageSize}</max-message-size>`,
    `| max-message-size | ${said(ours.maxMessageSize)} in our documents`,
    `max-message-size ${said(overlayDefaults.maxMessageSize)}, TTL ${overlayDefaults.initialTtl}, ${said(overlayDefaults.reliabilityTimerMs)} ms`,
    `<vipr:quota>${ours.quota}</vipr:quota>`,
    `| \`max-validation-delay\` | the latest that a call is validated after its end, seconds | 0, 604 800, ${said(ours.maxValidationDelayS)} |`,
    `| 1, 3 600, ${ours.roundIntervalS} |`,
    `${DOCUMENT_CHARS_MAX / 1_048_576} MiB of characters`,
  ],
  "pvp.md": [
    `from ${seconds(TV_MS_MIN)} s to the overlay's maximal validation delay (${TV_MS_MAX / 3_600_000} h)`,
    `no more than ${words[CLAIMS_OF_NODE_MAX]} of one Node-ID`,
    `in the last ${SENT_LIFETIME_MS / 3_600_000} h`,
    `after ${seconds(GATE_MS_MAX)} s at the latest`,
    `| those uploaded as received; kept ${RETENTION_MS / 3_600_000} h |`,
    `more than ${SAME_KEY_MAX} that share what a look-up goes by`,
    `from ${reputationLimits.slowFrom} failures in ${minutes(reputationLimits.windowMs)} minutes on`,
    `from ${reputationLimits.refuseFrom} on each try is simulated`,
    `A frame of 0 or over ${said(EXCHANGE_BYTES_MAX)} bytes`,
    `bits = min(${BITS_CAP}, `,
    `none older than ${PROOF_LIFETIME_MS / 86_400_000} days`,
    `\`requiredBits\`, ${REQUIRED_BITS} by default, 1 to ${REQUIRED_BITS_MAX}`,
    `| ${seconds(CONNECT_TIMEOUT_MS)} s each |`,
    `| ${seconds(GATE_MS_MAX)} s, from the first AppAttach`,
    `| handshake | ${seconds(HANDSHAKE_TIMEOUT_MS)} s |`,
    `| request and answer together | ${seconds(EXCHANGE_TIMEOUT_MS)} s |`,
    `| claims of one call | ${CLAIMS_MAX}, ${words[CLAIMS_OF_NODE_MAX]} of one Node-ID |`,
    `| ${PVP_STREAMS_MAX} at once, ${PVP_STREAMS_OF_ADDRESS_MAX} of one address;`,
    `| user name | ${USER_NAME_BYTES_MAX} bytes |`,
    `| document | ${said(CONTENT_BYTES_MAX)} bytes,`,
    `| tries at a record | ${words[ATTEMPTS_MAX]} by A, ${words[ATTEMPTS_MAX]} by B and C |`,
    `| records under one key | ${SAME_KEY_MAX} |`,
  ],
};

test("docs/protocol: limits and times are the code's", () => {
  for (const [page, expected] of Object.entries(sentences)) {
    const text = readFileSync(new URL(`../../docs/protocol/${page}`, import.meta.url), "utf8");
    assert.deepEqual(
      expected.filter((sentence) => !text.includes(sentence)),
      [],
      page,
    );
  }
});
