"""Every row of the benchmarks on one line: ours beside the best other library."""

from benchmarks import peers, report

NAMES = {
    "linear_learner": "Linear learner",
    "kmeans": "k-means",
    "pca": "PCA",
    "lda": "Latent Dirichlet allocation",
    "factorization_machine": "Factorization machine",
    "random_cut_forest": "Random cut forest",
    "deepar": "DeepAR",
}

# Rows that ask what is reached: the best other is the one that reaches most. In all others the
# quality is to be equal, and the best other is the fastest.
JUDGED = (
    *("value", "ratings", "cold", "clicks", "ranking", "planted", "bars"),
    *("tables", "novelties", "classes", "nab", "taxi"),
)
MEASURES = {  # those that decide, the first that a row has; 1 where higher is better
    "wQL": -1,
    "RMSE": -1,
    "log loss": -1,
    "HR@10": 1,
    "LL": 1,
    "worst TV": -1,
    "standard": 1,
    "AP": 1,
}
SHOWN = (
    *MEASURES,
    *("eigenvalue error", "inertia/row", "true / optimum", "validation loss", "cosine"),
)
SECONDS = ("ms a step", "CPU s a fit")  # told in the place of the wall's time where a row has them
RATE = "M tokens/s"  # so is this: passes of different work are timed over different numbers of them


def overview(results):
    """Return the tables of all algorithms, and a sentence that counts."""
    lines = {name: algorithm_lines(result) for name, result in results.items() if name in NAMES}
    cells = [cell for rows in lines.values() for row in rows for cell in row["times"].values()]
    behind = sum(cell[1] < 1 for cell in cells)
    told = [row for rows in lines.values() for row in rows if row["judged"]]
    worse = sum(row["worse"] for row in told)
    counted = (
        f"Of {len(cells)} times beside another library ours are the longer ones in {behind}; of "
        f"{len(told)} rows that compare what is reached, another reaches more in {worse}.\n"
    )
    tables = [heading(NAMES[name]) + table(name, rows) for name, rows in lines.items() if rows]
    return "\n".join([counted, *tables])


def algorithm_lines(result):
    """Return a line for each workload of one file of results."""
    lines = {}
    for entry in result["measurements"]:
        others = {
            name: answer
            for name, answer in entry["peers"].items()
            if "failure" not in answer and is_other(name)
        }
        ours = entry["peers"].get(report.OURS, {"failure": ""})
        if not others or "failure" in ours:
            continue
        line = lines.setdefault(entry["workload"], first_line(entry, ours, others))
        rival = line["rival"] if line["judged"] else fastest(ours, others)
        if rival in others:
            factor = duration(others[rival], ours) / duration(ours, others[rival])
            name = title(rival) + ("" if others[rival]["converged"] else ", short of it,")
            line["times"][entry["threads"]] = (name, factor)
    return list(lines.values())


def is_other(name):
    """Tell other libraries from our own variants and from the price of a call's checks."""
    return name != "validation" and not title(name).startswith("algos")


def title(name):
    return peers.load(name).title.partition(",")[0]


def duration(answer, beside):
    """Return the seconds of an answer, by the first measure of them that both have."""
    both = [answer, beside]
    if all(RATE in one["quality"] for one in both):
        return 1 / answer["quality"][RATE]
    reached = [name for name in answer["quality"] if name.startswith("s to ")]  # the hardest last
    for name in (*reversed(reached), *SECONDS):
        if all(name in one["quality"] for one in both):
            return answer["quality"][name]
    per_iteration = all("per_iteration" in one for one in both)
    return answer["per_iteration" if per_iteration else "wall"]


def fastest(ours, others):
    """Return the fastest other, of those that got where they were to get if any did."""
    return min(others, key=lambda n: (not others[n]["converged"], duration(others[n], ours)))


def first_line(entry, ours, others):
    """Return what a row says beside its times."""
    judged = entry["workload"].startswith(JUDGED)
    shown = [name for name in (MEASURES if judged else SHOWN) if name in ours["quality"]]
    measure = shown[0] if shown else None
    able = {name: one for name, one in others.items() if measure in one["quality"]}
    line = {"caption": entry["caption"], "times": {}, "judged": judged and bool(able)}
    sign = MEASURES.get(measure, -1)
    if line["judged"]:
        rival = max(able, key=lambda name: sign * able[name]["quality"][measure])
    else:
        rival = fastest(ours, others)
    values = [ours["quality"].get(measure), others[rival]["quality"].get(measure)]
    worse = line["judged"] and sign * values[0] < sign * values[1]
    return line | {"rival": rival, "measure": measure, "values": values, "worse": worse}


def heading(name):
    return f"{name}\n{'~' * len(name)}\n\n"


def table(name, rows):
    """Return the table of one algorithm."""
    threads = [count for count in (1, 2, None) if any(count in row["times"] for row in rows)]
    head = ["", *(thread_name(count) for count in threads), "reached", "ours", "theirs"]
    lines = [".. list-table::", "   :header-rows: 1", "   :width: 100%"]
    lines += ["   :class: measured", ""]
    lines += [
        "   * - " + "\n     - ".join(cell or "\\ " for cell in cells)
        for cells in [head, *(row_cells(row, threads) for row in rows)]
    ]
    return "\n".join(lines) + f"\n\nAll of these rows: :doc:`algorithms/{name}`.\n"


def thread_name(count):
    return "as called" if count is None else report.threads(count)


def row_cells(row, threads):
    """Return the texts of one line; bold is where another library is ahead."""
    times = [factor_text(*row["times"].get(count, ("", None))) for count in threads]
    ours, theirs = row["values"]
    if ours is None or theirs is None:
        return [row["caption"], *times, "", "", ""]
    values = [report.number(ours), report.number(theirs)]
    if row["worse"]:
        values = [values[0], f"**{values[1]}**"]
    name = row["measure"] + (f" ({title(row['rival'])})" if row["judged"] else "")
    return [row["caption"], *times, name, *values]


def factor_text(name, factor):
    if factor is None:
        return ""
    if factor < 0.01:
        return f"**{name} < 0.01**"
    text = f"{name} {factor:.2f}" if factor < 10 else f"{name} {factor:,.0f}"
    return f"**{text}**" if factor < 1 else text
