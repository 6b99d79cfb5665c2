"""riskscore.toml: what init writes spells out every default; every slip is named with its key."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import BaseModel

from riskscore import config as configuration
from riskscore.config import Config, load
from riskscore.errors import ConfigError


def write(tmp_path, text):
    path = tmp_path / "riskscore.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_the_defaults(tmp_path):
    assert load(write(tmp_path, configuration.template())) == Config() == load(write(tmp_path, ""))


def keys(model, prefix=()):
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, (*prefix, name))
        else:
            yield (*prefix, name)


def test_the_template_names_every_key():
    given = tomllib.loads(configuration.template())
    for path in keys(Config):
        if path != ("must_exam",):
            inner = given
            for name in path:
                assert name in inner, path
                inner = inner[name]
    assert "# [[must_exam]]" in configuration.template()


def test_the_example_rule_of_the_template_is_valid(tmp_path):
    lines = configuration.template().splitlines()
    start = lines.index("# [[must_exam]]")
    rule = "\n".join(line.removeprefix("# ") for line in lines[start:])
    [loaded] = load(write(tmp_path, rule)).must_exam
    assert loaded.id == "no-seal-high-value"
    assert [condition.column for condition in loaded.where] == ["seal_ids", "value_usd"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[capacity]\ndefault_share = 1.5", "capacity.default_share"),
        ("[capacity.ports]\n2704 = -1", "capacity.ports.2704"),
        ("[capacity.ports]\n2704 = 1.5", "capacity.ports.2704"),
        ("[selection]\nfloor_share = 0", "selection.floor_share"),
        ("[selection]\nfloor_exam = 'xray'", "unknown exam 'xray', expected one of document"),
        ("[model]\ntrees = 0", "model.trees"),
        ("[model]\nholdout_share = 0.5", "model.holdout_share"),
        ("[kcs]\nkrw_per_usd = 0", "kcs.krw_per_usd"),
        ("timezone = 'Nowhere'", "unknown time zone 'Nowhere'"),
        ("timezon = 'UTC'", "timezon"),
        ("[capacity]\nnan = 1", "capacity.nan"),
        ("[capacity]\ndefault_share = nan", "capacity.default_share"),
        ("x = ", "not readable as TOML"),
    ],
)
def test_every_slip_is_named(tmp_path, text, says):
    with pytest.raises(ConfigError, match=r"riskscore\.toml") as caught:
        load(write(tmp_path, text))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_slips_at_once(tmp_path):
    with pytest.raises(
        ConfigError, match=r"capacity\.default_share.*model\.trees|model\.trees.*capacity\.default_share"
    ):
        load(write(tmp_path, "[capacity]\ndefault_share = 7\n[model]\ntrees = 0\n"))


RULE = """[[must_exam]]
id = "{id}"
exam = "{exam}"
owner = "me"
reason = "why"
where = {where}
"""
CONDITION = '[{ column = "port", op = "eq", value = "2704" }]'


@pytest.mark.parametrize(
    "text",
    [
        RULE.format(id="a", exam="xray", where=CONDITION),
        RULE.format(id="a", exam="nii", where="[]"),
        RULE.format(id="a", exam="nii", where='[{ column = "port", op = "like", value = "27" }]'),
        RULE.format(id="a", exam="nii", where=CONDITION) * 2,
    ],
    ids=["exam", "no condition", "operator", "repeated id"],
)
def test_rules_are_checked(tmp_path, text):
    with pytest.raises(ConfigError, match="must_exam"):
        load(write(tmp_path, text))


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(ConfigError, match=r"no riskscore\.toml.*riskscore init"):
        load(tmp_path / "riskscore.toml")
    (tmp_path / "riskscore.toml").write_bytes(b"timezone = '\xff'")
    with pytest.raises(ConfigError, match="not readable as TOML"):
        load(tmp_path / "riskscore.toml")


def test_the_digest_is_of_the_values_not_of_the_text(tmp_path):
    one = load(write(tmp_path, "[model]\ntrees = 7\n[selection]\nseed = 1\n"))
    two = load(write(tmp_path, "# comment\n[selection]\nseed = 1\n[model]\ntrees = 7\n"))
    other = load(write(tmp_path, "[selection]\nseed = 2\n[model]\ntrees = 7\n"))
    assert one.digest() == two.digest() != other.digest()
    assert Config.model_validate_json(one.canonical()) == one


def test_values_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().timezone = "Asia/Seoul"
