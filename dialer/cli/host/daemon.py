"""`dialer run`: the daemon in the foreground. `dialer check-config`: the settings that apply, and from where."""

from __future__ import annotations

import click

from dialer.cli.base.failures import warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, default_config, json_option, pass_invocation
from dialer.language.translation import _


@click.command()
@examples("dialer --config /etc/dialer/dialer.toml run")
@pass_invocation
@click.pass_context
def run(ctx: click.Context, invocation: Invocation) -> None:
    """Run the daemon on this machine, in the foreground.

    SIGTERM or Ctrl-C drains: no new calls, talks go on up to drain.talk_limit_s; a second one hangs up.

    \b
    Exit codes:
      0  drained
      1  crashed
      2  the settings have mistakes
      3  Redis did not answer at the start
      4  no SIP worker could be started, or they kept dying
      5  drained, but events wait on disk for Redis
     12  drained, but records were lost: neither Redis nor the disks took them
    """
    import structlog

    from config.exposed import exposed_secrets

    effective = invocation.effective()
    # The daemon brings trio, numba and the SIP workers along; no other command should pay for them.
    from dialer.shell import daemon, logs

    logs.set_up(effective.settings.log)
    for exposed in exposed_secrets(effective):
        structlog.get_logger().warning("secret exposed", detail=exposed.text, remedy=exposed.remedy)
    ctx.exit(daemon.run(effective.settings))


@click.command("check-config")
@examples(
    "dialer --config dialer.toml --set sip.max_lines=50 check-config --changed",
    "dialer check-config --example > dialer.toml",
)
@click.option("--changed", is_flag=True, help="Only what differs from the defaults.")
@click.option("--example", is_flag=True, help="Print a complete settings file with all defaults instead.")
@json_option
@pass_invocation
def check_config(invocation: Invocation, changed: bool, example: bool, as_json: bool) -> None:
    """Check the settings and show each with its value, its source and its meaning.

    Sources, later ones win: defaults, the file, systemd credentials, DIALER_SECTION__KEY in the environment, --set.
    Secrets are never shown. Mistakes are reported all at once; the exit code is 2 then.
    """
    from rich.text import Text

    from config.exposed import exposed_secrets
    from config.show import default_toml, rows
    from dialer.cli.base.output import show, show_json, table

    if example:
        click.echo(default_toml(), nl=False)
        return
    effective = invocation.effective()
    for exposed in exposed_secrets(effective):
        warn(f"{exposed.text} ({exposed.remedy})" if exposed.remedy else exposed.text)
    if not effective.settings.trunks:
        warn(_("no trunk is configured ([[trunks]]): the daemon will run, and dial nothing"))
    for name, problems in invocation.catalogue().faults.items():
        for problem in problems:
            warn(
                _(
                    "policy {name} cannot be used, and campaigns that name it will not run: {problem}",
                    name=name,
                    problem=problem,
                )
            )
    shown = [row for row in rows(effective) if not changed or row.source != "default"]
    if as_json:
        show_json(shown)
        return
    drawn = [
        (
            row.path,
            Text(row.value, "" if row.source == "default" else "bold"),
            Text(row.source, "dim" if row.source == "default" else "cyan"),
            Text(row.explanation, "dim"),
        )
        for row in shown
    ]
    show(table(("setting", "value", "source", "meaning"), drawn, whole=("setting",)))
    file = invocation.config or default_config()
    where = _("file {file}", file=file) if file else _("no file")
    click.echo(_("The settings have no mistakes ({where}).", where=where), err=True)
