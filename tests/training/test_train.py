"""The training tools: cleaning, batches, alignment, the fast network, and a run that is killed and goes on."""

import argparse
import json
import lzma
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import MarianMTModel, MarianTokenizer

import crew
import lexicon
import network
import pairs
import reading
import train
import trainer
import vocabulary
from augment import augment
from translate.records import Flag, Row, Translation
from translate.run.memory import Memory
from translate.run.rows import format_row

TOOLS = Path(__file__).resolve().parent.parent.parent / "training"
FAULTS = [
    ("tatoeba", "Das Baby schläft gerade.", "The baby is sleeping.", ""),
    ("tatoeba", "Sie zahlte 10.000 Yen.", "She paid 10,000 yen.", ""),
    ("tatoeba", "Es ist schon um 7.", "It's already seven.", ""),
    ("ding", "Bierdose", "beer tin", ""),
    ("ding", "Höhe von 6 Metern", "height of 20 feet", "numbers"),
    ("ding", "etw. kürzen", "to whittle down sth.", "dictionary form"),
    ("ding", "ungezähmte / ungebändigte Vegetation", "untamed vegetation", "dictionary form"),
    ("ding", "ringsum {prp", "round", "markup"),
    ("sysmo", "Datei %s", "file %s", "markup"),
    ("sysmo", "Bote-Majhi", "bote-majhi", "copy"),
    ("onmt", "1999 - 2003 (4)", "1999 - 2003 (4) .", "few letters"),
    ("onmt", "", "Nothing", "empty"),
    ("newstest", "Hauptstadt Пекин", "capital Пекин", "other script"),
    ("onmt", "Ein kurzer Satz.", "A sentence that says very much more than the German one ever said.", "length ratio"),
]
NOUNS = {"Hund": "dog", "Mann": "man", "Baum": "tree", "Tisch": "table", "Vogel": "bird", "Wagen": "car"}
VERBS = {"sieht": "sees", "sucht": "seeks", "findet": "finds", "malt": "paints"}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Operations this small are slower on two cores, and far slower while both are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def toy_pair(rng: random.Random) -> tuple[str, str]:
    """A German sentence of a grammar with ten words, and its translation."""
    subject, thing = rng.choice([*NOUNS]), rng.choice([*NOUNS])
    verb, number = rng.choice([*VERBS]), rng.randint(2, 99)
    german = f"Der {subject} {verb} den {thing} und {number} andere."
    return german, f"The {NOUNS[subject]} {VERBS[verb]} the {NOUNS[thing]} and {number} others."


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with toy.tsv, dev.de and dev.en."""
    folder, rng = tmp_path_factory.mktemp("toy"), random.Random(1)
    rows = {toy_pair(rng) for _ in range(900)}
    dev = sorted(rows)[:8]
    lines = ["\t".join(row) for row in sorted(rows)]
    rng.shuffle(lines)
    (folder / "toy.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for i, name in enumerate(("dev.de", "dev.en")):
        (folder / name).write_text("".join(row[i] + "\n" for row in dev), encoding="utf-8")
    return folder


def command(toy: Path, work: Path, *more: str) -> list[str]:
    """A training run of minute size."""
    sizes = "--pieces 90 --width 32 --feed-forward 64 --heads 4 --encoder-layers 2 --decoder-layers 1"
    pace = "--tokens 300 --warmup 20 --rate 0.01 --guided 1 --guided-steps 60 --shortest-first 60 --log-every 5 --workers 2"
    dev = f"toy={toy / 'dev.de'},{toy / 'dev.en'}"
    script = [sys.executable, str(TOOLS / "train.py"), str(toy / "toy.tsv"), str(work), "--dev", dev]
    return [*script, *sizes.split(), *pace.split(), *more]


def entries(work: Path) -> list[dict[str, float]]:
    """The lines of a training log."""
    path = work / "log.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def trained(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed outright once it had saved its state, and then went on to its end."""
    work = tmp_path_factory.mktemp("work")
    with subprocess.Popen(command(toy, work, "--save-seconds", "0.5"), stdout=subprocess.DEVNULL) as process:
        for _ in range(2400):
            if (work / "state.pt").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "the run ended by itself before it was killed"
    subprocess.run(command(toy, work, "--steps", "80"), check=True, stdout=subprocess.DEVNULL)
    return work


