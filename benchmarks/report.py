"""Measurements as text."""

from __future__ import annotations

from benchmarks import peers

OURS = peers.PEERS[0]

LEGEND = {
    "wall / iteration": "the run's wall time divided by the iterations that it did",
    "inertia/row": "mean squared distance of the rows to their centres; lower is better",
    "inertia error": "relative error of the inertia that the library reports; lower is better",
    "iterations": "how many were done: fewer than allowed if no label changed any more",
    "true / optimum": "inertia of the centres, in units of the optimum's; 1 is best",
    "reported / optimum": "inertia that the library reports, in the same units; 1 is right",
    "right": "share of right answers; 1 is best",
    "error": "largest error, relative to the largest value; lower is better",
    "captured": "variance along the components found, in units of the most that there is",
    "cosine": "mean cosine of the rows to their centres; higher is better",
    "suboptimality": "objective above the lowest known, relative to it, in float64; lower is "
    "better, and every library's fastest setting below the row's bound is what was timed",
    "validation loss": "mean loss of rows that were not learned; lower is better",
    "rows/s": "rows a second, by the wall's clock",
    "ROC-AUC": "area under the ROC curve, 1 is best; ± is the deviation over seeds",
    "AP": "average precision, 1 is best",
    "RMSE": "root mean squared error of predictions brought into the ratings' range, 1 … 5; lower "
    "is better, and ± is the deviation over folds and seeds",
    "log loss": "of rows that were not learned; lower is better",
    "AUC": "area under the ROC curve of these rows, 1 is best",
    "M nonzeros/s": "stored values learned a second by the wall's clock, in millions, from the "
    "difference between six epochs and one; their preparation is not in it",
    "HR@10": "share of users whose held-out item is among the ten best of all they have not seen",
    "NDCG@10": "the same, discounted by the place among the ten; 1 is best",
    "standard": "NAB's own score, 100 is best; also where a false alarm costs twice (low FP) or a "
    "missed window does (low FN)",
    "delay": "mean rows from the begin of an event to the first alarm, at the threshold of the "
    "best F1; a missed event counts whole",
    "found": "share of the events with an alarm, at that threshold",
    "LL": "mean log-likelihood of a held-out token of documents not learned, given half of their "
    "tokens; higher is better, and ± is the deviation over seeds",
    "NPMI": "normalised pointwise mutual information of the ten first words of each topic; higher "
    "is better",
    "same words": "Jaccard index of the ten first words of matched topics of two seeds; 1 is best",
    "CPU s a fit": "mean CPU seconds of one fit",
    "at s": "seconds that learning took up to the last point of the curve: CPU seconds on one "
    "thread, the wall's on more, as in the columns before",
    "M tokens/s": "tokens learned a second in one pass, in millions; from the difference between a "
    "few passes and more, in CPU seconds on one thread and the wall's on more",
    "M pairs/s": "the same of pairs of a document and a word",
    "M visits/s": "pairs of a document and a word that inference meets a second, in millions",
    "mean TV": "total variation between true topics and those found, best matched; 0 is best",
    "worst TV": "the same of the worst topic, a mean over seeds",
    "lost": "true topics to which none found is nearer than 0.5, a mean over seeds",
    "wQL": "weighted quantile loss: twice the pinball loss as a share of all that came, a mean "
    "over the quantiles 0.1 … 0.9; lower is better, and ± is the deviation over seeds",
    "ND": "absolute errors of the median, as a share of all that came; lower is better",
    "MASE": "absolute error of the median in units of the seasonal naive forecast's within what "
    "was learned, a mean over series; lower is better",
    "inside 80 %": "share of values between the quantiles 0.1 and 0.9; 0.8 is right",
    "wQL / law's": "the loss in units of that of the true law's quantiles; 1 is best",
    "ms a step": "milliseconds of a gradient step by the wall's clock with its data, from the "
    "difference between six epochs and one",
    "M draws/s": "values drawn a second by the wall's clock, in millions",
    "import s": "seconds to import the library, in a fresh process",
    "fit s": "seconds of two epochs, there",
    "draw s": "seconds of 100 paths of each series, there",
    "process MB": "peak memory of that whole process, Python and the data included",
    "eigenvalue error": "largest relative error of an eigenvalue; lower is better",
}

DERIVED = {"wall / iteration": "per_iteration", "rows/s": "rows_per_second"}


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
    timed = [
        name for name, key in DERIVED.items() if any(key in answer for answer in answers.values())
    ]
    head = ["", "wall", *timed, "CPU", "wall / ours", "CPU / ours", "memory", *names, ""]
    rows = [row(peer, answer, answers.get(OURS), names, timed) for peer, answer in answers.items()]
    return head, rows


def row(peer, answer, ours, names, timed=()):
    title = peers.load(peer).title
    if "failure" in answer:
        return [title, *[""] * (5 + len(timed) + len(names)), answer["failure"]]
    memory = answer.get("peak_memory")
    quality = answer["quality"]
    return [
        title,
        seconds(answer["wall"]),
        *(derived(answer, name) for name in timed),
        seconds(answer["cpu"]),
        ratio(answer, ours, "wall"),
        ratio(answer, ours, "cpu"),
        "" if memory is None else f"{memory / 2**20:.1f} MB",
        *(number(quality[name]) if name in quality else "" for name in names),
        remarks(answer),
    ]


def derived(answer, name):
    """What follows from the wall time, as text."""
    value = answer.get(DERIVED[name])
    if value is None:
        return ""
    return f"{value:,.0f}" if name == "rows/s" else seconds(value)


def remarks(answer):
    said = [] if answer["converged"] else ["not converged"]
    said += ["one run"] if answer.get("slow") else []
    return ", ".join([*said, *([answer["note"]] if "note" in answer else [])])


def legend(answers):
    """What the columns of a table mean."""
    return {name: LEGEND[name] for name in columns(answers)[0] if name in LEGEND}


def notes(answers):
    """What must be known to compare the rows of a table."""
    counts = {
        answer["quality"]["iterations"] for answer in answers.values() if "per_iteration" in answer
    }
    told = ["The iterations differ: compare the time of one."] if len(counts) > 1 else []
    if any(answer.get("slow") for answer in answers.values()):
        told.append("One run: a peer that takes more than 10 s a run is timed once, in its first.")
    return told


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
