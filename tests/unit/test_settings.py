import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.connection import KafkaSettings, Section
from headrace.errors import ConfigError
from headrace.sections import CanarySettings, IngestSettings, LakeSettings, MaintainSettings, MetricsSettings
from headrace.settings import Settings, UnknownVariable, load_settings, local_folder, unknown_variables


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches these tests."""
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert (settings.kafka.bootstrap_servers, settings.lake.root) == (None, ".headrace/lake")
    assert (settings.ingest.start, settings.contracts, settings.pipeline) == ("earliest", (), None)


def test_environment_reaches_nested_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", "a:1,b:2")
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_ROWS", "7")
    monkeypatch.setenv("HEADRACE_KAFKA__CLIENT", '{"socket.keepalive.enable": "true"}')
    settings = load_settings()
    assert settings.kafka.bootstrap_servers == "a:1,b:2"
    assert settings.kafka.client == {"socket.keepalive.enable": "true"}
    assert settings.ingest.flush_rows == 7


def test_arguments_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headrace.toml").write_text(
        'pipeline = "file"\nlog_level = "ERROR"\n[lake]\nroot = "file"\n[ingest]\nflush_rows = 5\n'
    )
    monkeypatch.setenv("HEADRACE_PIPELINE", "environment")
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", "environment")
    settings = load_settings(lake={"root": "argument"})
    assert (settings.lake.root, settings.pipeline, settings.log_level) == ("argument", "environment", "ERROR")
    assert settings.ingest.flush_rows == 5


def test_file_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text('pipeline = "other"\n')
    monkeypatch.setenv("HEADRACE_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().pipeline == "other"


def test_file_that_is_named_and_missing_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(ConfigError, match=r"HEADRACE_CONFIG .*missing\.toml"):
        load_settings()


def test_file_that_is_not_toml_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("pipeline = ")
    with pytest.raises(ConfigError, match=r"headrace\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (
            "HEADRACE_KAFKA__CLIENT",
            "linger.ms=5",
            r"read: HEADRACE_KAFKA__CLIENT is not a JSON object such as .*keepalive",
        ),
        ("HEADRACE_KAFKA__CLIENT", "[5]", r"HEADRACE_KAFKA__CLIENT: Input should be a valid dictionary"),
        ("HEADRACE_KAFKA__CLIENT", '{"linger.ms": [5]}', r"HEADRACE_KAFKA__CLIENT: linger\.ms: .* a valid string"),
        ("HEADRACE_KAFKA__CLIENT", "\udcff", r"read: HEADRACE_KAFKA__CLIENT is not a JSON object"),
        ("HEADRACE_LAKE", "/lake", r"read: HEADRACE_LAKE is not a JSON object"),
    ],
)
def test_value_that_is_no_json_object_is_named(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=told):
        load_settings()


def test_properties_of_the_client_may_be_numbers_and_truth_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__CLIENT", '{"linger.ms": 5, "socket.keepalive.enable": true}')
    assert load_settings().kafka.client == {"linger.ms": "5", "socket.keepalive.enable": "true"}


@pytest.mark.parametrize("contracts", ["a.b, c", " a.b,c, "])
def test_contracts_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch, contracts: str) -> None:
    monkeypatch.setenv("HEADRACE_CONTRACTS", contracts)
    assert load_settings().contracts == ("a.b", "c")


def test_every_wrong_value_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_ROWS", "none")
    monkeypatch.setenv("HEADRACE_KAFKA__SESSION_TIMEOUT_MS", "1")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "HEADRACE_INGEST__FLUSH_ROWS: " in str(caught.value)
    assert "HEADRACE_KAFKA__SESSION_TIMEOUT_MS: " in str(caught.value)


def test_misspelt_nested_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_ROW", "7")
    meant = "HEADRACE_INGEST__FLUSH_ROW: no such setting; HEADRACE_INGEST__FLUSH_ROWS was probably meant"
    with pytest.raises(ConfigError, match=meant):
        load_settings()


@pytest.mark.parametrize(
    ("text", "name", "hint"),
    [
        ("flsh_rows = 1\n", "flsh_rows", ""),
        ("[ingest]\nflsh_rows = 1\n", "ingest.flsh_rows", "; ingest.flush_rows was probably meant"),
        ("[ingst]\nflush_rows = 1\n", "ingst", "; ingest was probably meant"),
    ],
)
def test_misspelt_entry_of_the_file_is_refused(tmp_path: Path, text: str, name: str, hint: str) -> None:
    (tmp_path / "headrace.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value) == f"settings are wrong: {name} in {tmp_path}/headrace.toml: no such setting{hint}"


def test_a_wrong_value_of_the_file_is_named_by_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "headrace.toml").write_text('[ingest]\nflush_rows = "many"\nflush_mib = "many"\nstart = "then"\n')
    monkeypatch.setenv("HEADRACE_INGEST__FLUSH_MIB", "some")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    told = str(caught.value)
    assert f"ingest.flush_rows in {tmp_path}/headrace.toml: Input should be" in told
    assert f"ingest.start in {tmp_path}/headrace.toml: Input should be" in told
    assert "HEADRACE_INGEST__FLUSH_MIB: Input should be" in told


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("HEADRACE_LAKE_ROOT", "HEADRACE_LAKE__ROOT"),
        ("HEADRACE__LAKE__ROOT", "HEADRACE_LAKE__ROOT"),
        ("HEADRACE_KAFKA_BOOTSTRAP_SERVERS", "HEADRACE_KAFKA__BOOTSTRAP_SERVERS"),
        ("HEADRACE_LOGLEVEL", "HEADRACE_LOG_LEVEL"),
    ],
)
def test_a_variable_that_surely_means_a_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, "/data/lake")
    with pytest.raises(ConfigError, match=f"^settings are wrong: {variable}: no such setting; {meant} was meant$"):
        load_settings()


def test_variables_that_may_be_somebody_elses_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_LAKES__ROOT", "/lake")
    monkeypatch.setenv("HEADRACE_METRICS_PORT", "tcp://10.0.0.1:9092")
    monkeypatch.setenv("HEADRACE_PORT_9092_TCP", "tcp://10.0.0.1:9092")
    load_settings()
    assert unknown_variables() == (
        UnknownVariable("HEADRACE_LAKES__ROOT", "HEADRACE_LAKE__ROOT"),
        UnknownVariable("HEADRACE_METRICS_PORT", None),
        UnknownVariable("HEADRACE_PORT_9092_TCP", None),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", "latest"),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31T10:30:00+01:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
    ],
)
def test_start_is_a_word_or_a_time_with_an_offset(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: str | datetime
) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__START", text)
    assert load_settings().ingest.start == expected


@pytest.mark.parametrize("text", ["2026-01-31T09:30:00", "yesterday"])
def test_start_without_an_offset_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__START", text)
    with pytest.raises(ConfigError, match="HEADRACE_INGEST__START"):
        load_settings()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a#owner", "x" * 129, "trades\n"])
def test_pipeline_that_would_garble_an_app_id_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="HEADRACE_PIPELINE"):
        load_settings(pipeline=name)


def test_batches_that_do_not_fit_into_memory_are_refused() -> None:
    assert IngestSettings(memory_mib=320, flush_mib=65).flush_mib == 65
    with pytest.raises(ValidationError, match="memory_mib 320 is too small for flush_mib 66: lower flush_mib"):
        IngestSettings(memory_mib=320, flush_mib=66)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"security_protocol": "SASL_SSL"}, "needs HEADRACE_KAFKA__SASL_MECHANISM"),
        ({"sasl_mechanism": "PLAIN"}, "set HEADRACE_KAFKA__SECURITY_PROTOCOL"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "GSSAPI"}, "Input should be"),
        (
            {
                "security_protocol": "SASL_SSL",
                "sasl_mechanism": "PLAIN",
                "sasl_password": "x",
                "sasl_password_file": "/x",
            },
            "not both",
        ),
    ],
)
def test_impossible_combinations_say_what_to_set(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(kafka=fields)


def test_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("HEADRACE_KAFKA__SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("HEADRACE_KAFKA__SASL_PASSWORD", "hunter2")
    settings = load_settings()
    assert settings.kafka.password() == "hunter2"
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("HEADRACE_KAFKA__SASL_MECHANISM", "wrong")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ("lake", "{cwd}/lake"),
        ("/srv/lake/", "/srv/lake"),
        ("~/lake", "/home/somebody/lake"),
        ("file:///srv/a%20lake", "/srv/a lake"),
    ],
)
def test_local_lake_is_an_absolute_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, folder: str
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert local_folder(root) == Path(folder.format(cwd=tmp_path))


@pytest.mark.parametrize("root", ["s3://bucket/lake", "memory:///", "abfss://lake@account.dfs.core.windows.net/x"])
def test_lake_elsewhere_is_no_folder(root: str) -> None:
    assert local_folder(root) is None


@pytest.mark.parametrize("root", ["s3:/bucket/lake", "file:/srv/lake"])
def test_lake_at_a_torn_uri_is_refused(root: str) -> None:
    with pytest.raises(ConfigError, match=r"HEADRACE_LAKE__ROOT.*two slashes"):
        load_settings(lake={"root": root})


@pytest.mark.parametrize("section", [KafkaSettings(), LakeSettings(), IngestSettings(), Settings()])
def test_settings_do_not_change(section: Settings | KafkaSettings | LakeSettings | IngestSettings) -> None:
    name = next(iter(type(section).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(section, name, None)


@pytest.mark.parametrize(
    "section",
    [KafkaSettings, LakeSettings, IngestSettings, MaintainSettings, CanarySettings, MetricsSettings, Settings],
)
def test_every_setting_is_described(section: type[Settings | Section]) -> None:
    sections = {"kafka", "lake", "ingest", "maintain", "export", "canary", "metrics"}
    undescribed = [name for name, field in section.model_fields.items() if not field.description]
    assert [name for name in undescribed if name not in sections] == []
