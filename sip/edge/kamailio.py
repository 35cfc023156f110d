"""The files of Kamailio: what is particular to this host, written before the routing that is the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from sip.edge.plan import INSIDE, Carrier, Edge, File, bracketed

HEAD: Final = "# Written by `dialer edge render`: change dialer.toml instead.\n"

_MODULES: Final = (
    *("ctl", "kex", "corex", "cfg_rpc", "pv", "tm", "tmx", "sl", "rr", "maxfwd", "siputils", "textops", "textopsx"),
    *("xlog", "sanity", "sdpops", "db_text", "htable", "pike", "pipelimit", "dispatcher", "dialog", "uac", "topoh"),
    "rtpengine",
)
"""In this order: topoh behind dialog, which corrects the CSeq of authenticated calls; db_text before htable."""

_PHONE_MODULES: Final = ("auth", "usrloc", "registrar", "nathelper")
_WEBSOCKET_MODULES: Final = ("xhttp", "websocket")

_SOURCES_SET: Final = 1000
"""The dispatcher's set with addresses that carriers send from and that are never called."""

PHONE_GRACE_S: Final = 60
"""How long a phone's address is heard after its registration has ended: talks may go on."""

_RING_LIMIT_MS: Final = 180_000
"""The workers end what rings too long; this is for the case that none of them lives any more."""

_NATED: Final = 7
"""The flag of a phone's registration that came from elsewhere than the phone says: it is behind a NAT."""

_KEEP_NAT_OPEN_S: Final = 20

_BROWSER: Final = (
    "replace-origin replace-session-connection ICE=force rtcp-mux-offer generate-mid SDES-off DTLS=passive "
    "transport-protocol=UDP/TLS/RTP/SAVPF direction=inside direction=outside"
)
"""What rtpengine makes of an offer for a browser: ICE, and keys by DTLS."""

_SAFETY: Final = "replace-origin replace-session-connection strict-source asymmetric ICE=remove rtcp-mux-demux SDES-off"


def kamailio_files(edge: Edge, mask_key: str) -> tuple[File, ...]:
    """Every file of Kamailio. `mask_key` hides our addresses in what carriers see; calls outlive a restart of
    Kamailio only as long as it stays the same. Raises `ValueError` for a password that no SIP header can carry."""
    routes = files("sip.edge").joinpath("routes.cfg").read_text(encoding="utf-8")
    written = [
        File("kamailio.cfg", HEAD + "\n".join(_head(edge)) + "\n\n" + "\n".join(_trunks(edge)) + "\n\n" + routes),
        File("secrets.cfg", HEAD + "\n".join(_secrets(edge, mask_key)) + "\n", secret=True),
        File("dispatcher.list", HEAD + "\n".join(_destinations(edge)) + "\n"),
        File("dbtext/version", "table_name(string) table_version(int)\nuacreg:5\nhtable:2\nphones:2\n"),
        File("dbtext/uacreg", "\n".join(_registrations(edge)) + "\n", secret=True),
    ]
    if edge.phones:
        written.append(File("dbtext/phones", "\n".join(_phones(edge)) + "\n", secret=True))
    if edge.tls:
        written.append(File("tls.cfg", HEAD + "\n".join(_tls(edge)) + "\n"))
    return tuple(written)