@pytest.mark.parametrize(("origin", "german", "english", "reason"), FAULTS)
def test_pairs_are_dropped_for_the_right_reason(origin: str, german: str, english: str, reason: str) -> None:
    """Each kind of noise is named, and good pairs pass."""
    assert pairs.fault(pairs.tidy(pairs.Pair(origin, german, english))) == reason


def test_dropped_pairs_are_counted() -> None:
    """Nothing disappears silently: kept and counted pairs add up, duplicates among them."""
    dropped: Counter[str] = Counter()
    rows = [pairs.Pair(origin, german, english) for origin, german, english, _ in FAULTS]
    kept = list(pairs.clean_pairs([*rows, rows[0]], dropped))
    assert len(kept) + dropped.total() == len(FAULTS) + 1
    assert dropped["duplicate"] == 1


def test_english_side_is_written_plainly() -> None:
    """Quotation marks, ellipses, invisible characters and white space have one form in English."""
    tidy = pairs.tidy(pairs.Pair("x", "„Ja“  \u200bsagte", "“Yes,”  he’d said…"))
    assert (tidy.source, tidy.target) == ("„Ja“ sagte", '"Yes," he\'d said...')


def test_malformed_line_is_an_error(tmp_path: Path) -> None:
    """A line without two or three columns stops the run, with its number."""
    (tmp_path / "bad.tsv").write_text("a\tb\nalone\n", encoding="utf-8")
    with pytest.raises(pairs.PairError, match=r"bad\.tsv:2: 1 columns"):
        list(reading.read_pairs(tmp_path / "bad.tsv"))


def test_a_folder_of_tables_is_read_as_one(tmp_path: Path) -> None:
    """All TSVs of a folder, compressed or not, in the order of their names; rows beside them are left alone."""
    (tmp_path / "b.tsv").write_text("x\tDrei.\tThree.\n", encoding="utf-8")
    (tmp_path / "a.tsv.xz").write_bytes(lzma.compress(b"Eins.\tOne.\nZwei.\tTwo.\n"))
    (tmp_path / "c.jsonl").write_text("{}\n", encoding="utf-8")
    found = [(pair.origin, pair.target) for pair in reading.read_pairs(tmp_path)]
    assert found == [("a.tsv", "One."), ("a.tsv", "Two."), ("x", "Three.")]


def finished_run(folder: Path, texts: Sequence[tuple[str, str]]) -> None:
    """Rows and memory as `translate` leaves them, a last entry flagged."""
    flags = [()] * (len(texts) - 1) + [(Flag.LOOP,)]
    rows = [
        Row("a.txt", n, n, n, n + 1, *text, -0.5, flag) for n, (text, flag) in enumerate(zip(texts, flags, strict=True))
    ]
    (folder / "a.jsonl").write_text("".join(f"{format_row(row)}\n" for row in rows), encoding="utf-8", newline="\n")
    with Memory(folder / "memory.sqlite", "model:one") as memory:
        memory.add(1, [(row.source, Translation(row.target, row.score, row.flags)) for row in rows])


def test_a_finished_run_and_its_memory_are_pairs(tmp_path: Path) -> None:
    """Rows, their folder and the memory give the same pairs; a flagged one is dropped and counted; other files are errors."""
    texts = [(german, english) for origin, german, english, reason in FAULTS if origin == "tatoeba"]
    finished_run(tmp_path, texts)
    for path in (tmp_path / "a.jsonl", tmp_path, tmp_path / "memory.sqlite"):
        dropped: Counter[str] = Counter()
        kept = list(pairs.clean_pairs(reading.read_pairs(path), dropped))
        assert [(pair.source, pair.target) for pair in kept] == texts[:-1]
        assert dropped == {"flagged": 1}
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.sqlite").write_text("no database, but long enough to be taken for one" * 9, encoding="utf-8")
    (tmp_path / "other.jsonl").write_text("{}\n", encoding="utf-8")
    for name, words in (("empty", "nor rows"), ("other.sqlite", "no translation memory"), ("other.jsonl", "line 1")):
        with pytest.raises(pairs.PairError, match=words):
            list(reading.read_pairs(tmp_path / name))


