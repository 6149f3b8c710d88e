"""TLS 1.2 with SRP, client and server, as docs/protocol/pvp.md ("The channel") narrows it.

From RFC 5246 (§5 PRF, §6.3 keys, §7.4 handshake), RFC 5054 (SRP in TLS), RFC 7627 (extended master secret), RFC 7366 §2
(that encrypt-then-MAC is agreed) and RFC 5746 (renegotiation indication). Records and alerts are in `tls_records.py`.

    client                                 server
    ClientHello (srp: user name) ------->
                                 <-------  ServerHello
                                 <-------  ServerKeyExchange (N, g, salt, B)
                                 <-------  ServerHelloDone
    ClientKeyExchange (A)        ------->
    ChangeCipherSpec, Finished   ------->  a wrong password shows here: bad_record_mac
                                 <-------  ChangeCipherSpec, Finished
    application data             <------>  application data
"""

import hashlib
import hmac
import secrets

from srp_groups import GROUPS
from tls_records import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CLOSE_NOTIFY,
    DECODE_ERROR,
    DECRYPT_ERROR,
    HANDSHAKE,
    HANDSHAKE_FAILURE,
    ILLEGAL_PARAMETER,
    INSUFFICIENT_SECURITY,
    MAC_BYTES,
    PROTOCOL_VERSION,
    UNEXPECTED_MESSAGE,
    UNKNOWN_PSK_IDENTITY,
    UNSUPPORTED_EXTENSION,
    VERSION,
    WARNING,
    Protection,
    Reader,
    Records,
    Refused,
    bytes_of,
    number_of,
    refusing_by_alert,
    vector,
)

HANDSHAKE_BYTES_MAX = 1 << 16
RANDOM_BYTES = 32
VERIFY_BYTES = 12

# HandshakeType, RFC 5246 §7.4
CLIENT_HELLO, SERVER_HELLO, SERVER_KEY_EXCHANGE = 1, 2, 12
SERVER_HELLO_DONE, CLIENT_KEY_EXCHANGE, FINISHED = 14, 16, 20

# ExtensionType: RFC 5054 §2.8.1, RFC 7366 §2, RFC 7627 §5.1, RFC 5746 §3.2
SRP, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO = 12, 22, 23, 0xFF01
EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF

# Suites, RFC 5054 §2.7, and the length of their AES key. The page's order of preference.
AES_128_SUITE, AES_256_SUITE = 0xC01D, 0xC020
KEY_BYTES = {AES_128_SUITE: 16, AES_256_SUITE: 32}
SUITES = (AES_128_SUITE, AES_256_SUITE)


# The handshake's messages, RFC 5246 §7.4


class _Messages:
    """Handshake messages in records, and the transcript of both sides'."""

    def __init__(self, records):
        self._records, self._held, self._transcript = records, b"", b""

    def send(self, kind, body):
        message = bytes([kind]) + vector(3, body)
        self._transcript += message
        self._records.send(HANDSHAKE, message)

    def receive(self, expected):
        """The body of the next message, as a reader."""
        while len(self._held) < 4 or len(self._held) < 4 + number_of(self._held[1:4]):
            if len(self._held) > HANDSHAKE_BYTES_MAX:
                raise Refused(DECODE_ERROR, "a handshake message that is too long")
            self._held += self._receive_record(HANDSHAKE)
        end = 4 + number_of(self._held[1:4])
        message, self._held = self._held[:end], self._held[end:]
        if message[0] != expected:
            raise Refused(UNEXPECTED_MESSAGE, f"handshake message {message[0]} in place of {expected}")
        self._transcript += message
        return Reader(message[4:])

    def receive_change_cipher_spec(self):
        if self._held != b"" or self._receive_record(CHANGE_CIPHER_SPEC) != b"\x01":
            raise Refused(UNEXPECTED_MESSAGE, "no ChangeCipherSpec where one belongs")

    def hash(self):
        """Of all messages so far: RFC 7627's session_hash, and what Finished is made of."""
        return hashlib.sha256(self._transcript).digest()

    def _receive_record(self, expected):
        kind, body = self._records.receive()
        if kind != expected:
            raise Refused(UNEXPECTED_MESSAGE, f"a record of type {kind} in place of {expected}")
        return body


