"""Which telephones agents may log in with."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from dialer.core.agents.phones import PhoneRefused, PhoneRules, TrunkPlace, hosts_of, phone_of

TRUNKS = (
    TrunkPlace("north", "10.1.1.1", 5060, (IPv4Network("10.2.0.0/30"),)),
    TrunkPlace("south", "sip.carrier.example", 5060),
    TrunkPlace("edge", "127.0.0.1", 5080),
    TrunkPlace("six", "[2001:db8::1]", 5060),
)
NETWORKS, DOMAINS = hosts_of(("localhost", "Phones.example.", "127.0.0.0/8", "10.0.0.0/8", "198.51.100.7"))
RULES = PhoneRules(NETWORKS, DOMAINS, frozenset({IPv4Address("192.0.2.10")}), TRUNKS)
NAMES = {
    "localhost": "127.0.0.1",
    "17.phones.example": "203.0.113.17",
    "sip.carrier.example": "10.9.9.9",
    "liar.phones.example": "10.9.9.9",
    "elsewhere.example": "10.0.0.5",
}


def refusal(uri: str) -> str:
    """Why a phone is refused; empty: it is not."""
    try:
        phone = phone_of(uri)
        hosts = {host: [IPv4Address(NAMES[host])] for host in RULES.names(phone) if host in NAMES}
        if phone.host not in RULES.names(phone):
            hosts[phone.host] = [IPv4Address(phone.host)]
        RULES.check(phone, hosts)
    except PhoneRefused as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "uri",
    [
        "sip:17@10.0.0.5",
        "sip:17@10.0.0.5:5062;transport=udp",
        "sip:17@127.0.0.1:5070;line=ab12",
        "sip:17@192.0.2.10:5070",  # this host
        "sip:17@198.51.100.7",
        "sip:17@localhost:5071",
        "sip:17@17.PHONES.example",
    ],
)
def test_phones_of_the_permitted_hosts_are_taken(uri: str) -> None:
    """By network, by domain with whatever is below it, and on this host."""
    assert refusal(uri) == ""


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sip:+19005551234@10.1.1.1", "is trunk north"),
        ("sip:+19005551234@10.1.1.1:5999", "is trunk north"),  # whatever the port
        ("sip:17@10.2.0.2", "is trunk north"),  # it sends from there
        ("sip:17@10.9.9.9:7", "is trunk south"),
        ("sip:17@liar.phones.example", "is trunk south"),
        ("sip:17@127.0.0.1:5080", "is trunk edge"),
        ("sip:17@localhost:5080", "is trunk edge"),
        ("sip:17@203.0.113.9", "in no network of agents.hosts"),
        ("sip:17@elsewhere.example", "in no domain of agents.hosts"),
        ("sip:17@notphones.example", "in no domain of agents.hosts"),
        ("sip:17@phones.example.org", "in no domain of agents.hosts"),
        ("sip:17@2130706433", "in no domain of agents.hosts"),  # 127.0.0.1, as some resolvers read it
        ("sip:17@gone.phones.example", "has no IPv4 address"),
        ("sip:17@[::1]", "over IPv4"),
        ("sip:17@10.0.0.5:0", "is no port"),
        ("sip:17@10.0.0.5:99999", "is no port"),
        ("sip:17@10.0.0.5;maddr=10.1.1.1", "maddr"),
        ("sip:17@10.0.0.5;MAddr=10.1.1.1;x=1", "maddr"),
        ("sip:17@10.0.0.5;transport=tcp", "transport"),
        ("sip:17@10.0.0.5;method=BYE", "method"),
        ("sips:17@10.0.0.5", "not all of them allowed"),
        ("sip:10.0.0.5", "not all of them allowed"),
        ("sip:17@10.0.0.5?Route=%3Csip:10.1.1.1%3E", "not all of them allowed"),
    ],
)
def test_everything_else_is_refused_with_a_reason(uri: str, why: str) -> None:
    """A trunk under any name and port, any host that is not permitted, and URIs that lead elsewhere."""
    assert why in refusal(uri)


def test_a_phone_has_one_name() -> None:
    """However its URI is written, it is one phone; another user, host or port is another."""
    names = {phone_of(f"sip:{text}").name for text in ("17@h.example", "17@H.example:5060", "%317@h.example.;line=1")}
    assert names == {"17@h.example:5060"}
    assert phone_of("sip:18@h.example").name not in names
