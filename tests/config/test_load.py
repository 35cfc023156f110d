"""Layers, sources, secrets, and what the user is told."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load, load_campaign
from config.problems import MAX_PROBLEMS, ConfigError, Problem, dotted

SECRET = "geheim-0815"

TRUNK = """
[[trunks]]
name = "north"
host = "carrier.example"
username = "u"
"""


def written(folder: Path, text: str, name: str = "dialer.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(
    path: Path | None, environ: dict[str, str] | None = None, flags: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {}, flags or {})
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.problems!r}"
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem) for problem in caught.value.problems]


def test_without_anything_the_defaults_apply() -> None:
    """Every value has a source, and it is the default but for the host name."""
    effective = load(None, {"PATH": "/bin"}, {})
    assert effective.settings.host.name
    assert effective.sources["host.name"] == "machine"
    assert {source for path, source in effective.sources.items() if path != "host.name"} == {"default"}


def test_later_layers_win_value_by_value(tmp_path: Path) -> None:
    """Default, file, environment, flag: each replaces single values and says so."""
    path = written(tmp_path, '[redis]\nurl = "redis://file"\nprefix = "file:"\ntimeout_s = 1\n' + TRUNK)
    environ = {"DIALER_REDIS__PREFIX": "env:", "DIALER_REDIS__TIMEOUT_S": "2", "DIALER_TRUNKS__0__MAX_CPS": "7"}
    effective = load(path, environ, {"redis.timeout_s": "3", "trunks[0].max_calls": "4"})
    redis, trunk = effective.settings.redis, effective.settings.trunks[0]
    assert (redis.url, redis.prefix, redis.timeout_s) == ("redis://file", "env:", 3.0)
    assert (trunk.host, trunk.max_cps, trunk.max_calls, trunk.port) == ("carrier.example", 7.0, 4, 0)
    wanted = {
        "redis.url": f"file {path}",
        "redis.prefix": "env DIALER_REDIS__PREFIX",
        "redis.timeout_s": "flag",
        "redis.password": "default",
        "trunks[0].host": f"file {path}",
        "trunks[0].max_cps": "env DIALER_TRUNKS__0__MAX_CPS",
        "trunks[0].max_calls": "flag",
        "trunks[0].port": "default",
    }
    assert {name: effective.sources[name] for name in wanted} == wanted


def test_a_trunk_may_come_from_the_environment_alone() -> None:
    """Rows are added in the order of their numbers."""
    environ = {
        "DIALER_TRUNKS__1__NAME": "b",
        "DIALER_TRUNKS__1__HOST": "hb",
        "DIALER_TRUNKS__0__NAME": "a",
        "DIALER_TRUNKS__0__HOST": "ha",
    }
    assert [trunk.name for trunk in load(None, environ, {}).settings.trunks] == ["a", "b"]


def test_more_than_ten_trunks_from_the_environment() -> None:
    """The tenth comes after the ninth, although its name sorts before the second."""
    environ = {}
    for index in range(12):
        environ[f"DIALER_TRUNKS__{index}__NAME"] = f"t{index}"
        environ[f"DIALER_TRUNKS__{index}__HOST"] = "h"
    assert [trunk.name for trunk in load(None, environ, {}).settings.trunks] == [f"t{index}" for index in range(12)]


MISTAKES = """
bogus = 1
redis = { urll = "x", timeout_s = "abc" }
[host]
name = "no spaces"
[sip]
max_lines = 10.5
[[trunks]]
name = "a"
host = "h"
[[trunks]]
name = "a"
host = "h"
max_cps = -3
port = true
[log]
level = "inof"
[drain]
talk_limit_s = nan
[spool]
dir = 5
[agents]
heartbeat_timeout_s = inf
[intake]
batch = []
max_lead_bytes = 10000000
"""


def test_all_mistakes_at_once_each_with_its_path(tmp_path: Path) -> None:
    """One line for each: the path, the rule with its unit, what was given, and what may have been meant."""
    environ = {"DIALER_LOG__LEVL": "info", "DIALER_REDIS_URL": "x", "DIALER_METRICS__PORT": "web"}
    flags = {"sip.maxlines": "4", "redis": "x", "trunks[7].name": "x", "a..b": "1"}
    assert sorted(problems(written(tmp_path, MISTAKES), environ, flags)) == sorted(
        [
            "bogus: is not a setting",
            'redis.urll: is not a setting (did you mean "url"?)',
            'redis.timeout_s: must be a number, got "abc"',
            "host.name: is not of the right form: unique name of this daemon; empty: the machine's host name, "
            'got "no spaces"',
            "sip.max_lines: must be a whole number, got 10.5",
            "trunks[1].max_cps: must be more than 0 (calls per second), got -3",
            "trunks[1].port: must be a whole number, got true",
            'trunks[1].name: another trunk is called "a", too',
            'log.level: must be one of debug, info, warning, error, got "inof" (did you mean "info"?)',
            "drain.talk_limit_s: must be a finite number, got nan",
            "spool.dir: must be text, got 5",
            "agents.heartbeat_timeout_s: must be a finite number, got inf",
            "intake.batch: must be a whole number, got a list",
            "intake.max_lead_bytes: must be at most 1048576 (bytes), got 10000000",
            'metrics.port: must be a whole number, got "web" (from env DIALER_METRICS__PORT)',
            'DIALER_LOG__LEVL: is not a setting (did you mean "level"?)',
            "DIALER_REDIS_URL: is not a setting (did you mean DIALER_REDIS__URL, with two underscores?)",
            'sip.maxlines: is not a setting (did you mean "max_lines"?)',
            "redis: is a section: set one of its values",
            "trunks[7].name: leaves a gap: the next free place in the list is 2",
            "a..b: is not a setting",
        ]
    )


def test_a_missing_value_says_what_it_is(tmp_path: Path) -> None:
    """A trunk without a host is told what a host is."""
    assert problems(written(tmp_path, '[[trunks]]\nname = "a"\n')) == [
        "trunks[0].host: is missing: host name or IP address of the carrier"
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[redis]\nurl = \n", r"is not TOML: .*at line 2, column 7"),
        (b"\xff\xfe", r"is not UTF-8 text \(at byte 0\)"),
        (b"x = 1\n" * 200_000, r"is larger than 1048576 bytes"),
        (b"x = " + b"9" * 5000, r"is not TOML"),
        (b"x = " + b"[" * 100_000, r"is nested too deeply|is not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_mistake(tmp_path: Path, data: bytes, message: str) -> None:
    """The place is given, and nothing is said about the settings that are therefore missing."""
    path = tmp_path / "dialer.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=message) as caught:
        load(path, {}, {})
    assert len(caught.value.problems) == 1
    with pytest.raises(ConfigError, match=message) as caught:
        load_campaign(path, {"mode": "predictive"})
    assert len(caught.value.problems) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Its name and the system's reason."""
    path = tmp_path / "no.toml"
    assert problems(path) == [f"{path}: cannot be read: No such file or directory"]


