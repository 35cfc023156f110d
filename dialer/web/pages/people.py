"""Leads and the persons behind them: masked, and why they are called or not."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from compliance.numbers import masked_text
from dialer.language.refusals import detail
from dialer.operating.person import look_at
from dialer.operating.why import Verdict, explain, when_there
from dialer.store.leads import leads
from dialer.store.leads.leads import LeadStory
from dialer.store.operators import campaigns
from dialer.web.access import May
from dialer.web.visit import Page, Visit


async def ask(visit: Visit) -> Response:
    """Whom somebody looks for. A form that is sent, not a link: numbers do not belong into addresses."""
    names = await visit.ask(campaigns.names, visit.office.store)
    return visit.page("people.html", names=names)


async def person(visit: Visit) -> Response:
    """Everything about one person."""
    text = visit.form.get("who", "").strip()[:64]
    if not text:
        return visit.back("people")
    region = visit.office.settings.intake.default_region
    found, verdicts = await visit.ask(look_at, visit.desk, text, region, visit.now)
    sentences = {(each.campaign, each.lead_id): each.sentence for each in verdicts}
    return visit.page("person.html", found=found, sentences=sentences, asked=masked_text(text))


async def lead(visit: Visit) -> Response:
    """One lead: what happened to it, and what every rule says of it now."""
    name, lead_id = visit.named("campaign"), visit.named("lead")

    def read() -> tuple[LeadStory, Verdict]:
        verdict = explain(visit.desk, name, lead_id, visit.now)
        return leads.story(visit.office.store, name, verdict.asked.lead.lead_id), verdict

    story, verdict = await visit.ask(read)
    return visit.page("lead.html", name=name, story=story, verdict=verdict, detail=detail, when_there=when_there)


async def why(visit: Visit) -> Response:
    """What every rule says of a number in a campaign."""
    name, text = visit.form.get("campaign", ""), visit.form.get("who", "").strip()[:64]
    verdict = await visit.ask(explain, visit.desk, name, text, visit.now)
    if verdict.asked.row is not None:
        return visit.back("campaigns", name, "leads", verdict.asked.row.lead_id)
    return visit.page("lead.html", name=name, story=None, verdict=verdict, detail=detail, when_there=when_there)


PAGES: Final = (
    Page("/people", May.SEE_PEOPLE, ask),
    Page("/people", May.SEE_PEOPLE, person, "POST"),
    Page("/people/why", May.SEE_PEOPLE, why, "POST"),
    Page("/campaigns/{campaign}/leads/{lead:path}", May.SEE_PEOPLE, lead),
)
