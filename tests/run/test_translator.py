"""A window of sentences through memory, batches, engine and checks; the engine is a small one written here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from translate.engines.base import EchoEngine, Engine, refusals_of
from translate.model.tokenizer import Tokenizer
from translate.records import EngineError, Flag, Hypothesis, Model, ModelError, Request, Settings, Translation
from translate.run.loading import LoadedModel, check_canary, make_signature
from translate.run.memory import Memory
from translate.run.translator import Interrupted, SentenceTranslator, make_translator

TEXTS = ["Das Haus ist alt.", "Die Sonne scheint heute.", "12", "Das Haus ist alt.", "Nur ein Wort"]


class CopyEngine(EchoEngine):
    """Gives each source back, forwards or as `answers` says, and writes down its batches."""

    batch_independent = False

    def __init__(self, tokenizer: Tokenizer, answers: dict[str, str] | None = None) -> None:
        self.tokenizer, self.batches, self.answers = tokenizer, [], answers or {}  # type: ignore[var-annotated]

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        batch = list(requests)
        self.batches.append(batch)
        for request in reversed(batch):
            text = self.tokenizer.decode(request.source)
            answer = self.answers.get(("safer " if request.safer else "") + text, text[::-1])
            yield Hypothesis(request.number, self.tokenizer.encode([answer])[0][:-1], -1.0)


def make(
    engine: Engine,
    tokenizer: Tokenizer,
    settings: Settings = Settings(),  # noqa: B008  # it is frozen
    *,
    memory: Memory | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> SentenceTranslator:
    model = Model("copy", Path(), None, "")
    return make_translator(LoadedModel(model, engine, tokenizer, settings, {}, ""), memory, stop)


def run(translator: SentenceTranslator, texts: list[str], windows: int = 1) -> dict[str, Translation]:
    """All translations; each text is told of once, however many windows there are."""
    size = -(-len(texts) // windows)
    outcomes = list(translator.translate(texts[i : i + size] for i in range(0, len(texts), size)))
    assert sum(outcome.progress.sentences for outcome in outcomes) == len(texts)
    return {text: found for outcome in outcomes for text, found in outcome.translations.items()}


def test_each_text_is_asked_once_and_words_only(tokenizer: Tokenizer) -> None:
    """A sentence that occurs twice costs one; a number costs none."""
    engine = CopyEngine(tokenizer)
    results = run(make(engine, tokenizer, Settings()), TEXTS)
    assert results["12"] == Translation("12", None, (Flag.PASSTHROUGH,))
    assert set(results) == set(TEXTS)
    asked = [request for batch in engine.batches for request in batch if not request.safer]
    assert len(asked) == 3


def test_input_order_changes_no_translation(tokenizer: Tokenizer) -> None:
    """Reversed input gives the same pairs: every hypothesis returned to its own source."""
    texts = [f"Satz Nummer {i} ist {'sehr ' * (i % 7)}lang." for i in range(200)]
    one = run(make(CopyEngine(tokenizer), tokenizer, Settings(batch_size=7)), texts)
    other = run(make(CopyEngine(tokenizer), tokenizer, Settings(batch_tokens=90)), texts[::-1])
    assert one == other
    assert all(one[text].target == text[::-1] for text in texts)


def test_a_long_sentence_is_split_and_joined(tokenizer: Tokenizer) -> None:
    """At clause ends, with what stood between the parts, and flagged; nothing is cut."""
    text = ", ".join(["die Stadt wächst und wächst"] * 80) + "."
    engine = CopyEngine(tokenizer)
    engine.translate = EchoParts(tokenizer).translate  # type: ignore[method-assign]
    translation = run(make(engine, tokenizer, Settings(comfortable_tokens=50)), [text])[text]
    assert translation.target == text.upper()
    assert Flag.SPLIT in translation.flags


class EchoParts(CopyEngine):
    """Upper case, part by part."""

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        for request in requests:
            assert len(request.source) <= 50
            text = self.tokenizer.decode(request.source).upper()
            yield Hypothesis(request.number, self.tokenizer.encode([text])[0][:-1], -1.0)


RETRIES = [
    ({"Er ging fort.": "he he he he he", "safer Er ging fort.": "He went away."}, "He went away.", (Flag.RETRIED,)),
    ({"Er ging fort.": "", "safer Er ging fort.": ""}, "", (Flag.EMPTY, Flag.RETRIED)),
    ({"Er ging fort.": "He went."}, "He went.", ()),
    (
        {"Er ging fort.": "no no no no", "safer Er ging fort.": "so so so so so so so so so so"},
        "no no no no",
        (Flag.LOOP, Flag.RETRIED),
    ),
]


@pytest.mark.parametrize(("answers", "target", "flags"), RETRIES)
def test_a_doubtful_answer_is_tried_once_more(
    answers: dict[str, str], target: str, flags: tuple[Flag, ...], tokenizer: Tokenizer
) -> None:
    """More safely; the better one is kept, and the row says that it was retried."""
    engine = CopyEngine(tokenizer, answers)
    translation = run(make(engine, tokenizer, Settings()), ["Er ging fort."])["Er ging fort."]
    assert (translation.target, translation.flags) == (target, flags)
    assert len(engine.batches) == (2 if Flag.RETRIED in flags else 1)


def test_unknown_characters_and_broken_off_answers_are_flagged(tokenizer: Tokenizer) -> None:
    """The model has never seen the first, and did not end the second by itself."""
    engine = CopyEngine(tokenizer, {"Er lachte laut.": "He laughed."})
    results = run(make(engine, tokenizer, Settings()), ["Er lachte 🙂 laut."])
    assert Flag.UNKNOWN_TOKEN in results["Er lachte 🙂 laut."].flags

    class Endless(CopyEngine):
        def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
            for h in super().translate(requests):
                yield Hypothesis(h.number, h.target, h.score, complete=False)

    assert Flag.MAX_LENGTH in run(make(Endless(tokenizer), tokenizer, Settings()), ["Er lachte."])["Er lachte."].flags


def test_a_stopped_run_goes_on_with_the_same_batches(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """After any batch: what is asked then is exactly what the unbroken run asks after it, in the same batches."""
    texts = [f"Satz {'sehr ' * (i % 9)}{i}." for i in range(60)]
    whole = CopyEngine(tokenizer)
    expected = run(make(whole, tokenizer, Settings(batch_size=8)), texts)
    for stop_after in range(1, len(whole.batches)):
        path = tmp_path / f"{stop_after}.sqlite"
        first, second = CopyEngine(tokenizer), CopyEngine(tokenizer)
        with Memory(path, "s") as memory:
            stops = iter([False] * stop_after + [True])  # it is asked before the window, too
            translator = make(first, tokenizer, Settings(batch_size=8), memory=memory, stop=lambda: next(stops))  # noqa: B023
            with pytest.raises(Interrupted):
                run(translator, texts)
        with Memory(path, "s") as memory:
            assert run(make(second, tokenizer, Settings(batch_size=8), memory=memory), texts) == expected
        assert first.batches + second.batches == whole.batches


def test_a_changed_text_costs_only_what_is_new(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """The rest comes from the memory."""
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        engine = CopyEngine(tokenizer)
        run(make(engine, tokenizer, Settings(), memory=memory), ["Das Haus ist alt.", "Es regnet."])
        engine.batches.clear()
        run(make(engine, tokenizer, Settings(), memory=memory), ["Das Haus ist alt.", "Es schneit.", "Es regnet."])
        assert [tokenizer.decode(r.source) for batch in engine.batches for r in batch if not r.safer] == ["Es schneit."]


def test_a_streaming_engine_gets_the_window_at_once(tiny: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """And its rows are committed as they come."""
    texts = [f"Haus {i} {i + 1}" for i in range(1000)]
    stops = iter([False, True])
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        engine = EchoEngine(tiny, Settings())
        with pytest.raises(Interrupted):
            run(make(engine, tokenizer, Settings(), memory=memory, stop=lambda: next(stops)), texts)
        assert 200 < len(memory.find(texts)) < 1000


class StreamingEngine(CopyEngine):
    """Reads only so many requests ahead, and answers the last one first."""

    batch_independent, ahead = True, 50

    def translate(self, requests: Iterable[Request]) -> Iterator[Hypothesis]:
        stream = iter(requests)
        while some := list(islice(stream, self.ahead)):
            yield from super().translate(some)


def test_a_streaming_engine_is_fed_across_windows(tokenizer: Tokenizer) -> None:
    """Without a break between them, no further ahead than it asks; each text is asked once while it is on its way."""
    engine, read = StreamingEngine(tokenizer), 0

    def windows() -> Iterator[list[str]]:
        nonlocal read
        for read in range(1, 101):
            yield [f"Satz {i} ist kurz." for i in range(10 * read, 10 * read + 10)] + ["Weiter im Text.", "12"]

    outcomes = make(engine, tokenizer).translate(windows())
    first = next(outcomes)
    assert len(first.translations) > 200
    assert read < 40
    found = dict(first.translations)
    for outcome in outcomes:
        found |= outcome.translations
    assert len(found) == 1002
    asked = [tokenizer.decode(r.source) for batch in engine.batches for r in batch if not r.safer]
    assert len(asked) < 1001 + 100
    assert sum(text != "Weiter im Text." for text in asked) == 1000


def test_windows_and_stream_give_the_same_rows(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Whatever the windows are, with second tries, with and without a memory that was filled half way."""
    answers = {f"Satz {i} ist lang.": "no no no no" for i in range(0, 600, 7)}
    texts = [f"Satz {i % 450} ist lang." for i in range(600)]
    whole = run(make(CopyEngine(tokenizer, answers), tokenizer), texts)
    assert run(make(StreamingEngine(tokenizer, answers), tokenizer), texts, windows=20) == whole
    for name in ("one", "two"):
        with Memory(tmp_path / "m.sqlite", "s") as memory:
            translator = make(StreamingEngine(tokenizer, answers), tokenizer, memory=memory)
            some = texts[:200] if name == "one" else texts
            assert run(translator, some, windows=5) == {text: whole[text] for text in some}