def test_variables_that_are_no_settings_are_left_alone() -> None:
    """DIALER_CONFIG is ours; a container platform's DIALER_SERVICE_HOST is somebody else's."""
    environ = {"DIALER_CONFIG": "/etc/x", "DIALER_SERVICE_HOST": "10.0.0.1", "DIALER_PORT": "tcp://x", "DIALER": "1"}
    assert load(None, environ, {}).settings.redis.url.startswith("redis://")


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_secret_from_every_layer(tmp_path: Path) -> None:
    """The file, a secret file beside it, the credentials directory, the environment and a flag, in that order."""
    beside = written(tmp_path, SECRET + "1\n", "redis.secret")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    path = written(tmp_path, '[redis]\npassword_file = "redis.secret"\n')
    environ: dict[str, str] = {}
    seen = []

    def look() -> None:
        effective = load(path, environ, flags)
        seen.append((effective.settings.redis.password.get_secret_value(), effective.sources["redis.password"]))
        assert SECRET not in f"{effective} {effective.settings.model_dump()}"

    flags: dict[str, str] = {}
    look()
    written(credentials, SECRET + "2", "redis.password")
    environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    look()
    other = written(tmp_path, SECRET + "3\r\n", "other.secret")
    environ["DIALER_REDIS__PASSWORD_FILE"] = str(other)
    look()
    flags["redis.password"] = SECRET + "4"
    look()
    assert seen == [
        (SECRET + "1", f"secret file {beside}"),
        (SECRET + "2", f"secret file {credentials / 'redis.password'}"),
        (SECRET + "3", f"secret file {other}"),
        (SECRET + "4", "flag"),
    ]


