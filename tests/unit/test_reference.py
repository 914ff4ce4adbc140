"""The API reference is made without a warning, and says something of everything that is public."""

import re
from pathlib import Path

import pytest

from deploy.reference import PUBLIC, build, documented, public_modules
from tests.pages import DOCS


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the reference; a warning on the way is an error here."""
    folder = tmp_path_factory.mktemp("reference")
    build(folder)
    return folder


def test_everything_public_has_a_docstring() -> None:
    silent = [each.fullname for each in documented(public_modules()) if not each.docstring]
    assert silent == []


def test_every_public_name_is_on_its_page(pages: Path) -> None:
    for name, module in public_modules().items():
        page = (pages / f"{name.replace('.', '/')}.html").read_text()
        sections = set(re.findall(r'<section id="([^"]+)">', page))
        exported = set(getattr(module.obj, "__all__", ()))
        assert exported <= sections, name
        assert sections or name in ("headrace.lake", "headrace.read"), name
        parent, _, last = name.rpartition(".")
        assert parent not in PUBLIC or f'/{last}.html">' in (pages / f"{parent.replace('.', '/')}.html").read_text()


def test_links_lead_somewhere(pages: Path) -> None:
    written = {page: page.read_text() for page in pages.rglob("*.html")}
    for page, text in written.items():
        for link in re.findall(r'<a [^>]*href="([^":$]+)"', text):
            path, _, place = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert not place or f'id="{place}"' in written[target], f"{page}: {link}"
            assert target in written


def test_the_guide_imports_nothing_that_is_not_public() -> None:
    texts = [page.read_text() for page in (DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md")))]
    named = {name for text in texts for name in re.findall(r"^(?:>>> )?from (headrace[\w.]*) import ", text, re.M)}
    assert "headrace.read" in named
    assert named <= set(PUBLIC)


def test_pages_load_nothing_from_elsewhere(pages: Path) -> None:
    written = sorted(pages.rglob("*.html"))
    assert len(written) == len(PUBLIC) + 1
    for page in written:
        text = page.read_text()
        assert re.findall(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', text) == []
        assert "@import" not in text