def _head(edge: Edge) -> Iterator[str]:
    to_worker = f"{_SAFETY} direction=outside direction=inside address-family=IP4"
    family = "IP6" if ":" in edge.address else "IP4"
    to_carrier = f"{_SAFETY.replace('SDES-off', '')} direction=inside direction=outside address-family={family}"
    yield f'#!substdef "!INSIDE!{INSIDE}!g"'
    yield f'#!substdef "!TO_WORKER!{to_worker}!g"'
    yield f'#!substdef "!TO_CARRIER!{to_carrier}!g"'
    yield f'#!substdef "!SAME_SIDES!{_SAFETY.replace("SDES-off", "")}!g"'
    yield f'#!substdef "!NAT_ANSWER!{_learning(_SAFETY.replace("SDES-off", ""))}!g"'
    yield f'#!substdef "!NAT_REOFFER!{_learning(to_worker)}!g"'
    yield f'#!substdef "!NAT_OFFER!{_learning(to_carrier)}!g"'
    yield f'#!substdef "!TO_BROWSER!{_BROWSER} address-family={family}!g"'
    yield f'#!substdef "!RING_LIMIT_MS!{_RING_LIMIT_MS}!g"'
    yield f'#!substdef "!CARRIER_LIMIT!{edge.carrier_cps}!g"'
    yield "#!define DELAYED_OFFER 1"
    if edge.inbound_port:
        yield "#!define INBOUND 1"
        yield f'#!substdef "!INBOUND_PORT!{edge.inbound_port}!g"'
    if edge.phones:
        yield "#!define PHONES 1"
        yield f'#!substdef "!PHONES_PORT!{edge.phones.inside_port}!g"'
        yield f'#!substdef "!PHONES_DOMAIN!{edge.phones.domain}!g"'
        yield f'#!substdef "!NAT_FLAG!{_NATED}!g"'
        if edge.phones.websocket_port:
            yield "#!define WEBSOCKETS 1"
            yield f'#!substdef "!WEBSOCKET_PORT!{edge.phones.websocket_port}!g"'
    yield ""
    yield from ("debug=2", "log_stderror=no", "auto_aliases=no", "dns_cache_init=on", "server_signature=no")
    yield from (f"children={edge.processes}", "tcp_children=2", "mlock_pages=no", 'server_header="Server: SIP"')
    yield f"disable_tcp={'no' if edge.tls or 'tcp' in edge.transports else 'yes'}"
    yield f"enable_tls={'yes' if edge.tls else 'no'}"
    for carrier in edge.carriers:
        yield f"listen=udp:{INSIDE}:{carrier.inside_port}"
    if edge.phones:
        yield f"listen=udp:{INSIDE}:{edge.phones.inside_port}"
    for transport in edge.transports:
        yield f"listen={_public(edge, transport)}{_advertised(edge, transport)}"
    browsers = _WEBSOCKET_MODULES if edge.phones and edge.phones.websocket_port else ()
    if edge.phones and edge.phones.websocket_port:
        place = f"{bracketed(edge.address)}:{edge.phones.websocket_port}"
        seen = f" advertise {bracketed(edge.nat_address)}:{edge.phones.websocket_port}" if edge.nat_address else ""
        yield f"listen=tls:{place}{seen}"
        yield "tcp_accept_no_cl=yes"  # as HTTP has it
    yield ""
    for module in (*(("tls",) if edge.tls else ()), *_MODULES, *(_PHONE_MODULES if edge.phones else ()), *browsers):
        yield f'loadmodule "{module}.so"'
    yield ""
    for module, name, value in _parameters(edge):
        yield f'modparam("{module}", "{name}", {value if isinstance(value, int) else f"{chr(34)}{value}{chr(34)}"})'
    yield 'include_file "secrets.cfg"'


