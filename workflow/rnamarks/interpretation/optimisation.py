"""Global motifs by class optimisation: the window that a head likes best (Xiong et al. 2021, Figure 5).

A real matrix S (4 x window) climbs P+ - gamma * ||S||^2 with the network's weights frozen; the column softmax of S is
the motif. The paper states neither gamma nor steps nor rate, and ships no code. Two choices here differ from its text,
both with the text's way as an option:

- *objective*: the logit (default) or the probability. The gradient of a probability vanishes as it nears 1, and the
  penalty then decides how far a start gets.
- *input*: the network reads the column softmax of S (default), or S itself (the paper). A network has only ever met
  columns of one letter. Columns of shares lie between those; a free S leaves them, raises the logit by its size rather
  than by its letters, and its column softmax then holds little information.

The result is what *raises* the logit, not what windows of the class look like; and the objective has many optima. So
every head is optimised from several starts, and what is reported is the mean over starts with their spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from ..errors import InputError
from ..models.checkpoint import Ensemble, ModelConfig, load_model, require_head
from ..prediction.score import pick_device
from ..sequences import ALPHABET, LETTERS
from ..sites.motifs import motif_masks
from .soft_input import frozen, require_soft

OBJECTIVES = ("logit", "probability")
INPUTS = ("softmax", "raw")
OPTIMISERS = ("adam", "plain")
SPREAD_QUANTILES = (0.05, 0.95)
"""Of the starts: ``low`` and ``high``."""
MEAN = "mean"

MOTIF_COLUMNS = [
    "species",
    "predictor",
    "start",
    "position",
    "offset",
    *ALPHABET,
    "bits",
    "mean_bits",
    "sd",
    "low",
    "high",
    "held",
]
START_COLUMNS = [
    "species",
    "predictor",
    "start",
    "objective",
    "last_gain",
    "logit",
    "penalty",
    "consensus_logit",
    "bits",
    "agreement",
    "consensus",
]


@dataclass(frozen=True)
class OptimisationSettings:
    """How a class is optimised.

    Attributes
    ----------
    objective : {"logit", "probability"}
    input : {"softmax", "raw"}
        What the network reads: see the module's head.
    gamma : float
        Weight of the squared norm of S.
    steps : int
    rate : float
        Step size.
    optimiser : {"adam", "plain"}
    starts : int
    spread : float
        Standard deviation of the random S at the start.
    temperature : float
        The reported motif is the softmax of S / temperature.
    motif : str
        IUPAC letters that the site must sit in, held while the rest is optimised; ``""`` (the paper) holds nothing.
    motif_offset : int
        Place of the site in that motif, from 0.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    objective: str = "logit"
    input: str = "softmax"
    gamma: float = 0.02
    steps: int = 300
    rate: float = 0.1
    optimiser: str = "adam"
    starts: int = 10
    spread: float = 0.5
    temperature: float = 1.0
    motif: str = ""
    motif_offset: int = 0

    def __post_init__(self) -> None:
        for name, choices in (("objective", OBJECTIVES), ("input", INPUTS), ("optimiser", OPTIMISERS)):
            if getattr(self, name) not in choices:
                raise InputError(
                    f"class optimisation has no such {name}",
                    value=getattr(self, name),
                    remedy=f"choose one of {', '.join(choices)}",
                )
        for name, least in (("gamma", 0.0), ("spread", 0.0), ("steps", 1), ("starts", 1)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name} must be at least {least:g}", value=getattr(self, name), remedy="raise it")
        for name in ("rate", "temperature"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be above 0", value=getattr(self, name), remedy="raise it")

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> OptimisationSettings:
        """From a section of a configuration; an unknown key is an :class:`InputError`."""
        known = list(cls.__dataclass_fields__)
        for key in given:
            if key not in known:
                raise InputError(
                    "class optimisation has no such setting", value=key, remedy=f"it has {', '.join(known)}"
                )
        return cls(**given)


@dataclass(frozen=True)
class Optimum:
    """What the starts of one head arrived at.

    Attributes
    ----------
    pwms : numpy.ndarray, shape=(starts, 4, window)
        Shares of A, C, G, U; columns sum to 1.
    logits, penalties, objectives, gains, consensus_logits : numpy.ndarray, shape=(starts,)
        At the end; ``gains`` is what the last tenth of the steps added to the objective; ``consensus_logits`` belong
        to the windows of each column's commonest letter.
    held : numpy.ndarray, shape=(window,), dtype=bool
        Columns in which letters were forbidden.
    """

    pwms: np.ndarray
    logits: np.ndarray
    penalties: np.ndarray
    objectives: np.ndarray
    gains: np.ndarray
    consensus_logits: np.ndarray
    held: np.ndarray


def allowed_letters(window: int, motif: str, offset: int) -> np.ndarray:
    """Letters that each column of a window may hold when the site at its centre sits in a motif.

    Parameters
    ----------
    window : int
        The site is the 0-based position ``window // 2``.
    motif : str
        IUPAC letters; ``""`` allows everything.
    offset : int
        Place of the site in the motif, from 0.

    Returns
    -------
    numpy.ndarray, shape=(4, window), dtype=bool
    """
    allowed = np.ones((len(ALPHABET), window), dtype=bool)
    if motif:
        masks = motif_masks(motif)
        first = window // 2 - offset
        if not (0 <= offset < len(masks) and first >= 0 and first + len(masks) <= window):
            raise InputError(f"the motif {motif} does not fit the window with that offset", value=offset)
        allowed[:, first : first + len(masks)] = (masks[None] >> np.arange(len(ALPHABET))[:, None]) & 1
    return allowed


def optimise_class(
    model: nn.Module,
    head: str,
    window: int,
    settings: OptimisationSettings | None = None,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Optimum:
    """Climb a head's objective from several starts at once.

    Parameters
    ----------
    model : torch.nn.Module
        A network of the register, or an ensemble of them: the logit that is climbed is then the members' mean.
    head : str
    window : int
        Width in nt.
    settings : OptimisationSettings, optional
    seed : int
        Of the starts; start i is the same whatever the number of starts.
    device : str or torch.device

    Returns
    -------
    Optimum

    Raises
    ------
    ValueError
        If the network reads no real-valued windows.
    """
    settings = settings or OptimisationSettings()
    allowed = allowed_letters(window, settings.motif, settings.motif_offset)
    draws = [np.random.default_rng([seed, start]).normal(size=allowed.shape) for start in range(settings.starts)]
    mask = torch.from_numpy(allowed).to(device)
    with frozen(model, device):
        require_soft(model, head, window, device)
        matrix = torch.from_numpy(settings.spread * np.stack(draws)).float().to(device) * mask
        matrix.requires_grad_(True)
        ascent = {"adam": torch.optim.Adam, "plain": torch.optim.SGD}[settings.optimiser]
        optimiser = ascent([matrix], lr=settings.rate, maximize=True)

        def climb() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            columns = matrix * mask if settings.input == "raw" else _softmax(matrix, mask, 1.0)
            logits = model(columns, head)
            reward = logits if settings.objective == "logit" else logits.sigmoid()
            penalty = settings.gamma * matrix.square().sum(dim=(1, 2))
            return logits, penalty, reward - penalty

        late = settings.steps - max(1, settings.steps // 10)
        before = torch.zeros(settings.starts)
        for step in range(settings.steps):
            optimiser.zero_grad()
            _, _, objective = climb()
            if step == late:
                before = objective.detach().clone()
            # starts do not touch each other, so the sum's gradient is each start's own
            objective.sum().backward()
            optimiser.step()
        with torch.no_grad():
            logits, penalty, objective = climb()
            pwms = _softmax(matrix, mask, settings.temperature)
            consensus = pwms.argmax(dim=1)
            consensus_logits = model(consensus, head)
    found = (pwms, logits, penalty, objective, objective - before.to(device), consensus_logits)
    return Optimum(*(value.double().cpu().numpy() for value in found), held=~allowed.all(axis=0))


def _softmax(matrix: torch.Tensor, mask: torch.Tensor, temperature: float) -> torch.Tensor:
    return (matrix / temperature).masked_fill(~mask, float("-inf")).softmax(dim=1)


def information(pwms: np.ndarray) -> np.ndarray:
    """Information content of each column in bits against equal shares: 2 + sum p log2 p.

    Parameters
    ----------
    pwms : numpy.ndarray, shape=(..., 4, window)

    Returns
    -------
    numpy.ndarray, shape=(..., window)
        From 0 (equal shares) to 2 (one letter).
    """
    logs = np.log2(pwms, out=np.zeros_like(pwms), where=pwms > 0)
    return np.clip(2 + (pwms * logs).sum(axis=-2), 0.0, 2.0)


def motif_table(optimum: Optimum, species: str, predictor: str) -> pd.DataFrame:
    """The starts' motifs and their mean as a long table.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`MOTIF_COLUMNS`. ``start`` is ``mean`` or a number from 1 (text); ``position`` is 1-based in the
        window, ``offset`` counts from the site (0) and is negative upstream; ``bits`` is the information of the row's
        shares; in ``mean`` rows ``mean_bits``, ``sd``, ``low`` and ``high`` describe the starts' own information
        (mean, standard deviation, 5 % and 95 % quantile), which is more than that of the mean where starts disagree.
    """
    window = optimum.pwms.shape[2]
    bits = information(optimum.pwms)
    low, high = np.quantile(bits, SPREAD_QUANTILES, axis=0)
    spread = bits.std(axis=0, ddof=1) if len(bits) > 1 else np.full(window, np.nan)
    blank = np.full(window, np.nan)
    mean = optimum.pwms.mean(axis=0)
    parts = [(MEAN, mean, information(mean), bits.mean(axis=0), spread, low, high)]
    parts += [(str(at + 1), pwm, bits[at], blank, blank, blank, blank) for at, pwm in enumerate(optimum.pwms)]
    frames = []
    for start, pwm, own, average, sd, lowest, highest in parts:
        shares = dict(zip(ALPHABET, pwm, strict=True))
        frame = {"species": species, "predictor": predictor, "start": start, "position": np.arange(1, window + 1)}
        frame |= {"offset": np.arange(window) - window // 2} | shares | {"bits": own, "mean_bits": average}
        frames.append(pd.DataFrame(frame | {"sd": sd, "low": lowest, "high": highest, "held": optimum.held}))
    return pd.concat(frames, ignore_index=True)[MOTIF_COLUMNS]


def start_table(optimum: Optimum, species: str, predictor: str) -> pd.DataFrame:
    """One row per start: how far it got and how far it agrees with the others.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`START_COLUMNS`. ``logit`` belongs to what the network read at the end, ``consensus_logit`` to
        the text in ``consensus`` (RNA); ``agreement`` is the Pearson correlation of the start's shares with the mean
        of the others', NaN for a single start.
    """
    starts = len(optimum.pwms)
    flat = optimum.pwms.reshape(starts, -1)
    agreement = np.full(starts, np.nan)
    if starts > 1:
        others = (flat.sum(axis=0) - flat) / (starts - 1)
        agreement = np.array([_correlation(one, rest) for one, rest in zip(flat, others, strict=True)])
    texts = [LETTERS[codes].tobytes().decode() for codes in optimum.pwms.argmax(axis=1)]
    return pd.DataFrame(
        {
            "species": species,
            "predictor": predictor,
            "start": np.arange(1, starts + 1).astype(str),
            "objective": optimum.objectives,
            "last_gain": optimum.gains,
            "logit": optimum.logits,
            "penalty": optimum.penalties,
            "consensus_logit": optimum.consensus_logits,
            "bits": information(optimum.pwms).sum(axis=1),
            "agreement": agreement,
            "consensus": texts,
        }
    )[START_COLUMNS]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else float("nan")


def optimise_models(
    models: Sequence[tuple[str, str, str | Path]],
    settings: OptimisationSettings | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[str], None] = print,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[tuple[str, str], Optimum]]:
    """Optimise one head of each of several model directories; members of an ensemble are climbed together.

    Parameters
    ----------
    models : sequence of (predictor, species, folder)
        The species is the head. A folder that serves several species is read once if they follow each other.
    settings : OptimisationSettings, optional
    seed : int
        All heads set out from the same starts, so that they differ by what was learned alone.
    device : str
    report : callable
        Given one line per head.

    Returns
    -------
    motifs : pandas.DataFrame
        Columns :data:`MOTIF_COLUMNS`.
    starts : pandas.DataFrame
        Columns :data:`START_COLUMNS`.
    optima : dict of (predictor, species) to Optimum
    """
    motifs, starts, optima = [], [], {}
    loaded: tuple[str | Path, Ensemble, ModelConfig] | None = None
    for predictor, species, folder in models:
        if loaded is None or loaded[0] != folder:
            loaded = (folder, *load_model(folder))
        _, model, config = loaded
        require_head(config, species)
        optimum = optimise_class(
            model.networks, species, config.window, settings, seed=seed, device=pick_device(device)
        )
        motifs.append(motif_table(optimum, species, predictor))
        starts.append(start_table(optimum, species, predictor))
        optima[predictor, species] = optimum
        bits = information(optimum.pwms.mean(axis=0)).sum()
        report(f"{predictor}, {species}: logit {optimum.logits.mean():.2f}, {bits:.1f} bits in the mean motif")
    return pd.concat(motifs, ignore_index=True), pd.concat(starts, ignore_index=True), optima


SENSITIVITY = {"gamma": (0.25, 4.0), "rate": (0.3, 3.0), "steps": (0.5, 2.0), "spread": (0.2, 5.0)}
"""Factors by which each setting is changed, one at a time."""


def sensitivity(
    model: nn.Module,
    head: str,
    window: int,
    settings: OptimisationSettings | None = None,
    *,
    factors: Mapping[str, Sequence[float]] = SENSITIVITY,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> pd.DataFrame:
    """How the mean motif answers to the settings that the paper leaves open.

    Returns
    -------
    pandas.DataFrame
        Columns ``setting``, ``value``, ``logit`` (mean over starts), ``consensus_logit``, ``bits`` (sum over positions
        of the mean motif's information), ``agreement`` (Pearson correlation of the mean motif with that of the given
        settings). First row: the settings as given. The other objective and the other input are tried as well.
    """
    settings = settings or OptimisationSettings()
    trials: list[tuple[str, object, OptimisationSettings]] = [("as given", "", settings)]
    for name, values in factors.items():
        for factor in values:
            value = type(getattr(settings, name))(getattr(settings, name) * factor)
            trials.append((name, value, replace(settings, **{name: value})))
    for name, choices in (("objective", OBJECTIVES), ("input", INPUTS)):
        trials += [(name, at, replace(settings, **{name: at})) for at in choices if at != getattr(settings, name)]
    rows, reference = [], None
    for name, value, trial in trials:
        optimum = optimise_class(model, head, window, trial, seed=seed, device=device)
        mean = optimum.pwms.mean(axis=0)
        reference = mean if reference is None else reference
        rows.append(
            {
                "setting": name,
                "value": str(value),
                "logit": optimum.logits.mean(),
                "consensus_logit": optimum.consensus_logits.mean(),
                "bits": information(mean).sum(),
                "agreement": _correlation(mean.ravel(), reference.ravel()),
            }
        )
    return pd.DataFrame(rows)
