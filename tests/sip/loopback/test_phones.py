"""Agents' phones against real SIPp, and the pairing of their talks with the callees'."""

from __future__ import annotations

from typing import Any

from sip.loopback.process import start_loopback

QUICK = """
base = "sipp-like"
callee_hangs_up_share = {share}
[talk]
mean_s = 0.4
[phones]
answer_delay_min_s = 0.05
answer_delay_max_s = 0.15
no_answer_limit_s = 0.2
[phones.forced]
agent-busy = "busy"
agent-away = "no_answer"
"""


def test_phones_answer_and_hang_up_by_themselves(run_sipp: Any, write_profile: Any) -> None:
    """Phones answer, end their talks, are busy or silent where forced; users that are no agents do not exist."""
    users = ["agent-01", "agent-02", "agent-busy", "agent-away", "alice"]
    with start_loopback(write_profile(QUICK.format(share=0.0))) as loopback:
        seen = run_sipp("any_end", loopback.phones_port, users)
        report = loopback.stop()
    assert report.phones.finals == {"200": 2, "486": 1, "480": 1, "404": 1}
    assert {code: seen[f"{code}_Recv"] for code in report.phones.finals} == report.phones.finals
    assert report.phones.byes_sent == seen["BYE_Recv"] == 2
    assert report.phones.users == dict.fromkeys(users, 1)
    assert report.carrier.invites == 0


def test_agent_ends_the_talk_that_is_the_agents_to_end(bare_peer: Any, write_profile: Any) -> None:
    """Of two legs from one SIP socket the agent's hangs up where the callee's plan says so, and only that one."""
    first, other = _who_hangs_up_first(bare_peer, write_profile, callee_share=0.0)
    assert (first, other) == ("agent", "callee")


def test_callee_ends_the_talk_that_is_the_callees_to_end(bare_peer: Any, write_profile: Any) -> None:
    """Where the callee is to hang up, the agent's leg of the same talk stays until long after."""
    first, other = _who_hangs_up_first(bare_peer, write_profile, callee_share=1.0)
    assert (first, other) == ("callee", "agent")


def _who_hangs_up_first(peer: Any, write_profile: Any, *, callee_share: float) -> tuple[str, str]:
    """Answer a callee's and an agent's leg from one socket and read the BYEs in their order."""
    with start_loopback(write_profile(QUICK.format(share=callee_share))) as loopback:
        for name, user, port in [
            ("callee", "+8613800000001", loopback.carrier_port),
            ("agent", "agent-01", loopback.phones_port),
        ]:
            peer.send(peer.invite(user, call_id=name), port)
            answer = peer.receive("SIP/2.0 200")
            peer.send(peer.invite(user, call_id=name, to_tag=answer.split("tag=")[2].split("\r\n")[0]), port)
        byes: list[str] = []
        while len(byes) < 2:
            name = peer.receive("BYE").split("Call-ID: ")[1].split("\r\n")[0]
            if name not in byes:  # nobody answers it, so it comes again
                byes.append(name)
        return byes[0], byes[1]