def _write_extensions(extensions):
    return vector(2, b"".join(kind.to_bytes(2, "big") + vector(2, data) for kind, data in extensions))


def _read_extensions(message):
    """Type -> data. There may be none at all, §7.4.1.2."""
    found = {}
    if message.is_at_end:
        return found
    extensions = Reader(message.vector(2))
    message.end()
    while not extensions.is_at_end:
        kind, data = extensions.number(2), extensions.vector(2)
        if kind in found:
            raise Refused(DECODE_ERROR, f"extension {kind} twice")
        found[kind] = data
    return found


# What both sides answer with, and both require of the other.
_COMMON_EXTENSIONS = ((RENEGOTIATION_INFO, b"\x00"), (EXTENDED_MASTER_SECRET, b""), (ENCRYPT_THEN_MAC, b""))


def _require_common_extensions(extensions):
    for kind, data in _COMMON_EXTENSIONS:
        if extensions.get(kind) != data:
            raise Refused(HANDSHAKE_FAILURE, f"extension {kind} is missing, or not as it must be")


# Secrets, RFC 5246 §5, §6.3, §7.4.9 and RFC 7627 §4


def pseudorandom(secret, label, seed, size):
    """PRF with P_SHA256, RFC 5246 §5."""
    seed = label + seed
    output, chained = b"", seed
    while len(output) < size:
        chained = hmac.digest(secret, chained, "sha256")
        output += hmac.digest(secret, chained + seed, "sha256")
    return output[:size]


class _Secrets:
    """What the premaster secret becomes, once the transcript reaches to ClientKeyExchange."""

    def __init__(self, premaster, session_hash, suite, client_random, server_random):
        self._master = pseudorandom(premaster, b"extended master secret", session_hash, 48)
        key_bytes = KEY_BYTES[suite]
        # "key expansion" has the server's random first, unlike everything else, §6.3.
        block = Reader(
            pseudorandom(
                self._master, b"key expansion", server_random + client_random, 2 * MAC_BYTES + 2 * key_bytes
            )
        )
        client_mac, server_mac = block.take(MAC_BYTES), block.take(MAC_BYTES)
        client_key, server_key = block.take(key_bytes), block.take(key_bytes)
        self.client = Protection(client_mac, client_key)
        self.server = Protection(server_mac, server_key)

    def verify_data(self, label, transcript_hash):
        return pseudorandom(self._master, label, transcript_hash, VERIFY_BYTES)


# SRP-6a, RFC 5054 §2.5 and §2.6


