"""Settings, libraries and limits of a process."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headrace.errors import UnsafeStoreError
from headrace.sections import MIB
from headrace.settings import Settings, UnknownVariable
from headrace_cli.doctor.judging import Check, Verdict, check, fail, ok, warn

_PINNED = "deltalake"
# Before that, an error object in a batch moved the consumer's position.
_LEAST_LIBRDKAFKA = (2, 14)
_PYTHONS = ((3, 11), (3, 13))
# Brokers, table files, the log and its folders; 256 are what some systems give.
_ENOUGH_FILES = 1_024
_REQUIREMENT = re.compile(r"\A([A-Za-z0-9._-]+)(==|>=)([0-9.]+)")


@dataclass(frozen=True, slots=True)
class SettingsFacts:
    """Settings that were read without a fault.

    Attributes:
        settings: all of them.
        unknown: variables that begin like ours and are no setting.
    """

    settings: Settings
    unknown: Sequence[UnknownVariable]


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What this process runs on.

    Attributes:
        settings: of the process.
        python: version of the interpreter.
        librdkafka: version of the loaded library.
        required: what the installed package asks for, as `deltalake==1.6.3`; empty if it is not installed.
        installed: versions of the libraries that are there.
        memory_bytes: what the machine has.
        memory_limit_bytes: what a control group leaves of it, if one limits it.
        open_files: how many files the process may hold open.
    """

    settings: Settings
    python: tuple[int, int]
    librdkafka: str
    required: Sequence[str]
    installed: Mapping[str, str]
    memory_bytes: int
    memory_limit_bytes: int | None
    open_files: int


@check(
    "settings-valid",
    asks="Environment and `headrace.toml` can be read, and every value is possible.",
    remedy="Correct what is named: headrace config check shows every setting and where it comes from.",
)
def settings_valid(facts: SettingsFacts) -> Verdict:
    """Settings that are wrong do not get here."""
    return ok(f"lake {facts.settings.lake.root}, brokers {facts.settings.kafka.bootstrap_servers or 'none'}")


@check(
    "settings-unknown",
    asks="No `HEADRACE_*` variable is misspelt.",
    remedy="Correct or unset the variable; sections are set off by two underscores, as in HEADRACE_KAFKA__GROUP_ID.",
)
def settings_unknown(facts: SettingsFacts) -> Verdict:
    """They have no effect, which is rarely meant."""
    if not facts.unknown:
        return ok("every variable is a setting")
    told = (
        f"{each.variable} ({each.meant} was probably meant)" if each.meant else each.variable for each in facts.unknown
    )
    return warn(f"no setting: {', '.join(told)}")


@check(
    "settings-unused",
    asks="Settings of SASL and TLS have an effect under `HEADRACE_KAFKA__SECURITY_PROTOCOL`.",
    remedy="Set HEADRACE_KAFKA__SECURITY_PROTOCOL to SASL_SSL, or to what the brokers speak, or unset what is named.",
)
def settings_unused(facts: SettingsFacts) -> Verdict:
    """Who sets a user and forgets the protocol talks without either."""
    unused, protocol = facts.settings.kafka.unused(), facts.settings.kafka.security_protocol
    if unused:
        return warn(f"without effect under {protocol}: {', '.join(unused)}")
    return ok(f"{protocol} uses all that is set")


@check(
    "settings-password",
    asks="A SASL/PLAIN password does not cross the network in clear.",
    remedy="Set HEADRACE_KAFKA__SECURITY_PROTOCOL=SASL_SSL, or a SCRAM mechanism, on brokers and clients.",
)
def settings_password(facts: SettingsFacts) -> Verdict | None:
    """PLAIN without TLS."""
    kafka = facts.settings.kafka
    if kafka.sasl_mechanism is None:
        return None
    if (kafka.security_protocol, kafka.sasl_mechanism) == ("SASL_PLAINTEXT", "PLAIN"):
        return warn("SASL/PLAIN without TLS")
    return ok(f"{kafka.sasl_mechanism} over {kafka.security_protocol}")


@check(
    "settings-shutdown",
    asks="A stop ends before container runtimes lose patience (30 s).",
    remedy="Lower HEADRACE_INGEST__SHUTDOWN_SECONDS, or give the container a longer grace period.",
)
def settings_shutdown(facts: SettingsFacts) -> Verdict:
    """A stop that is cut short loses nothing, but is read again."""
    seconds = facts.settings.ingest.shutdown_seconds
    return warn(f"a stop may take {seconds:g} s") if seconds >= 30 else ok(f"a stop takes at most {seconds:g} s")


