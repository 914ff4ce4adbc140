from headrace.clock import SystemClock
from headrace.contracts import contract_named, load_contracts
from headrace.settings import Settings, load_settings
from headrace_ingest.monitoring import config_hash, new_metrics, serve_metrics


def settings(**changes: object) -> Settings:
    return load_settings(**changes)


def test_the_hash_of_the_settings_is_that_of_the_group() -> None:
    base = config_hash(settings())
    assert config_hash(settings(kafka={"group_instance_id": "one"}, metrics={"port": 9999})) == base
    assert config_hash(settings(ingest={"flush_seconds": 3.0})) != base
    assert config_hash(settings(kafka={"client": {"fetch.min.bytes": "2"}})) != base


def test_no_secret_is_part_of_the_hash() -> None:
    login = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_username": "u"}
    one, other = (settings(kafka={**login, "sasl_password": secret}) for secret in ("one", "other"))
    assert config_hash(one) == config_hash(other)
    names = ("ssl.key.password", "sasl.oauthbearer.client.secret", "ssl.key.pem")
    told = [settings(kafka={"client": dict.fromkeys(names, secret)}) for secret in ("one", "other")]
    assert config_hash(told[0]) == config_hash(told[1]) == config_hash(settings())


def test_nothing_is_served_where_it_is_switched_off() -> None:
    chosen = settings(metrics={"enabled": False})
    metrics = new_metrics(chosen, contract_named(load_contracts(()), "trades"), SystemClock())
    assert serve_metrics(chosen.metrics, metrics) is None
