"""Measurements as text."""

from __future__ import annotations

from benchmarks import peers

OURS = peers.PEERS[0]


def seconds(value):
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError


def threads(count):
    if count is None:
        return "as the user calls it (no thread settings)"
    return f"{count} thread" + ("s" if count > 1 else "")


def number(value):
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.4g}"


def ratio(theirs, ours, what):
    if ours and what in ours and what in theirs and ours[what] > 0:
        return f"{theirs[what] / ours[what]:.2f}"
    return ""


def columns(answers):
    """The table's head, and a row of texts for each peer."""
    names = list(dict.fromkeys(n for answer in answers.values() for n in answer.get("quality", {})))
    head = ["", "wall", "CPU", "wall / ours", "CPU / ours", "memory", *names, ""]
    rows = [row(peer, answer, answers.get(OURS), names) for peer, answer in answers.items()]
    return head, rows


def row(peer, answer, ours, names):
    title = peers.load(peer).title
    if "failure" in answer:
        return [title, *[""] * (5 + len(names)), answer["failure"]]
    memory = answer.get("peak_memory")
    quality = answer["quality"]
    return [
        title,
        seconds(answer["wall"]),
        seconds(answer["cpu"]),
        ratio(answer, ours, "wall"),
        ratio(answer, ours, "cpu"),
        "" if memory is None else f"{memory / 2**20:.1f} MB",
        *(number(quality[name]) if name in quality else "" for name in names),
        "" if answer["converged"] else "not converged",
    ]


def table(answers):
    """A table of one row of the benchmark."""
    head, rows = columns(answers)
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i in (0, len(head) - 1) else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [head, *rows]
    )