def test_a_trunk_finds_its_credential_by_name(tmp_path: Path) -> None:
    """systemd's credential is called after the trunk, not after its place in the file."""
    written(tmp_path, SECRET, "trunks.north.password")
    path = written(tmp_path, '[[trunks]]\nname = "south"\nhost = "h"\n' + TRUNK)
    effective = load(path, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, {})
    assert [trunk.password.get_secret_value() for trunk in effective.settings.trunks] == ["", SECRET]


def test_what_is_wrong_with_a_secret_file(tmp_path: Path) -> None:
    """The file is named, the secret is not."""
    path = written(
        tmp_path, f'[redis]\npassword_file = "no"\npassword = "{SECRET}"\n' + TRUNK + 'password_file = "no"\n'
    )
    assert problems(path) == [
        "redis.password_file: and password are both given: choose one",
        f"trunks[0].password_file: cannot read {tmp_path / 'no'}: No such file or directory",
    ]
    empty = written(tmp_path, "\n", "empty")
    assert problems(None, {"DIALER_REDIS__PASSWORD_FILE": str(empty)}) == [
        f"DIALER_REDIS__PASSWORD_FILE: {empty} is empty"
    ]
    long = written(tmp_path, SECRET * 1000, "long")
    assert problems(None, {}, {"redis.password_file": str(long)}) == [
        f"redis.password_file: {long} is longer than 4096 bytes"
    ]
    assert problems(written(tmp_path, "[redis]\npassword_file = 5\n")) == [
        "redis.password_file: must be the path of a file"
    ]


@pytest.mark.parametrize(
    "text",
    [
        f'[redis]\npassword = ["{SECRET}"]\n',
        f'[redis]\npasswort = "{SECRET}"\n',
        f'redis = "redis://:{SECRET}@host"\n',
        f'[redis]\nurl = "redis://:{SECRET}@host"\n',
        f'[[trunks]]\nname = "a"\nhost = "h"\npassword = "{SECRET}"\n',
        f'[[trunks]]\npassword = {{ value = "{SECRET}" }}\n',
        f'trunks = ["{SECRET}"]\n',
        f'[[trunks]]\nname = "a"\nhost = "h"\nusername = "u"\npassword = "{SECRET}"\nmax_cps = -1\n',
    ],
)
def test_no_mistake_repeats_a_secret(tmp_path: Path, text: str) -> None:
    """However wrongly a password is given, the message does not show it."""
    assert problems(written(tmp_path, text))


def test_a_password_that_is_a_number_is_not_repeated(tmp_path: Path) -> None:
    """A password without quotes is refused like any other mistake, unseen."""
    assert problems(written(tmp_path, "[redis]\npassword = 815815\n")) == ["redis.password: must be text"]


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4), st.text(max_size=12))
def test_any_flag_is_an_answer_or_a_mistake(flags: dict[str, str], value: str) -> None:
    """No path and no text crashes the loader."""
    for name in ("redis.url", "trunks[0].name", "hours[0].days", "log.level", "sip.max_lines"):
        with suppress(ConfigError):
            load(None, {f"DIALER_{name.upper()}": value, f"DIALER_LOG__{value}": value}, {**flags, name: value})


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda s: (
            st.lists(s)
            | st.dictionaries(
                st.sampled_from(["name", "hours", "caps", "retry", "busy", "days", "opens", "limit", "mode", "x"]), s
            )
        ),
        max_leaves=12,
    )
)
def test_any_stored_campaign_is_an_answer_or_a_mistake(tree: object) -> None:
    """Whatever somebody wrote into Redis is refused with reasons, not with a crash."""
    stored = tree if isinstance(tree, dict) else {"name": tree}
    with pytest.raises(ConfigError) as caught:  # the message of mode predictive is always missing
        load_campaign(stored, {"hours[0].opens": "08:00", "retry.busy.delay_s": "5", "caps[1].limit": "2"})
    assert caught.value.problems


# --- campaigns -------------------------------------------------------------------------------------------------------