def test_augmented_pairs_keep_their_two_sides_together() -> None:
    """Joined sentences, halves at a colon, capitals, a small beginning and quotation marks; nothing at a share of zero."""
    texts = [("Er sagte: Das ist gut.", "He said: That is good."), ("Es regnet heute.", "It rains today.")]
    kept = [pairs.Pair("x", *text) for text in texts]
    made = {(pair.source, pair.target) for seed in range(200) for pair in augment(kept, 1.0, seed=seed)}
    assert {
        ("Er sagte: Das ist gut. Es regnet heute.", "He said: That is good. It rains today."),
        ("Er sagte", "He said"),
        ("Das ist gut.", "That is good."),
        ("ES REGNET HEUTE.", "IT RAINS TODAY."),
        ("es regnet heute.", "It rains today."),
        ("»Es regnet heute.«", '"It rains today."'),
        ("„Es regnet heute.", '"It rains today.'),
    } <= made
    assert not made & set(texts)
    assert not list(augment(kept, 0.0))


def random_corpus(rows: int) -> pairs.Corpus:
    """Pairs in which target token t + 50 translates source token t, in the same order."""
    rng = np.random.default_rng(3)
    sources = [rng.integers(2, 50, rng.integers(3, 12)).tolist() for _ in range(rows)]
    return pairs.pack(sources, [[t + 50 for t in s] for s in sources], [1.0] * rows, eos=0, longest=50)


def test_a_pool_holds_every_pair_once_within_the_budget() -> None:
    """Batches keep the token budget, cover each pair once, and are the same when asked again."""
    corpus = random_corpus(500)
    plan = pairs.plan_pool(corpus, 0, seed=1, tokens=100, longest=50)
    assert sorted(np.concatenate(plan).tolist()) == list(range(500))
    assert all(len(rows) * corpus.target_lengths[rows].max() <= 100 for rows in plan)
    again = pairs.plan_pool(corpus, 0, seed=1, tokens=100, longest=50)
    assert all(np.array_equal(a, b) for a, b in zip(plan, again, strict=True))


def test_lexicon_finds_translations_and_aligns() -> None:
    """Model 1 learns a one-to-one vocabulary, aligns along it, and its embeddings put translations together."""
    corpus = random_corpus(500)
    table = lexicon.learn(corpus, 101)
    ids = np.arange(5, 45)
    assert table.look_up(ids, ids + 50).min() > 0.8
    batch = pairs.batch_of(corpus, np.arange(4), pad=100)
    aligned = table.align(batch.source, batch.target, pad=100)
    real = batch.target != 100
    assert np.array_equal(
        aligned.argmax(2)[real], np.broadcast_to(np.arange(aligned.shape[2]), aligned.shape[:2])[real]
    )
    vectors = lexicon.bilingual_embeddings(corpus, table, width=64, rows=101)
    assert (vectors[ids] * vectors[ids + 50]).sum(1).mean() > 0.8


def tiny_model() -> MarianMTModel:
    """A random model over 100 pieces."""
    torch.manual_seed(1)
    model = MarianMTModel(network.new_config(network.Shape(32, 64, 4, 2, 2), 100))
    network.initialise(model, None)
    return model.eval()


