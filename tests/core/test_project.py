from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.errors import UsageError
from lading.core.location import Location
from lading.core.project import Model, Project
from lading.core.signature import Signature, TensorSpec

FULL = """
store = "s3://bucket/models"
tiers = ["file:///mnt/models", "s3://bucket/models"]

[models."acme/sentiment"]
path = "models/sentiment/"
files = ["*.onnx", "tokenizer.json"]
version = "1.0"
follow = true
format = "onnx"
entry = "model.onnx"
required = false
license = "MIT"
description = "Says how it is said."

[models."acme/sentiment".signature]
inputs = [{name = "x", datatype = "FP32", shape = [-1, 4]}]

[models.small]
path = "."
stage = "production"
"""


def _refusal(text: str, environ: dict[str, str] | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        Project.parse(text, environ or {})
    return caught.value


def _store(text: str, environ: dict[str, str]) -> str:
    return Project.parse(f"store = '{text}'", environ).store


def test_every_declaration_is_read() -> None:
    assert Project.parse(FULL, {}) == Project(
        "s3://bucket/models",
        ("file:///mnt/models", "s3://bucket/models"),
        {
            "acme/sentiment": Model(
                "acme/sentiment",
                "models/sentiment",
                files=("*.onnx", "tokenizer.json"),
                version="1.0",
                follow=True,
                format="onnx",
                entry="model.onnx",
                required=False,
                signature=Signature((TensorSpec("x", "FP32", (-1, 4)),), ()),
                license="MIT",
                description="Says how it is said.",
            ),
            "small": Model("small", ".", stage="production"),
        },
    )


def test_an_empty_project_has_the_store_of_its_folder() -> None:
    assert Project.parse("", {}) == Project("file://.lading/store", (), {})


def test_a_declared_model_is_found_and_another_told_what_is_declared() -> None:
    project = Project.parse(FULL, {})
    assert project.model("small").stage == "production"
    with pytest.raises(UsageError) as caught:
        project.model("smal")
    assert caught.value.code == "undeclared"
    assert caught.value.message == ("'smal' is not declared in lading.toml; declared: acme/sentiment, small")
    assert caught.value.hint == "lading add PATH --name smal"


def test_without_models_the_message_says_none() -> None:
    with pytest.raises(UsageError, match="declared: none"):
        Project().model("m")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("stroe = 'x'", "lading.toml: unknown key 'stroe'", "did you mean 'store'?"),
        ("qqq = 'x'", "lading.toml: unknown key 'qqq'", "known keys: models, store, stores, tiers"),
        (
            "[models.m]\npath = 'x'\nversoin = '1'",
            "lading.toml [models.m]: unknown key 'versoin'",
            "did you mean 'version'?",
        ),
        (
            "[models.m]\npath = 'x'\n[models.m.signature]\ninputs = []\noutput = []",
            "lading.toml [models.m] signature: unknown key 'output'",
            "did you mean 'outputs'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_naming_the_nearest(text: str, message: str, hint: str) -> None:
    error = _refusal(text)
    assert (error.code, error.message, error.hint) == ("bad-setting", message, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("store = ", "lading.toml is not TOML: "),
        ("store = 1", "lading.toml: 'store' must be text; got 1"),
        ("tiers = 'x'", "lading.toml: 'tiers' must be a list; got 'x'"),
        ("models = 1", "lading.toml: 'models' must be a table; got 1"),
        ("models.m = 1", "lading.toml models: 'm' must be a table; got 1"),
        ("[models.m]", "lading.toml [models.m]: 'path' is missing"),
        ("[models.m]\npath = 'x'\nfiles = 'y'", "lading.toml [models.m]: 'files' must be a list; got 'y'"),
        (
            "[models.m]\npath = 'x'\nrequired = 'no'",
            "lading.toml [models.m]: 'required' must be true or false",
        ),
        (
            "[models.m]\npath = 'x'\nversion = '1'\nstage = 'prod'",
            "lading.toml [models.m]: it has both 'version' (pinned) and 'stage' (follows); keep one",
        ),
        ("[models.m]\npath = 'x'\nversion = 1.0", "lading.toml [models.m]: 'version' must be text; got 1.0"),
    ],
)
def test_a_broken_setting_is_told_where_it_stands(text: str, message: str) -> None:
    error = _refusal(text)
    assert error.code == "bad-setting"
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("path = '../x'", "bad-path"),
        ("path = '/srv/x'", "bad-path"),
        ("path = './x'", "bad-path"),
        ("path = '/'", "bad-path"),
        ("path = 'x'\nversion = 'prod'", "bad-version"),
        ("path = 'x'\nstage = 'v1'", "bad-stage"),
    ],
)
def test_a_model_keeps_to_the_grammar(line: str, code: str) -> None:
    assert _refusal(f"[models.m]\n{line}").code == code


