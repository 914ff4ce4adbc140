"""The jars of Apache Kafka."""

from headrace.testing.jars import JarSet

KAFKA_VERSION = "4.1.1"
KAFKA_JARS = JarSet(
    f"kafka/{KAFKA_VERSION}",
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        # The one Kafka 4.1.1 depends on; its SLF4J binding is not among Kafka's dependencies.
        "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
    ),
)


def available() -> str | None:
    """Why a real Kafka cannot be started on this machine, or None if it can."""
    problem = KAFKA_JARS.problem()
    return problem and f"no Apache Kafka can be started: {problem}"
