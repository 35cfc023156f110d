"""Campaigns: all of them, and one with why it dials what it dials, where its leads are, and its orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from config.policies import AppliedSettings
from dialer.core.abandonment.windows import zone_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import last_word
from dialer.core.leads.preflight import Preflight, sentence, too_many_lost
from dialer.language.translation import _
from dialer.operating import campaign_orders, explanation
from dialer.operating.desk import Desk, Missing
from dialer.operating.explanation import Explanation
from dialer.operating.preflight import judged, on_record
from dialer.store.leads import funnel as store_funnel
from dialer.store.leads.funnel import Funnel
from dialer.store.operators import campaigns as store_campaigns
from dialer.store.operators import status
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.status import Counts
from dialer.web.access import May
from dialer.web.feed import Draw, Picture
from dialer.web.moment import Moment
from dialer.web.office import Office, drawn
from dialer.web.visit import Page, Visit


def done_words(state: str) -> str:
    """What was done to a campaign, by the state that it has now."""
    match state:
        case CampaignState.RUNNING:
            return _("The campaign is started.")
        case CampaignState.PAUSED:
            return _("The campaign is paused.")
        case CampaignState.STOPPED:
            return _("The campaign is stopped.")
    return ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A campaign in the list, with where its leads are."""

    campaign: Campaign
    counts: Counts | None

    @property
    def name(self) -> str:
        return self.campaign.settings.name


def drawing_campaign(office: Office, name: str) -> Draw:
    """What the daemons say of one campaign."""

    def draw(moment: Moment) -> Picture:
        row = moment.row(name)
        return Picture({"live": drawn(office.templates, "live/campaign.html", "live", name=name, row=row)})

    return draw


async def campaigns(visit: Visit) -> Response:
    """All of them, those that are archived left out."""

    def read() -> tuple[list[Listed], dict[str, str]]:
        known, faults = store_campaigns.readable(visit.office.store, archived=False)
        now = visit.now
        return [Listed(each, status.counts(visit.office.store, each.settings.name, now)) for each in known], faults

    listed, faults = await visit.ask(read)
    return visit.page("campaigns.html", listed=listed, faults=faults)


async def campaign(visit: Visit) -> Response:
    """One of them."""
    name = visit.named("campaign")
    daemons = visit.moment.hosts

    def read() -> tuple[Campaign, Explanation, Counts]:
        stored = store_campaigns.get(visit.office.store, name)
        explained = explanation.explain(visit.desk, name, daemons, visit.now)
        return stored, explained, status.counts(visit.office.store, name, visit.now)

    stored, explained, counts = await visit.ask(read)
    zone = zone_of(stored.settings)
    held = bool(daemons.problems(name))
    return visit.live(
        "campaign.html",
        f"campaign/{name}",
        drawing_campaign(visit.office, name),
        campaign=stored,
        name=name,
        explained=explained,
        explanation=explanation,
        counts=counts,
        next_word=last_word(counts.standing, zone, held=held),
        done=done_words(visit.asked("done")),
    )


async def funnel(visit: Visit) -> Response:
    """Where every lead is, and why."""
    name = visit.named("campaign")

    def read() -> tuple[Campaign, Funnel]:
        stored = store_campaigns.get(visit.office.store, name)
        return stored, store_funnel.read(visit.office.store, name, visit.now, zone_of(stored.settings))

    stored, counts = await visit.ask(read)
    zone = zone_of(stored.settings)
    word = last_word(counts.counts.standing, zone)
    return visit.page("funnel.html", name=name, funnel=counts, zone=zone, next_word=word)


@dataclass(frozen=True, slots=True)
class Judged:
    """A list as it was judged, and whether it may be dialled."""

    settings: AppliedSettings
    judgement: Preflight
    too_many: str
    queued: int


async def ask_preflight(visit: Visit) -> Response:
    """Before the list is judged: a long one takes a while."""
    name = visit.named("campaign")
    counts = await visit.ask(status.counts, visit.office.store, name, visit.now)
    return visit.page("preflight.html", name=name, counts=counts, judged=None, word="", zone=None)


async def preflight(visit: Visit) -> Response:
    """The whole list judged as the gate would now."""
    name = visit.named("campaign")

    def judge(desk: Desk) -> Judged:
        settings = desk.applied(name)
        judgement = judged(desk, settings, visit.now)
        too_many = too_many_lost(judgement, settings.refuse_above_share)
        on_record(desk, name, judgement, too_many, visit.now)
        return Judged(settings, judgement, too_many, status.counts(desk.store, name, visit.now).queued)

    found = await visit.ask(judge, visit.desk)
    zone = zone_of(found.settings)
    word = sentence(found.judgement, zone)
    return visit.page("preflight.html", name=name, counts=None, judged=found, word=word, zone=zone)


def _wanted(text: str) -> CampaignState:
    try:
        return CampaignState(text)
    except ValueError:
        raise Missing(_("there is no such state of a campaign")) from None


async def ask_state(visit: Visit) -> Response:
    """Whether it is meant."""
    stored = await visit.ask(store_campaigns.get, visit.office.store, visit.named("campaign"))
    return _asking(visit, stored, _wanted(visit.asked("to")))


def _asking(visit: Visit, stored: Campaign, wanted: CampaignState, refused: str = "") -> Response:
    facts = {"name": stored.settings.name, "campaign": stored, "wanted": wanted.value, "refused": refused}
    return visit.page("campaign_state.html", 409 if refused else 200, **facts)


async def set_state(visit: Visit) -> Response:
    """Start, pause or stop it. What is refused can be insisted upon where that is possible."""
    name, wanted = visit.named("campaign"), _wanted(visit.form.get("to", ""))
    if wanted is not CampaignState.RUNNING:
        await visit.ask(campaign_orders.set_state, visit.desk, name, wanted, visit.now)
        return visit.back("campaigns", name, done=wanted.value)
    force = visit.form.get("force") == "yes"
    try:
        await visit.ask(lambda: campaign_orders.start(visit.desk, name, visit.now, force=force))
    except campaign_orders.ListRefused as refused:
        stored = await visit.ask(store_campaigns.get, visit.office.store, name)
        return _asking(visit, stored, wanted, str(refused))
    return visit.back("campaigns", name, done=wanted.value)


PAGES: Final = (
    Page("/campaigns", May.SEE_FLOOR, campaigns),
    Page("/campaigns/{campaign}", May.SEE_FLOOR, campaign),
    Page("/campaigns/{campaign}/funnel", May.SEE_FLOOR, funnel),
    Page("/campaigns/{campaign}/preflight", May.ORDER_CAMPAIGNS, ask_preflight),
    Page("/campaigns/{campaign}/preflight", May.ORDER_CAMPAIGNS, preflight, "POST"),
    Page("/campaigns/{campaign}/state", May.ORDER_CAMPAIGNS, ask_state),
    Page("/campaigns/{campaign}/state", May.ORDER_CAMPAIGNS, set_state, "POST"),
)

TOPICS: Final[Mapping[str, tuple[May, Callable[[Office, str], Draw]]]] = {"campaign": (May.SEE_FLOOR, drawing_campaign)}
