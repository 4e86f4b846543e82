"""The passes of one setting → its row: speed, padding, memory, sameness, and BLEU where there are references."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from translate.bench.measurements import Measurement, Pass, percentile
from translate.bench.worker import Failure, Ready
from translate.model.tokenizer import Tokenizer
from translate.run.windows import make_batches, padding_share


def stopped(result: Pass | Failure) -> bool:
    """Whether a setting is not worth another pass."""
    return isinstance(result, Failure) or bool(result.problem)


@dataclass(frozen=True, slots=True)
class Judge:
    """Passes → a row: what has to be known of the text to tell what they are worth."""

    tokenizer: Tokenizer
    sources: Sequence[tuple[int, ...]]
    references: Sequence[str] | None

    def measure(
        self, row: Measurement, ready: Ready, results: Sequence[Pass | Failure], alone: Pass | Failure | None = None
    ) -> Measurement:
        """The row filled in; without figures if it ran out of memory. The first of the passes was for warming up.

        Texts are looked at, for sameness and BLEU, only where the pass with one sentence a batch is given.
        """
        wrong = next((result for result in results if stopped(result)), None)
        if wrong is not None:
            return dataclasses.replace(row, problem=wrong.message if isinstance(wrong, Failure) else wrong.problem)
        passes = [result for result in results[1:] if isinstance(result, Pass)]
        targets = passes[-1].targets
        row = self._add_figures(row, passes, batched=not ready.batch_independent)
        if alone is None:
            return row
        if isinstance(alone, Pass):
            same = sum(a == b for a, b in zip(targets, alone.targets, strict=True))
            row = dataclasses.replace(row, identical=same)
        return self._add_scores(row, targets)

    def _add_figures(self, row: Measurement, passes: Sequence[Pass], *, batched: bool) -> Measurement:
        lengths = [len(source) for source in self.sources]
        written = [len(target) + 1 for target in passes[-1].targets]
        batches = make_batches(lengths, tokens=row.batching.tokens, size=row.batching.size)
        seconds = list(chain.from_iterable(result.batches for result in passes))
        return dataclasses.replace(
            row,
            signature=passes[-1].signature,
            sentences=len(lengths),
            batches=len(batches),
            source_tokens=sum(lengths),
            target_tokens=sum(written),
            seconds=tuple(round(result.seconds, 6) for result in passes),
            cpu_seconds=tuple(round(result.cpu_seconds, 6) for result in passes),
            batch_p50=round(percentile(seconds, 0.5), 6),
            batch_p95=round(percentile(seconds, 0.95), 6),
            source_padding=round(padding_share(lengths, batches), 4) if batched else None,
            target_padding=round(padding_share(written, batches), 4) if batched else None,
            memory=max(result.memory for result in passes),
            cuda_memory=max((result.cuda_memory for result in passes if result.cuda_memory is not None), default=None),
        )

    def _add_scores(self, row: Measurement, targets: Sequence[tuple[int, ...]]) -> Measurement:
        """BLEU and chrF as sacreBLEU has them by default; the row as it is if there are no references."""
        if self.references is None:
            return row
        from sacrebleu.metrics import BLEU, CHRF

        texts = [self.tokenizer.decode(target) for target in targets]
        bleu, chrf = (metric.corpus_score(texts, [list(self.references)]).score for metric in (BLEU(), CHRF()))
        return dataclasses.replace(row, bleu=round(float(bleu), 2), chrf=round(float(chrf), 2))
