"""The API reference: `python -m deploy.reference` makes pages of the docstrings of all that is public.

Public is what the modules below name in `__all__`, or define without a leading underscore where they have none. Links
lead nowhere outside, and pages load nothing: they can be read from a folder.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pdoc import doc, render

import headrace

PUBLIC = (
    "headrace",
    "headrace.connection",
    "headrace.contracts",
    "headrace.errors",
    "headrace.kafka.embedded",
    "headrace.lake",
    "headrace.producer",
    "headrace.producer.metrics",
    "headrace.read",
    "headrace.read.audit",
    "headrace.read.ends",
    "headrace.read.events",
    "headrace.settings",
    "headrace.testing",
    "headrace.testing.brokers",
)
"""What users import from; all else may change with any version."""

FOLDER = Path(__file__).parents[1] / "docs" / "_build"


def build(folder: Path) -> None:
    """Writes a page for each module, one that lists them, and what their search needs."""
    render.configure(docformat="google", footer_text=f"Headrace {headrace.__version__}", show_source=False)
    modules = public_modules()
    for name, module in modules.items():
        page = folder / f"{name.replace('.', '/')}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_without_dead_links(render.html_module(module, modules), module))
    (folder / "index.html").write_text(render.html_index(modules))
    (folder / "search.js").write_text(render.search_index(modules))


def _without_dead_links(page: str, module: doc.Module) -> str:
    """What a class has from another one stands there alone: links lead there, or nowhere if that is another page."""
    there = set(re.findall(r'id="([^"]+)"', page))
    classes = [member for member in module.members.values() if isinstance(member, doc.Class)]
    homes = {f"{each.qualname}.{name}": found.taken_from[1] for each in classes for name, found in each.members.items()}

    def mended(link: re.Match[str]) -> str:
        target = link[1] if link[1] in there else homes.get(link[1])
        return f'<a href="#{target}">{link[2]}</a>' if target in there else link[2]

    return re.sub(r'<a href="#([^"]+)">(.*?)</a>', mended, page)


def public_modules() -> Mapping[str, doc.Module]:
    """The public modules by their names, with the docstrings of all that they name."""
    modules = {}
    for name in PUBLIC:
        module = import_module(name)
        for exported in getattr(module, "__all__", ()):
            getattr(module, exported)  # pdoc looks only at what has been loaded
        modules[name] = doc.Module(module)
    for name, page in modules.items():
        # pdoc lists those that a package exports or holds; these are the ones that have a page.
        page.submodules = [below for each, below in modules.items() if each.rpartition(".")[0] == name]
        for member in page.members.values():
            member.docstring = member.docstring or _said_at_home(member)
    return modules


def _said_at_home(member: doc.Doc[Any]) -> str:
    """What is said of a value where it is defined: it does not know where that is."""
    for name in sorted(sys.modules):
        home = sys.modules[name]
        if name.startswith("headrace.") and vars(home).get(member.name) is vars(sys.modules[member.modulename]).get(
            member.name
        ):
            found = doc.Module.from_name(name).members.get(member.name)
            if found is not None and found.docstring:
                return found.docstring
    return ""


def documented(modules: Mapping[str, doc.Module]) -> Iterator[doc.Doc[Any]]:
    """Everything that has to have a docstring: modules, what they name, and the methods of classes."""
    for module in modules.values():
        yield module
        for member in module.members.values():
            if member.name.startswith("_"):
                continue
            yield member
            if isinstance(member, doc.Class):
                own = [*member.methods, *member.classmethods, *member.staticmethods]
                yield from (each for each in own if not each.name.startswith("_") and not each.is_inherited)


if __name__ == "__main__":
    build(FOLDER)
    print(FOLDER / "index.html")