def _parameters(edge: Edge) -> Iterator[tuple[str, str, str | int]]:
    yield "ctl", "binrpc", f"unix:{edge.run_folder}/kamailio_ctl"
    yield "tm", "fr_timer", 8000
    yield "tm", "remap_503_500", 0
    yield "tm", "failure_reply_mode", 3
    yield "rr", "append_fromtag", 1
    yield "db_text", "db_mode", 1  # a table is read anew whenever Kamailio is told to
    yield "dispatcher", "list_file", f"{edge.folder}/dispatcher.list"
    yield "dispatcher", "flags", 2
    yield "dispatcher", "reload_delta", 0
    yield "dispatcher", "setid_pvname", "$var(set)"
    yield "dispatcher", "ds_ping_interval", edge.keep_alive_s
    # Only destinations with flag 8 are asked. A 408 is tm's own word for silence, so codes are listed one by one.
    yield "dispatcher", "ds_probing_mode", 3
    yield "dispatcher", "ds_ping_reply_codes", "class=2;code=401;code=403;code=404;code=405;code=407;code=480;code=501"
    yield "dispatcher", "ds_ping_from", f"sip:ping@{bracketed(edge.nat_address or edge.address)}"
    if any(carrier.username for carrier in edge.carriers):
        # After a challenge our CSeq is ahead of the worker's. Not where nobody is challenged: a carrier's odd message
        # within a call has ended Kamailio 5.6.3 in it (dlg_cseq_msg_received, found by the fuzzer).
        yield "dialog", "track_cseq_updates", 1
    yield "dialog", "default_timeout", 21_600
    yield "topoh", "mask_ip", edge.nat_address or edge.address
    yield "uac", "restore_mode", "auto"
    yield "uac", "auth_username_avp", "$avp(auth_user)"
    yield "uac", "auth_password_avp", "$avp(auth_password)"
    yield "uac", "auth_realm_avp", "$avp(auth_realm)"
    if any(carrier.register for carrier in edge.carriers):
        yield "uac", "reg_timer_interval", 2
        yield "uac", "reg_db_url", f"text://{edge.folder}/dbtext"
        yield "uac", "reg_contact_addr", f"{bracketed(edge.nat_address or edge.address)}:{edge.port}"
    yield "rtpengine", "rtpengine_sock", f"udp:{INSIDE}:{edge.control_port}"
    yield "rtpengine", "rtpengine_tout_ms", 500
    yield "rtpengine", "rtpengine_disable_tout", 2
    yield "pike", "sampling_time_unit", 2
    yield "pike", "reqs_density_per_unit", edge.stranger_limit
    yield "pike", "remove_latency", 4
    yield "htable", "htable", f"banned=>size=8;autoexpire={edge.ban_s};"
    if edge.phones:
        yield "htable", "db_url", f"text://{edge.folder}/dbtext"
        yield "htable", "htable", "passwords=>size=10;dbtable=phones;"
        yield "htable", "htable", f"phones=>size=10;autoexpire={edge.phones.expires_s + PHONE_GRACE_S};"
        yield "auth", "nonce_expire", 60
        yield "usrloc", "db_mode", 0
        yield "registrar", "max_contacts", 1
        yield "registrar", "default_expires", edge.phones.expires_s
        yield "registrar", "max_expires", edge.phones.expires_s
        yield "registrar", "received_avp", "$avp(received)"
        yield "nathelper", "received_avp", "$avp(received)"
        yield "usrloc", "nat_bflag", _NATED
        yield "nathelper", "natping_interval", _KEEP_NAT_OPEN_S
        yield "nathelper", "ping_nated_only", 1
        yield "nathelper", "sipping_bflag", _NATED
        yield "nathelper", "sipping_from", f"sip:ping@{edge.phones.domain}"
    if edge.tls:
        yield "tls", "config", f"{edge.folder}/tls.cfg"


def _learning(options: str) -> str:
    """For a phone behind a NAT: where its audio comes from is learnt from its first packets, and holds from then on."""
    return options.replace(" asymmetric", "")


def _trunks(edge: Edge) -> Iterator[str]:
    """`route[TRUNK]`: what is wanted for the trunk whose port the call came to."""
    yield "route[TRUNK] {"
    for number, carrier in enumerate(edge.carriers, 1):
        yield f"    if ($Rp == {carrier.inside_port}) {{"
        yield f"        $avp(trunk) = {number};"
        yield f'        $avp(name) = "{carrier.name}";'
        yield f'        $avp(host) = "{carrier.domain}";'
        yield f'        $avp(domain) = "{carrier.from_domain or carrier.domain}";'
        yield f"        $avp(first_answer_ms) = {round(carrier.first_answer_s * 1000)};"
        yield f"        $avp(srtp) = {int(carrier.srtp)};"
        yield f"        $avp(identity) = {int(carrier.asserts_identity)};"
        yield f"        $avp(privacy) = {int(carrier.hides_caller)};"
        if carrier.diversion:
            yield f'        $avp(diversion) = "{carrier.diversion}";'
        yield "    }"
    yield "}"
    yield ""
    yield from _arriving(edge)


def _arriving(edge: Edge) -> Iterator[str]:
    """`route[ARRIVING_TRUNK]`: the port of the trunk whose carrier has called us, which is in `$var(set)`."""
    yield "route[ARRIVING_TRUNK] {"
    for number, carrier in enumerate(edge.carriers, 1):
        yield f"    if ($var(set) == {number} || $var(set) == {_SOURCES_SET + number}) {{"
        yield f'        $fs = "udp:{INSIDE}:{carrier.inside_port}";'
        yield f'        $avp(name) = "{carrier.name}";'
        yield f"        $avp(srtp) = {int(carrier.srtp)};"
        yield "    }"
    yield "    return;"
    yield "}"


