"""Local motifs: what the filters of a network's first convolutions answer to (Xiong et al. 2021, Figure 4).

A filter of width w and dilation d sees w nucleotides, each d away from the next. Its motif is counted in the
subsequences of positive windows on which its activation exceeds a threshold. The activation is the convolution's
output after the batch normalisation and the non-linearity that directly follow it, as far as they are modules that
treat each value by itself; a batch normalisation after the non-linearity is not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from ..dictionary import column_names
from ..errors import InputError
from ..registry import Register
from .filter_files import Filters
from .pwm import PWM
from .soft_input import one_hot

FILTER_SPLIT = "test"
"""Part of the scheme whose modified windows the motifs are counted in: windows that no network was trained on."""
_POINTWISE = (nn.BatchNorm1d, nn.Dropout, nn.Identity)
_NONLINEAR = (nn.ReLU, nn.PReLU, nn.LeakyReLU, nn.GELU, nn.ELU, nn.SELU, nn.SiLU, nn.Softplus, nn.Sigmoid, nn.Tanh)
_CELLS_AT_ONCE = 4_000_000
_MOST_WINDOWS = 2000
_FEWEST_SITES = 10


@dataclass(frozen=True)
class FirstConvolution:
    """A convolution that reads the one-hot sequence.

    Attributes
    ----------
    name : str
        Of the module in the network.
    convolution : torch.nn.Conv1d
    after : tuple of torch.nn.Module
        Batch normalisation and non-linearity that follow it directly; empty where something else follows.
    """

    name: str
    convolution: nn.Conv1d
    after: tuple[nn.Module, ...] = field(default=())

    @property
    def dilation(self) -> int:
        return self.convolution.dilation[0]

    @property
    def width(self) -> int:
        """Number of nucleotides that a filter sees."""
        return self.convolution.kernel_size[0]

    @property
    def span(self) -> int:
        """From the first to the last nucleotide that a filter sees, nt."""
        return self.dilation * (self.width - 1) + 1

    @torch.inference_mode()
    def activations(self, one_hot: torch.Tensor) -> torch.Tensor:
        """Activations where the whole filter lies inside the sequence.

        Parameters
        ----------
        one_hot : torch.Tensor, shape=(batch, 4, window)

        Returns
        -------
        torch.Tensor, shape=(batch, filters, window - span + 1)
            Index of the last axis: the first nucleotide that the filter sees.
        """
        convolution = self.convolution
        x = F.conv1d(one_hot, convolution.weight, convolution.bias, dilation=convolution.dilation)
        for module in self.after:
            x = module(x)
        return x


def first_convolutions(network: nn.Module, window: int) -> list[FirstConvolution]:
    """The convolutions that read the one-hot sequence itself, found by what passes through the network.

    Parameters
    ----------
    network : torch.nn.Module
        With the contract of :mod:`rnamarks.models.registry`; put into evaluation mode.
    window : int
        Width of the windows in nt.

    Returns
    -------
    list of FirstConvolution
        In the order in which they run; empty where the network codes nucleotides in another way or has no convolution
        of stride 1 first.
    """
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, (2, window)).astype(np.uint8)
    wanted = one_hot(codes)
    found: list[list] = []
    last: dict[int, int] = {}
    kept: list[torch.Tensor] = []

    def watch(name: str):
        def hook(module: nn.Module, inputs: tuple, output: object) -> None:
            if not inputs or not isinstance(inputs[0], torch.Tensor):
                return
            given = inputs[0]
            if isinstance(module, nn.Conv1d):
                if module.groups == 1 and module.stride == (1,) and _is_padded(given, wanted):
                    found.append([name, module, [], False])
                    last[id(output)] = len(found) - 1
                    kept.append(output)
                return
            at = last.get(id(given))
            if at is None or found[at][3]:
                return
            if isinstance(module, _NONLINEAR):
                found[at][2].append(module)
                found[at][3] = True
            elif isinstance(module, _POINTWISE):
                found[at][2].append(module)
                last[id(output)] = at
                # a tensor that is still alive keeps its id from being given to another
                kept.append(output)

        return hook

    leaves = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    handles = [module.register_forward_hook(watch(name)) for name, module in leaves]
    try:
        with torch.inference_mode():
            network.eval().trunk(torch.from_numpy(codes))
    finally:
        for handle in handles:
            handle.remove()
    return [FirstConvolution(name, module, tuple(after)) for name, module, after, _ in found]


def _is_padded(given: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether a tensor is the one-hot sequence with any number of zeros at its ends."""
    extra = given.shape[-1] - wanted.shape[-1]
    if given.shape[:2] != wanted.shape[:2] or extra < 0:
        return False
    width = wanted.shape[-1]
    return any(
        torch.equal(given[..., left : left + width], wanted) and not given[..., :left].any()
        for left in range(extra + 1)
    )


