"""`translate shortlist`: texts and a model → the file that `translate --shortlist` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from translate.cli_bench import show_count
from translate.cli_show import Encoding, ModelsFile, check_choice, check_option
from translate.documents import check_encoding
from translate.engine import DTYPES
from translate.progress import say

BEST = 100
FREQUENT = 1000
SENTENCES = 50_000


def shortlist_command(
    files: Annotated[list[str], typer.Argument(metavar="FILES…", help="Text like that to be translated later.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="What to write.")] = Path(
        "shortlist.npz"
    ),
    best: Annotated[int, typer.Option("--best", min=1, help="Target pieces for a source piece, at most.")] = BEST,
    frequent: Annotated[
        int, typer.Option("--frequent", min=1, help="Target pieces for every source: the most frequent ones.")
    ] = FREQUENT,
    sentences: Annotated[
        int, typer.Option("--sentences", min=1, help="To learn from, at most; spread over the text.")
    ] = SENTENCES,
    dtype: Annotated[str, typer.Option("--dtype", help="As with the main command.")] = "auto",
    model: Annotated[str | None, typer.Option("--model", "-m", help="As with the main command.")] = None,
    models_file: ModelsFile = None,
    encoding: Encoding = "utf-8",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Translate, learn, write."""
    check_option(encoding, check_encoding, "--encoding")
    check_choice(dtype, DTYPES, "--dtype")
    from translate.catalog import resolve_model
    from translate.lexicon import encode_texts, learn, translate_pairs
    from translate.samples import read_text
    from translate.shortlist import check_writable, write_shortlist

    check_writable(output)
    resolution = resolve_model(model, models_file)
    for refusal in resolution.refusals:
        say(f"warning: not using {refusal.entry}: {refusal.reason}")
    texts = read_text(files, [], encoding).sentences
    count = min(sentences, len(texts))
    sources = encode_texts(resolution.model, [texts[i * len(texts) // count] for i in range(count)])
    if not quiet:
        say(f"{resolution.model.name}: learning from {len(sources):,} of {len(texts):,} sentences")
    pairs = []
    with show_count("sentences", quiet=quiet) as advance:
        for pair in translate_pairs(resolution.model, sources, dtype):
            pairs.append(pair)
            advance(len(pairs), len(sources))
    found = learn(resolution.model, pairs, best=best, frequent=frequent)
    write_shortlist(found, output)
    if not quiet:
        say(f"written: {output}, {len(found.tokens):,} candidates; translate --engine native --shortlist uses it")
