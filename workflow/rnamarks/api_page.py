"""``python -m rnamarks.api_page`` prints the page about Python, made of the signatures and docstrings of the code."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator

_LISTS = ("Parameters", "Attributes", "Returns", "Yields", "Raises")


def page() -> str:
    """Markdown about everything that ``import rnamarks`` offers, and what it returns."""
    from . import __all__, __version__, api
    from .errors import InputError
    from .interpretation.attribution import Attribution

    parts = [f"# Python\n\nrnamarks {__version__}, made from the docstrings.\n", *_translated(api.__doc__ or "")]
    for thing in (api.load, api.Model, Attribution, InputError):
        module = __package__ if thing.__name__ in __all__ else thing.__module__
        parts += _described(thing, "##", f"{module}.")
        if inspect.isclass(thing):
            for name, method in vars(thing).items():
                if inspect.isfunction(method) and not name.startswith("_"):
                    parts += _described(method, "###", f"{thing.__name__}.")
    return "\n".join(parts).rstrip() + "\n"


def _described(thing: Callable[..., object], heading: str, before: str) -> Iterator[str]:
    """A heading, the signature and the docstring."""
    yield f"{heading} {before}{thing.__name__}\n"
    if inspect.isfunction(thing):
        yield f"```python\n{thing.__name__}{_signature(thing)}\n```\n"
    yield from _translated(inspect.getdoc(thing) or "")


def _signature(function: Callable[..., object]) -> str:
    whole = inspect.signature(function)
    shown = whole.replace(parameters=[one for one in whole.parameters.values() if one.name != "self"])
    # annotations are text here, and would be shown between quotation marks
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(shown))
    if len(text) < 80:
        return text
    inner, _, after = text[1:].rpartition(")")
    return "(\n" + "".join(f"    {part},\n" for part in _arguments(inner)) + f"){after}"


def _arguments(text: str) -> list[str]:
    """Arguments of a signature: the commas between them, not those within brackets."""
    depth, found = 0, [""]
    for letter in text:
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [one.strip() for one in found]


def _translated(docstring: str) -> Iterator[str]:
    """Markdown of a docstring with the sections of numpydoc."""
    first, *rest = re.split(r"^(\w+)\n-{3,}\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    yield _inline(first).strip() + "\n"
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        yield f"**{title}**\n"
        if title in _LISTS:
            yield "\n".join(_entries(body.strip("\n"))) + "\n"
        elif title == "Examples":
            code = re.sub(r"^(>>>|\.\.\.) ?", "", body.strip(), flags=re.MULTILINE)
            yield f"```python\n{code}\n```\n"
        else:
            yield _inline(body).strip() + "\n"


def _entries(body: str) -> Iterator[str]:
    for entry in re.split(r"\n(?=\S)", body):
        head, _, about = entry.partition("\n")
        name, _, kind = head.partition(" : ")
        about = _inline(" ".join(textwrap.dedent(about).split()))
        yield f"- `{name}`" + (f" ({_inline(kind).strip()})" if kind else "") + (f": {about}" if about else "")


def _inline(text: str) -> str:
    """Roles and literals of reStructuredText as code of Markdown."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return re.sub(r"``(.+?)``", r"`\1`", text)


if __name__ == "__main__":
    print(page(), end="")
