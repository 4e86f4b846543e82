"""The learning curve of a training log as an SVG: losses and BLEU over target tokens, without a plotting package."""

import json
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 400, 55
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf")
Points = list[tuple[float, float]]


def series(log: Path) -> dict[str, Points]:
    """Named points (million target tokens, value) from a log.jsonl."""
    found: dict[str, Points] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        tokens = entry.get("tokens", 0) / 1e6
        if "dev" in entry:
            for figure in ("dev loss", "wrong source", "bleu"):
                found.setdefault(f"{entry['dev']} {figure.removeprefix('dev ')}", []).append((tokens, entry[figure]))
        elif "loss" in entry:
            found.setdefault("training loss", []).append((tokens, entry["loss"]))
    return found


def draw(log: Path) -> str:
    """The curves as SVG text, all on one scale from zero: losses in nats a token, BLEU in points."""
    lines = series(log)
    right = max((x for points in lines.values() for x, _ in points), default=1) or 1
    top = max((y for points in lines.values() for _, y in points), default=1) or 1

    def place(x: float, y: float) -> str:
        return f"{MARGIN + x / right * (WIDTH - 2 * MARGIN):.1f},{HEIGHT - MARGIN - y / top * (HEIGHT - 2 * MARGIN):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 180} {HEIGHT}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<polyline fill="none" stroke="black" points="{place(0, top)} {place(0, 0)} {place(right, 0)}"/>',
    ]
    for i in range(6):
        (x, low), (left, y) = place(right * i / 5, 0).split(","), place(0, top * i / 5).split(",")
        parts.append(f'<text x="{x}" y="{float(low) + 18}" text-anchor="middle">{right * i / 5:.3g}</text>')
        parts.append(f'<text x="{float(left) - 6}" y="{y}" text-anchor="end">{top * i / 5:.3g}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">million target tokens</text>')
    for i, (name, points) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" points="{path}"/>')
        parts.append(f'<text x="{WIDTH - 40}" y="{MARGIN + 18 * i}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