@dataclass(frozen=True)
class Statistics:
    """Activations of each filter over all subsequences without N.

    Attributes
    ----------
    mean, rectified_mean, maximum : numpy.ndarray, shape=(filters,)
    subsequences : int
    """

    mean: np.ndarray
    rectified_mean: np.ndarray
    maximum: np.ndarray
    subsequences: int


THRESHOLDS: Register[Callable[[Statistics], np.ndarray]] = Register("filter threshold")


@THRESHOLDS.add("mean")
def mean_threshold(statistics: Statistics) -> np.ndarray:
    """The mean activation (Xiong et al. 2021, text): on average about half of all subsequences exceed it."""
    return statistics.mean


@THRESHOLDS.add("half_max")
def half_max_threshold(statistics: Statistics) -> np.ndarray:
    """Half way from the mean to the largest activation, both of activations rectified at 0 (the released code)."""
    return statistics.rectified_mean + 0.5 * (np.maximum(statistics.maximum, 0) - statistics.rectified_mean)


def activation_statistics(layer: FirstConvolution, codes: np.ndarray) -> Statistics:
    """Mean and largest activation of each filter, in one streamed pass.

    Parameters
    ----------
    layer : FirstConvolution
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8

    Raises
    ------
    InputError
        If no window holds a subsequence of the filter's span without N.
    """
    filters = layer.convolution.out_channels
    total, rectified = np.zeros(filters), np.zeros(filters)
    maximum = np.full(filters, -np.inf)
    count = 0
    for values, _, known in _batches(layer, codes):
        kept = values[:, known]
        if kept.shape[1]:
            total += kept.sum(dim=1, dtype=torch.float64).numpy()
            rectified += kept.clamp(min=0).sum(dim=1, dtype=torch.float64).numpy()
            maximum = np.maximum(maximum, kept.amax(dim=1).numpy())
            count += kept.shape[1]
    if not count:
        raise InputError(
            f"no window holds {layer.span} nt without N", value=len(codes), remedy="give more or longer windows"
        )
    return Statistics(total / count, rectified / count, maximum, count)


