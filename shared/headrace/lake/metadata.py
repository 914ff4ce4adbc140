"""A table's metadata as its log has it: columns and properties, whole, for a commit that changes some of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headrace.lake.latest.live import Action, checkpoint_before, checkpointed, committed
from headrace.lake.store import Store


def metadata_at(store: Store, table: str, version: int) -> dict[str, Any]:
    """The body of the metaData action that holds at a version.

    Raises:
        FileNotFoundError: a commit that no checkpoint stands for is not there.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    *_, last = actions_up_to(store, table, version, "metaData")
    body = {name: value for name, value in last["metaData"].items() if value is not None}
    # A checkpoint keeps maps as lists of pairs.
    body["configuration"] = dict(body.get("configuration") or ())
    body["format"] = {**body["format"], "options": dict(body["format"].get("options") or ())}
    return body


def actions_up_to(store: Store, table: str, version: int, kind: str) -> Iterator[Action]:
    """The actions of a kind up to `version`, the newest last.

    Raises:
        FileNotFoundError: a commit that no checkpoint stands for is not there.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    newest = checkpoint_before(store, table, version)
    yield from (action for action in checkpointed(store, table, newest, kind) if kind in action)
    for made in range(newest + 1, version + 1):
        yield from (action for action in committed(store, table, made) if kind in action)


def with_columns(
    metadata: Mapping[str, Any], fields: Sequence[Mapping[str, Any]], properties: Mapping[str, str]
) -> Action:
    """The action that gives a table further columns, or other ones of the same name, and properties.

    Args:
        metadata: as it holds now.
        fields: of the Delta protocol.
        properties: that are set.
    """
    schema = json.loads(metadata["schemaString"])
    given = {field["name"]: field for field in fields}
    kept = [given.pop(field["name"], field) for field in schema["fields"]]
    schema["fields"] = [*kept, *given.values()]
    return {
        "metaData": {
            **metadata,
            "schemaString": json.dumps(schema, separators=(",", ":")),
            "configuration": {**metadata["configuration"], **properties},
        }
    }