def test_fast_network_equals_transformers() -> None:
    """States, smoothed loss and gradients are those of MarianMTModel and of torch's cross-entropy, padding or not."""
    model, batch = tiny_model(), pairs.batch_of(random_corpus(6), np.arange(6), pad=100)
    source, target = torch.from_numpy(batch.source), torch.from_numpy(batch.target)
    shifted = torch.cat([torch.full((6, 1), 100), target[:, :-1]], 1)
    inside = target != 100
    states, _ = network.states(model, source, shifted, 100)
    ours, plain = network.output_loss(model, states[inside], target[inside], 0.1)
    ours.backward()  # type: ignore[no-untyped-call]
    mine = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    logits = model(input_ids=source, attention_mask=(source != 100).long(), decoder_input_ids=shifted).logits[inside]
    theirs = torch.nn.functional.cross_entropy(logits, target[inside], label_smoothing=0.1, reduction="sum")
    theirs.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(
        plain, torch.nn.functional.cross_entropy(logits, target[inside], reduction="sum"), rtol=1e-5, atol=1e-4
    )
    model.model.shared.weight.grad[100], mine["model.shared.weight"][100] = 0, 0  # theirs never trains the start mark
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(mine[name], parameter.grad, rtol=1e-3, atol=1e-4, msg=name)


def test_drawn_pieces_estimate_the_whole_softmax() -> None:
    """Averaged over many draws, the loss over some of the pieces and its gradient are those over all pieces."""
    torch.manual_seed(2)
    model = tiny_model()
    states, labels = torch.randn(40, 32, requires_grad=True), torch.randint(2, 40, (40,))
    draw = network.Draw(0.5, torch.bincount(labels, minlength=101) / 40)

    def measured(chosen: network.Draw | None) -> tuple[float, torch.Tensor]:
        loss, _ = network.output_loss(model, states, labels, 0.1, chosen)
        (gradient,) = torch.autograd.grad(loss, states)
        return loss.item(), gradient

    drawn = [measured(draw) for _ in range(100)]
    loss, gradient = measured(None)
    assert np.mean([one for one, _ in drawn]) == pytest.approx(loss, rel=0.01)
    mean = torch.stack([one for _, one in drawn]).mean(0)
    assert torch.nn.functional.cosine_similarity(mean.flatten(), gradient.flatten(), 0) > 0.99


