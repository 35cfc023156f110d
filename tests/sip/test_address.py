"""Nothing but an address gets into an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import address


def test_plain_addresses_pass():
    """Numbers, prefixes and agents' URIs are used as they are."""
    assert address.callee_uri("+4930123", "192.0.2.1", 5060) == "sip:+4930123@192.0.2.1:5060"
    assert address.callee_uri("99*01730", "[2001:db8::1]", 5062) == "sip:99*01730@[2001:db8::1]:5062"
    assert address.caller("+4930", "192.0.2.9") == '"+4930" <sip:+4930@192.0.2.9>'
    for uri in ("sip:a@b", "sip:agent-7@10.0.0.7:5070;transport=udp", "sip:x.y@[::1]:5060;ob"):
        assert address.agent_uri(uri) == uri


@pytest.mark.parametrize("text", ["", "+49 30", "1@2", "1;x", "1\r\nX: y", '1"', "<1>", "1\n", "٣", "1" * 65])
def test_other_numbers_are_refused_without_repeating_them(text):
    """A refused number is not in the message that says so."""
    with pytest.raises(address.AddressError) as refused:
        address.callee_uri(text, "192.0.2.1", 5060)
    assert text == "" or text not in str(refused.value)
    with pytest.raises(address.AddressError):
        address.caller(text, "192.0.2.1")


@pytest.mark.parametrize(
    "uri",
    ["", "agent", "tel:+49", "sips:a@b", "sip:a@b\n", "sip:a@b?Subject=x", "sip:a@b,sip:c@d", "<sip:a@b>", "sip:@b"],
)
def test_other_agent_uris_are_refused(uri):
    """Headers, lists, brackets and other schemes are no agent's URI."""
    with pytest.raises(address.AddressError):
        address.agent_uri(uri)


@given(st.text(max_size=100))
def test_shown_text_stays_inside_its_quotes(about):
    """Whatever is to be shown, the header has one quoted name and our own address."""
    header = address.shown(about, "192.0.2.9")
    assert header.endswith('" <sip:dialer@192.0.2.9>')
    name = header.removesuffix('" <sip:dialer@192.0.2.9>').removeprefix('"')
    assert name.isprintable()
    assert '"' not in name.replace("\\\\", "").replace('\\"', "")
