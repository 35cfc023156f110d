"""ASK: the command line. A folder for each group of commands; each is imported when it is used.

`policy`, `script`, `register`, `evidence` and `recordings` work on files of this machine; `check-config`, `edge`,
`pace stdio` and `simulate` need nothing but their input; `run` and `demo` are the daemon. All others speak to Redis
from wherever it is reached.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from dialer import __version__
from dialer.cli.base.groups import Lazy, RootGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, as_flags, default_who
from dialer.language.translation import Language, of_locale, speaking

COMMANDS: Final = {
    "run": Lazy("dialer.cli.host.daemon:run", "Daemon", "Run the daemon on this machine."),
    "check-config": Lazy("dialer.cli.host.daemon:check_config", "Daemon", "Check the settings and show them."),
    "doctor": Lazy("dialer.cli.host.doctor:doctor", "Daemon", "Say whether this host is fit to dial."),
    "trunk": Lazy("dialer.cli.host.trunk:trunk", "Daemon", "Carriers: how they do, drain and check them."),
    "store": Lazy("dialer.cli.host.store:store", "Daemon", "See whether Redis has forgotten something, and accept it."),
    "redis-acl": Lazy("dialer.cli.host.redis_acl:redis_acl", "Daemon", "Print users for Redis, with what each may do."),
    "edge": Lazy("dialer.cli.host.edge:edge", "Daemon", "Write the files of Kamailio and rtpengine."),
    "demo": Lazy("dialer.cli.host.demo:demo", "Daemon", "Show a whole dialer at work on this machine."),
    "campaign": Lazy(
        "dialer.cli.campaigns.campaign:campaign", "Campaigns", "Create, change, start and stop campaigns."
    ),
    "leads": Lazy("dialer.cli.leads.leads:leads", "Campaigns", "Import leads, look at them, change them."),
    "lists": Lazy("dialer.cli.leads.lists:lists", "Campaigns", "Lists of leads: counts, overlaps, taking back."),
    "script": Lazy(
        "dialer.cli.scripts.script:script", "Campaigns", "Scripts that callees go through: check, rehearse."
    ),
    "callerid": Lazy("dialer.cli.campaigns.callerid:callerid", "Campaigns", "Numbers that callees see."),
    "why": Lazy("dialer.cli.leads.why:why", "Campaigns", "Say why a number may be dialled now or not."),
    "customer": Lazy(
        "dialer.cli.leads.customer:customer", "Campaigns", "Everything about one person, over all campaigns."
    ),
    "callbacks": Lazy(
        "dialer.cli.leads.callbacks:callbacks", "Campaigns", "Callbacks that agents promised, and the re-plan."
    ),
    "policy": Lazy(
        "dialer.cli.campaigns.policy:policy", "Campaigns", "Rules that campaigns are put under, with their sources."
    ),
    "block": Lazy("dialer.cli.privacy.block:block", "Campaigns", "Numbers that must not be called."),
    "erase": Lazy("dialer.cli.privacy.erase:erase", "Campaigns", "Erase one person from all campaigns."),
    "register": Lazy(
        "dialer.cli.privacy.register:register", "Campaigns", "National no-call registers on this machine."
    ),
    "evidence": Lazy(
        "dialer.cli.privacy.evidence:evidence",
        "Campaigns",
        "Check the record of decisions and calls.",
    ),
    "archive": Lazy("dialer.cli.reports.archive:archive", "Reports", "The archive of calls: write it, look at it."),
    "report": Lazy("dialer.cli.reports.report:report", "Reports", "A day, a month, agents, teams, campaigns and more."),
    "audit": Lazy("dialer.cli.privacy.audit:audit", "Campaigns", "Read who changed or looked at what."),
    "crm": Lazy("dialer.cli.crm.crm:crm", "CRM", "Who reads the CRM's events, and what passes."),
    "status": Lazy("dialer.cli.live.status:status", "Floor", "Show once what all daemons are doing."),
    "watch": Lazy("dialer.cli.live.status:watch", "Floor", "Show the live board."),
    "agents": Lazy("dialer.cli.live.status:agents", "Floor", "List the agents and what they are doing."),
    "agent": Lazy("dialer.cli.live.agent_orders:agent", "Floor", "Pause an agent, or log one out."),
    "call": Lazy("dialer.cli.live.calls:call", "Floor", "List the calls on the line, or hang one up."),
    "monitor": Lazy("dialer.cli.live.monitor:monitor", "Floor", "Listen to a talk, whisper to its agent, or join it."),
    "web": Lazy("dialer.cli.web.web:web", "Floor", "The console in the browser, and who may sign in."),
    "recordings": Lazy(
        "dialer.cli.recordings.recordings:recordings", "Floor", "What this host recorded: play, sample, check, delete."
    ),
    "pace": Lazy("dialer.cli.pacing.pace:pace", "Pacing", "Ask why the pacer dials what it dials, or use it alone."),
    "simulate": Lazy(
        "dialer.cli.pacing.simulate:simulate", "Pacing", "Try policies and numbers of agents on simulated shifts."
    ),
    "completion": Lazy("dialer.cli.host.completion:completion", "Shell", "Print the completion script for your shell."),
}


@click.group(
    cls=RootGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@examples(
    "dialer campaign create spring-sale --file spring-sale.toml",
    "dialer leads import spring-sale customers.csv",
    "dialer campaign start spring-sale",
    "dialer watch",
)
@click.version_option(__version__, prog_name="dialer")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DIALER_CONFIG",
    help="Settings file. [default: ./dialer.toml, else /etc/dialer/dialer.toml, if they exist]",
)
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="One setting, such as sip.max_lines=50.")
@click.option("--redis", metavar="URL", help="Redis server; short for --set redis.url=URL.")
@click.option(
    "--who",
    metavar="NAME",
    help="A remark on who you are, beside your Redis user in the audit trail. [default: user@host]",
)
@click.option(
    "--lang",
    type=click.Choice([each.value for each in Language]),
    envvar="DIALER_LANG",
    help="Language of what you read: en, or zh (中文). [default: your locale's, else en]",
)
@click.pass_context
def main(
    ctx: click.Context,
    config: Path | None,
    pairs: tuple[str, ...],
    redis: str | None,
    who: str | None,
    lang: str | None,
) -> None:
    """A predictive outbound dialer.

    Leads come in from Redis, calls go out over SIP, and every attempt ends in exactly one disposition.
    """
    ctx.with_resource(speaking(of_locale(os.environ) if lang is None else Language(lang)))
    flags = as_flags(pairs, "--set")
    if redis is not None:
        flags["redis.url"] = redis
    ctx.obj = Invocation(config, flags, who or default_who(), lang=lang or "")