def _secrets(edge: Edge, mask_key: str) -> Iterator[str]:
    yield f'modparam("topoh", "mask_key", "{mask_key}")'
    yield "route[CREDENTIALS] {"
    for number, carrier in enumerate(edge.carriers, 1):
        if carrier.username:
            yield f"    if ($avp(trunk) == {number}) {{"
            yield f'        $avp(auth_user) = "{_quoted(carrier.username)}";'
            yield f'        $avp(auth_password) = "{_quoted(carrier.password)}";'
            yield "    }"
    yield "    return;"
    yield "}"


def _phones(edge: Edge) -> Iterator[str]:
    """The table of phones with the digests of their passwords (HA1 of RFC 2617), which Kamailio can read again."""
    yield "key_name(string) key_type(int) value_type(int) key_value(string) expires(int)"
    assert edge.phones is not None
    for user, password in edge.phones.passwords.items():
        digest = hashlib.md5(f"{user}:{edge.phones.domain}:{password}".encode(), usedforsecurity=False).hexdigest()
        yield f"{user}:0:0:{digest}:0"


def _destinations(edge: Edge) -> Iterator[str]:
    """Lines of the dispatcher: set, address, flags (8: is asked by OPTIONS, 4: never called), priority, attributes."""
    for number, carrier in enumerate(edge.carriers, 1):
        socket = _public(edge, carrier.transport)
        targets = (carrier.outbound_proxy,) if carrier.outbound_proxy else carrier.hosts
        for place, host in enumerate(targets):
            flags = 8 if carrier.keep_alive else 0
            yield f"{number} {_uri(host, carrier)} {flags} {len(targets) - place} socket={socket}"
        for source in carrier.sources:
            yield f"{_SOURCES_SET + number} sip:{source} 4 0"


def _registrations(edge: Edge) -> Iterator[str]:
    """The table of registrations as Kamailio's db_text reads it: colons and backslashes within a field are escaped."""
    yield (
        "id(int,auto) l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) "
        "realm(string,null) auth_username(string) auth_password(string) auth_ha1(string,null) auth_proxy(string) "
        "expires(int) flags(int) reg_delay(int) contact_addr(string,null) socket(string)"
    )
    for number, carrier in enumerate(edge.carriers, 1):
        if carrier.register:
            domain = carrier.from_domain or carrier.domain
            host = carrier.outbound_proxy or carrier.hosts[0]
            fields = (
                *(str(number), carrier.name, carrier.username, domain, carrier.username, carrier.domain, ""),
                *(carrier.username, carrier.password, "", _uri(host, carrier), str(carrier.register_interval_s)),
                *("16", "0", "", _public(edge, carrier.transport)),
            )
            yield ":".join(_field(text) for text in fields)


def _tls(edge: Edge) -> Iterator[str]:
    assert edge.tls is not None
    for role in ("server", "client"):
        yield f"[{role}:default]"
        yield "method = TLSv1.2+"
        yield f"certificate = {edge.tls.certificate_file}"
        yield f"private_key = {edge.tls.key_file}"
        checked = role == "client" and edge.tls.ca_file
        if checked:
            yield f"ca_list = {edge.tls.ca_file}"
        yield f"verify_certificate = {'yes' if checked else 'no'}"
        yield f"require_certificate = {'yes' if checked else 'no'}"


def _uri(host: str, carrier: Carrier) -> str:
    return f"sip:{host}" if carrier.transport == "udp" else f"sip:{host};transport={carrier.transport}"


def _public(edge: Edge, transport: str) -> str:
    port = edge.tls_port if transport == "tls" else edge.port
    return f"{transport}:{bracketed(edge.address)}:{port}"


def _advertised(edge: Edge, transport: str) -> str:
    port = edge.tls_port if transport == "tls" else edge.port
    return f" advertise {bracketed(edge.nat_address)}:{port}" if edge.nat_address else ""


def _quoted(text: str) -> str:
    """A text within double quotes of the routing language, where `$` begins a variable and `#!` a directive."""
    if not text.isprintable():
        raise ValueError("a password or user has characters that cannot be printed")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")


def _field(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")
