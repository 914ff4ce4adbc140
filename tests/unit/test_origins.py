import os
from pathlib import Path

import pytest

from headrace.origins import HIDDEN, effective, given_only, shown_root
from headrace.settings import Source, load_settings


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches these tests."""
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def shown() -> dict[str, tuple[object, Source]]:
    return {each.name: (each.value, each.source) for each in effective(load_settings())}


def test_each_setting_names_the_source_that_won(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headrace.toml").write_text('log_level = "ERROR"\n[ingest]\nflush_rows = 5\nflush_mib = 16\n')
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_ROWS", "7")
    found = shown()
    assert found["ingest.flush_rows"] == (7, Source.ENVIRONMENT)
    assert found["ingest.flush_mib"] == (16, Source.FILE)
    assert found["ingest.flush_seconds"] == (2.0, Source.DEFAULT)
    assert found["log_level"] == ("ERROR", Source.FILE)


def test_a_value_set_to_its_default_is_not_called_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_LOG_LEVEL", "INFO")
    assert shown()["log_level"] == ("INFO", Source.ENVIRONMENT)


def test_a_section_may_be_set_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_INGEST", '{"flush_rows": 9}')
    monkeypatch.setenv("headrace_lake__root", "/lake")
    assert shown()["ingest.flush_rows"] == (9, Source.ENVIRONMENT)
    assert shown()["lake.root"] == ("/lake", Source.ENVIRONMENT)


def test_kafka_properties_are_told_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headrace.toml").write_text('[kafka]\nclient = { "client.id" = "file", "log.queue" = "false" }\n')
    monkeypatch.setenv("HEADRACE_KAFKA__CLIENT", '{"client.id": "environment"}')
    found = shown()
    assert found["kafka.client.client.id"] == ("environment", Source.ENVIRONMENT)
    assert found["kafka.client.log.queue"] == ("false", Source.FILE)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEADRACE_KAFKA__SASL_PASSWORD", "hunter2"),
        ("HEADRACE_KAFKA__CLIENT", '{"ssl.key.password": "hunter2"}'),
        ("HEADRACE_KAFKA__CLIENT", '{"ssl.keystore.password": "hunter2"}'),
        ("HEADRACE_KAFKA__CLIENT", '{"ssl.key.pem": "hunter2"}'),
        ("HEADRACE_KAFKA__CLIENT", '{"sasl.oauthbearer.client.secret": "hunter2"}'),
        ("HEADRACE_KAFKA__CLIENT", '{"sasl.oauthbearer.config": "principal=hunter2"}'),
        ("HEADRACE_LAKE__ROOT", "https://me:hunter2@host/lake"),
        ("HEADRACE_LAKE__ROOT", "az://lake?sig=hunter2"),
    ],
)
def test_secrets_are_hidden(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    told = effective(load_settings())
    assert "hunter2" not in repr(told)
    assert HIDDEN in repr(told)


def test_wrong_values_are_not_told_but_where_they_come_from_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_ROWS", "hunter2")
    (told,) = given_only()
    assert (told.variable, told.value, told.source) == ("HEADRACE_INGEST__FLUSH_ROWS", None, Source.ENVIRONMENT)


def test_a_file_that_cannot_be_read_leaves_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("not = = toml")
    assert given_only() == ()


@pytest.mark.parametrize(
    ("root", "shown"),
    [
        ("lake", "{cwd}/lake"),
        ("file:///srv/lake", "/srv/lake"),
        ("s3://me:hunter2@bucket/lake", f"s3://{HIDDEN}@bucket/lake"),
    ],
)
def test_the_lake_is_shown_as_the_place_that_it_is(root: str, shown: str, tmp_path: Path) -> None:
    assert shown_root(root) == shown.format(cwd=tmp_path)
