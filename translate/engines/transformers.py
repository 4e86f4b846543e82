"""The engine `transformers`: MarianMTModel.generate, the reference that every other engine is compared with."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, MarianMTModel, StoppingCriteria
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils import logging as transformers_logging

from translate.engines.base import row_limit, safer_settings
from translate.engines.devices import choose_device, choose_dtype
from translate.engines.halving import BatchMemory, decode_or_halve
from translate.model.folder import read_config, read_generation, weight_file
from translate.model.generation import GenerationSettings
from translate.model.weights import check_weights
from translate.records import Hypothesis, Model, ModelError, Request, Settings, Signature

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the hub's library is imported, which transformers does

SCORING_LOGITS = 1 << 26
"""Logits held at a time while scoring: 256 MB in float32."""
CPU_BATCH_TOKENS = 2048
"""Padded source tokens: some fifty news sentences, so that a commit is seconds away. `translate bench` finds a better one."""
GPU_BATCH_TOKENS = 16_384


class TransformersEngine:
    """`generate` on one device, one batch after another; a batch that memory cannot hold is halved and tried again."""

    name = "transformers"
    batch_independent = False

    def __init__(self, model: Model, settings: Settings) -> None:
        """Load the weights. Raises EngineError for a device or dtype that is not there, ModelError for bad weights."""
        self.device = choose_device(settings.device)
        self.dtype = choose_dtype(settings.dtype, self.device)
        config, generation = read_config(model.folder), read_generation(model.folder, settings)
        self._pad = config.pad_token_id
        self._model = load_weights(model.folder, getattr(torch, self.dtype)).to(self.device).eval()
        self._config = generation_config(generation, self._pad)
        self._safer = generation_config(safer_settings(generation), self._pad)
        self._model.generation_config = GenerationConfig()  # `generate` takes from it what ours leaves out
        self._ends = frozenset(generation.eos_token_id)
        self._start = generation.decoder_start_token_id
        self._positions = min(config.max_position_embeddings, generation.max_length)
        self.batch_tokens = default_batch_tokens(self.device)
        self._memory = BatchMemory(
            self.device,
            "use --dtype float16 or bfloat16, fewer --beams, or --device cpu",
            _is_out_of_memory,
            torch.cuda.empty_cache if self.device.startswith("cuda") else lambda: None,
        )
        self.signature: Signature = {
            "engine": f"transformers-{version('transformers')}",
            "torch": str(version("torch")),
            "device": torch.device(self.device).type,
            "dtype": self.dtype,
            "beams": str(generation.num_beams),
            "length-penalty": f"{generation.length_penalty:g}",
        }

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        """One hypothesis for each request. What it is given at once is one batch, unless memory says otherwise."""
        ordered = list(requests)
        for safer in (False, True):
            if batch := [request for request in ordered if request.safer is safer]:
                yield from decode_or_halve(batch, partial(self._generate, safer=safer), self._memory)

    @torch.inference_mode()
    def _generate(self, requests: Sequence[Request], *, safer: bool) -> list[Hypothesis]:
        """Decode one batch: source [rows, source tokens] → target [rows, target tokens], and score it."""
        source = self._pad_rows([request.source for request in requests])
        mask = (torch.arange(source.shape[1]) < torch.tensor([[len(request.source)] for request in requests])).to(
            self.device
        )
        limits = [row_limit(len(request.source), self._positions) for request in requests]
        encoded = self._model.get_encoder()(input_ids=source, attention_mask=mask).last_hidden_state
        generated = self._model.generate(
            inputs=source,  # for what looks at the source's tokens: they are not encoded again
            generation_config=self._safer if safer else self._config,
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
            attention_mask=mask,
            max_new_tokens=max(limits) + 1,  # past every row's own limit: the last token of all is forced to be the end
            stopping_criteria=[RowLimit(limits)],
        )
        targets = [self._strip(row) for row in generated[:, 1:].tolist()]
        scores = self._score(encoded, mask, [ids + ([min(self._ends)] if ended else []) for ids, ended in targets])
        return [
            Hypothesis(request.number, tuple(ids), score, complete=ended)
            for request, (ids, ended), score in zip(requests, targets, scores, strict=True)
        ]

    def _strip(self, row: list[int]) -> tuple[list[int], bool]:
        """The ids before the end-of-sentence id, and whether it came."""
        for position, token in enumerate(row):
            if token in self._ends:
                return row[:position], True
        while row and row[-1] == self._pad:
            row.pop()
        return row, False

    def _pad_rows(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """[rows, longest], filled up with the padding id."""
        longest = max(map(len, rows))
        return torch.tensor([[*row, *[self._pad] * (longest - len(row))] for row in rows], device=self.device)

    def _score(self, encoded: torch.Tensor, mask: torch.Tensor, targets: Sequence[list[int]]) -> list[float]:
        """The mean log-probability of each target's tokens under the model, the end-of-sentence id among them.

        One pass over the finished targets: `generate` would keep the logits of all steps to tell the same.
        """
        lengths = torch.tensor([max(1, len(target)) for target in targets], device=self.device)
        wanted = self._pad_rows([target or [self._pad] for target in targets])
        given = torch.cat([torch.full_like(wanted[:, :1], self._start), wanted[:, :-1]], dim=1)
        hidden = self._model.get_decoder()(
            input_ids=given, encoder_hidden_states=encoded, encoder_attention_mask=mask, use_cache=False
        ).last_hidden_state
        head, bias = self._model.get_output_embeddings(), self._model.final_logits_bias
        rows = max(1, SCORING_LOGITS // (hidden.shape[1] * bias.shape[-1]))
        parts = []
        for some, ids in zip(torch.split(hidden, rows), torch.split(wanted, rows), strict=True):
            logits = (head(some) + bias).float()
            parts.append(logits.gather(-1, ids[..., None]).squeeze(-1) - logits.logsumexp(-1))
        real = torch.arange(wanted.shape[1], device=self.device) < lengths[:, None]
        means = (torch.cat(parts) * real).sum(1) / lengths
        return [float(mean) for mean in means]


class RowLimit(StoppingCriteria):  # type: ignore[misc]  # transformers is not type-checked
    """Ends each row at its own limit of new tokens; with beam search a row is there several times in a row."""

    def __init__(self, limits: Sequence[int]) -> None:
        self._limits = torch.tensor(limits)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """[rows × beams] of bool."""
        limits = self._limits.repeat_interleave(input_ids.shape[0] // len(self._limits))
        return (input_ids.shape[1] - 1 >= limits).to(input_ids.device)


def load_weights(folder: Path, dtype: torch.dtype) -> Any:
    """The model of a folder, on the CPU. Raises ModelError if a weight is missing, left over, or of another shape.

    Weights come from safetensors, or from .bin with torch's weights-only loading; code in the folder never runs.
    """
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    weights = weight_file(folder)
    check_weights(weights, read_config(folder))
    try:
        with warnings.catch_warnings(action="ignore"):
            model, report = MarianMTModel.from_pretrained(
                folder,
                dtype=dtype,
                attn_implementation="sdpa",
                use_safetensors=weights.suffix == ".safetensors",
                generation_config=GenerationConfig(),  # or the file would be read, by other rules than ours
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
            )
    except Exception as error:  # a damaged file fails in as many ways as there are libraries reading it
        raise ModelError(
            f"cannot load '{weights}': {str(error).splitlines()[0][:200]}", "download the model again"
        ) from error
    wrong = {what: sorted(map(str, names)) for what, names in report.items() if names and what != "error_msgs"}
    if wrong:
        what, names = next(iter(wrong.items()))
        raise ModelError(
            f"'{weights}' does not fit its config.json: {what.replace('_', ' ')} {names[0]}", "download the model again"
        )
    return model


def generation_config(settings: GenerationSettings, pad: int) -> GenerationConfig:
    """The same as transformers' own record: everything is in it that the model or the user asks for, and nothing else."""
    asked = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    given = {name: _as_lists(value) for name, value in asked.items() if value not in (None, ())}
    if settings.num_beams == 1:
        del given["early_stopping"]
    if not settings.min_new_tokens:
        del given["min_new_tokens"]  # with a 0 of it `generate` does not look at min_length
    return GenerationConfig(**given, pad_token_id=pad, do_sample=False)


def _as_lists(value: Any) -> Any:
    return [_as_lists(part) for part in value] if isinstance(value, tuple) else value


def default_batch_tokens(device: str) -> int:
    """Padded source tokens a batch that suit the device, until `translate bench` has measured them."""
    return GPU_BATCH_TOKENS if device.startswith("cuda") else CPU_BATCH_TOKENS


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
