"""The daemon's settings: defaults, and the rules between values."""

import subprocess
import sys

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.model import Section, as_section, explanation, item_type, leaf_type
from config.redis import RedisSettings
from config.sip import TrunkSettings

ROOTS: list[type[Section]] = [DaemonSettings, CampaignSettings]


def sections(model: type[Section]) -> set[type[Section]]:
    """A model and every section in it."""
    found = {model}
    for name in model.model_fields:
        kind = leaf_type(model, (name,))
        inner = as_section(kind) or as_section(item_type(kind))
        found |= sections(inner) if inner else set()
    return found


def test_the_defaults_are_settings() -> None:
    """Every section has a complete set of defaults; only trunks must be named."""
    settings = DaemonSettings()
    assert settings.redis.url == "redis://127.0.0.1:6379/0"
    assert settings.trunks == ()
    assert settings.pacing.budget_s < settings.pacing.interval_s


@pytest.mark.parametrize("root", ROOTS)
def test_every_setting_says_what_it_means_and_is_frozen(root: type[Section]) -> None:
    """Below every field stands what it means; times and sizes name their unit there, too; no section can be changed."""
    words = {"_s": "seconds", "_days": "days", "_bytes": "bytes", "_mb": "MB"}
    for section in sections(root):
        assert section.model_config.get("frozen")
        assert section.model_config.get("extra") == "forbid"
        for name in section.model_fields:
            text = explanation(section, (name,))
            assert text, f"{section.__name__}.{name}"
            for suffix, word in words.items():
                if name.endswith(suffix):
                    assert word in text, f"{section.__name__}.{name}"


def test_secrets_are_not_printed() -> None:
    """No way of printing a section shows a password."""
    trunk = TrunkSettings(name="a", host="h", username="u", password=SecretStr("geheim"))
    settings = DaemonSettings(redis=RedisSettings(password=SecretStr("geheim")), trunks=(trunk,))
    assert "geheim" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("given", "where", "message"),
    [
        ({"redis": {"url": "http://x"}}, "redis.url", "must begin with"),
        ({"agents": {"invite_headers": ["Alert-Info"]}}, "agents.invite_headers", "is no header"),
        ({"agents": {"invite_headers": ["X-A: b\r\nX: y"]}}, "agents.invite_headers", "is no header"),
        ({"agents": {"invite_headers": ["Contact: <sip:x>"]}}, "agents.invite_headers", "none that may be set"),
        ({"redis": {"url": "redis://:geheim@x"}}, "redis.url", "must not hold a password"),
        ({"redis": {"url": "redis://x/0?password=geheim"}}, "redis.url", "must not hold a password"),
        ({"redis": {"url": "redis://[geheim"}}, "redis.url", "is not a URL"),
        ({"redis": {"url": "redis+sentinel://a,b"}}, "redis.url", "the name that the Sentinels have for the master"),
        ({"redis": {"url": "redis+sentinel://u@a/m"}}, "redis.url", "must not hold a user"),
        ({"redis": {"url": "redis+sentinel://a/m/x"}}, "redis.url", "a database that is no number"),
        ({"redis": {"url": "redis+cluster://a,b:x"}}, "redis.url", "a port that is none"),
        ({"redis": {"url": "redis+cluster://"}}, "redis.url", "must name 1 to 32 addresses"),
        ({"redis": {"url": "redis+cluster://a/3"}}, "redis.url", "a Cluster has only 0"),
        ({"redis": {"url": "redis+cluster://a?ssl=1"}}, "redis.url", "behind a question mark"),
        ({"redis": {"url": "redis://u@x", "user": "v"}}, "redis.user", "choose one"),
        ({"redis": {"url": "unix:///x", "tls": True}}, "redis.tls", "nothing leaves the machine"),
        ({"redis": {"tls_ca_file": "/ca.pem"}}, "redis.tls_ca_file", "set redis.tls = true"),
        ({"redis": {"tls": True, "tls_key_file": "/k"}}, "redis.tls_key_file", "give both or none"),
        ({"redis": {"tls": True, "tls_certificate_file": "/c"}}, "redis.tls_key_file", "give both or none"),
        ({"redis": {"sentinel_user": "s"}}, "redis.sentinel_user", "sentinel:// only"),
        ({"host": {"lease_s": 10, "heartbeat_s": 5}}, "host.heartbeat_s", "a third of lease_s"),
        ({"sip": {"bind_address": "::1"}}, "sip.bind_address", "IPv4"),
        ({"sip": {"bind_address": "0.0.0.0"}}, "sip.bind_address", "one address of this host"),
        ({"sip": {"rtp_port_min": 4000}}, "sip.rtp_port_max", "set together"),
        ({"sip": {"rtp_port_min": 5000, "rtp_port_max": 4000}}, "sip.rtp_port_max", "below rtp_port_min"),
        ({"sip": {"rtp_port_min": 5000, "rtp_port_max": 5100}}, "sip.rtp_port_max", "8 ports for each"),
        ({"sip": {"bind_address": "eth0"}}, "sip.bind_address", "IPv4 address"),
        ({"trunks": [{"name": "a", "host": "h", "password": "x"}]}, "trunks.0.password", "username is not"),
        ({"trunks": [{"name": "a", "host": "h"}] * 2}, "trunks", "must differ"),
        ({"registers": [{"name": "a", "path": "/a", "country": "US"}] * 2}, "registers", "must differ"),
        (
            {"registers": [{"name": name, "path": "/a", "country": "US"} for name in "ab"]},
            "registers",
            "each register needs a file of its own",
        ),
        ({"registers": [{"name": "all", "path": "/a", "country": "US"}]}, "registers.0.name", 'must not be "all"'),
        ({"registers": [{"name": "a", "path": "a", "country": "US"}]}, "registers.0.path", "pattern"),
        ({"pacing": {"interval_s": 0.1, "budget_s": 0.1}}, "pacing.budget_s", "less than interval_s"),
    ],
)
def test_values_that_do_not_go_together(given: dict[str, object], where: str, message: str) -> None:
    """Each rule between two settings is said at the setting to change."""
    with pytest.raises(ValidationError, match=message) as caught:
        DaemonSettings.model_validate(given)
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [where]
    assert "geheim" not in str(caught.value)