def _sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def _padded(number, prime):
    """PAD(): to the length of N, RFC 5054 §2.1."""
    return number.to_bytes((prime.bit_length() + 7) // 8, "big")


def _multiplier(prime, generator):
    """k = SHA1(N | PAD(g))"""
    return number_of(_sha1(bytes_of(prime), _padded(generator, prime)))


def _scrambler(prime, client_public, server_public):
    """u = SHA1(PAD(A) | PAD(B))"""
    return number_of(_sha1(_padded(client_public, prime), _padded(server_public, prime)))


def _password_number(salt, user_name, password):
    """x = SHA1(s | SHA1(I | ":" | P))"""
    return number_of(_sha1(salt, _sha1(user_name, b":", password)))


def _draw_secret():
    """At least 256 bits, RFC 5054 §3.1."""
    return number_of(secrets.token_bytes(32))


# The client


def connect(socket, user_name, password, suites=SUITES):
    """Makes a handshake as client; user name and password are bytes. A SecureStream, or Alerted, or StreamEnded."""
    records = Records(socket)
    with refusing_by_alert(records):
        return _connect(records, user_name, password, suites)


def _connect(records, user_name, password, suites):
    messages = _Messages(records)
    client_random = secrets.token_bytes(RANDOM_BYTES)
    messages.send(CLIENT_HELLO, _client_hello(client_random, suites, user_name))
    server_random, suite = _read_server_hello(messages.receive(SERVER_HELLO), suites)
    group_bits, salt, server_public = _read_server_parameters(messages.receive(SERVER_KEY_EXCHANGE))
    messages.receive(SERVER_HELLO_DONE).end()

    x = _password_number(salt, user_name, password)
    client_public, premaster = _client_agreement(group_bits, server_public, x)
    messages.send(CLIENT_KEY_EXCHANGE, vector(2, bytes_of(client_public)))
    keys = _Secrets(premaster, messages.hash(), suite, client_random, server_random)

    records.send(CHANGE_CIPHER_SPEC, b"\x01")
    records.protect_writing = keys.client
    messages.send(FINISHED, keys.verify_data(b"client finished", messages.hash()))
    messages.receive_change_cipher_spec()
    records.protect_reading = keys.server
    _check_finished(messages, keys, b"server finished")
    return SecureStream(records, suite, group_bits)


def _client_hello(client_random, suites, user_name):
    suite_list = b"".join(suite.to_bytes(2, "big") for suite in suites)
    extensions = ((SRP, vector(1, user_name)),) + _COMMON_EXTENSIONS
    no_session, null_compression = vector(1, b""), vector(1, b"\x00")
    choices = no_session + vector(2, suite_list) + null_compression
    return VERSION + client_random + choices + _write_extensions(extensions)


def _read_server_hello(hello, offered):
    if hello.take(2) != VERSION:
        raise Refused(PROTOCOL_VERSION, "not TLS 1.2")
    server_random, _session = hello.take(RANDOM_BYTES), hello.vector(1)
    suite, compression = hello.number(2), hello.number(1)
    if suite not in offered or compression != 0:
        raise Refused(ILLEGAL_PARAMETER, "a suite or a compression that was not offered")
    extensions = _read_extensions(hello)
    for kind in extensions:
        if kind not in dict(_COMMON_EXTENSIONS):
            raise Refused(UNSUPPORTED_EXTENSION, f"extension {kind} was not asked for")
    _require_common_extensions(extensions)
    return server_random, suite


def _read_server_parameters(message):
    """ServerSRPParams, RFC 5054 §2.8.2: size of the group, salt, B."""
    prime, generator = number_of(message.vector(2)), number_of(message.vector(2))
    salt, server_public = message.vector(1), number_of(message.vector(2))
    message.end()
    group_bits = next((bits for bits, group in GROUPS.items() if group == (prime, generator)), None)
    if group_bits is None:
        raise Refused(INSUFFICIENT_SECURITY, f"a group of {prime.bit_length()} bits that we do not take")
    # "The client MUST abort the handshake with an "illegal_parameter" alert if B % N = 0." RFC 5054 §2.5.3
    if server_public % prime == 0:
        raise Refused(ILLEGAL_PARAMETER, "B is a multiple of N")
    return group_bits, salt, server_public


def _client_agreement(group_bits, server_public, x):
    """A, and the premaster secret (B - k * g^x) ^ (a + u * x), RFC 5054 §2.6."""
    prime, generator = GROUPS[group_bits]
    a = _draw_secret()
    client_public = pow(generator, a, prime)
    u = _scrambler(prime, client_public, server_public)
    base = (server_public - _multiplier(prime, generator) * pow(generator, x, prime)) % prime
    return client_public, bytes_of(pow(base, a + u * x, prime))


# The server


def accept(socket, look_up, salt_of, group_bits=2048, suites=SUITES):
    """Makes a handshake as server, and ends as `connect` does.

    `look_up` gives the password of a user name, both bytes, and one made up for a name that is not known; `salt_of`
    gives its salt. `suites` stand in the order in which they are preferred.
    """
    records = Records(socket)
    with refusing_by_alert(records):
        return _accept(records, look_up, salt_of, group_bits, suites)


def _accept(records, look_up, salt_of, group_bits, suites):
    messages = _Messages(records)
    client_random, user_name, suite = _read_client_hello(messages.receive(CLIENT_HELLO), suites)
    salt, password = salt_of(user_name), look_up(user_name)
    server_random = secrets.token_bytes(RANDOM_BYTES)
    messages.send(SERVER_HELLO, _server_hello(server_random, suite))

    prime, generator = GROUPS[group_bits]
    verifier = pow(generator, _password_number(salt, user_name, password), prime)
    b = _draw_secret()
    server_public = (_multiplier(prime, generator) * verifier + pow(generator, b, prime)) % prime
    messages.send(SERVER_KEY_EXCHANGE, _server_parameters(prime, generator, salt, server_public))
    messages.send(SERVER_HELLO_DONE, b"")

    client_public = _read_client_public(messages.receive(CLIENT_KEY_EXCHANGE), prime)
    u = _scrambler(prime, client_public, server_public)
    premaster = bytes_of(pow(client_public * pow(verifier, u, prime), b, prime))
    keys = _Secrets(premaster, messages.hash(), suite, client_random, server_random)

    messages.receive_change_cipher_spec()
    records.protect_reading = keys.client
    _check_finished(messages, keys, b"client finished")
    records.send(CHANGE_CIPHER_SPEC, b"\x01")
    records.protect_writing = keys.server
    messages.send(FINISHED, keys.verify_data(b"server finished", messages.hash()))
    return SecureStream(records, suite, group_bits)


def _read_client_hello(hello, known_suites):
    if hello.take(2) < VERSION:
        raise Refused(PROTOCOL_VERSION, "older than TLS 1.2")
    client_random, _session = hello.take(RANDOM_BYTES), hello.vector(1)
    suite_list, compressions = Reader(hello.vector(2)), hello.vector(1)
    offered = []
    while not suite_list.is_at_end:
        offered.append(suite_list.number(2))
    extensions = _read_extensions(hello)
    # The signalling value says what an empty extension says, RFC 5746 §3.3.
    if EMPTY_RENEGOTIATION_INFO_SCSV in offered:
        extensions.setdefault(RENEGOTIATION_INFO, b"\x00")
    if SRP not in extensions:
        raise Refused(UNKNOWN_PSK_IDENTITY, "no user name")
    user_name = Reader(extensions[SRP]).vector(1)
    _require_common_extensions(extensions)
    suite = next((suite for suite in known_suites if suite in offered), None)
    if suite is None or 0 not in compressions:
        raise Refused(HANDSHAKE_FAILURE, "no suite, or no compression, in common")
    return client_random, user_name, suite


def _server_hello(server_random, suite):
    no_session, null_compression = vector(1, b""), b"\x00"
    extensions = _write_extensions(_COMMON_EXTENSIONS)
    return VERSION + server_random + no_session + suite.to_bytes(2, "big") + null_compression + extensions


def _server_parameters(prime, generator, salt, server_public):
    group = vector(2, bytes_of(prime)) + vector(2, bytes_of(generator))
    return group + vector(1, salt) + vector(2, bytes_of(server_public))


def _read_client_public(message, prime):
    client_public = number_of(message.vector(2))
    message.end()
    # "The server MUST abort the handshake with an "illegal_parameter" alert if A % N = 0." RFC 5054 §2.5.4
    if client_public % prime == 0:
        raise Refused(ILLEGAL_PARAMETER, "A is a multiple of N")
    return client_public


# Both


def _check_finished(messages, keys, label):
    expected = keys.verify_data(label, messages.hash())
    finished = messages.receive(FINISHED)
    said = finished.take(VERIFY_BYTES)
    finished.end()
    if not hmac.compare_digest(said, expected):
        raise Refused(DECRYPT_ERROR, "a Finished that says something else")


class SecureStream:
    """Application data, once the handshake is done."""

    def __init__(self, records, suite, group_bits):
        self._records, self._held = records, b""
        self.suite, self.group_bits = suite, group_bits

    def write(self, data):
        self._records.send(APPLICATION_DATA, data)

    def read_exactly(self, size):
        """So many bytes, or StreamEnded, or Alerted."""
        while len(self._held) < size:
            with refusing_by_alert(self._records):
                kind, body = self._records.receive()
                if kind != APPLICATION_DATA:
                    raise Refused(UNEXPECTED_MESSAGE, f"a record of type {kind}")
            self._held += body
        data, self._held = self._held[:size], self._held[size:]
        return data

    def close(self):
        """Says close_notify; the socket is its opener's."""
        self._records.send_alert(WARNING, CLOSE_NOTIFY)