def test_what_the_memory_knows_is_told_though_nothing_is_asked(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """However much it is, it does not pile up until the engine is asked for something."""
    texts = [f"Haus {i} {i + 1}" for i in range(500)]
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        run(make(StreamingEngine(tokenizer), tokenizer, memory=memory), texts)
        outcomes = [*make(StreamingEngine(tokenizer), tokenizer, memory=memory).translate([texts] * 50)]
    assert len(outcomes) == 3
    assert sum(outcome.progress.from_memory for outcome in outcomes) == 25_000


def test_a_stop_is_heeded_where_all_comes_from_the_memory(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A window that commits nothing has no batch to stop behind."""
    with Memory(tmp_path / "m.sqlite", "s") as memory:
        run(make(CopyEngine(tokenizer), tokenizer, Settings(), memory=memory), TEXTS)
        with pytest.raises(Interrupted):
            run(make(CopyEngine(tokenizer), tokenizer, Settings(), memory=memory, stop=lambda: True), TEXTS)


def test_the_batch_is_in_the_signature_where_it_can_change_a_row(tiny: Model, tokenizer: Tokenizer) -> None:
    """In every dtype; not with an engine whose rows do not depend on it."""
    engine = CopyEngine(tokenizer)
    for engine.dtype in ("bfloat16", "float32"):
        assert make_signature(tiny, engine, tokenizer, Settings(batch_tokens=100))["batch"] == "100-tokens"
        assert make_signature(tiny, engine, tokenizer, Settings(batch_size=3))["batch"] == "3-sentences"
    assert "batch" not in make_signature(tiny, EchoEngine(tiny, Settings()), tokenizer, Settings())
    assert make_signature(tiny, engine, tokenizer, Settings())["weights"] == tiny.fingerprint[:12]


def test_a_model_that_says_nothing_is_stopped_before_a_long_job(tiny: Model, tokenizer: Tokenizer) -> None:
    """With what it said and the versions of the libraries."""
    engine = CopyEngine(tokenizer, {"Das ist ein Haus.": "", "Guten Morgen, wie geht es Ihnen?": "the the the the the"})
    engine.name = "copy"
    other = Model("other", tiny.folder, None, "")
    with pytest.raises(ModelError, match=r"'other' does not translate as it should .*engine"):
        check_canary(other, engine, tokenizer)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_an_echo_is_no_bundled_model(dtype: str, tiny: Model, tokenizer: Tokenizer) -> None:
    """In any number type: of the stored targets one of three may differ outside float32, not all."""
    engine = CopyEngine(tokenizer)
    engine.name, engine.dtype, engine.signature = "copy", dtype, {"engine": "copy", "beams": "1"}
    with pytest.raises(ModelError, match="does not translate as it should"):
        check_canary(tiny, engine, tokenizer)


@pytest.mark.parametrize(
    "error", [IndexError("index 99 is out of range\nmore"), TypeError(""), RuntimeError("x"), ZeroDivisionError()]
)
def test_what_a_model_breaks_when_it_is_tried_is_a_named_error(error: Exception, tiny: Model) -> None:
    """In one line, with the library's own error behind it; our own errors pass as they are."""
    with (
        pytest.raises(ModelError, match=r"the model 'tiny-de-en' does not run: \w+Error:") as caught,
        refusals_of(tiny),
    ):
        raise error
    assert caught.value.__cause__ is error
    assert "\n" not in caught.value.message
    with pytest.raises(ModelError, match="as it was"), refusals_of(tiny):
        raise ModelError("as it was")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory"), RuntimeError("can't allocate memory")]
)
def test_too_little_memory_is_not_the_model_s_fault(error: Exception, tiny: Model) -> None:
    """So the hint is not to download it again."""
    with pytest.raises(EngineError, match="too little memory") as caught, refusals_of(tiny):
        raise error
    assert "download" not in caught.value.hint