def test_a_models_name_keeps_to_the_grammar() -> None:
    assert _refusal("[models.M]\npath = 'x'").code == "bad-name"


@pytest.mark.parametrize(
    ("text", "environ", "store"),
    [
        ("${S}", {"S": "s3://b"}, "s3://b"),
        ("s3://${B}/${P}", {"B": "b", "P": "p"}, "s3://b/p"),
        ("${S:-file://d}", {}, "file://d"),
        ("${S:-file://d}", {"S": ""}, "file://d"),
        ("${S:-file://d}", {"S": "s3://b"}, "s3://b"),
        ("s3://b${S:-}", {}, "s3://b"),
        ("s3://b${S}", {"S": ""}, "s3://b"),
        ("s3://$$b", {}, "s3://$b"),
        ("s3://$${S}", {}, "s3://${S}"),
        ("s3://$b", {"b": "x"}, "s3://$b"),
        ("${S}", {"S": "${T}", "T": "x"}, "${T}"),
    ],
)
def test_variables_are_expanded_once_as_in_a_shell(text: str, environ: dict[str, str], store: str) -> None:
    assert _store(text, environ) == store


def test_variables_are_expanded_in_lists_and_tables_but_not_in_keys() -> None:
    text = "tiers = ['${S}']\n[models.m]\npath = '${S}'\nfiles = ['${S}']"
    project = Project.parse(text, {"S": "x"})
    assert (project.tiers, project.models["m"]) == (("x",), Model("m", "x", files=("x",)))
    assert _refusal("'${S}' = 1", {"S": "store"}).message == "lading.toml: unknown key '${S}'"


def test_an_unset_variable_is_named_with_where_it_stands() -> None:
    error = _refusal("[models.m]\npath = '${MODEL_PATH}'")
    assert error.code == "bad-setting"
    assert error.message == "lading.toml models m path: the variable MODEL_PATH is not set"
    assert error.hint == "set MODEL_PATH, or write ${MODEL_PATH:-default}"


@given(st.text(st.characters(exclude_characters="'", exclude_categories=["Cc", "Cs"])))
def test_any_text_can_be_written_with_its_dollars_doubled(text: str) -> None:
    assert _store("s" + text.replace("$", "$$"), {}) == "s" + text


@pytest.mark.parametrize("text", ["${S-x}", "${A:-${B}}", "${", "${1A}", "${A"])
def test_what_looks_like_a_variable_and_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no variable"):
        Project.parse(f"store = '{text}'", {"A": "a", "B": "b", "S": "s"})


STORES = """
[stores.near]
url = "s3://models/team/"
endpoint = "http://10.0.0.7:9000"
region = "garage"
env = "R2_"
allow_http = true
[stores.deep]
url = "s3://models/team/a"
[stores.far]
url = "gs://models"
"""
NEAR = Location("s3://models/team", "http://10.0.0.7:9000", "garage", "R2", allow_http=True)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("near", NEAR),
        ("s3://models/team", NEAR),
        (
            "s3://models/team/b",
            Location("s3://models/team/b", NEAR.endpoint, "garage", "R2", allow_http=True),
        ),
        ("s3://models/team/a/b", Location("s3://models/team/a/b")),
        ("s3://models/teams", Location("s3://models/teams")),
        ("s3://models", Location("s3://models")),
        ("gs://models/x", Location("gs://models/x")),
        ("file:///srv", Location("file:///srv")),
    ],
    ids=[
        "by its name",
        "by its URL",
        "below it",
        "below the nearest",
        "beside it",
        "above it",
        "another",
        "none",
    ],
)
def test_a_store_takes_the_settings_of_its_table(text: str, location: Location) -> None:
    environ = {"R2_ACCESS_KEY_ID": "x"}
    found = Project.parse(STORES, {}).location(text, environ)
    assert found == location
    assert found.environ == environ


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[stores.x]", "lading.toml [stores.x]: 'url' is missing"),
        (
            "[stores.x]\nurl = 'models'",
            "lading.toml [stores.x]: its name is a plain word and its 'url' is one such",
        ),
        ("[stores.'s3://x']\nurl = 's3://x'", "lading.toml [stores.s3://x]: its name is a plain word"),
        ("[stores.x]\nurl = 's3://x'\nregoin = 'a'", "lading.toml [stores.x]: unknown key 'regoin'"),
        ("stores.x = 1", "lading.toml stores: 'x' must be a table"),
    ],
)
def test_what_is_no_store_is_refused(text: str, message: str) -> None:
    error = _refusal(text)
    assert error.code == "bad-setting"
    assert message in error.message
