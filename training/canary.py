"""Store a bundled model's fingerprint, and what it must answer to the canary sentences: `python training/canary.py translate/model/bundled/tiny-de-en`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from translate.engines.base import load_engine
from translate.model.folder import CANARY_FILE, fingerprint
from translate.model.tokenizer import Tokenizer
from translate.records import Model, Request, Settings
from translate.run.loading import CANARY

BEAMS = (1, 4)


def main(folder: Path) -> None:
    """Translate the canary sentences in float32 with each number of beams, and write the target ids beside the weights, with the fingerprint."""
    model = Model(folder.name, folder, None, fingerprint(folder))
    tokenizer = Tokenizer(model)
    stored: dict[str, object] = {"fingerprint": model.fingerprint}
    for beams in BEAMS:
        engine = load_engine(model, Settings(engine="transformers", device="cpu", dtype="float32", beams=beams))
        requests = [Request(number, ids) for number, ids in enumerate(tokenizer.encode(CANARY))]
        answers = {hypothesis.number: hypothesis.target for hypothesis in engine.translate(requests)}
        stored[str(beams)] = [list(answers[number]) for number in range(len(CANARY))]
        for number, text in enumerate(CANARY):
            print(f"{beams} beams: {text} → {tokenizer.decode(answers[number])}")
    (folder / CANARY_FILE).write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
