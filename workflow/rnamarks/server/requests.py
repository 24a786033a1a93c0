"""What a form, or the query of an address, asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import InputError
from ..prediction.scan import ALPHA, ENDS, ScanOptions

SWITCHES = ("all", "bedrmod", "attention")
_OPTIONS = {"tasks", "alpha", "fdr", "above", "mode", "ends", "sequences", "names", "format", *SWITCHES}


@dataclass(frozen=True)
class Request:
    """What a scan is asked for.

    Attributes
    ----------
    options : ScanOptions
        With ``weights`` the table of attention is written, too.
    mode : str
        ``exact`` or ``fast``.
    tasks : tuple of str
        Empty for all.
    bedrmod : bool
        Whether bedRMod is written.
    """

    options: ScanOptions
    mode: str
    tasks: tuple[str, ...] = ()
    bedrmod: bool = False

    def record(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Request:
        """The reverse of :meth:`record`."""
        return cls(ScanOptions(**record["options"]), record["mode"], tuple(record["tasks"]), record["bedrmod"])

    def form(self) -> dict[str, Any]:
        """The values of the form that asks for this."""
        options = self.options
        limits = {"alpha": options.alpha, "fdr": options.fdr, "above": options.above}
        return {
            **{name: "" if limit is None else f"{limit:g}" for name, limit in limits.items()},
            "tasks": self.tasks,
            "all": options.alpha is None,
            "mode": self.mode,
            "ends": options.ends,
            "bedrmod": self.bedrmod,
            "attention": options.weights,
        }


def read_request(given: Mapping[str, str]) -> Request:
    """What a form, or the query of an address, asks for.

    Parameters
    ----------
    given : mapping of str to str
        ``tasks`` (names, separated by commas), ``alpha``, ``fdr``, ``above``, ``all``, ``mode``, ``ends``, ``bedrmod``,
        ``attention``: as the options of ``rnamarks scan``; a switch is on if it is there.

    Raises
    ------
    InputError
        If a number is none, or an option cannot be.
    """
    if unknown := set(given) - _OPTIONS:
        raise InputError("there is no such option", value=min(unknown), remedy=f"use {', '.join(sorted(_OPTIONS))}")
    mode = given.get("mode", "exact")
    attention = "attention" in given
    options = ScanOptions(
        alpha=None if "all" in given else _number(given, "alpha", ALPHA),
        fdr=_number(given, "fdr", None),
        above=_number(given, "above", None),
        ends=given.get("ends", ENDS[0]),
        top=mode == "exact" or attention,
        weights=attention,
    )
    names = tuple(name.strip() for name in given.get("tasks", "").split(",") if name.strip())
    return Request(options, mode, names, "bedrmod" in given)


def _number(given: Mapping[str, str], name: str, default: float | None) -> float | None:
    text = given.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError as error:
        raise InputError(f"{name} is no number", value=text, remedy="use for example 0.05") from error
