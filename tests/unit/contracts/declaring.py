"""Classes of events made as they are needed."""

from types import new_class

from headrace.contracts import Event


def declared(annotation: object, **keywords: object) -> type[Event]:
    """A class with a key and one more field, `x`."""
    members: dict[str, object] = {"__module__": __name__, "__annotations__": {"key": str, "x": annotation}}
    if "default" in keywords:
        members["x"] = keywords.pop("default")
    keywords = {"topic": "made", "key": "key"} | keywords
    made = new_class("Made", (Event,), keywords, lambda namespace: namespace.update(members))
    assert issubclass(made, Event)
    return made