def test_an_rtp_range_that_is_large_enough() -> None:
    """Four ports for each line will do."""
    given = {"sip": {"max_lines": 10, "rtp_port_min": 4000, "rtp_port_max": 4079}}
    assert DaemonSettings.model_validate(given).sip.rtp_port_max == 4079


@pytest.mark.parametrize("module", ["config.campaign", "config.daemon", "config.load", "config.show"])
def test_settings_are_light_to_import(module: str) -> None:
    """Reading the knobs brings in no numba, trio, redis or pjsua2."""
    heavy = "numba trio redis pjsua2 numpy"
    code = f"import sys, {module}; sys.exit(' '.join(m for m in '{heavy}'.split() if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_models_are_pydantic() -> None:
    """A section is a plain pydantic model, so that others can dump and read it."""
    assert issubclass(Section, BaseModel)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"prefixes": ["86"]}, "prefixes"),
        ({"called_rules": ["+86"]}, "called_rules"),
        ({"called_rules": ["+86=0", "+86=00"]}, "rewritten in more than one way"),
        ({"caller_rules": ["+86=abc"]}, "caller_rules"),
        ({"caller_ids": ["north"]}, "caller_ids"),
        ({"codecs": ["PCMU", "PCMU"]}, "a codec is there twice"),
        ({"codecs": ["opus"]}, "codecs"),
        ({"codecs": []}, "codecs"),
        ({"priority": 10}, "priority"),
        ({"host": "[::1]"}, "a carrier with IPv6 is reached through a proxy"),
        ({"host": "::1"}, "a carrier with IPv6 is reached through a proxy"),
    ],
)
def test_a_trunk_that_could_not_work_is_refused(given: dict[str, object], fault: str) -> None:
    """With the setting that is wrong."""
    with pytest.raises(ValidationError, match=fault):
        TrunkSettings.model_validate({"name": "north", "host": "192.0.2.1", **given})


def test_a_trunk_may_say_how_it_wants_calls() -> None:
    """All of it together; 64 trunks are allowed."""
    trunk = {
        "host": "192.0.2.1",
        "priority": 9,
        "weight": 3,
        "prefixes": ["+86", "+852"],
        "called_rules": ["+86=0", "+=00"],
        "caller_rules": ["+="],
        "caller_ids": ["+861065550000", "95533"],
        "codecs": ["PCMA"],
    }
    settings = DaemonSettings.model_validate({"trunks": [{"name": f"t{place}", **trunk} for place in range(64)]})
    assert len(settings.trunks) == 64
    assert settings.trunks[0].where == "192.0.2.1"


def test_more_sources_than_a_worker_can_tell_apart_are_refused() -> None:
    """Over all trunks; the same network in two of them counts once."""
    networks = [f"192.0.{place}.0/24" for place in range(60)]

    def settings(number: int, *, differ: bool) -> DaemonSettings:
        trunks = [
            {
                "name": f"t{place}",
                "host": "192.0.2.1",
                "sources": [f"10.{place if differ else 0}.{network.split('.')[2]}.0/24" for network in networks],
            }
            for place in range(number)
        ]
        return DaemonSettings.model_validate({"trunks": trunks})

    assert len(settings(4, differ=True).trunks) == 4
    assert len(settings(64, differ=False).trunks) == 64
    with pytest.raises(ValidationError, match="300 networks in all, and workers can tell 256 apart"):
        settings(5, differ=True)


def test_a_url_may_name_several_servers() -> None:
    """With a port of its own for each, or the usual one; IPv6 in brackets."""
    sentinels = RedisSettings(url="redis+sentinel://10.0.0.1,[::1]:5000/main/3")
    cluster = RedisSettings(url="redis+cluster://a,b:7001")

    assert sentinels.addresses == (("10.0.0.1", 26379), ("::1", 5000))
    assert (sentinels.master, sentinels.database, sentinels.kind.value) == ("main", 3, "sentinel")
    assert cluster.addresses == (("a", 6379), ("b", 7001))
    assert not cluster.encrypted
    assert RedisSettings(url="rediss://a").encrypted
