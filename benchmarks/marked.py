"""Where figures stand in a document: between two comments, of which the first names the command that writes them."""

END = "<!-- end of figures -->\n"


def with_figures(document: str, module: str, figures: str) -> str:
    """The document with the figures of one module made anew.

    Args:
        document: its whole text.
        module: what writes them, such as `benchmarks.figures`.
        figures: Markdown, with a line end at its end.

    Raises:
        ValueError: the document has no place for the figures of this module.
    """
    begin = f"<!-- figures: python -m {module} -->\n"
    before, rest = document.split(begin)
    _, after = rest.split(END, maxsplit=1)
    return f"{before}{begin}\n{figures}\n{END}{after}"
