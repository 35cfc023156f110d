"""`dialer campaign preflight`: the whole list judged before it is dialled."""

from __future__ import annotations

import click

from config.policies import AppliedSettings
from dialer.cli.base.arguments import name_argument
from dialer.cli.base.failures import CliExit
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.campaigns.funnel import PROGRESS_FROM
from dialer.cli.campaigns.preflight_page import page
from dialer.core.abandonment.windows import zone_of
from dialer.core.leads.preflight import Preflight, too_many_lost
from dialer.language.translation import _
from dialer.operating.desk import Desk
from dialer.operating.preflight import fly, on_record
from dialer.store.leads.preflight import plan
from dialer.store.operators import status


@click.command()
@examples("dialer campaign preflight spring-sale")
@name_argument
@answering
def preflight(invocation: Invocation, name: str) -> Answer:
    """Judge the whole list as the gate would now, without a call: how many leads may be called, what refuses the
    others, and from when on. Nothing is changed.

    The exit code is 7 if `campaign start` would refuse: more than `refuse_above_share` of the leads are refused for
    good or over a cap (接触频次超限予以谢绝).
    """
    with invocation.desk() as desk:
        settings = desk.applied(name)
        judgement = judged(desk, settings, now())
        too_many = too_many_lost(judgement, settings.refuse_above_share)
        on_record(desk, name, judgement, too_many, now())
        queued = status.counts(desk.store, name, judgement.at).queued
    more = {"queued": queued, "refuse_above_share": settings.refuse_above_share, "refused": too_many}
    return Answer(
        {"campaign": name, **judgement.to_wire(), **more},
        page(judgement, zone_of(settings), settings.refuse_above_share, too_many, queued),
        code=CliExit.REFUSED if too_many else 0,
    )


def judged(desk: Desk, settings: AppliedSettings, moment: float) -> Preflight:
    """The whole list, with a progress bar where it takes long."""
    flight, stretches = plan(desk.store, settings, moment)
    total = sum(stretch.leads for stretch in stretches)
    with progress_bar(_("judging leads"), total, hidden=total < PROGRESS_FROM) as progress:
        return fly(desk.store, desk.settings, flight, stretches, progress.reach)
