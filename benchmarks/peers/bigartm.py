"""BigARTM: expectation maximisation in C++, on threads of its own."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import tempfile
import types
from pathlib import Path

import numpy as np

from benchmarks.peers.tomotopy import of_all_words
from benchmarks.peers.topic_models import TopicModels
from benchmarks.topics import Setting


class Adapter(TopicModels):
    """BigARTM with smoothed topics and mixtures; it reads batches of documents from files."""

    title = "BigARTM"
    passes = (1, 2, 5, 10, 20, 40)
    enough = 20
    settings = (
        Setting(0.1, 0.01),
        Setting(0.1, 0.1),
        Setting(0.1, 0.3),
        Setting(0.1, 0.1, "online"),
    )

    def version(self) -> str:
        return load_artm().version()

    def documents(self, X):
        """Return the width, and the files of batches, which last as long as they are in use."""
        artm = load_artm()
        folder = tempfile.TemporaryDirectory()
        write_uci(X, Path(folder.name))
        batches = artm.BatchVectorizer(
            data_path=folder.name, data_format="bow_uci", collection_name="words",
            target_folder=str(Path(folder.name) / "batches"), batch_size=500,
        )  # fmt: skip
        return X.shape[1], batches, folder

    def learn_counts(self, documents, model, passes):
        artm = load_artm()
        width, batches, _ = documents
        lda = artm.ARTM(
            num_topics=model.n_topics, dictionary=batches.dictionary, cache_theta=False,
            num_processors=model.n_jobs or len(os.sched_getaffinity(0)), seed=model.seed,
            show_progress_bars=False,
            regularizers=[
                artm.SmoothSparsePhiRegularizer(name="topics", tau=model.setting.eta),
                artm.SmoothSparseThetaRegularizer(name="mixtures", tau=model.setting.alpha),
            ],
        )  # fmt: skip
        yield None
        done = 0
        for number in passes:
            if model.setting.how == "online":
                for _ in range(number - done):
                    lda.fit_online(batches, tau0=1.0, kappa=0.7)
            else:
                lda.fit_offline(batches, num_collection_passes=number - done)
            done = number
            yield lambda: topics_of(lda, width)


def topics_of(lda, width):
    phi = lda.get_phi()
    return of_all_words(phi.to_numpy().T, [word[1:] for _, word in phi.index], width)


def write_uci(X, folder):
    """Write counts as the UCI repository has them."""
    X = X.tocsr()
    docs = np.repeat(np.arange(1, X.shape[0] + 1), np.diff(X.indptr))
    words = "".join(f"w{word}\n" for word in range(X.shape[1]))
    (folder / "vocab.words.txt").write_text(words)
    with (folder / "docword.words.txt").open("w") as file:
        file.write(f"{X.shape[0]}\n{X.shape[1]}\n{X.nnz}\n")
        np.savetxt(file, np.column_stack([docs, X.indices + 1, X.data]), fmt="%d")


def load_artm():
    """Import BigARTM; its messages are of a form that protobuf no longer takes, and made anew."""
    name = "artm.wrapper.messages_pb2"
    if name not in sys.modules:
        spec = importlib.util.find_spec("artm")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("No module named 'artm' (bigartm10)")
        from google.protobuf import descriptor_pool
        from google.protobuf.internal import builder

        file = Path(spec.submodule_search_locations[0]) / "wrapper" / "messages_pb2.py"
        descriptor = descriptor_pool.Default().AddSerializedFile(_serialized(file.read_text()))
        module = types.ModuleType(name)
        builder.BuildMessageAndEnumDescriptors(descriptor, vars(module))
        builder.BuildTopDescriptorsAndMessages(descriptor, name, vars(module))
        sys.modules[name] = module
        import artm

        silent = artm.messages.ConfigureLoggingArgs()
        silent.minloglevel, silent.log_dir = 3, tempfile.gettempdir()
        artm.wrapper.LibArtm(logging_config=silent)  # or there would be files in the folder of now
    import artm

    return artm


def _serialized(text):
    """Return the messages' description from the module that once made them."""
    values = (
        keyword.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "serialized_pb"
    )
    value = next(values)
    constant = value.args[0] if isinstance(value, ast.Call) else value
    return constant.value.encode("latin-1")