SETTINGS_CHECKS: tuple[Check[SettingsFacts], ...] = (
    settings_valid,
    settings_unknown,
    settings_unused,
    settings_password,
    settings_shutdown,
)


@check(
    "process-python",
    asks="Python is one that Headrace is tested with.",
    remedy="Run Python 3.11, 3.12 or 3.13.",
)
def python(facts: ProcessFacts) -> Verdict:
    """Newer ones may work."""
    version = ".".join(map(str, facts.python))
    least, most = _PYTHONS
    if facts.python < least:
        return fail(f"Python {version} is too old")
    return warn(f"Python {version} is not tested") if facts.python > most else ok(f"Python {version}")


@check(
    "process-deltalake",
    asks="deltalake is the pinned version: others let two overlapping compactions double rows.",
    remedy="pip install 'headrace[services]', which brings the pinned deltalake.",
)
def deltalake(facts: ProcessFacts) -> Verdict:
    """The one library whose every version was examined."""
    wrong = [text for text in _wrong(facts) if text.startswith(_PINNED)]
    found = f"deltalake {facts.installed.get(_PINNED, 'is not installed')}"
    if wrong:
        return fail(wrong[0], UnsafeStoreError.exit_code)
    return ok(found) if _asked(facts) else warn(f"{found}; Headrace is not installed as a package, so no pin is known")


@check(
    "process-libraries",
    asks="The other libraries are at least as new as Headrace needs.",
    remedy="pip install --upgrade 'headrace[services]'",
)
def libraries(facts: ProcessFacts) -> Verdict | None:
    """By what the installed package asks for."""
    if not _asked(facts):
        return None
    wrong = [text for text in _wrong(facts) if not text.startswith(_PINNED)]
    shown = ("confluent-kafka", "polars", "pyarrow", "obstore", "pydantic", "msgspec")
    return fail("; ".join(wrong)) if wrong else ok(", ".join(f"{n} {facts.installed[n]}" for n in shown))


@check(
    "process-librdkafka",
    asks="The loaded librdkafka does not move a position at error messages.",
    remedy="Install confluent-kafka from its wheel, which carries its own librdkafka, not built on the system's.",
)
def librdkafka(facts: ProcessFacts) -> Verdict:
    """confluent-kafka built from source takes whatever the system has."""
    found = f"librdkafka {facts.librdkafka}"
    if _numbers(facts.librdkafka)[:2] < _LEAST_LIBRDKAFKA:
        return fail(f"{found} is older than {'.'.join(map(str, _LEAST_LIBRDKAFKA))}")
    return ok(found)


@check(
    "process-memory",
    asks="The memory budget fits below the container's limit, or the machine's memory.",
    remedy="Raise the container's memory limit, or lower HEADRACE_INGEST__MEMORY_MIB and HEADRACE_INGEST__FLUSH_MIB.",
)
def memory(facts: ProcessFacts) -> Verdict:
    """A limit below the budget kills a worker before it slows down."""
    limit = min(facts.memory_bytes, facts.memory_limit_bytes or facts.memory_bytes) // MIB
    budget = facts.settings.ingest.memory_mib
    found = f"a worker aims at {budget} MiB, the limit is {limit} MiB"
    if budget > limit:
        return fail(found)
    return warn(f"{found}: less than a tenth is spare") if budget > 0.9 * limit else ok(found)


@check(
    "process-files",
    asks="Enough files may be open.",
    remedy="ulimit -n 65536, LimitNOFILE= in systemd, or --ulimit nofile=65536 for the container.",
)
def open_files(facts: ProcessFacts) -> Verdict:
    """The soft limit."""
    found = f"{facts.open_files} files may be open"
    return ok(found) if facts.open_files >= _ENOUGH_FILES else warn(f"only {found}")


PROCESS_CHECKS: tuple[Check[ProcessFacts], ...] = (
    python,
    deltalake,
    libraries,
    librdkafka,
    memory,
    open_files,
)


def _asked(facts: ProcessFacts) -> dict[str, tuple[str, str]]:
    found = (_REQUIREMENT.match(text) for text in facts.required)
    return {match[1]: (match[2], match[3]) for match in found if match}


def _wrong(facts: ProcessFacts) -> list[str]:
    return [
        f"{name} is {facts.installed.get(name, 'not installed')}, {sign}{version} is needed"
        for name, (sign, version) in sorted(_asked(facts).items())
        if not _serves(facts.installed.get(name), sign, version)
    ]


def _serves(found: str | None, sign: str, wanted: str) -> bool:
    if found is None:
        return False
    return found == wanted if sign == "==" else _numbers(found) >= _numbers(wanted)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
