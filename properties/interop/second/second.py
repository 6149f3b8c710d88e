"""A second implementation of validation, for one call at a time: `prove` and `answer` of docs/protocol/pvp.md. DECISIONS.md D-080.

    second.py prove  --vcr FILE --peer HOST:PORT --peer-node HEX --vservice HEX --node HEX   an originator
    second.py answer --records FILE                                                          a terminator
    second.py words  --questions FILE                                                        what calls become

Each prints JSON, one object a line: `prove` its verdict, `answer` its port and then a line for each connection, `words`
a line for each question and method. FILE is JSON, - is standard input. What a server must do against many strangers
(limits, delays, an index, several connections at once) is not here. Runs on the Python of Debian 12, 3.11, and needs
nothing beside its standard library.
"""

import argparse
import hashlib
import hmac
import json
import secrets
import socket
import sys
from decimal import Decimal

sys.dont_write_bytecode = True  # Beside the sources nothing is left behind.

import pvp  # noqa: E402
import tls_records  # noqa: E402
import tls_srp  # noqa: E402

HANDSHAKE_TIMEOUT_S = 20
SUITES = {"c01d": tls_srp.AES_128_SUITE, "c020": tls_srp.AES_256_SUITE}


def say(**fields):
    print(json.dumps(fields), flush=True)


def read_json(file):
    with open(0 if file == "-" else file, encoding="utf-8") as opened:
        return json.load(opened, parse_float=Decimal)


# The originator


def prove(options):
    given = read_json(options.vcr)
    call, others = pvp.call_of(given), [pvp.call_of(other) for other in given.get("others", [])]
    instant, verdict = pvp.draw_instant(call), {}
    for form in forms_for(call, others, instant, options):
        verdict = prove_by(form, call, instant, options)
        # "if the server then refuses, B on a new connection"
        if verdict["verdict"] != "refused":
            break
    say(**verdict)


def forms_for(call, others, instant, options):
    if options.private:
        return [pvp.Form("C")]
    forms = pvp.forms_for(call, others, instant, options.round_ms)
    return [form for form in forms if options.method in (None, form.method)]


def prove_by(form, call, instant, options):
    """One connection. Refused is who hears bad_record_mac; any other end is broken."""
    parties = parties_of(options)
    name = pvp.user_name(form, parties, call, options.round_ms, instant)
    password = pvp.originator_password(form.method, parties, call, options.round_ms)
    facts = {"method": form.method}
    host, port = options.peer.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=HANDSHAKE_TIMEOUT_S) as opened:
        try:
            stream = tls_srp.connect(opened, name.encode(), password.encode(), suites_of(options))
            facts.update(suite=f"{stream.suite:04x}", group=stream.group_bits)
            facts.update(ask(stream, options.number or call.called, options.domain))
            facts.update(end=end_of(stream))
        except tls_records.Alerted as alert:
            is_refused = alert.by == "peer" and alert.code == tls_records.BAD_RECORD_MAC
            facts.update(verdict="refused" if is_refused else "broken", alert=alert.code, by=alert.by)
        except (tls_records.StreamEnded, pvp.Malformed, OSError) as error:
            facts.update(verdict="broken", why=str(error))
    return facts


def ask(stream, number, domain):
    pvp.write_frame(stream, pvp.write_request(number, domain))
    kind, *rest = pvp.read_answer(pvp.read_frame(stream))
    if kind == "valerror":
        return {"verdict": "declined", "code": rest[0]}
    answered_number, ticket, routes = rest
    if answered_number != number:
        raise pvp.Malformed("an answer for another number")
    return {"verdict": "validated", "ticket": ticket, "route": routes}


def end_of(stream):
    """How the server closed; ours is said in return."""
    try:
        stream.read_exactly(1)
        return "more bytes"
    except tls_records.StreamEnded as ended:
        stream.close()
        return str(ended)


# The terminator


def answer(options):
    given = read_json(options.records)
    records = pvp.Records(given["node"], [record_of(record) for record in given["records"]], options.round_ms)
    server_secret = secrets.token_bytes(32)
    with socket.create_server((options.host, options.port)) as listening:
        say(port=listening.getsockname()[1])
        while True:
            opened, _peer = listening.accept()
            opened.settimeout(HANDSHAKE_TIMEOUT_S)
            with opened:
                say(**serve(opened, records, server_secret, options))


def record_of(given):
    call = pvp.call_of(given)
    return pvp.Record(call, given["vservice"], given["ticket"], given["routes"], given.get("refuses", []))