def test_in_bfloat16_the_output_layer_stays_in_float32_over_drawn_pieces() -> None:
    """On a CPU the states are computed in bfloat16, the loss is not; losses and gradients are nearly those of float32."""
    batch, drawn = pairs.batch_of(random_corpus(6), np.arange(6), pad=100), []

    class Seen(network.Draw):
        def __call__(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            drawn.append(torch.is_autocast_enabled("cpu"))
            return super().__call__(labels)

    def measured(autocast: bool) -> tuple[dict[str, float], torch.Tensor]:
        model, draw = tiny_model(), Seen(1.0, torch.full((101,), 0.01))
        workers = crew.Crew(model, 0.1, draw, workers=1, device="cpu", compiled=False)
        workers.autocast = autocast
        losses = workers.step([batch], None, 0.0)
        return losses, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    (half, half_gradient), (full, gradient) = measured(True), measured(False)
    assert drawn == [False, False]
    assert half["loss"] == pytest.approx(full["loss"], rel=0.01)
    assert half["loss"] != full["loss"]
    assert torch.nn.functional.cosine_similarity(half_gradient, gradient, 0) > 0.99


def test_grown_encoder_hardly_changes_the_model() -> None:
    """New encoder layers leave the states nearly as they were, whatever the old norms have learned."""
    model = tiny_model()
    for layer in model.model.encoder.layers:
        torch.nn.init.normal_(layer.final_layer_norm.weight, 0.6, 0.05)
    grown = network.grow_encoder(model, 4).eval()
    source = torch.randint(2, 100, (3, 7))
    shifted = torch.cat([torch.full((3, 1), 100), source[:, :-1]], 1)
    before, after = (network.states(m, source, shifted, 100)[0] for m in (model, grown))
    assert grown.config.encoder_layers == 4
    torch.testing.assert_close(before, after, rtol=0, atol=0.1)


def test_more_pieces_leave_the_old_ones_as_they_were() -> None:
    """New pieces come before <pad>; what the model says with the old ones stays the same."""
    model = tiny_model()
    grown = network.add_pieces(model, 107).eval()
    source, shifted = torch.randint(2, 100, (3, 7)), torch.randint(2, 100, (3, 5))
    ends = (torch.full((3, 1), pad) for pad in (100, 107))
    before, after = (
        network.states(m, source, torch.cat([pad, shifted], 1), int(pad[0]))[0]
        for m, pad in zip((model, grown), ends, strict=True)
    )
    torch.testing.assert_close(before, after)
    assert grown.config.vocab_size == 108
    assert grown.get_input_embeddings().weight is grown.get_output_embeddings().weight
    with pytest.raises(ValueError, match="cannot become 99"):
        network.add_pieces(model, 99)


def test_characters_that_the_vocabulary_lacks_are_added(toy: Path, trained: Path, tmp_path: Path) -> None:
    """A frequent new character becomes a piece that can be written again; a rare one and an accent stay out."""
    lines = ["§ 5 kostet 3 €"] * vocabulary.SEEN + ["ω", "e\u0301"]
    added = vocabulary.extend_vocabulary(trained / "checkpoint", lines, tmp_path)
    pieces = vocabulary.load_pieces(tmp_path)
    old = vocabulary.load_pieces(trained / "checkpoint")
    assert added == len(pieces) - len(old)
    assert pieces.decode(pieces.encode("§ 5 €")) == "§ 5 €"
    assert pieces.unk_id() in pieces.encode("ω")
    ids = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    assert ids["<pad>"] == len(pieces)
    words = "Der Hund sieht den Mann"
    assert pieces.encode(words) == old.encode(words)


def test_signs_stay_what_they_are(trained: Path, tmp_path: Path) -> None:
    """½, ² and µ are not taken apart, both kinds of µ are one, ligatures are letters, and how an emoji is drawn is lost."""
    vocabulary.extend_vocabulary(trained / "checkpoint", ["3½ m² µ 😀 fi"] * vocabulary.SEEN, tmp_path)
    pieces = vocabulary.load_pieces(tmp_path)
    assert pieces.decode(pieces.encode("3½ m² μ 😀\ufe0f ﬁ")) == "3½ m² µ 😀 fi"


def test_a_killed_run_goes_on_where_it_was(trained: Path) -> None:
    """The second start continues from the saved step, not from zero, and ends where asked."""
    starts = [entry["step"] for entry in entries(trained) if "start" in entry]
    assert starts[0] == 0 < starts[1]
    assert max(entry.get("step", 0) for entry in entries(trained)) == 80


def test_a_stop_loses_no_batch(toy: Path, tmp_path: Path) -> None:
    """Stopped before an update and started again, a run takes the batches of that update; none is left out."""
    options, recipe = train.parse(command(toy, tmp_path)[2:])
    model, corpus = tiny_model(), random_corpus(900)
    data = trainer.Data(corpus, None, toy)
    plan = pairs.plan_pool(corpus, 0, seed=recipe.seed, tokens=recipe.tokens, longest=recipe.shortest_first)
    wanted = [pairs.batch_of(corpus, rows, 100).source.tolist() for rows in plan]
    run, found = trainer.Trainer(model, data, recipe, options), []
    for updates in (1, 1, 2):
        for number, batches in enumerate(run.batches()):
            if number == updates:  # what `loop` does after a signal: it leaves without an update
                break
            run.update(batches)
            found += [batch.source.tolist() for batch in batches]
    assert found == wanted[: len(found)]
    assert run.progress.batch == len(found) == 4 * recipe.batches


@pytest.mark.parametrize(
    ("steps", "minutes", "hours"),
    [(300, 10**9, 2.0), (10**9, 90, 1.0), (300, 60, 0.5), (10**9, 10**9, None), (1, 1, 0.0)],
)
def test_the_log_tells_how_long_a_run_will_take(steps: int, minutes: int, hours: float | None) -> None:
    """Hours until --steps or --minutes end it, whichever is first, at 36 seconds an update; none without an end."""
    progress = trainer.Progress(step=100, seconds=1800.0)
    options = argparse.Namespace(steps=steps, minutes=minutes)
    assert train.hours_left(options, progress, 36.0) == hours


def test_the_loss_falls_and_the_curve_is_drawn(trained: Path) -> None:
    """Training learns something, and log and plot say so."""
    losses = [entry["loss"] for entry in entries(trained) if "loss" in entry]
    assert losses[-1] < losses[0] - 1
    assert any("bleu" in entry and "wrong source" in entry for entry in entries(trained))
    assert (trained / "curve.svg").read_text(encoding="utf-8").startswith("<svg")


def test_checkpoint_is_a_marian_folder(trained: Path) -> None:
    """transformers loads what was exported, in float16, and generates with its own settings."""
    folder = trained / "checkpoint"
    model, tokenizer = MarianMTModel.from_pretrained(folder), MarianTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float16
    batch = tokenizer(["Der Hund sieht den Mann und 12 andere."], return_tensors="pt")
    english = tokenizer.batch_decode(model.float().generate(**batch, max_length=40), skip_special_tokens=True)
    assert english[0].strip()
    assert model.generation_config.num_beams == 4
    assert model.generation_config.bad_words_ids == [[model.config.pad_token_id]]


def test_dev_lines_are_kept_out_of_training(toy: Path, trained: Path) -> None:
    """Pairs that contain a dev line are dropped and counted."""
    first = next(entry for entry in entries(trained) if "dropped" in entry)
    assert first["dropped"]["in a dev set"] >= 8  # type: ignore[index]


def test_fine_tuning_on_a_memory_keeps_the_vocabulary(toy: Path, trained: Path, tmp_path: Path) -> None:
    """--from starts with a checkpoint's weights and its pieces: the first loss is low; --augment adds pairs."""
    texts = [line.split("\t") for line in (toy / "toy.tsv").read_text(encoding="utf-8").splitlines()]
    finished_run(tmp_path, [(german, english) for german, english in texts])
    arguments = command(toy, tmp_path, "--from", str(trained / "checkpoint"), "--steps", "10", "--guided", "0")
    arguments[2] = str(tmp_path / "memory.sqlite")
    subprocess.run([*arguments, "--augment", "0.2"], check=True, stdout=subprocess.DEVNULL)
    first = next(entry for entry in entries(tmp_path) if "dropped" in entry)
    assert first["dropped"]["flagged"] == 1  # type: ignore[index]
    assert first["augmented"] > 50
    old = [entry["loss"] for entry in entries(trained) if "loss" in entry]
    new = [entry["loss"] for entry in entries(tmp_path) if "loss" in entry]
    assert new[0] < old[0] - 1
    assert (tmp_path / "checkpoint" / "vocab.json").read_bytes() == (trained / "checkpoint" / "vocab.json").read_bytes()


def test_a_vocabulary_tells_nothing_of_the_machine(trained: Path) -> None:
    """SentencePiece notes the paths of its input; they are taken out."""
    assert tempfile.gettempdir().encode() not in (trained / "checkpoint" / "source.spm").read_bytes()


def test_marian_pieces_with_their_own_numbers(toy: Path, trained: Path, tmp_path: Path) -> None:
    """Ids come from vocab.json, not from SentencePiece, where the two differ."""
    source = trained / "checkpoint"
    for name in vocabulary.FILES:
        (tmp_path / name).write_bytes((source / name).read_bytes())
    numbers = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    shifted = {piece: number + 1000 if number > 1 else number for piece, number in numbers.items()}
    (tmp_path / "vocab.json").write_text(json.dumps(shifted), encoding="utf-8")
    line = ["Der Hund malt."]
    expected = [[i + 1000 if i > 1 else i for i in ids] for ids in vocabulary.encode(source, "source", line)]
    assert vocabulary.encode(tmp_path, "source", line) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="reads /proc/cpuinfo")
def test_autocast_is_chosen_by_the_hardware() -> None:
    """A GPU computes in bfloat16; a CPU only if it says that it can."""
    assert crew.has_fast_bfloat16("cuda")
    assert isinstance(crew.has_fast_bfloat16("cpu"), bool)
