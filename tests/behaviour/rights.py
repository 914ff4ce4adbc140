"""The user of the tests' Kafka who may log in and do nothing but what a test grants."""

from collections.abc import Mapping

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from headrace.testing.shared_kafka import KafkaAddress

TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
READ, DESCRIBE = AclOperation.READ, AclOperation.DESCRIBE


def login(kafka: KafkaAddress) -> Mapping[str, object]:
    """Settings, as KafkaSettings names them."""
    if kafka.sasl_bootstrap_servers is None:
        pytest.skip("the cluster that HEADRACE_TEST_BOOTSTRAP_SERVERS names has logins of its own")
    return {
        "bootstrap_servers": kafka.sasl_bootstrap_servers,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": kafka.stranger_username,
        "sasl_password": kafka.sasl_password,
    }


def grant(kafka: KafkaAddress, operation: AclOperation, kind: ResourceType, name: str) -> None:
    """Lets the user do it; the broker knows of it a moment later."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    user, pattern = f"User:{kafka.stranger_username}", ResourcePatternType.LITERAL
    acl = AclBinding(kind, name, pattern, user, "*", operation, AclPermissionType.ALLOW)
    for granted in admin.create_acls([acl]).values():
        granted.result()