def serve(opened, records, server_secret, options):
    """One connection, and what there is to say of it."""
    facts, asked = {}, {}

    def look_up(name):
        claim = pvp.read_user_name(name.decode("ascii", "replace"))
        if claim is not None and not records.is_ours(claim):
            raise pvp.Foreign("a name for another server's node")
        asked["record"], simulated, asked["charged"] = records.find(claim)
        facts.update(method=claim.method if claim else None, simulated=simulated)
        if asked["record"] is None:
            # The handshake goes on with a password that nobody has, RFC 5054 §2.5.1.3.
            return made_from(server_secret, b"password", name)
        return pvp.terminator_password(claim, asked["record"].call, options.round_ms).encode()

    def salt_of(name):
        return made_from(server_secret, b"salt", name)[:16]

    try:
        stream = tls_srp.accept(opened, look_up, salt_of, options.group, suites_of(options))
        facts.update(suite=f"{stream.suite:04x}", group=stream.group_bits)
        facts.update(grant(stream, asked["record"]))
        stream.close()
    except tls_records.Alerted as alert:
        is_wrong_password = alert.by == "us" and alert.code == tls_records.BAD_RECORD_MAC
        for record in asked["charged"] if is_wrong_password else []:
            record.charge(facts["method"])
        facts.update(verdict="failed" if is_wrong_password else "broken", alert=alert.code, by=alert.by)
    except pvp.Foreign:
        facts.update(verdict="foreign")
    except (tls_records.StreamEnded, pvp.Malformed, OSError) as error:
        facts.update(verdict="broken", why=str(error))
    return facts


def made_from(server_secret, purpose, name):
    return hmac.digest(server_secret, purpose + b"\0" + name, hashlib.sha256)


def grant(stream, record):
    """The exchange. The number is looked at before the domain: 404, then 403."""
    number, domain = pvp.read_request(pvp.read_frame(stream))
    code = 404 if number != record.call.called else 403 if domain in record.refused_domains else None
    if code is not None:
        pvp.write_frame(stream, pvp.write_valerror(code))
        return {"verdict": "declined", "domain": domain, "code": code}
    pvp.write_frame(stream, pvp.write_valinfo(number, record.ticket, record.routes))
    return {"verdict": "validated", "domain": domain}


# What a call becomes


def words(options):
    """For each call, and how the other end received it: what either end derives, and whether it is found."""
    for question in read_json(options.questions):
        call, received = pvp.call_of(question["call"]), pvp.call_of(question["received"])
        parties = pvp.Parties(question["node"], question["peer_node"], question["vservice"])
        others = [pvp.call_of(other) for other in question["others"]]
        for form in pvp.forms_for(call, others, question["instant"], question["round_ms"]) + [pvp.Form("C")]:
            say(**words_for(form, parties, call, received, question))


def words_for(form, parties, call, received, question):
    round_ms = question["round_ms"]
    name = pvp.user_name(form, parties, call, round_ms, question["instant"])
    claim = pvp.read_user_name(name)
    records = pvp.Records(parties.terminator, [pvp.Record(received, parties.vservice, "", [], [])], round_ms)
    found, _why, _charged = records.find(claim)
    return {
        "user_name": name,
        "password": pvp.originator_password(form.method, parties, call, round_ms),
        "terminator_password": found and pvp.terminator_password(claim, found.call, round_ms),
    }


# Options


def parties_of(options):
    return pvp.Parties(options.node, options.peer_node, options.vservice)


def suites_of(options):
    return [SUITES[name] for name in options.suites.split(",")]


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for run, add_options in ((prove, add_prove_options), (answer, add_answer_options), (words, add_words_options)):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        add_options(command)
    return parser.parse_args(arguments)


def add_common_options(command):
    command.add_argument("--round-ms", type=int, default=pvp.ROUND_MS)
    command.add_argument("--suites", default="c01d,c020", help="in the order in which they are liked")


def add_prove_options(command):
    add_common_options(command)
    for name in ("--vcr", "--node", "--peer-node", "--vservice"):
        command.add_argument(name, required=True)
    command.add_argument("--peer", required=True, metavar="HOST:PORT")
    command.add_argument("--domain", default="caller.example")
    command.add_argument("--number", help="ask for another number than was proved")
    command.add_argument("--private", action="store_true", help="method C")
    command.add_argument("--method", choices="ABC", help="this method, and no other after it")


def add_words_options(command):
    command.add_argument("--questions", required=True, help="[{call, received, node, peer_node, vservice, ...}]")


def add_answer_options(command):
    add_common_options(command)
    command.add_argument("--records", required=True, help='{"node": HEX, "records": [...]}')
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=0)
    command.add_argument("--group", type=int, choices=tls_srp.GROUPS, default=2048)


if __name__ == "__main__":
    chosen = options_of(sys.argv[1:])
    chosen.run(chosen)
