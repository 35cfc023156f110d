"""What states, ends, outcomes, modes and rules are called: words that come from data, by their keys.

A key is its English word with underscores, so a key that is not listed, such as an outcome that only one CRM has, is
shown as it is.
"""

from __future__ import annotations

from typing import Final

from dialer.language.phrases import C_, N_, Phrase

TERMS: Final = (
    # how an attempt ended
    N_("connected"),
    N_("abandoned"),
    N_("hung up"),
    N_("machine"),
    N_("script done"),
    N_("script left"),
    N_("busy"),
    N_("no answer"),
    N_("unreachable"),
    N_("invalid"),
    N_("declined"),
    N_("unwanted"),
    N_("blocked"),
    N_("congestion"),
    N_("route error"),
    N_("auth error"),
    N_("media error"),
    N_("redirected"),
    N_("trunk unreachable"),
    N_("not sent"),
    N_("worker lost"),
    N_("unknown"),
    # how a call from outside ended, and the same in a lead's history
    N_("callers"),
    N_("not served"),
    N_("stranger"),
    N_("failed"),
    N_("inbound connected"),
    N_("inbound hung up"),
    N_("inbound not served"),
    N_("inbound failed"),
    # what agents and the CRM say of a call, and what orders do to a lead
    N_("sale"),
    N_("refused"),
    N_("callback"),
    N_("complaint"),
    N_("resolved"),
    N_("unresolved"),
    N_("wrong number"),
    N_("opted out"),
    N_("cancelled"),
    N_("deleted"),
    N_("reopened"),
    N_("moved"),
    N_("skipped by an agent"),
    N_("no trunk serves the number"),
    N_("the trunks for the number rest"),
    N_("the trunks for the number are full"),
    N_("not before a time of the CRM's"),
    N_("no reason kept"),
    # states of calls
    N_("dialling"),
    N_("ringing"),
    N_("cancelling"),
    N_("waiting for an agent"),
    N_("connecting"),
    N_("talking"),
    N_("survey"),
    N_("message"),
    N_("hanging up"),
    # states of campaigns and daemons
    N_("paused"),
    N_("stopped"),
    N_("running"),
    N_("held"),
    N_("draining"),
    N_("starting"),
    N_("finished"),
    N_("archived"),
    # modes
    N_("preview"),
    N_("progressive"),
    N_("ratio"),
    N_("predictive"),
    N_("script"),
    # rules, by their keys and by themselves
    N_("hours"),
    N_("unknown zone"),
    N_("destination"),
    N_("blocklist"),
    N_("cap"),
    N_("expired"),
    N_("calling hours"),
    N_("time zone"),
    N_("country and range"),
    N_("register"),
    N_("register outdated"),
    N_("register unreadable"),
    N_("no-call list"),
    N_("caps"),
    N_("expiry"),
    N_("consent"),
    N_("caller id"),
    N_("contended"),
    N_("lease lost"),
    # why no call starts
    N_("Redis does not answer"),
    N_("this host's sign of life was not renewed in time"),
    N_("Redis has forgotten something"),
    N_("events wait on disk"),
    N_("evidence cannot be written"),
    N_("the clock jumped"),
    N_("this host's clock and that of Redis differ"),
    # why agents are paused
    N_("supervisor"),
    N_("no decision on preview"),
    # roles
    N_("administrator"),
    N_("manager"),
    N_("auditor"),
    N_("wall"),
    # what the audit trail says was done
    N_("web sign in"),
    N_("lead why"),
    N_("lead show"),
    N_("customer show"),
    N_("campaign preflight"),
    N_("recording score"),
    N_("recording purge"),
    N_("block"),
    N_("block export"),
    N_("block import"),
    N_("blocks expired"),
    N_("callbacks replan"),
    N_("caller id rest"),
    N_("caller id wake"),
    N_("crm register"),
    N_("crm set"),
    N_("crm unregister"),
    N_("lead cancel"),
    N_("lead update"),
    N_("leads export"),
    N_("leads found"),
    N_("leads import"),
    N_("list takeback"),
    N_("store accepted"),
    N_("trunk test call"),
    # what it was done to
    N_("lead id"),
    N_("attempt id"),
    N_("customer id"),
    N_("address"),
    N_("judged"),
    N_("shared numbers"),
    N_("rules"),
    N_("erasure"),
    # times of the day
    N_("morning"),
    N_("midday"),
    N_("afternoon"),
    N_("evening"),
    N_("weekend"),
)


_AGENT_STATES: Final = {
    "offline": C_("agent", "offline"),
    "paused": C_("agent", "paused"),
    "ready": C_("agent", "ready"),
    "preview": C_("agent", "preview"),
    "dialling": C_("agent", "dialling"),
    "ringing": C_("agent", "ringing"),
    "talking": C_("agent", "talking"),
    "wrapup": C_("agent", "wrap-up"),
}


def agent_state(state: str) -> Phrase:
    """What an agent is doing, by the state's key."""
    return _AGENT_STATES.get(state) or term(state)


def term(key: str) -> Phrase:
    """A word by its key: `no_answer` is `no answer`."""
    word = key.replace("_", " ")
    return Phrase(word, word, "", {})
