"""A language model as the trunk of a network that reads windows.

    codes ─► tokens, <cls> and <eos> around them ─► encoder ─► vectors of the nucleotides

A window is read as a sequence of its own. What lies beyond the end of a transcript, or is unknown, is the token N.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ..errors import InputError
from ..sequences import UNKNOWN, decode_windows
from .language import Encoder
from .language_files import load_language, read_language
from .packing import TOKENS_AT_ONCE, Pack
from .registry import TRUNKS
from .settings.language import LanguageSettings
from .tokens import CLS, EOS, A, C, G, N, T
from .vector_cache import Vectors, cached_vectors

GRADIENT_SHARE = 8
"""So many times smaller are packs with gradients. Each is computed a second time, so that the activations of no more
than one are kept: of 1,024 tokens about 0.5 GB for the size nano, 20 times that for giga."""


@TRUNKS.add("language")
class LanguageTrunk(nn.Module):
    """Windows to one vector per nucleotide that is read, shape (batch, reads, channels).

    Parameters
    ----------
    window, reads : int
        Width of the windows in nt, and how many nt in the middle are read.
    **sizes
        Of :class:`~rnamarks.models.settings.language.LanguageSettings`.

    Attributes
    ----------
    channels : int
    n_kmers : int
        Positions that come out: one per nucleotide.
    is_frozen : bool
        See :meth:`freeze`.
    kept : KeptVectors or None
        Vectors of windows that need no computing, see :meth:`keep`.

    Raises
    ------
    InputError
        If the language model has absolute positions, and fewer than that many.
    """

    def __init__(self, window: int, reads: int, **sizes: Any) -> None:
        super().__init__()
        self.encoder = Encoder(**sizes)
        form = self.encoder.settings
        if form.positions == "absolute" and reads + 2 > form.longest:
            raise InputError(
                f"the language model reads up to {form.longest - 2} nt",
                value=reads,
                remedy="take narrower windows, or crop them",
            )
        self.window, self.reads, self.n_kmers, self.channels = window, reads, reads, self.encoder.width
        self._start = (window - reads) // 2
        self.register_buffer("letters", torch.tensor([A, C, G, T, N]), persistent=False)
        self.is_frozen = False
        self.kept: KeptVectors | None = None

    @staticmethod
    def sizes_of(folder: str | Path) -> dict[str, Any]:
        """Sizes of the encoder in a language model's directory, all of them; :class:`InputError` if it holds none."""
        return asdict(LanguageSettings.from_mapping(read_language(folder)[0].hyperparameters["sizes"]))

    def begin_from(self, folder: str | Path) -> Self:
        """Take the weights of a language model's directory."""
        self.encoder.load_state_dict(load_language(folder)[0].trunk.state_dict())
        return self

    def freeze(self) -> Self:
        """Keep the weights as they are: no gradients, no dropout; codes are read without a graph."""
        self.is_frozen = True
        return self.requires_grad_(False).eval()

    def keep(
        self,
        codes: np.ndarray,
        folder: str | Path,
        *,
        device: torch.device | str = "cpu",
        report: Callable[[str], None] = print,
    ) -> None:
        """Compute the vectors of windows once; a frozen trunk then reads them from a file in ``folder``.

        Parameters
        ----------
        codes : numpy.ndarray, shape=(n, window), dtype=uint8
        folder : path-like
            The file, 2 * n * reads * channels bytes, is named by a hash of weights, sizes and windows.
        device, report
            See :func:`rnamarks.models.vector_cache.cached_vectors`.
        """
        digest = hashlib.sha256()
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        sequences = decode_windows(codes[:, self._start : self._start + self.reads])
        network = nn.ModuleDict({"trunk": self.encoder})
        self.kept = KeptVectors(
            cached_vectors(network, digest.hexdigest(), sequences, folder, device=device, report=report)
        )

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.is_frozen)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Codes, shape (batch, window), or real values, shape (batch, 4, window), rows A, C, G, U."""
        width = windows.shape[-1]
        if width != self.window:
            raise ValueError(f"windows are {width} nt wide and the network reads {self.window} nt")
        middles = windows[..., self._start : self._start + self.reads]
        is_real = middles.is_floating_point()
        with torch.set_grad_enabled(torch.is_grad_enabled() and (is_real or not self.is_frozen)):
            if self.is_frozen and self.kept is not None and not is_real:
                return self._look_up(middles)
            return self._encode(middles)

    def _look_up(self, middles: torch.Tensor) -> torch.Tensor:
        found = self.kept.find(decode_windows(middles.cpu().numpy()))
        lacking = [row for row, one in enumerate(found) if one is None]
        if lacking:
            for row, one in zip(lacking, self._encode(middles[lacking]).float().cpu().numpy(), strict=True):
                found[row] = one
        return torch.from_numpy(np.stack(found).astype(np.float32)).to(middles.device)

    def _encode(self, middles: torch.Tensor) -> torch.Tensor:
        is_learning = torch.is_grad_enabled()
        tokens = TOKENS_AT_ONCE[middles.device.type] // (GRADIENT_SHARE if is_learning else 1)
        parts = middles.split(max(1, tokens // (self.reads + 2)))
        again = is_learning and len(parts) > 1
        return torch.cat(
            [checkpoint(self._read, part, use_reentrant=False) if again else self._read(part) for part in parts]
        )

    def _read(self, middles: torch.Tensor) -> torch.Tensor:
        """Vectors of the nucleotides of the middles of windows, in one pack."""
        count, rows = len(middles), None
        if middles.is_floating_point():
            # what the four nucleotides leave of 1 is N, as in every network
            shares = torch.cat([middles, 1 - middles.sum(dim=1, keepdim=True)], dim=1).transpose(1, 2)
            table = self.encoder.embedding.weight
            first, last = (table[token].expand(count, 1, -1) for token in (CLS, EOS))
            rows = torch.cat([first, shares @ table[self.letters], last], dim=1).flatten(0, 1)
            middles = middles.new_full((count, self.reads), UNKNOWN, dtype=torch.long)
        tokens = F.pad(F.pad(self.letters[middles.long()], (1, 0), value=CLS), (0, 1), value=EOS)
        pack = Pack(tokens.flatten(), (self.reads + 2,) * count)
        return self.encoder(pack, rows).unflatten(0, (count, -1))[:, 1:-1]


class KeptVectors:
    """Vectors of the nucleotides of sequences, from a file; a copy of a network shares it."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def find(self, sequences: list[str]) -> list[np.ndarray | None]:
        """Of each sequence its vectors, shape (nt, width), or None."""
        found: list[np.ndarray | None] = []
        for sequence in sequences:
            try:
                found.append(self._vectors[sequence][1:-1])
            except KeyError:
                found.append(None)
        return found