def test_a_campaign_from_its_file_with_flags(tmp_path: Path) -> None:
    """A message beside the file is found from anywhere; flags change single values, also of rows, and add rows."""
    rows = '[[hours]]\ndays = ["sat"]\nopens = "09:00"\ncloses = "12:00"\n[[hours]]\ndays = ["sun"]\nopens = "14:00"\n'
    rows += 'closes = "20:00"\n'
    head = 'name = "a"\nabandon_message = "a.wav"\n[retry.busy]\ndelay_s = 60\n'
    path = written(tmp_path, head + rows, "a.toml")
    flags = {
        "hours[0].closes": "11:30",
        "caps[0].limit": "3",
        "caps[0].window_days": "7",
        "hours[1].days": "mon, tue",
        "mode": "ratio",
    }
    effective = load_campaign(path, flags)
    settings = effective.settings
    assert settings.abandon_message == str(tmp_path / "a.wav")
    assert [(row.opens, row.closes) for row in settings.hours] == [("09:00", "11:30"), ("14:00", "20:00")]
    assert settings.hours[1].days == ("mon", "tue")
    assert (settings.caps[0].limit, settings.caps[0].window_days) == (3, 7)
    assert (settings.retry.busy.delay_s, settings.retry.busy.max_attempts) == (60, 3)
    wanted = {
        "name": f"file {path}",
        "hours[0].closes": "flag",
        "hours[0].opens": f"file {path}",
        "caps[0].rest_days": "default",
        "hours[1].days": "flag",
        "retry.busy.delay_s": f"file {path}",
        "retry.busy.max_attempts": "default",
    }
    assert {name: effective.sources[name] for name in wanted} == wanted


def test_a_stored_campaign_is_read_back() -> None:
    """What was dumped as JSON loads, with the label as its source."""
    settings = load_campaign({"name": "a", "abandon_message": "/m.wav"}).settings
    again = load_campaign(settings.model_dump(mode="json"), label="redis")
    assert again.settings == settings
    assert set(again.sources.values()) == {"redis"}


def test_what_is_wrong_with_a_campaign() -> None:
    """Paths, reasons and hints as for the daemon; a phone number in a mistake is masked."""
    wrong = {
        "name": "X y",
        "ring_timeout_s": 10,
        "caller_id": "13800001234x",
        "hours": [{"days": ["mon", "xx"], "opens": "9:00", "closes": "12:00"}],
        "retry": {"bussy": {}, "busy": {"delay_s": -1}},
    }
    with pytest.raises(ConfigError) as caught:
        load_campaign(wrong)
    assert sorted(map(str, caught.value.problems)) == sorted(
        [
            'name: is not of the right form: small letters, digits, - and _, got "X y"',
            "ring_timeout_s: must be at least 15 (seconds), got 10",
            "caller_id: is not of the right form: number shown to the callee; this or caller_ids is needed to start, "
            'got "*******1234x"',
            "abandon_message: is needed in mode predictive, which can leave an answered call without an agent: "
            "the callee must then hear who called (path of a WAV file)",
            'hours[0].days[1]: must be one of mon, tue, wed, thu, fri, sat, sun, got "xx"',
            'hours[0].opens: is not of the right form: first minute in which calls may start, HH:MM, got "9:00"',
            "retry.busy.delay_s: must be at least 0 (seconds), got -1",
            'retry.bussy: is not a setting (did you mean "busy"?)',
        ]
    )


# --- problems --------------------------------------------------------------------------------------------------------


def test_paths_are_written_as_people_write_them() -> None:
    """Names by dots, places in brackets."""
    assert dotted(("trunks", 1, "max_cps")) == "trunks[1].max_cps"
    assert dotted(()) == ""
    assert str(Problem("", "all wrong")) == "all wrong"


def test_a_flood_of_problems_is_cut() -> None:
    """The first hundred, and how many more there are; the same problem is said once."""
    error = ConfigError(Problem("x", str(number // 2)) for number in range(2 * MAX_PROBLEMS + 10))
    assert len(error.problems) == MAX_PROBLEMS
    assert str(error).endswith("\nand 5 more")


def test_a_list_may_be_emptied_by_a_flag() -> None:
    """`[]` is nothing at all, as in TOML."""
    flags = {"policies": "[]", "registers": "[]", "mode": "progressive", "caller_id": "+862155550100"}
    settings = load_campaign({"name": "spring"}, flags).settings
    assert (settings.policies, settings.registers) == ((), ())