def _batches(layer: FirstConvolution, codes: np.ndarray) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Activations (filters, subsequences), nucleotides (subsequences, 4 * width), and which subsequences hold no N."""
    starts = codes.shape[1] - layer.span + 1
    if starts < 1:
        raise InputError(
            f"a filter of layer {layer.name} spans {layer.span} nt",
            value=f"windows of {codes.shape[1]} nt",
            remedy="give wider windows, or undilated filters only",
        )
    cells = starts * max(layer.convolution.out_channels, 4 * layer.width)
    size = max(1, _CELLS_AT_ONCE // cells)
    for at in range(0, len(codes), size):
        rows = one_hot(codes[at : at + size])
        values = layer.activations(rows).transpose(0, 1).flatten(1)
        # (batch, 4, window) -> (batch, starts, 4, width) -> (subsequences, 4 * width)
        seen = rows.unfold(2, layer.span, 1)[..., :: layer.dilation].permute(0, 2, 1, 3)
        nucleotides = seen.reshape(-1, 4 * layer.width)
        known = nucleotides.sum(dim=1) == layer.width
        yield values, nucleotides, known


def filter_motifs(network: nn.Module, codes: np.ndarray, *, threshold: str = "mean", source: str = "") -> Filters:
    """Motifs of first-layer filters from positive windows.

    Of the first convolutions those of the smallest dilation are read: the 300 filters of the paper.

    Parameters
    ----------
    network : torch.nn.Module
    codes : numpy.ndarray, shape=(n_windows, window), dtype=uint8
        Positive windows that the network was not trained on.
    threshold : {"mean", "half_max"}
        See :data:`THRESHOLDS`.
    source : str
        Written into the motifs.

    Returns
    -------
    Filters
        Motif names are ``m0_d<dilation>_f<filter>``; one is added to the count of each nucleotide. A motif is
        informative if it was counted in ten sites or more. A filter whose activation never exceeds its threshold has a
        uniform motif and no sites. Without a motif where the network has no first convolution.

    Raises
    ------
    InputError
        If there are no windows, or there is no such threshold.
    """
    if not len(codes):
        raise InputError("there are no positive windows to count motifs in", value=0, remedy="give some")
    motifs: list[PWM] = []
    rows: list[dict[str, object]] = []
    layers = first_convolutions(network, codes.shape[1])
    smallest = min((layer.dilation for layer in layers), default=1)
    for layer in (layer for layer in layers if layer.dilation == smallest):
        statistics = activation_statistics(layer, codes)
        limits = THRESHOLDS[threshold](statistics)
        counts = count_nucleotides(layer, codes, limits)
        for at in range(layer.convolution.out_channels):
            motif = _gapped(f"m0_d{layer.dilation}_f{at:03d}", counts[at], layer.dilation, source)
            bits = motif.information(corrected=True)
            sites = int(motif.sites or 0)
            rows.append(
                {
                    "motif": motif.name,
                    "layer": layer.name,
                    "filter": at,
                    "dilation": layer.dilation,
                    "width": motif.width,
                    "threshold": float(limits[at]),
                    "mean_activation": float(statistics.mean[at]),
                    "max_activation": float(statistics.maximum[at]),
                    "sites": sites,
                    "site_fraction": sites / statistics.subsequences,
                    "information": float(bits.sum()),
                    "best_five": float(np.convolve(bits, np.ones(min(5, len(bits))), "valid").max()),
                    "informative": sites >= _FEWEST_SITES,
                    "consensus": motif.consensus(),
                }
            )
            motifs.append(motif)
    return Filters(motifs, pd.DataFrame(rows, columns=column_names("motif_filters", last="consensus")))


def count_nucleotides(layer: FirstConvolution, codes: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Nucleotides in the subsequences above each filter's threshold, in one streamed pass.

    Returns
    -------
    numpy.ndarray, shape=(filters, width, 4)
    """
    limits = torch.from_numpy(thresholds.astype(np.float32))[:, None]
    counts = torch.zeros(layer.convolution.out_channels, 4 * layer.width, dtype=torch.float64)
    for values, nucleotides, known in _batches(layer, codes):
        counts += ((values > limits) & known).float() @ nucleotides
    return counts.reshape(-1, 4, layer.width).transpose(1, 2).numpy()


def _gapped(name: str, counts: np.ndarray, dilation: int, source: str) -> PWM:
    """A motif with uniform columns where a dilated filter does not look."""
    frequencies = np.full((dilation * (len(counts) - 1) + 1, 4), 0.25)
    sites = float(counts.sum(axis=1).max())
    if sites > 0:
        frequencies[::dilation] = PWM.from_counts(name, counts).frequencies
    return PWM(name, frequencies, sites, source=source)


def positive_windows(frame: pd.DataFrame, scheme: str, seed: int = 0) -> list[str]:
    """Sequences of the modified windows of the test split of a scheme, 2,000 drawn at random where there are more.

    Parameters
    ----------
    frame : pandas.DataFrame
        The **splits** border.
    scheme : str
        Its column.
    seed : int

    Returns
    -------
    list of str
        In the order of the table.

    Raises
    ------
    InputError
        If there are none.
    """
    chosen = frame.loc[(frame[scheme] == FILTER_SPLIT) & (frame["label"] == 1), "sequence"]
    if chosen.empty:
        raise InputError(
            f"the {FILTER_SPLIT} split of the {scheme} scheme holds no modified window",
            value=0,
            remedy="give more windows",
        )
    if len(chosen) > _MOST_WINDOWS:
        chosen = chosen.iloc[np.sort(np.random.default_rng(seed).choice(len(chosen), _MOST_WINDOWS, replace=False))]
    return chosen.tolist()
