"""All contracts of a process: the built-in ones and those of the user's modules, on equal footing."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from types import MappingProxyType, ModuleType

from headrace.contracts import heartbeat, state, trading
from headrace.contracts.contract import Contract
from headrace.contracts.event import Event, contract_of
from headrace.errors import ContractError

_BUILT_IN = (trading, state, heartbeat)


def load_contracts(modules: Sequence[str] = ()) -> Mapping[str, Contract]:
    """Imports modules and returns their contracts, and the built-in ones, by the name of the table.

    A contract counts where it is defined, not where it is imported to. A built-in contract gives way to a user's of
    the same table or topic.

    Args:
        modules: dotted names, as in `HEADRACE_CONTRACTS`.

    Raises:
        ContractError: a module cannot be imported or defines no contract, or two contracts share a table or
            a topic.
    """
    found: dict[str, Contract] = {}
    topics: dict[str, Contract] = {}
    for module in map(_imported, modules):
        own = list(_contracts_in(module))
        if not own:
            msg = f"module {module.__name__} defines no contract: write class ...(Event, topic=..., key=...) in it"
            raise ContractError(msg)
        for contract in own:
            _claim(found, contract.name, contract, "table")
            _claim(topics, contract.topic, contract, "topic")
    for contract in chain.from_iterable(map(_contracts_in, _BUILT_IN)):
        if contract.name not in found and contract.topic not in topics:
            found[contract.name] = contract
    return MappingProxyType(found)


def contract_named(contracts: Mapping[str, Contract], name: str) -> Contract:
    """The contract of a table.

    Raises:
        ContractError: there is none; the message lists those there are.
    """
    if name not in contracts:
        known = ", ".join(sorted(contracts))
        msg = f"no contract has the table {name!r}; known are {known}: set HEADRACE_CONTRACTS to the module of yours"
        raise ContractError(msg)
    return contracts[name]


def _claim(taken: dict[str, Contract], name: str, contract: Contract, what: str) -> None:
    other = taken.setdefault(name, contract)
    if other.event is not contract.event:
        msg = (
            f"{_path(contract.event)} and {_path(other.event)} both claim the {what} {name!r}: "
            f"give one of them another {what}"
        )
        raise ContractError(msg)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ContractError:
        raise
    except Exception as error:
        msg = (
            f"module {name!r} of HEADRACE_CONTRACTS cannot be imported: {type(error).__name__}: {error}; "
            "write the dotted name of an installed module, or put its directory on PYTHONPATH"
        )
        raise ContractError(msg) from error


def _contracts_in(module: ModuleType) -> Iterator[Contract]:
    for value in vars(module).values():
        own = isinstance(value, type) and issubclass(value, Event) and value.__module__ == module.__name__
        if own and value.__headrace_declaration__ is not None:
            yield contract_of(value)


def _path(event: type) -> str:
    return f"{event.__module__}.{event.__qualname__}"
