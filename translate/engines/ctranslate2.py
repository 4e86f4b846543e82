"""The engine `ctranslate2` (optional extra): the same weights in CTranslate2's own runtime, int8 included.

A model is converted once, in float32, into the user's cache folder; the runtime turns it into the wanted compute type
when it loads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from translate.engines.base import row_limit, safer_settings
from translate.engines.halving import BatchMemory, decode_or_halve
from translate.machine import count_processors
from translate.model.folder import read_config, read_generation, read_vocabulary
from translate.model.generation import unsupported
from translate.records import EngineError, Hypothesis, Model, Request, Settings, Signature
from translate.storage import user_cache_folder, write_folder

try:
    import ctranslate2
except ImportError as missing:
    raise EngineError(
        "the engine 'ctranslate2' is not installed", "in the project's folder: pip install '.[ctranslate2]'"
    ) from missing

CONVERSION = "2"
"""Part of the converted folder's name: raised whenever the same weights would be converted otherwise."""
CPU_BATCH_TOKENS = 1024
GPU_BATCH_TOKENS = 16_384
"""Padded source tokens a batch, for a CPU a processor, until `translate bench` has measured them."""


class CTranslate2Engine:
    """`Translator.translate_batch` on one device; a batch that memory cannot hold is halved and tried again.

    On a CPU each processor decodes a part of the batch: with benchmarks/peers.py faster than all of them on one product.
    It decodes a batch up to its longest row's limit: a shorter row that runs past its own is decoded again, alone.
    """

    name = "ctranslate2"
    batch_independent = False

    def __init__(self, model: Model, settings: Settings) -> None:
        """Convert the weights if need be, and load them. Raises EngineError for a device or dtype that is not there."""
        self.device = choose_device(settings.device)
        self.dtype = choose_dtype(settings.dtype, self.device)
        generation = read_generation(model.folder, settings)
        if reasons := unsupported(generation, self.name):
            hint = "use --engine transformers for this model"
            raise EngineError(f"the model asks for what cannot be done: {reasons[0]}", hint)
        on_gpu = self.device.startswith("cuda")
        self._parallel = 1 if on_gpu else count_processors()
        self._translator: Any = _load_translator(converted_folder(model), self.device, self.dtype, self._parallel)
        self._ids = read_vocabulary(model.folder)
        self._pieces = {number: piece for piece, number in self._ids.items()}
        self._generation = generation
        self._positions = min(read_config(model.folder).max_position_embeddings, generation.max_length)
        never = [*generation.bad_words_ids, *((token,) for token in generation.suppress_tokens)]
        self._never = [[self._pieces[number] for number in numbers] for numbers in never]
        self._ends = [self._pieces[number] for number in generation.eos_token_id]
        hint = "use --dtype int8, fewer --beams, or --device cpu"
        self._memory = BatchMemory(self.device, hint, _is_out_of_memory)
        self.batch_tokens = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS * self._parallel
        self.signature: Signature = {
            "engine": f"ctranslate2-{version('ctranslate2')}",
            "device": self.device.partition(":")[0],
            "dtype": self.dtype,
            "beams": str(generation.num_beams),
            "length-penalty": f"{generation.length_penalty:g}",
            **({} if on_gpu else {"parts": str(self._parallel)}),  # who shares a part depends on how many there are
        }

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """One hypothesis for each request. What it is given at once is one batch, unless memory says otherwise."""
        ordered = list(requests)
        for safer in (False, True):
            if batch := [request for request in ordered if request.safer is safer]:
                yield from decode_or_halve(batch, partial(self._generate, safer=safer), self._memory)

    def _generate(self, requests: Sequence[Request], *, safer: bool) -> list[Hypothesis]:
        """Decode one batch. Every row ends where it would end alone, or by itself."""
        limits = [row_limit(len(request.source), self._positions) for request in requests]
        settings = safer_settings(self._generation) if safer else self._generation
        results = self._translator.translate_batch(
            [[self._pieces[number] for number in request.source] for request in requests],
            beam_size=settings.num_beams,
            length_penalty=settings.length_penalty,
            no_repeat_ngram_size=settings.no_repeat_ngram_size,
            suppress_sequences=self._never,
            end_token=self._ends,
            max_batch_size=-(-len(requests) // self._parallel),
            max_decoding_length=max(limits),
            max_input_length=0,
            return_scores=True,
            return_end_token=True,
        )
        hypotheses = []
        for request, result, limit in zip(requests, results, limits, strict=True):
            if len(result.hypotheses[0]) > limit:
                hypotheses += self._generate([request], safer=safer)
            else:
                hypotheses.append(self._read_result(request.number, result.hypotheses[0], result.scores[0]))
        return hypotheses

    def _read_result(self, number: int, pieces: Sequence[str], score: float) -> Hypothesis:
        """The mean log-probability: CTranslate2 gives the sum over length ** length penalty, the end counted in.

        Forbidden words have no probability in it, where the engine `transformers` leaves them theirs: some 0.003 of difference.
        """
        mean = score * len(pieces) ** (self._generation.length_penalty - 1) if pieces else 0.0
        ended = bool(pieces) and pieces[-1] in self._ends
        ids = tuple(self._ids[piece] for piece in (pieces[:-1] if ended else pieces))
        return Hypothesis(number, ids, mean, complete=ended)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error)


def choose_device(name: str) -> str:
    """`auto` is CUDA if there is any, else the CPU. Raises EngineError."""
    cards: int = ctranslate2.get_cuda_device_count()
    if name == "auto":
        return "cuda" if cards else "cpu"
    kind, _, index = name.partition(":")
    if name != "cpu" and not (kind == "cuda" and (index or "0").isdecimal() and int(index or 0) < cards):
        raise EngineError(
            f"the engine 'ctranslate2' has no device '{name}' here", "--device auto takes what there is: cpu or cuda"
        )
    return name


def choose_dtype(name: str, device: str) -> str:
    """`auto`: float16 on CUDA where it is fast, else float32. Raises EngineError for what the device cannot do."""
    kind, _, index = device.partition(":")
    offered: set[str] = ctranslate2.get_supported_compute_types(kind, int(index or 0))
    if name == "auto":
        return "float16" if kind == "cuda" and "float16" in offered else "float32"
    if name not in offered:
        able = ", ".join(dtype for dtype in ("float32", "bfloat16", "float16", "int8") if dtype in offered)
        raise EngineError(f"the engine 'ctranslate2' has no {name} on this {kind}", f"use --dtype auto, {able}")
    return name


def _load_translator(folder: Path, device: str, dtype: str, parallel: int) -> Any:
    kind, _, index = device.partition(":")
    try:
        return ctranslate2.Translator(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=dtype,
            inter_threads=parallel,
            intra_threads=1,
        )
    except (RuntimeError, ValueError) as error:
        hint = f"delete '{folder}': it is made again"
        raise EngineError(f"ctranslate2 cannot load '{folder}': {str(error).splitlines()[0][:200]}", hint) from error


def converted_folder(model: Model) -> Path:
    """The model in CTranslate2's format, in the user's cache folder; converted now if it is not there.

    It gets its name when it is complete, so that neither a killed run nor two at once leave half a model.
    Raises ModelError if the weights do not load, OutputError if the cache cannot be written.
    """
    folder = user_cache_folder() / "ctranslate2" / f"{model.short_name}-{model.fingerprint[:16]}-{CONVERSION}"
    if folder.is_dir():
        return folder
    with write_folder(folder, "make room there, or set XDG_CACHE_HOME to a folder that can be written") as made:
        convert(model, made)
    return folder


def convert(model: Model, folder: Path) -> None:
    """Write the model in CTranslate2's format. Its own conversion of Marian models takes the embedding that decoding
    starts from to be zero, which it is in Marian's files, but not in weights that were trained with transformers.
    """
    import torch
    from ctranslate2.converters import Converter
    from ctranslate2.converters.transformers import BartLoader

    from translate.engines.transformers import load_weights

    weights = load_weights(model.folder, torch.float32)
    vocabulary, start = read_vocabulary(model.folder), read_generation(model.folder, Settings()).decoder_start_token_id
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])

    class Loader(BartLoader):  # type: ignore[misc]  # ctranslate2 is not type-checked
        architecture_name = "MarianMTModel"

        def get_vocabulary(self, _: Any, __: Any) -> list[str]:
            return pieces

        def set_config(self, config: Any, *_: Any) -> None:
            config.eos_token, config.unk_token = "</s>", "<unk>"
            config.decoder_start_token = pieces[start]

    class MarianConverter(Converter):  # type: ignore[misc]
        def _load(self) -> Any:
            weights.config.normalize_before = weights.config.normalize_embedding = False
            with torch.no_grad():
                return Loader()(weights, None)

    MarianConverter().convert(str(folder))
